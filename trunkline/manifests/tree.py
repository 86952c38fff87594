"""Where manifests are read from: a folder here, a commit elsewhere, the same to whoever reads.

A tree names regular files only. Links are listed so that they can be refused by name, and are
never followed: what a link leads to is not in the repository.
"""

import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path
from typing import Protocol

from trunkline.model.canonical import digest_of_bytes
from trunkline.model.errors import NotFound, SourceUnreachable
from trunkline.model.ids import Revision
from trunkline.model.limits import TREE_MAX_FILES


class SourceTree(Protocol):
    """One state of a manifests repository. Paths are relative, with ``/`` between folders."""

    @property
    def revision(self) -> Revision | None:
        """The commit, or None for a folder."""

    def paths(self) -> Sequence[str]:
        """All regular files."""

    def links(self) -> AbstractSet[str]:
        """Everything that is neither file nor folder: symbolic links, submodules."""

    def identity(self, path: str) -> str:
        """A word that is equal only if the file's bytes are equal."""

    def size(self, path: str) -> int:
        """Bytes of the file."""

    def read(self, path: str) -> bytes:
        """The file's bytes."""


class DirectoryTree:
    """A folder on disk. Git's own folder is left out; everything else is listed once.

    Raises NotFound if the folder is not there, SourceUnreachable if it cannot be read or holds
    more files than a commit may.
    """

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root)
        if not self._root.is_dir():
            raise NotFound(
                f"{self._root} is no folder", hint="Name the folder that holds trunkline.yaml."
            )
        self._read: dict[str, bytes] = {}

    @property
    def revision(self) -> Revision | None:
        """A folder has none."""
        return None

    def paths(self) -> Sequence[str]:
        """All regular files, sorted."""
        return self._listing[0]

    def links(self) -> AbstractSet[str]:
        """All symbolic links, sockets and the like."""
        return self._listing[1]

    def identity(self, path: str) -> str:
        """The digest of the file's bytes, which are read once."""
        return digest_of_bytes(self._bytes(path))

    def size(self, path: str) -> int:
        """Bytes of the file as it is on disk."""
        return (self._root / path).lstat().st_size

    def read(self, path: str) -> bytes:
        """The file's bytes."""
        return self._bytes(path)

    def _bytes(self, path: str) -> bytes:
        if path not in self._read:
            try:
                descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW)
                with os.fdopen(descriptor, "rb") as file:
                    self._read[path] = file.read()
            except OSError as error:
                raise SourceUnreachable(f"{path} cannot be read: {error.strerror}") from error
        return self._read[path]

    @cached_property
    def _listing(self) -> tuple[tuple[str, ...], frozenset[str]]:
        files: list[str] = []
        links: set[str] = set()
        for path, is_file in self._walk(""):
            if is_file:
                files.append(path)
            else:
                links.add(path)
            if len(files) + len(links) > TREE_MAX_FILES:
                raise SourceUnreachable(
                    f"{self._root} holds more than {TREE_MAX_FILES} files",
                    hint="Name the folder that holds trunkline.yaml, not one above it.",
                )
        return tuple(sorted(files)), frozenset(links)

    def _walk(self, folder: str) -> Iterator[tuple[str, bool]]:
        try:
            entries = list(os.scandir(self._root / folder))
        except OSError as error:
            raise SourceUnreachable(f"{folder or '.'} cannot be read: {error.strerror}") from error
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from self._walk(path)
            elif entry.name != ".git":
                yield path, entry.is_file(follow_symlinks=False)
