"""The local stack's own repository: made from a folder, and changed by commits.

It stands where a Git server stands in earnest, so only commits and a branch are made here; what
is in the files is not looked at.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from trunkline.adapters.git.addresses import checked_branch
from trunkline.adapters.git.commands import GitCommands, GitFailed, write_configuration
from trunkline.model.errors import InvalidInput, SourceError, SourceUnreachable
from trunkline.model.ids import Revision

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by."""

    name: str
    email: str


LOCAL_AUTHOR = Author("Trunkline", "author@example.com")


def seed(
    bare: Path,
    folder: Path,
    *,
    branch: str = "main",
    author: Author = LOCAL_AUTHOR,
    message: str = "Describe our agents",
) -> Revision:
    """Make a bare repository whose branch holds the folder's files; answers its tip.

    A branch that is there already is left as it is. Raises SourceUnreachable.
    """
    checked_branch(branch)
    bare.parent.mkdir(parents=True, exist_ok=True)
    with _workplace(bare, bare.parent) as place:
        if not (bare / "HEAD").is_file():
            place.make_repository(branch)
        tip = place.tip(branch)
        if tip is not None:
            return tip
        place.import_folder(folder, branch, author, message)
        return Revision(place.git("rev-parse", "--verify", f"refs/heads/{branch}"))


def commit(
    bare: Path,
    edits: Mapping[str, str | None],
    *,
    message: str,
    branch: str = "main",
    author: Author = LOCAL_AUTHOR,
) -> Revision:
    """Add a commit to the branch; answers it.

    ``edits`` maps a path to its new text, or to None to delete the file. Raises InvalidInput for
    a path outside the repository, SourceUnreachable if the branch moved meanwhile.
    """
    checked_branch(branch)
    with TemporaryDirectory(prefix="trunkline-edits-") as edited, _workplace(bare, edited) as place:
        tip = place.tip(branch)
        if tip is not None:
            place.git("read-tree", tip)
        gone = [path for path, text in edits.items() if text is None]
        written = {path: text for path, text in edits.items() if text is not None}
        for path, text in written.items():
            _write(Path(edited), path, text)
        place.stage(("--force-remove",), gone)
        place.stage(("--add", "--replace"), list(written))
        return place.commit(branch, tip, author, message)


def _files_of(folder: Path) -> list[Path]:
    """Files and symbolic links; Git's own folders are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if (path.is_symlink() or path.is_file()) and ".git" not in path.relative_to(folder).parts
    )


def _mode(path: Path) -> str:
    if path.is_symlink():
        return "120000"
    return "100755" if os.access(path, os.X_OK) else "100644"


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _write(folder: Path, path: str, text: str) -> None:
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()) or ".git" in target.parts:
        raise InvalidInput(f"{path} is not inside the repository")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


class _Workplace:
    """A folder of files and an index of our own, for one commit to a bare repository."""

    def __init__(self, bare: Path, files: Path, home: Path) -> None:
        write_configuration(home)
        self._bare = bare.resolve()
        self._commands = GitCommands(self._bare, home=home, allow_local=True)
        self._places = {
            "GIT_WORK_TREE": str(files.resolve()),
            "GIT_INDEX_FILE": str(home / "index"),
        }

    def make_repository(self, branch: str) -> None:
        """An empty bare one; Git refuses to make one while it is told of a work tree."""
        self._run(
            (
                "init",
                "--quiet",
                "--bare",
                "--template=",
                f"--initial-branch={branch}",
                str(self._bare),
            ),
            {},
        )

    def git(self, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        """Run one command on files and index. Raises SourceUnreachable with Git's words."""
        return self._run(arguments, {**self._places, **(extra or {})})

    def _run(
        self, arguments: Sequence[str], extra: Mapping[str, str], stdin: bytes | None = None
    ) -> str:
        try:
            output = self._commands.run(arguments, timeout_s=_TIMEOUT_S, stdin=stdin, extra=extra)
        except GitFailed as error:
            raise SourceUnreachable(f"git {arguments[0]} failed: {error.words}") from error
        return output.decode("utf-8", "replace").strip()

    def tip(self, branch: str) -> Revision | None:
        """Where the branch is, or None."""
        try:
            return Revision(self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"))
        except SourceError:
            return None

    def import_folder(self, folder: Path, branch: str, author: Author, message: str) -> None:
        """A first commit of the folder's files, byte for byte, in one pack."""
        person = f"{author.name} <{author.email}> {int(time.time())} +0000"
        stream = [
            f"commit refs/heads/{branch}\nauthor {person}\ncommitter {person}\n".encode(),
            _data(message.encode()),
        ]
        for path in _files_of(folder):
            name = str(path.relative_to(folder)).replace("\\", "\\\\").replace('"', '\\"')
            name = name.replace("\n", "\\n")
            stream.append(f'M {_mode(path)} inline "{name}"\n'.encode())
            stream.append(
                _data(os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes())
            )
        self._run(("fast-import", "--quiet", "--done"), {}, b"".join([*stream, b"done\n"]))

    def stage(self, options: Sequence[str], paths: Sequence[str]) -> None:
        """Bring the index up to date with some files, whatever the others are."""
        stdin = "".join(f"{path}\0" for path in paths).encode()
        self._run(("update-index", *options, "-z", "--stdin"), self._places, stdin)

    def commit(
        self, branch: str, parent: Revision | None, author: Author, message: str
    ) -> Revision:
        """Commit what is staged; the branch moves only if it is still where it was."""
        tree = self.git("write-tree")
        people = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author.name), ("EMAIL", author.email))
        }
        parents = ("-p", parent) if parent else ()
        made = self.git("commit-tree", tree, *parents, "-m", message, extra=people)
        self.git("update-ref", f"refs/heads/{branch}", made, parent or "0" * 40)
        return Revision(made)


@contextmanager
def _workplace(bare: Path, files: Path | str) -> Iterator[_Workplace]:
    with TemporaryDirectory(prefix="trunkline-seed-") as home:
        yield _Workplace(bare, Path(files), Path(home))
