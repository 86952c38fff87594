"""One commit as a tree of files, read from a local copy without checking anything out.

The listing is one command; contents come one by one from one long-lived process, so that reading
20,000 files starts two processes. Symbolic links and submodules are listed and never followed.
"""

import select
import subprocess
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from trunkline.adapters.git.commands import GitBounds, GitCommands, GitFailed, kill
from trunkline.model.errors import CommitUnreadable, NotFound, SourceUnreachable
from trunkline.model.ids import Revision
from trunkline.model.limits import TREE_MAX_FILES

_REGULAR = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True)
class _Blob:
    object_id: str
    size: int


class CommitTree:
    """The files of ``revision``, or of its folder ``below``. Use as a context manager: it holds a
    process.

    Raises CommitUnreadable if an object is missing or damaged, SourceUnreachable if there are
    more files than a commit may hold.
    """

    def __init__(
        self, commands: GitCommands, revision: Revision, bounds: GitBounds, *, below: str = ""
    ) -> None:
        self._commands = commands
        self._revision = revision
        self._bounds = bounds
        self._blobs: dict[str, _Blob] = {}
        self._links: set[str] = set()
        self._reader: subprocess.Popen[bytes] | None = None
        for mode, blob, path in self._listing(below):
            if mode in _REGULAR:
                self._blobs[path] = blob
            else:
                self._links.add(path)
            if len(self._blobs) + len(self._links) > TREE_MAX_FILES:
                raise SourceUnreachable(
                    f"commit {revision} holds more than {TREE_MAX_FILES} files",
                    hint="Keep manifests in a repository of their own.",
                )

    @property
    def revision(self) -> Revision:
        """The commit."""
        return self._revision

    def paths(self) -> Sequence[str]:
        """All regular files, sorted."""
        return sorted(self._blobs)

    def links(self) -> AbstractSet[str]:
        """Symbolic links and submodules."""
        return frozenset(self._links)

    def identity(self, path: str) -> str:
        """The blob's id."""
        return self._blob(path).object_id

    def size(self, path: str) -> int:
        """Bytes of the file."""
        return self._blob(path).size

    def read(self, path: str) -> bytes:
        """The file's bytes."""
        blob = self._blob(path)
        if self._reader is None:
            self._reader = self._commands.start(("cat-file", "--batch"))
        content = _read(self._reader, blob, self._bounds.read_timeout_s)
        if content is None:
            self.close()
            raise CommitUnreadable(f"{path} cannot be read from commit {self._revision}")
        return content

    def close(self) -> None:
        """End the process."""
        if self._reader is not None:
            kill(self._reader)
            self._reader.communicate()
            self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _blob(self, path: str) -> _Blob:
        if path not in self._blobs:
            raise NotFound(f"commit {self._revision} has no file {path}")
        return self._blobs[path]

    def _listing(self, below: str) -> Iterator[tuple[str, _Blob, str]]:
        """Mode, object and path of every entry: ``<mode> <type> <id> <size>\\t<path>\\0``."""
        try:
            output = self._commands.run(
                (
                    "ls-tree",
                    "-r",
                    "-l",
                    "-z",
                    "--full-tree",
                    self._revision,
                    *([below] * bool(below)),
                ),
                timeout_s=self._bounds.read_timeout_s,
            )
        except GitFailed as error:
            raise CommitUnreadable(f"commit {self._revision} cannot be read: {error}") from error
        for line in output.split(b"\0"):
            if line:
                facts, _, path = line.partition(b"\t")
                mode, _, object_id, size = facts.decode("ascii").split()
                length = int(size) if size.isdigit() else 0
                yield mode, _Blob(object_id, length), path.decode("utf-8", "backslashreplace")


def _read(reader: "subprocess.Popen[bytes]", blob: _Blob, timeout_s: float) -> bytes | None:
    """The content, or None if Git does not give exactly that many bytes.

    Only the wait for the answer's first line is bounded: Git looks the object up before it, and
    has it all in hand after it.
    """
    if reader.stdin is None or reader.stdout is None:
        return None
    answer = select.poll()
    answer.register(reader.stdout, select.POLLIN)
    try:
        reader.stdin.write(blob.object_id.encode("ascii") + b"\n")
        reader.stdin.flush()
        if not answer.poll(timeout_s * 1000):
            return None
        if reader.stdout.readline() != f"{blob.object_id} blob {blob.size}\n".encode("ascii"):
            return None
        content = reader.stdout.read(blob.size + 1)
    except OSError:
        return None
    return content[:-1] if len(content) == blob.size + 1 else None
