"""The records of a forge, and who is who: shared by every part of the look-alike.

Records are plain JSON in the store, so that a forge killed between two requests comes back with
what it had. Nothing here knows a dialect.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from simulators.clock import Clock
from simulators.forges.refusals import missing
from simulators.store import Json, Store

Kind = Literal["github", "gitea"]
LEVELS = ("none", "read", "write", "admin")


class Space:
    """Users, repositories, pull requests, comments, statuses, hooks and deliveries."""

    def __init__(self, store: Store, clock: Clock, *, kind: Kind, root: Path, url: str) -> None:
        self.store = store
        self.clock = clock
        self.kind = kind
        self.root = root
        self.url = url
        self.users = store.collection("users")
        self.tokens = store.collection("tokens")
        self.repositories = store.collection("repositories")
        self.pulls = store.collection("pulls")
        self.comments = store.collection("comments")
        self.statuses = store.collection("statuses")
        self.hooks = store.collection("hooks")
        self.deliveries = store.collection("deliveries")
        self._issued = store.collection("issued")

    def issue(self, what: str) -> int:
        """The next number of a series; none is given twice."""
        issued = (self._issued.get(what) or {"count": 0})["count"] + 1
        self._issued.put(what, {"count": issued})
        return int(issued)

    def now(self) -> str:
        """This moment as both forges write it."""
        moment = datetime.fromtimestamp(self.clock.now(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def user(self, login: str) -> Json:
        """Somebody; names know no case. Raises Refused 404."""
        found = self.users.get(login.casefold())
        if found is None:
            raise missing()
        return found

    def repository(self, full_name: str) -> Json:
        """A repository by ``owner/name``. Raises Refused 404."""
        found = self.repositories.get(full_name.casefold().removesuffix(".git"))
        if found is None:
            raise missing()
        return found

    def folder(self, repository: Json) -> Path:
        """The bare repository on disk."""
        owner, name = str(repository["owner"]), str(repository["name"])
        return self.root / owner / f"{name}.git"

    def pull(self, repository: Json, number: int) -> Json:
        """A pull request. Raises Refused 404."""
        found = self.pulls.get(f"{repository['full_name'].casefold()}#{number}")
        if found is None:
            raise missing()
        return found

    def put_pull(self, pull: Json) -> None:
        """Keep what became of a pull request."""
        pull["updated_at"] = self.now()
        self.pulls.put(f"{pull['repository'].casefold()}#{pull['number']}", pull)

    def pulls_of(self, repository: Json) -> Iterator[Json]:
        """The pull requests that are to be merged there, oldest first."""
        return (pull for pull in self.pulls if pull["repository"] == repository["full_name"])

    def comment(self, repository: Json, number: int) -> Json:
        """A comment by its id. Raises Refused 404."""
        found = self.comments.get(str(number))
        if found is None or found["repository"] != repository["full_name"]:
            raise missing()
        return found

    def comments_of(self, pull: Json) -> list[Json]:
        """Comments of a pull request, oldest first."""
        place = (pull["repository"], pull["number"])
        return [c for c in self.comments if (c["repository"], c["number"]) == place]

    def statuses_of(self, repository: Json, sha: str) -> list[Json]:
        """Every status said of a commit, newest first."""
        place = (repository["full_name"], sha)
        found = [s for s in self.statuses if (s["repository"], s["sha"]) == place]
        return found[::-1]

    def newest_statuses(self, repository: Json, sha: str) -> list[Json]:
        """The last one of each context, newest first."""
        newest: dict[str, Json] = {}
        for status in self.statuses_of(repository, sha):
            newest.setdefault(status["context"], status)
        return list(newest.values())

    def permission(self, repository: Json, login: str | None) -> str:
        """What somebody may do there: one of LEVELS."""
        if login is not None and login.casefold() == repository["owner"].casefold():
            return "admin"
        given = repository["collaborators"].get(login.casefold()) if login else None
        if given is not None:
            return str(given)
        return "none" if repository["private"] else "read"


def state_of(statuses: list[Json]) -> str:
    """The combined state of the newest statuses: as bad as the worst, pending without any."""
    states = {status["state"] for status in statuses}
    if states & {"failure", "error"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
