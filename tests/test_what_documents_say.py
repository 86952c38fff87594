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

from trunkline.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\b(?:TRUNKLINE|TEMPORAL|ELEVENLABS|TWILIO)_[A-Z][A-Z_]*[A-Z]\b")
PREFIXES = ("TRUNKLINE_SECRET", "TRUNKLINE_GIT_TOKEN")
"""Of variables whose names a user completes."""
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
        for found in re.finditer(r"(?:^|\$ |&& |api )\s*trunkline (?=[a-z-])", line.strip()):
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
    index = set(LINK.findall(read(Path("docs/README.md"))))
    return [
        str(path)
        for path in documents()
        if path.parent == Path("docs") and path.name not in {*index, "README.md"}
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


RULES = (
    commands_nobody_can_type,
    links_that_lead_nowhere,
    pages_the_index_forgets,
    decisions_out_of_reach,
    variables_nothing_reads,
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
