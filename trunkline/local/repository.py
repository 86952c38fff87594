"""The local stack's manifests repository: a bare one that is watched, and a clone to edit.

The clone is an ordinary one, for people: edit, commit, push. Commits made here carry an author of
their own, so that nothing depends on how Git is set up on the machine. Knows Git and folders, and
nothing of what manifests mean.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from trunkline.adapters.git import Author, seed
from trunkline.model.errors import InvalidSettings

BRANCH = "main"
_AUTHOR = Author("Author", "author@example.com")
"""One of the sample company's people."""
_GIT_TIMEOUT_S = 60.0
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": _AUTHOR.name,
    "GIT_AUTHOR_EMAIL": _AUTHOR.email,
    "GIT_COMMITTER_NAME": _AUTHOR.name,
    "GIT_COMMITTER_EMAIL": _AUTHOR.email,
}


class LocalRepository:
    """``manifests.git`` (bare) and ``manifests`` (its clone) in the home of a local stack."""

    def __init__(self, home: Path) -> None:
        self.bare = home / "manifests.git"
        self.clone = home / "manifests"

    def create(
        self, folder: Path, *, seeded: bool, texts: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        """Make both from a folder unless they are there; without ``seeded`` nothing is pushed.

        ``texts`` is asked for files to be written otherwise than they are in the folder. Raises
        InvalidSettings if the folder cannot be used.
        """
        if self.clone.exists():
            return
        if not folder.is_dir():
            raise InvalidSettings(
                f"{folder} is no folder of manifests", hint="name one: --manifests PATH"
            )
        changed = texts()
        if seeded:
            with _changed_copy(folder, changed) as copied:
                seed(self.bare, copied, branch=BRANCH, author=_AUTHOR)
        elif not self.bare.exists():
            _git(folder, "init", "--quiet", "--bare", f"-b{BRANCH}", str(self.bare))
        incomplete = self.clone.with_name("manifests.incomplete")
        shutil.rmtree(incomplete, ignore_errors=True)
        _git(self.bare, "clone", "--quiet", str(self.bare), str(incomplete))
        _git(incomplete, "config", "user.name", _AUTHOR.name)
        _git(incomplete, "config", "user.email", _AUTHOR.email)
        if not seeded:
            left_out = shutil.ignore_patterns(".git")
            shutil.copytree(folder, incomplete, ignore=left_out, dirs_exist_ok=True)
            _write(incomplete, changed)
        incomplete.rename(self.clone)

    def push(self, subject: str) -> str:
        """Commit everything that changed in the clone and push it; answers the commit id."""
        _git(self.clone, "add", "--all")
        _git(self.clone, "commit", "--quiet", "--message", subject)
        _git(self.clone, "push", "--quiet", "origin", BRANCH)
        return self.git("rev-parse", "HEAD")

    def pull(self) -> None:
        """Bring the clone to what others pushed, tags too."""
        self.git("pull", "--quiet", "--ff-only", "--tags", "origin", BRANCH)

    def git(self, *arguments: str) -> str:
        """Run Git in the clone; answers what it prints. Raises InvalidSettings if it fails."""
        return _git(self.clone, *arguments)


@contextmanager
def _changed_copy(folder: Path, texts: Mapping[str, str]) -> Iterator[Path]:
    """The folder, or a copy of it in which some files have other texts."""
    if not texts:
        yield folder
        return
    with TemporaryDirectory(prefix="trunkline-seed-") as place:
        copied = Path(place) / "manifests"
        left_out = shutil.ignore_patterns(".git")
        shutil.copytree(folder, copied, symlinks=True, ignore=left_out)
        _write(copied, texts)
        yield copied


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        (folder / path).write_text(text, "utf-8")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git on PATH
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except FileNotFoundError as error:
        raise InvalidSettings("git is not installed", hint="install Git 2.30 or newer") from error
    except subprocess.CalledProcessError as error:
        raise InvalidSettings(
            f"git {arguments[0]} failed in {folder}: {error.stderr.strip()}",
            hint="see that the folder belongs to you, or name another: --home PATH",
        ) from error
    return done.stdout.strip()
