"""Git: manifests repositories read into trees, and the local stack's own repository made."""

from trunkline.adapters.git.addresses import checked_repository
from trunkline.adapters.git.commands import GitBounds
from trunkline.adapters.git.seed import Author, commit, seed
from trunkline.adapters.git.source import GitHead, GitSource
from trunkline.adapters.git.tree import CommitTree

__all__ = [
    "Author",
    "CommitTree",
    "GitBounds",
    "GitHead",
    "GitSource",
    "checked_repository",
    "commit",
    "seed",
]
