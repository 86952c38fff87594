"""Every validation rule has one failing example, reported at exactly one place.

The examples stand in ``broken_examples.txt``: a rule's name, the file it is broken in, what must
be said, what was probably meant, and the file's text, in which ``§`` marks the place.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from trunkline.manifests import Caches, DirectoryTree, check
from trunkline.model.limits import MANIFEST_FILE_MAX_BYTES, PROMPT_MAX_CHARACTERS

Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]

HEAD = "apiVersion: trunkline/v1alpha1\n"
LONG_PROMPT = "{LONG PROMPT}"


class Example(NamedTuple):
    """A rule, the file that breaks it, and what must be said at the mark."""

    rule: str
    file: str
    says: str
    meant: str
    text: str


def examples() -> Iterator[Example]:
    source = Path(__file__).with_name("broken_examples.txt").read_text(encoding="utf-8")
    for block in source.split("=== ")[1:]:
        head, _, text = block.partition("\n\n")
        rule, *lines = head.split("\n")
        said = dict(line.split(": ", 1) for line in lines)
        long = text.replace(LONG_PROMPT, "x" * (PROMPT_MAX_CHARACTERS + 1))
        yield Example(rule, said["file"], said["says"], said.get("meant", ""), long)


EXAMPLES = list(examples())


def marked(text: str) -> tuple[str, int, int]:
    before, _, after = text.partition("§")
    return before + after, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_rule_is_reported_at_its_place(example: Example, write: Write) -> None:
    assert example.text.count("§") == 1
    text, line, column = marked(example.text)
    problems = check(write({example.file: text}), caches=Caches())
    here = [p for p in problems if p.position.file == example.file]
    assert [(p.position.line, p.position.column) for p in here] == [(line, column)], problems
    assert example.says in here[0].message
    assert here[0].suggestion == example.meant


def test_every_rule_has_a_name_of_its_own() -> None:
    rules = [example.rule for example in EXAMPLES]
    assert len(set(rules)) == len(rules) >= 300


def test_all_problems_of_a_tree_come_at_once_and_in_order(write: Write) -> None:
    files = {
        "b.yaml": f"{HEAD}kind: Agent\nmetadata: {{ name: b }}\n"
        "spec:\n  lifecycle: x\n  language: x y",
        "a.yaml": f"{HEAD}kind: Tool\nmetadata: {{ name: a }}\nspec: {{}}\n",
    }
    problems = check(write(files), caches=Caches())
    places = [(p.position.file, p.position.line) for p in problems]
    assert places == [("a.yaml", 4), ("a.yaml", 4), ("a.yaml", 4), ("b.yaml", 5), ("b.yaml", 6)]


def test_problem_prints_as_people_click_on_it(write: Write) -> None:
    text = f"{HEAD}kind: Agent\nmetadata: {{ name: b }}\nspec: {{ persona: hosst }}\n"
    problems = check(write({"b.yaml": text}), caches=Caches())
    assert [str(p) for p in problems] == [
        "b.yaml:4:18: there is no persona `hosst` (did you mean host?)"
    ]


def test_one_slip_is_one_problem_even_if_others_name_the_document(write: Write) -> None:
    traits = "{ temper: 0, chattiness: 0, attachment: 0 }"
    broken = f"{HEAD}kind: Persona\nmetadata: {{ nme: host }}\nspec: {{ traits: {traits} }}\n"
    problems = check(write({"personas.yaml": broken}), caches=Caches())
    assert [str(p) for p in problems] == [
        "personas.yaml:3:13: unknown key `nme` in metadata (did you mean name?)"
    ]


def test_a_broken_project_does_not_make_every_environment_unknown(write: Write) -> None:
    broken = f"{HEAD}kind: Project\nmetadata: {{ name: acme }}\nspec: {{ enviroments: [] }}\n"
    problems = check(write({"trunkline.yaml": broken}), caches=Caches())
    assert [str(p) for p in problems] == [
        "trunkline.yaml:4:9: unknown key `enviroments` in spec (did you mean environments?)"
    ]


@pytest.mark.parametrize("file", ["tools.yaml", "trunkline.yaml", "personas.yaml", "numbers.yaml"])
@pytest.mark.parametrize(
    "content", [b"a: [", b"\xff\xfe", b"#" * (MANIFEST_FILE_MAX_BYTES + 1)], ids=lambda c: c[:4]
)
def test_a_file_nobody_can_read_is_one_problem(file: str, content: bytes, write: Write) -> None:
    problems = check(write({file: content}), caches=Caches())
    assert [problem.position.file for problem in problems] == [file]


def test_a_slip_is_still_found_beside_a_file_nobody_can_read(write: Write) -> None:
    agent = f"{HEAD}kind: Agent\nmetadata: {{ name: b }}\nspec: {{ persona: hosst, tools: [t] }}\n"
    problems = check(write({"b.yaml": agent, "tools.yaml": "a: ["}), caches=Caches())
    assert [(p.position.file, p.suggestion) for p in problems] == [
        ("b.yaml", "host"),
        ("tools.yaml", ""),
    ]
