"""Files made to exhaust a reader are refused early, with a place."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Caches, DirectoryTree, check
from trunkline.manifests.documents import Unreadable, read_documents
from trunkline.model import limits

Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]


def refusal(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        list(read_documents(text))
    return caught.value


def test_aliases_of_aliases_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        again = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{again}]")
    assert "aliases; write the values out" in refusal("\n".join(lines)).message


def test_a_hundred_aliases_are_followed_and_one_more_is_not() -> None:
    def text(count: int) -> str:
        return "a: &a [x]\nb:\n" + "  - *a\n" * count

    assert len(list(read_documents(text(limits.YAML_MAX_ALIASES)))) == 1
    assert "aliases" in refusal(text(limits.YAML_MAX_ALIASES + 1)).message


def test_an_alias_of_what_it_is_in_is_refused() -> None:
    found = refusal("a: &a [*a]\n")
    assert (found.line, found.message) == (1, "an alias leads back to the value it is in")


@pytest.mark.parametrize("depth", [limits.YAML_MAX_DEPTH + 1, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    assert "nested deeper" in refusal("[" * depth + "]" * depth).message


def test_too_many_values_are_refused() -> None:
    text = "a: [" + "1," * limits.YAML_MAX_NODES + "1]\n"
    assert "values" in refusal(text).message


def test_too_many_documents_are_refused() -> None:
    text = "a: 1\n---\n" * (limits.MANIFEST_DOCUMENTS_MAX + 1)
    assert "documents; split it" in refusal(text).message


def test_a_very_long_number_is_refused() -> None:
    document = next(iter(read_documents(f"a: {'9' * 10_000}\n")))
    assert [fault.message for fault in document.faults] == [
        "the number is too long; put it in quotes if it is text"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: \xff\n", "the file is not UTF-8 text"),
        (b"a: \x00\n", "U+0000 is not allowed"),
        (b'a: "\\ud800"\n', "not valid YAML"),
        (b"#" * (limits.MANIFEST_FILE_MAX_BYTES + 1), "a manifest has at most 1048576"),
    ],
    ids=["not UTF-8", "NUL", "half a character", "too large"],
)
def test_bytes_that_are_no_manifest_are_refused(content: bytes, message: str, write: Write) -> None:
    problems = check(write({"bad.yaml": content}), caches=Caches())
    assert [problem.position.file for problem in problems] == ["bad.yaml"]
    assert message in problems[0].message


def test_problems_are_bounded(write: Write) -> None:
    many = "\n---\n".join(
        f"apiVersion: trunkline/v1alpha1\nkind: Agent\nmetadata: {{ name: a{n} }}\n"
        "spec: { a: 1, b: 2, c: 3 }"
        for n in range(limits.PROBLEMS_MAX // 2)
    )
    assert len(check(write({"many.yaml": many}), caches=Caches())) == limits.PROBLEMS_MAX
