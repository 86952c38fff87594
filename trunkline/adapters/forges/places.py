"""Where a repository is, as a forge names it: host, owner and name out of a Git address.

Every spelling Git takes (https, ssh, the short form) names the same three things. Asks nobody.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from trunkline.model.errors import NotConfigured

PARTS: Final = 2
"""A repository of GitHub and of Gitea has an owner and a name, and nothing between."""
_SHORT_SSH: Final = re.compile(r"^(?:[^@/:]+@)?(?P<host>[^/:]+):(?!//)(?P<path>.+)$")


@dataclass(frozen=True, slots=True)
class RepositoryPlace:
    """A repository of a forge. The host is in lower case and without a port."""

    host: str
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


def repository_place(address: str) -> RepositoryPlace:
    """Where an address points. Raises NotConfigured for one that is on no forge."""
    short = _SHORT_SSH.match(address)
    parts = urlsplit(address)
    host, path = (parts.hostname or "", parts.path)
    if not parts.scheme and short is not None:
        host, path = short["host"].lower(), short["path"]
    names = path.strip("/").removesuffix(".git").split("/")
    if not host or len(names) != PARTS or not all(names):
        raise NotConfigured(
            "the manifests repository is not on a forge that has pull requests",
            hint="pull requests need a repository OWNER/NAME on GitHub, Gitea or Forgejo",
        )
    return RepositoryPlace(host, *names)
