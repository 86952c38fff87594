"""Which names a file had before: a rename takes whoever wrote it along, however often it happens.

Asked only of commits that brought a file in, because comparing all files of a commit costs. Git
stops comparing without a word where a commit moves too many files, so that is counted here: what
was not compared is not taken for new. A copy is followed if it is one exactly, or if the original
was changed or removed in the same commit; whoever writes more than that wrote it themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.adapters.git.objects import LITERAL_PATHS, GitObjects

_COMPARED_MAX: Final = 1_000
"""Git compares as many files with as many others as this squared, and no more."""
_RAW: Final = ("diff-tree", "--stdin", "-r", "--root", "--raw", "-z", "--no-abbrev")
_ALIKE: Final = ("-m", "-M50%", "-C50%", f"-l{_COMPARED_MAX}", "--no-rename-empty")
_EQUAL: Final = ("-m", "-C100%", "--find-copies-harder", "--no-rename-empty", "--diff-filter=CR")


class TooManyFiles(Exception):
    """A commit moves more files than can be compared with one another."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One file of one commit: ``letters`` say how it differs from each parent that was asked."""

    commit: str
    letters: str
    source: str
    path: str


def former_names(objects: GitObjects, commits: Sequence[str], paths: Sequence[str]) -> set[str]:
    """Paths that became one of ``paths``, or of what lies below them, in one of the commits.

    Raises TooManyFiles.
    """
    added = _added(objects, commits, paths)
    if not added:
        return set()
    changes = _changes(objects, sorted({commit for commit, _ in added}), _ALIKE)
    found = {(each.commit, each.path): each.source for each in changes if each.source}
    unknown = added - found.keys()
    for commit in {commit for commit, _ in unknown}:
        _all_compared(commit, [each for each in changes if each.commit == commit])
    copies = _changes(objects, sorted({commit for commit, _ in unknown}), _EQUAL)
    found.update({(each.commit, each.path): each.source for each in copies})
    return {source for place, source in found.items() if place in added}


def _added(
    objects: GitObjects, commits: Sequence[str], paths: Sequence[str]
) -> set[tuple[str, str]]:
    """Commits and the paths that none of their parents had."""
    changes = _changes(objects, commits, ("-c", "--no-renames"), paths)
    return {(each.commit, each.path) for each in changes if set(each.letters) == {"A"}}


def _all_compared(commit: str, changes: Sequence[_Change]) -> None:
    brought = sum(each.letters[0] in "ACR" for each in changes)
    sources = sum(each.letters[0] in "DMR" for each in changes)
    if brought * sources > _COMPARED_MAX**2:
        raise TooManyFiles(f"more files than can be compared, all in commit {commit[:12]},")


def _changes(
    objects: GitObjects, commits: Sequence[str], options: Sequence[str], paths: Sequence[str] = ()
) -> list[_Change]:
    if not commits:
        return []
    output = objects.output(
        *(*_RAW, *options, "--end-of-options", "--", *paths),
        stdin="".join(f"{commit}\n" for commit in commits).encode(),
        extra=LITERAL_PATHS,
    )
    return list(_parsed(output))


def _parsed(output: bytes) -> Iterator[_Change]:
    """``<commit>\\0``, then ``:<modes> <ids> <letters>\\0`` with a path, or two after a rename."""
    commit, fields = "", iter(output.split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            commit = field.decode("ascii", "replace").strip() or commit
            continue
        letters = field.rsplit(b" ", 1)[1].decode("ascii", "replace").strip("0123456789")
        source = _path(next(fields, b"")) if letters[0] in "RC" else ""
        yield _Change(commit, letters, source, _path(next(fields, b"")))


def _path(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
