"""What is shipped, read the way Docker and Compose read it."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, with its lines joined."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The arguments of COPY and its like, without options."""
        return [word for word in shlex.split(self.rest) if not word.startswith("--")]


@dataclass
class Stage:
    """What happens from one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        """Every instruction of a kind."""
        return [each for each in self.instructions if each.word == word]

    def settings(self) -> dict[str, str]:
        """What ENV sets."""
        pairs = (pair for each in self.all("ENV") for pair in shlex.split(each.rest))
        return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def stages() -> list[Stage]:
    """The Dockerfile's stages, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    defaults: dict[str, str] = {}
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        word, _, rest = line.partition(" ")
        if word == "ARG" and not found:
            name, _, value = rest.partition("=")
            defaults[name] = value
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(re.sub(r"\$\{(\w+)\}", lambda m: defaults[m[1]], base), name))
        else:
            found[-1].instructions.append(Instruction(word, rest.strip()))
    return found


class Compose:
    """docker-compose.yml with an environment put in, as ``docker compose config`` shows it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.text = (ROOT / "docker-compose.yml").read_text("utf-8")
        self.document: dict[str, Any] = _filled(yaml.safe_load(self.text), environment)
        self.services: dict[str, dict[str, Any]] = self.document["services"]

    @property
    def ours(self) -> list[str]:
        """Services that run our image."""
        return [name for name, service in self.services.items() if "build" in service]

    def order(self) -> list[str]:
        """Services in the order of ``depends_on``; a circle is an error."""
        found: list[str] = []

        def visit(name: str, waiting: tuple[str, ...]) -> None:
            assert name not in waiting, f"{name} waits for itself"
            for before in self.services[name].get("depends_on", {}):
                visit(before, (*waiting, name))
            if name not in found:
                found.append(name)

        for name in self.services:
            visit(name, ())
        return found


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        return environment.get(found["name"]) or found["default"] or ""

    return _VARIABLE.sub(fill, value)


@pytest.fixture(scope="session")
def compose() -> Compose:
    """The file with nothing set."""
    return Compose({})


@pytest.fixture(scope="session")
def compose_with() -> type[Compose]:
    """The file with settings of a test."""
    return Compose


@pytest.fixture(scope="session")
def example() -> dict[str, str]:
    """``.env.example`` as Compose reads it."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
