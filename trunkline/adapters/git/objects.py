"""What lies in the copy: any command's output, and whole objects as Git keeps them.

Whoever reads a commit or a tag byte for byte cannot be misled by what somebody wrote into it: sizes
come from Git, and no separator has to be trusted.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from trunkline.adapters.git.commands import GitCommands, GitFailed
from trunkline.model.errors import CommitUnreadable, SourceUnreachable

LITERAL_PATHS = {"GIT_LITERAL_PATHSPECS": "1"}
"""No path of the command is a pattern."""

_MOMENT = re.compile(rb"> (\d{1,12}) [+-]\d{4}$")


class GitObjects:
    """Commands with a deadline, after which they raise SourceUnreachable: a slow machine is no
    damage. Everything else that goes wrong raises CommitUnreadable.
    """

    def __init__(self, commands: GitCommands, *, timeout_s: float) -> None:
        self._commands = commands
        self._timeout_s = timeout_s

    def output(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """What a command wrote, with ``extra`` variables."""
        try:
            return self._commands.run(
                arguments, timeout_s=self._timeout_s, stdin=stdin, extra=extra
            )
        except GitFailed as error:
            if error.timed_out:
                raise SourceUnreachable(f"reading the copy took too long: {error}") from error
            raise CommitUnreadable(f"the repository cannot be read: {error}") from error

    def contents(self, object_ids: Sequence[str], kind: str) -> list[bytes]:
        """The objects' bytes in their order, all of one kind: ``commit``, ``tag`` or ``blob``."""
        if not object_ids:
            return []
        output = self.output("cat-file", "--batch", stdin=_lines(object_ids))
        start, found = 0, []
        for object_id in object_ids:
            end = output.find(b"\n", start)
            facts = output[start : max(end, start)]
            if not facts.startswith(f"{object_id} {kind} ".encode()):
                raise CommitUnreadable(f"{kind} {object_id} cannot be read")
            size = int(facts.rsplit(b" ", 1)[1])
            found.append(output[end + 1 : end + 1 + size])
            start = end + size + 2
        return found

    def sizes(self, object_ids: Sequence[str]) -> list[int]:
        """Bytes of each object, in their order."""
        if not object_ids:
            return []
        form = "--batch-check=%(objectname) %(objectsize)"
        lines = self.output("cat-file", form, stdin=_lines(object_ids)).splitlines()
        sizes = [line.rpartition(b" ")[2] for line in lines]
        if len(sizes) != len(object_ids) or not all(size.isdigit() for size in sizes):
            raise CommitUnreadable("the repository lacks objects")
        return [int(size) for size in sizes]


def split(content: bytes) -> tuple[dict[str, bytes], bytes]:
    """Headers of a commit or tag, the first of each name, and the message."""
    head, _, message = content.partition(b"\n\n")
    headers: dict[str, bytes] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name:
            headers.setdefault(name.decode("ascii", "replace"), value)
    return headers, message


def moment(identity: bytes) -> datetime | None:
    """When a person of a commit or tag did it, or None if that is not to be told."""
    match = _MOMENT.search(identity)
    try:
        return datetime.fromtimestamp(int(match[1]), tz=UTC) if match else None
    except (OverflowError, OSError, ValueError):
        return None


def _lines(words: Sequence[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()
