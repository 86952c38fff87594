"""Forges: pull requests, comments and commit statuses of GitHub, Gitea and Forgejo."""

from trunkline.adapters.forges.client import ForgeClient
from trunkline.adapters.forges.gitea import GITEA
from trunkline.adapters.forges.github import GITHUB
from trunkline.adapters.forges.places import RepositoryPlace, repository_place
from trunkline.adapters.forges.repository import Dialect, RestForge

__all__ = [
    "GITEA",
    "GITHUB",
    "Dialect",
    "ForgeClient",
    "RepositoryPlace",
    "RestForge",
    "repository_place",
]
