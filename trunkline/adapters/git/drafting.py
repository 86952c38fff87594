"""A commit and a tag of ours, made in the copy without checking anything out.

They are objects only: no ref of the copy points at them, and whether anybody ever sees them is
decided by a push. Knows paths and texts, nothing of what they mean.
"""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from trunkline.adapters.git.commands import GitCommands
from trunkline.adapters.git.objects import GitObjects
from trunkline.adapters.git.own_signatures import signed_commit, signed_tag
from trunkline.adapters.git.seed import Author
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision
from trunkline.model.signatures import OWN_EMAIL
from trunkline.ports.releasing import EvidenceKeys

COMMITTER = Author("Trunkline", OWN_EMAIL)
"""Who commits and tags for the person that asked; nobody can ever have the address."""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_CRUD = " .,:;<>\"'\\"
"""What Git cuts off both ends of a name."""
_GONE = "0" * 40
_SCISSORS = re.compile(r"^(?=# -+ >8 -+[ \t]*$)", re.MULTILINE)
"""A line at which Git ends a message: a trailer above it would count, and ours below it not."""


class Draft:
    """One commit on ``base``, with an index of its own; signed if ``keys`` are given. Raises
    CommitUnreadable.
    """

    def __init__(
        self,
        commands: GitCommands,
        base: Revision,
        *,
        timeout_s: float,
        keys: EvidenceKeys | None = None,
    ) -> None:
        self._objects = GitObjects(commands, timeout_s=timeout_s)
        self._base = base
        self._keys = keys

    def commit(
        self, edits: Mapping[str, str | None], *, message: str, author: tuple[str, str]
    ) -> Revision:
        """The commit that writes (None: deletes) files. Raises InvalidInput for a path that is
        none or not a file's, and if nothing would change.
        """
        entries = self._entries(edits)
        with TemporaryDirectory(prefix="trunkline-draft-") as folder:
            tree = self._tree(Path(folder), entries)
        if tree == self._objects.output("rev-parse", f"{self._base}^{{tree}}").decode().strip():
            raise InvalidInput("the edits change nothing, so there is nothing to commit")
        made = self._run(
            ("commit-tree", tree, "-p", self._base, "-F", "-"),
            stdin=_message(message),
            extra=_people(_author(*author)),
        )
        if self._keys is not None:
            [content] = self._objects.contents([made], "commit")
            signed = signed_commit(content, self._keys)
            made = self._run(("hash-object", "-t", "commit", "-w", "--stdin"), stdin=signed)
        return Revision(made)

    def tag(self, name: str, revision: Revision, message: str) -> str:
        """The annotated tag's object id."""
        lines = (
            f"object {revision}",
            "type commit",
            f"tag {name}",
            f"tagger {COMMITTER.name} <{COMMITTER.email}> {int(time.time())} +0000",
        )
        content = "\n".join((*lines, "", "")).encode() + _message(message)
        if self._keys is not None:
            content = signed_tag(content, self._keys)
        return self._run(("mktag",), stdin=content)

    def _entries(self, edits: Mapping[str, str | None]) -> list[str]:
        """Lines for the index: mode, object and path of every edit."""
        known = self._known(sorted(edits))
        entries = []
        for path, text in edits.items():
            for folder in _above(path):
                if known.get(folder, "040000") != "040000":
                    raise InvalidInput(f"{path} cannot be written: {folder} is not a folder")
            if known.get(path) == "040000":
                raise InvalidInput(f"{path} cannot be written: it is a folder")
            if text is None:
                entries.append(f"0 {_GONE}\t{path}")
                continue
            blob = self._run(("hash-object", "-w", "--no-filters", "--stdin"), stdin=_encoded(text))
            mode = "100755" if known.get(path) == "100755" else "100644"
            entries.append(f"{mode} {blob}\t{path}")
        return entries

    def _known(self, paths: Sequence[str]) -> dict[str, str]:
        """Modes of what is there now, of the paths and of every folder above them."""
        wanted: set[str] = set()
        for path in paths:
            parts = path.split("/")
            if _FORBIDDEN.search(path) or any(
                part in {"", ".", ".."} or part.casefold() == ".git" for part in parts
            ):
                raise InvalidInput(f"{path!r} is not a path inside the repository")
            wanted.update((path, *_above(path)))
        if not wanted:
            raise InvalidInput("a commit without edits was asked for")
        listing = ("ls-tree", "-z", "--full-tree", self._base)
        output = self._objects.output(*listing, "--", *sorted(wanted))
        modes = {}
        for line in output.split(b"\0"):
            facts, _, name = line.partition(b"\t")
            modes[name.decode("utf-8", "backslashreplace")] = facts[:6].decode("ascii")
        return modes

    def _tree(self, folder: Path, entries: Sequence[str]) -> str:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        self._run(("read-tree", self._base), extra=index)
        stdin = "".join(f"{entry}\0" for entry in entries).encode()
        self._run(("update-index", "-z", "--index-info"), stdin=stdin, extra=index)
        return self._run(("write-tree",), extra=index)

    def _run(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> str:
        output = self._objects.output(*arguments, stdin=stdin, extra=extra)
        return output.decode("ascii", "replace").strip()


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _message(text: str) -> bytes:
    return _encoded(_SCISSORS.sub(" ", text.replace("\0", "")).rstrip("\n") + "\n")


def _author(name: str, email: str) -> Author:
    """The person as Git takes one; whoever has no usable name goes by the address."""
    clean = [
        _FORBIDDEN.sub(" ", re.sub("[<>]", "", part)).encode("utf-8", "replace").decode()
        for part in (name, email)
    ]
    address = clean[1].strip(_CRUD) or COMMITTER.email
    return Author(clean[0].strip(_CRUD) or address, address)


def _people(author: Author) -> dict[str, str]:
    """The same moment for both, whatever the machine's clock is set to show."""
    now = f"{int(time.time())} +0000"
    people = {"GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now}
    for role, person in (("AUTHOR", author), ("COMMITTER", COMMITTER)):
        people[f"GIT_{role}_NAME"] = person.name
        people[f"GIT_{role}_EMAIL"] = person.email
    return people
