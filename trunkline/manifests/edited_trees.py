"""A tree as it would be after edits, so that a change is judged before anybody else sees it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from trunkline.manifests.tree import SourceTree
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.ids import Revision


class EditedTree:
    """A tree with files written or (None) deleted. Raises InvalidInput for a path that cannot be
    a file there: a link, a folder, or below a file.
    """

    def __init__(self, tree: SourceTree, edits: Mapping[str, str | None]) -> None:
        self._tree = tree
        self._written = {path: text.encode() for path, text in edits.items() if text is not None}
        gone = {path for path, text in edits.items() if text is None}
        kept = set(tree.paths()) - gone
        for path in edits:
            require_no_link(tree, path)
        for path in self._written:
            _require_file(path, kept | self._written.keys())
        self._paths = tuple(sorted(kept | self._written.keys()))

    @property
    def revision(self) -> Revision | None:
        """No commit is like it."""
        return None

    def paths(self) -> Sequence[str]:
        """All regular files, sorted."""
        return self._paths

    def links(self) -> AbstractSet[str]:
        """Links of the tree below."""
        return self._tree.links()

    def identity(self, path: str) -> str:
        """The digest of what is written, or whatever the tree below says."""
        written = self._written.get(path)
        return self._tree.identity(path) if written is None else digest_of_bytes(written)

    def size(self, path: str) -> int:
        """Bytes of the file."""
        written = self._written.get(path)
        return self._tree.size(path) if written is None else len(written)

    def read(self, path: str) -> bytes:
        """The file's bytes."""
        written = self._written.get(path)
        if written is not None:
            return written
        if path not in self._paths:
            raise NotFound(f"{path} is deleted by the change")
        return self._tree.read(path)


def texts_of(tree: SourceTree, paths: Sequence[str]) -> dict[str, str]:
    """Files as UTF-8; one that is not there is left out. Raises InvalidInput for a link and for
    what is no text.
    """
    known, found = frozenset(tree.paths()), {}
    for path in paths:
        require_no_link(tree, path)
        if path in known:
            try:
                found[path] = tree.read(path).decode()
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{path} is no text, so it is not edited here") from error
    return found


def require_no_link(tree: SourceTree, path: str) -> None:
    """Raises InvalidInput for a link, a submodule, and for what lies behind one."""
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        above = "/".join(parts[:count])
        if above in tree.links():
            raise InvalidInput(f"{path} is not written: {above} is a link or a submodule")


def _require_file(path: str, known: AbstractSet[str]) -> None:
    parts = path.split("/")
    for count in range(1, len(parts)):
        above = "/".join(parts[:count])
        if above in known:
            raise InvalidInput(f"{path} is not written: {above} is a file and no folder")
    if any(other.startswith(f"{path}/") for other in known):
        raise InvalidInput(f"{path} is not written: it is a folder")
