"""The files of a new manifests repository: small, valid, and worth keeping.

Nothing is written here; whoever asks decides where the files go and what to do about files that
are already there.
"""

import re
from pathlib import Path

from trunkline.manifests.documents import read_documents
from trunkline.manifests.round_trips import with_value
from trunkline.manifests.schemas import (
    COMBINED_SCHEMA,
    FRAGMENT_SCHEMA,
    SCHEMA_FOLDER,
    combined_schema,
    fragment_schema,
)
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import NAME_PATTERN

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_TEMPLATE = "front-desk"
ABOUT = "about.txt"
"""What a template is, in a sentence; not written into the repository."""

SHARED_FOLDERS = ("tools", "knowledge", "personas")
"""Where a template keeps what its agents name."""
_PLACEHOLDER = "template"
_SHARED = "shared"
_PROJECT = "@PROJECT@"
_RENAMED = {"gitignore": ".gitignore"}
"""A file that would have an effect on our own repository under its real name."""


def templates() -> dict[str, str]:
    """Every template by name, with its sentence."""
    return {
        folder.name: (folder / ABOUT).read_text(encoding="utf-8").strip()
        for folder in sorted(TEMPLATES.iterdir())
        if (folder / ABOUT).is_file()
    }


def new_repository(project: str, template: str = DEFAULT_TEMPLATE) -> dict[str, str]:
    """Path to text of every file of a new repository.

    Raises InvalidInput if ``project`` is not a DNS label or there is no such template.
    """
    if re.match(NAME_PATTERN, project) is None or project.endswith("\n"):
        raise InvalidInput(
            f'"{project}" cannot be a project\'s name',
            hint="Use lower-case letters, digits and dashes, such as acme.",
        )
    known = templates()
    if template not in known:
        raise InvalidInput(
            f"There is no template {template!r}",
            hint=f"There are {', '.join(known)}: trunkline init --list-templates",
        )
    files = {
        **_files(TEMPLATES / _SHARED, project),
        **_files(TEMPLATES / template, project),
        f"{SCHEMA_FOLDER}/{COMBINED_SCHEMA}": combined_schema(),
        f"{SCHEMA_FOLDER}/{FRAGMENT_SCHEMA}": fragment_schema(),
    }
    return dict(sorted(files.items()))


def new_agent(name: str, template: str) -> dict[str, str]:
    """Path to text of what a template has around its first agent, called ``name``: the agent with
    its prompt and tests, and the tools, documents and personas it names.

    Raises InvalidInput for a template there is none of.
    """
    files = new_repository(_PLACEHOLDER, template)
    found = sorted(path for path in files if path.endswith("/agent.yaml"))
    folder = found[0].removesuffix("agent.yaml")
    made: dict[str, str] = {}
    for path, text in files.items():
        if path.startswith(folder):
            shown = text
            if path.endswith(".yaml"):
                is_test = "kind: ConversationTest" in text
                place = ("spec", "agent") if is_test else ("metadata", "name")
                shown = with_value(text, 0, place, name)
            made[f"agents/{name}/{path.removeprefix(folder)}"] = shown
        elif path.split("/")[0] in SHARED_FOLDERS:
            made[path] = text
    return made


def _files(folder: Path, project: str) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != ABOUT:
            text = path.read_text(encoding="utf-8")
            shown = _as_text(project) if path.suffix == ".yaml" else project
            found[_RENAMED.get(name, name)] = text.replace(_PROJECT, shown)
    return found


def _as_text(name: str) -> str:
    """The name as YAML, in quotes where it would be read as a number, a truth or nothing."""
    read = [document.value for document in read_documents(name)]
    return name if read == [name] else f'"{name}"'
