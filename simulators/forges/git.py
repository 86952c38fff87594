"""The bare repositories of the forge: what Git itself is asked, and what is written to it.

Every merge is a real one. ``refs/pull/N/head`` stands in the repository a pull request is for, also
when its commits come from a fork; nobody can push there. Knows folders and refs, no records.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from simulators.forges.bounds import CACHED_RESULTS, GIT_TIMEOUT_S

ZERO = "0" * 40
# Git runs it for every ref somebody pushes; the file beside it lists what nobody may.
UPDATE_HOOK = """\
#!/bin/sh
if grep -qxF "$1" "$GIT_DIR/protected-refs" 2>/dev/null; then
  echo "error: GH006: Protected branch update failed for $1." >&2
  exit 1
fi
"""


CONFIGURATION = """\
[receive]
\thideRefs = refs/pull
\tautogc = false
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
[gc]
\tauto = 0
"""


class GitFailed(Exception):
    """Git said no; carries its words."""


class MergeConflict(Exception):
    """Two sides cannot be merged."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who makes a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What lies between a base and a head."""

    commits: int = 0
    files: int = 0
    additions: int = 0
    deletions: int = 0


def environment(**more: str) -> dict[str, str]:
    """Git as nobody configured it."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **more,
    }


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _signed(person: Person, committer: Person | None = None) -> dict[str, str]:
    maker = committer or person
    return {
        "GIT_AUTHOR_NAME": person.name,
        "GIT_AUTHOR_EMAIL": person.email,
        "GIT_COMMITTER_NAME": maker.name,
        "GIT_COMMITTER_EMAIL": maker.email,
    }


class Bare:
    """One bare repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, default_branch: str) -> None:
        """Make it, empty."""
        self.folder.mkdir(parents=True)
        self._run("init", "--quiet", "--bare", f"--initial-branch={default_branch}")
        self._configure()

    def create_from(self, other: Bare) -> None:
        """Make it as a copy of another's branches."""
        self.folder.mkdir(parents=True)
        self._run("init", "--quiet", "--bare")
        self._run("fetch", "--quiet", str(other.folder), "+refs/heads/*:refs/heads/*")
        self._run("symbolic-ref", "HEAD", other._run("symbolic-ref", "HEAD"))
        self._configure()

    def _configure(self) -> None:
        with (self.folder / "config").open("a") as config:
            config.write(CONFIGURATION)
        hook = self.folder / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(UPDATE_HOOK)
        hook.chmod(0o755)

    def protect(self, branches: list[str]) -> None:
        """Let nobody push to these branches."""
        refs = "".join(f"refs/heads/{branch}\n" for branch in branches)
        (self.folder / "protected-refs").write_text(refs)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def branches(self) -> dict[str, str]:
        """Commits of all branches by name."""
        listed = self._run(
            "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads"
        )
        pairs = (line.rsplit(" ", 1) for line in listed.splitlines())
        return {line[0]: line[1] for line in pairs}

    def commit_of(self, name: str) -> str | None:
        """The commit a branch, tag or id stands for, or None."""
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
            try:
                found = self._run("rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}")
            except GitFailed:
                continue
            return found
        return None

    def set_ref(self, ref: str, sha: str) -> None:
        """Let a ref stand on a commit."""
        self._run("update-ref", ref, sha)

    def drop_ref(self, ref: str) -> None:
        """Take a ref away."""
        self._run("update-ref", "-d", ref)

    def fetch(self, other: Bare, sha: str, ref: str) -> None:
        """Take a commit over from another repository (or this one) and let the ref stand on it."""
        if other.folder == self.folder:
            self.set_ref(ref, sha)
        else:
            self._run(
                "fetch", "--quiet", "--no-write-fetch-head", str(other.folder), f"+{sha}:{ref}"
            )

    def contains(self, tip: str, sha: str) -> bool:
        """True if the commit is in the history of the tip."""
        try:
            self._run("merge-base", "--is-ancestor", sha, tip)
        except GitFailed:
            return False
        return True

    def merge_base(self, one: str, other: str) -> str:
        """The commit both sides began at; empty if they share nothing."""
        try:
            return self._run("merge-base", one, other)
        except GitFailed:
            return ""

    def difference(self, base: str, head: str) -> Difference:
        """What the head has on top of where it left the base."""
        return _difference(self.folder, base, head)

    def log(self, before: str, after: str, count: int) -> list[dict[str, str]]:
        """Commits of a push, oldest first, at most so many of the newest."""
        span = after if before == ZERO else f"{before}..{after}"
        shown = self._run(
            "log", f"-{count}", "--format=%H%x1f%T%x1f%an%x1f%ae%x1f%aI%x1f%B%x1e", span
        )
        names = ("id", "tree_id", "name", "email", "timestamp", "message")
        rows = [row.strip("\n").split("\x1f") for row in shown.split("\x1e") if row.strip()]
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [{**row, "message": row["message"].strip()} for row in reversed(found)]

    def changed_files(self, sha: str) -> dict[str, list[str]]:
        """Paths a commit added, removed and modified."""
        listed = self._run("show", "--format=", "--name-status", "--no-renames", sha)
        found: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
        for line in listed.splitlines():
            letter, path = line.split("\t", 1)
            found[{"A": "added", "D": "removed"}.get(letter, "modified")].append(path)
        return found

    def merged_tree(self, base: str, head: str) -> str:
        """The tree a merge of both gives. Raises MergeConflict."""
        tree = _merged_tree(self.folder, base, head)
        if tree is None:
            raise MergeConflict
        return tree

    def commit_tree(
        self, tree: str, parents: list[str], message: str, author: Person, committer: Person
    ) -> str:
        """A commit of a tree."""
        options = [option for parent in parents for option in ("-p", parent)]
        signed = _signed(author, committer)
        return self._run("commit-tree", tree, *options, "-F", "-", text=message, **signed)

    def rebased(self, base: str, head: str, committer: Person) -> str:
        """The head's own commits put on top of the base. Raises MergeConflict."""
        with tempfile.TemporaryDirectory(prefix="rebase-") as scratch:
            work = Path(scratch) / "tree"
            self._run("worktree", "add", "--quiet", "--detach", str(work), head)
            try:
                signed = {
                    "GIT_COMMITTER_NAME": committer.name,
                    "GIT_COMMITTER_EMAIL": committer.email,
                }
                self._run("-C", str(work), "rebase", "--quiet", base, **signed)
                return self._run("-C", str(work), "rev-parse", "HEAD")
            except GitFailed as error:
                raise MergeConflict from error
            finally:
                self._run("worktree", "remove", "--force", str(work))

    def commit_files(
        self, branch: str, start: str, files: Mapping[str, str | None], message: str, author: Person
    ) -> str:
        """Put files on a branch in one commit (None removes one); answers the commit."""
        parent = self.commit_of(branch) or (self.commit_of(start) if start else None)
        moment = int(time.time())
        stream = bytearray()
        stream += f"commit refs/heads/{branch}\n".encode()
        stream += f"committer {author.name} <{author.email}> {moment} +0000\n".encode()
        stream += _data(message.encode())
        if parent:
            stream += f"from {parent}\n".encode()
        for path, text in files.items():
            if text is None:
                stream += f"D {path}\n".encode()
            else:
                stream += f"M 100644 inline {path}\n".encode() + _data(text.encode())
        stream += b"done\n"
        self._run("fast-import", "--quiet", "--done", text=stream.decode())
        return self._run("rev-parse", f"refs/heads/{branch}")

    def _run(self, *arguments: str, text: str | None = None, **more: str) -> str:
        return run_git(self.folder, *arguments, text=text, **more)


def forget_results() -> None:
    """Repositories are gone, and with them what is known of their commits."""
    _difference.cache_clear()
    _merged_tree.cache_clear()


def run_git(folder: Path, *arguments: str, text: str | None = None, **more: str) -> str:
    """What Git prints. Raises GitFailed."""
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        ["git", *arguments],  # noqa: S607 - the machine's Git
        cwd=folder,
        env=environment(**more),
        input=text.encode() if text is not None else None,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        timeout=GIT_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise GitFailed(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode(errors="replace").rstrip("\n")


@lru_cache(maxsize=CACHED_RESULTS)
def _difference(folder: Path, base: str, head: str) -> Difference:
    try:
        start = run_git(folder, "merge-base", base, head)
    except GitFailed:
        return Difference()
    count = int(run_git(folder, "rev-list", "--count", f"{start}..{head}"))
    lines = run_git(folder, "diff", "--numstat", start, head).splitlines()
    figures = [line.split("\t")[:2] for line in lines]
    return Difference(
        commits=count,
        files=len(figures),
        additions=sum(int(added) for added, _ in figures if added.isdigit()),
        deletions=sum(int(removed) for _, removed in figures if removed.isdigit()),
    )


@lru_cache(maxsize=CACHED_RESULTS)
def _merged_tree(folder: Path, base: str, head: str) -> str | None:
    try:
        return run_git(folder, "merge-tree", "--write-tree", base, head).splitlines()[0]
    except GitFailed:
        return None
