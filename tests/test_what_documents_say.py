"""What the documents tell people to type, open and set is there: commands, options, links, names.

Prose is read as a stranger would use it: what stands in code is typed, what is a link is followed.
Whether a sentence is true is not checked here.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from api.app import FOR_ANYBODY, FOR_CALLERS
from api.problems import status_of
from trunkline.cli.authoring import init
from trunkline.cli.main import app
from trunkline.cli.server import TOKEN_VARIABLE, URL_VARIABLE
from trunkline.manifests import DirectoryTree, load
from trunkline.model import errors
from trunkline.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\b(?:TRUNKLINE|TEMPORAL|ELEVENLABS|TWILIO)_[A-Z][A-Z_]*[A-Z]\b")
PREFIXES = ("TRUNKLINE_SECRET", "TRUNKLINE_GIT_TOKEN")
"""Of variables whose names a user completes."""
PROGRAM = re.compile(
    r"(?:(?:^|\$ |&& |api )\s*trunkline|\bdocker compose run (?:--[a-z]+ )*api) (?=[a-z-])"
)
"""Where the program is called: by its name, or as what a container of the API is told to do."""
GUIDES = Path("docs/guides")
ROUTE = re.compile(r"/(?:v1/(?:webhooks|tools|sign-in)[\w/{}-]*|metrics|readyz|healthz)\b")
NEVER_ANSWERED = {errors.StreamMalformed}
"""Errors that end a WebSocket and are no answer to a request."""
SHELL_ENDS = re.compile(r"\s(?:\||&&|;|#)\s|\s{2,}|\)$")
"""Where a command ends and other words begin: the shell's, or an explanation beside it."""


def documents() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    names = sorted(set(filter(None, listing.stdout.split("\0"))))
    return [Path(name) for name in names if (ROOT / name).is_file()]


def read(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


def typed(text: str) -> Iterator[str]:
    """Every line somebody could type, from fenced blocks and from code between words."""
    for block in FENCED.findall(text):
        yield from block.splitlines()
    for code in INLINE.findall(FENCED.sub("", text)):
        yield " ".join(code.split())


def commands(text: str) -> Iterator[list[str]]:
    """The words after ``trunkline``, wherever that is the program."""
    for line in typed(text):
        for found in PROGRAM.finditer(line.strip()):
            rest = line.strip()[found.end() :]
            yield SHELL_ENDS.split(rest, maxsplit=1)[0].split()


@cache
def parameters() -> dict[tuple[str, ...], set[str]]:
    """The options of every verb and group, by its words; of the program itself by none."""

    def visit(place: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
        yield words, {name for parameter in place.params for name in parameter.opts}
        for verb, inner in getattr(place, "commands", {}).items():
            yield from visit(inner, (*words, verb))

    return dict(visit(typer.main.get_command(app), ()))


def mistakes(words: list[str]) -> Iterator[str]:
    """Verbs and options in a command that the program does not have."""
    known = parameters()
    groups = {verb[:-1] for verb in known if verb}
    place: tuple[str, ...] = ()
    while place in groups and words and not words[0].startswith("-"):
        place, words = (*place, words[0].rstrip(".,:;")), words[1:]
        if place not in known:
            yield f"no verb {' '.join(place)!r}"
            return
    options = known[place] | known[()] | {"--help"}
    for word in words:
        option = word.partition("=")[0].rstrip(".,:;)]")
        if re.fullmatch(r"--?[a-z][a-z-]*", option) and option not in options:
            yield f"{' '.join(place)} has no {option}"


def commands_nobody_can_type() -> list[str]:
    return [
        f"{path}: {mistake}: trunkline {' '.join(words)}"
        for path in documents()
        for words in commands(read(path))
        for mistake in mistakes(words)
    ]


def anchors(text: str) -> set[str]:
    """The anchors GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ +(.*)$", FENCED.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def links_that_lead_nowhere() -> list[str]:
    found = []
    for path in documents():
        for link in LINK.findall(FENCED.sub("", read(path))):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = ROOT / path.parent / target if target else ROOT / path
            if not place.exists():
                found.append(f"{path}: {link}")
            elif anchor and anchor not in anchors(place.read_text("utf-8")):
                found.append(f"{path}: {link}: no such heading")
    return found


def pages_the_index_forgets() -> list[str]:
    index = {*LINK.findall(read(Path("docs/README.md"))), "README.md"}
    return [
        str(path)
        for path in documents()
        if path.parent in {Path("docs"), GUIDES}
        and path.relative_to("docs").as_posix() not in index
    ]


def decisions_out_of_reach() -> list[str]:
    """Numbers of decisions that are mentioned and do not exist."""
    numbers = {path.name[:4] for path in documents() if path.parent.name == "decisions"}
    mentioned = re.compile(r"(?:[Dd]ecisions?|[Rr]eplace[sd](?: by)?) (\d{4})\b")
    return [
        f"{path}: {number}"
        for path in documents()
        for number in mentioned.findall(read(path))
        if number not in numbers
    ]


def variables_nothing_reads() -> list[str]:
    listing = ["git", "grep", "-hoE", "--untracked", VARIABLE.pattern.replace("(?:", "(")]
    rooms = ["trunkline", "docker-compose.yml", "deploy", "simulators", ".env.example"]
    done = subprocess.run(
        [*listing, "--", *rooms], cwd=ROOT, capture_output=True, check=True, text=True
    )
    known = set(done.stdout.split())
    return [
        f"{path}: {name}"
        for path in documents()
        for name in sorted(set(VARIABLE.findall(read(path))))
        if name not in known and not name.startswith(PREFIXES)
    ]


def settings() -> set[str]:
    """Every variable the program reads that an operator sets; OpenTelemetry's own are its own."""
    fields = Settings.model_fields.values()
    aliases = {str(alias) for field in fields if (alias := field.validation_alias)}
    names = {name for alias in aliases for name in re.findall(r"[A-Z][A-Z_]+[A-Z]", alias)}
    return {name for name in names if not name.startswith("OTEL_")} | {URL_VARIABLE, TOKEN_VARIABLE}


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\b[A-Z][A-Z_]+[A-Z]\b", text))


def settings_the_example_forgets() -> list[str]:
    return sorted(settings() - names_in((ROOT / ".env.example").read_text("utf-8")))


def settings_no_table_explains() -> list[str]:
    pages = [read(path) for path in documents() if path.parent == Path("docs")]
    rows = [line for page in pages for line in page.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in names_in(row.split(" | ")[0])}
    return sorted(settings() - explained)


def problems_no_table_explains() -> list[str]:
    """Names of errors that answers have as ``type``, and that the page of the API does not list."""
    known = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in known if issubclass(kind, errors.TrunklineError)]
    leaves = [kind for kind in kinds if not kind.__subclasses__() and kind not in NEVER_ANSWERED]
    answered = [kind for kind in leaves if status_of(kind.__new__(kind)) is not None]
    names = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.reason).lower() for kind in answered}
    rows = [line for line in read(Path("docs/api.md")).splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in INLINE.findall(row.split(" | ")[0])}
    return sorted(names - listed)


def routes_nothing_answers() -> list[str]:
    """Paths that guides tell people to let through or to ask, and that are no route's beginning."""
    rooms = (*FOR_CALLERS, *FOR_ANYBODY)
    known = [str(getattr(route, "path", "")) for room in rooms for route in room.router.routes]
    written = [re.sub(r"\{[^}]*\}", "[^/]+", path) for path in known]
    return [
        f"{path}: {route}"
        for path in documents()
        if path.parent == GUIDES
        for code in typed(read(path))
        for route in ROUTE.findall(code)
        if not any(re.fullmatch(one, route) for one in written)
        and not any(one.startswith(f"{route.rstrip('/')}/") for one in known)
    ]


RULES = (
    commands_nobody_can_type,
    links_that_lead_nowhere,
    pages_the_index_forgets,
    decisions_out_of_reach,
    variables_nothing_reads,
    settings_the_example_forgets,
    settings_no_table_explains,
    problems_no_table_explains,
    routes_nothing_answers,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_documents_have_no(rule: Callable[[], list[str]]) -> None:
    offenders = rule()
    assert offenders == [], "\n" + "\n".join(offenders)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("`trunkline statsu`", "no verb 'statsu'"),
        ("```\n$ trunkline numbers lst -o wide\n```", "no verb 'numbers lst'"),
        ("`trunkline plan --enviroment testing`", "plan has no --enviroment"),
        (
            "```\ntrunkline tokens create ada --forever   the first\n```",
            "tokens create has no --forever",
        ),
        (
            "```\ndocker compose run --rm api tokens make ada\n```",
            "no verb 'tokens make'",
        ),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, mistake: str) -> None:
    assert [found for words in commands(line) for found in mistakes(words)] == [mistake]


def test_commands_are_found_wherever_people_would_copy_them_from() -> None:
    found = list(commands(read(Path("README.md"))))
    for verb in ("status", "plan", "why", "import", "adopt", "doctor", "eject"):
        assert any(words[0] == verb for words in found), verb
    assert anchors("# One\n\n## What `-o json` prints, and why\n") == {
        "one",
        "what--o-json-prints-and-why",
    }


def test_the_settings_are_those_that_are_read() -> None:
    expected = {"DATABASE_URL", "GITHUB_TOKEN", "TRUNKLINE_OIDC_ISSUER", "TRUNKLINE_URL"}
    assert expected <= settings()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in settings()


def test_the_project_of_the_first_guide_is_valid(tmp_path: Path) -> None:
    """What the guide adds to the template, put together in the order it is told."""
    init(tmp_path, "minimal")
    manifest = tmp_path / "trunkline.yaml"
    project = yaml.safe_load(manifest.read_text("utf-8"))
    project["metadata"]["name"] = "acme"
    blocks = FENCED.findall(read(GUIDES / "first-gated-release.md"))
    added = [yaml.safe_load(block)["spec"] for block in blocks if block.startswith("spec:")]
    assert {key for spec in added for key in spec} == {"people", "environments", "signing"}
    for spec in added:
        project["spec"].update(spec)
    manifest.write_text(yaml.safe_dump(project), "utf-8")
    loaded = load(DirectoryTree(tmp_path)).project.manifest.spec
    assert [environment.name for environment in loaded.environments] == ["testing", "production"]
