"""Git: manifests repositories read into trees and released to, and the local stack's own made."""

from trunkline.adapters.git.addresses import checked_repository
from trunkline.adapters.git.commands import GitBounds
from trunkline.adapters.git.own_signatures import CommitSigner
from trunkline.adapters.git.releasing import GitReleases
from trunkline.adapters.git.repository import Repository
from trunkline.adapters.git.seed import Author, commit, seed
from trunkline.adapters.git.source import GitHead, GitSource
from trunkline.adapters.git.tree import CommitTree

__all__ = [
    "Author",
    "CommitSigner",
    "CommitTree",
    "GitBounds",
    "GitHead",
    "GitReleases",
    "GitSource",
    "Repository",
    "checked_repository",
    "commit",
    "seed",
]
