"""The forge look-alike put together: one dialect, its repositories, hooks and controls."""

from __future__ import annotations

from pathlib import Path

from simulators.clock import Clock
from simulators.forges.access import Access
from simulators.forges.controls import Controls
from simulators.forges.git import forget_results
from simulators.forges.gitea import Gitea
from simulators.forges.gitea_bodies import GiteaBodies
from simulators.forges.gitea_news import GiteaNews
from simulators.forges.github import SECONDARY, GitHub, Quota, error_answer
from simulators.forges.github_bodies import GitHubBodies
from simulators.forges.github_news import GitHubNews
from simulators.forges.hooks import Hooks, Speaker
from simulators.forges.news import News
from simulators.forges.pulls import Pulls
from simulators.forges.refusals import Refusal
from simulators.forges.smart_http import SmartHttp
from simulators.forges.space import Kind, Space
from simulators.forges.words import Words
from simulators.listing import ListLag
from simulators.store import Store
from simulators.tally import Namers, Tally
from simulators.wire import Admission, Answer, Request, Route, RouteTable

NAMERS: Namers = {
    "pulls": lambda record: f"{record['repository']}#{record['number']}",
    "comments": lambda record: f"{record['repository']}#{record['number']}",
    "statuses": lambda record: f"{record['sha']} {record['context']}",
}


class ForgeLookAlike:
    """One forge."""

    name = "forge"

    def __init__(self, store: Store, clock: Clock, *, kind: Kind, root: Path, url: str) -> None:
        self._store = store
        self._space = Space(store, clock, kind=kind, root=root, url=url)
        access = Access(self._space)
        self._hooks = Hooks(self._space, _speaker(self._space))
        pulls = Pulls(self._space, self._tell)
        words = Words(self._space, self._tell)
        self._quota = Quota(self._space)
        if kind == "github":
            rest = GitHub(self._space, access, pulls, words, self._quota)
            dialect = rest.routes()
            self._worded = error_answer
        else:
            gitea = Gitea(self._space, access, pulls, words)
            dialect = gitea.routes()
            self._worded = gitea.error
        git = SmartHttp(self._space, access, pulls)
        self.routes = RouteTable([*dialect, *git.routes()])
        self.socket_routes = RouteTable([])
        self._controls = Controls(self._space, pulls, words, self._hooks, self._quota)
        self.control_routes = self._controls.routes()
        self.lag = ListLag()
        self.past = store.past
        self.tally = Tally(store, NAMERS)

    def _tell(self, news: News) -> None:
        self._hooks.announce(news)

    async def answer(self, route: Route, request: Request) -> Answer:
        """Take effect and answer; what changed is in the journal before this returns."""
        outcome = route.handle(request)
        if not isinstance(outcome, Answer):
            outcome = await outcome
        self.tally.commit()
        return outcome

    async def admit(self, request: Request) -> Answer | Admission:
        """No WebSocket is served here."""
        return self.refuse_route(request, [])

    async def stop(self) -> None:
        """Send no delivery any more."""
        await self._hooks.stop()

    def refuse_rate(self, retry_after_s: int) -> Answer:
        """The secondary limit of GitHub; Gitea leaves limits to the proxy before it."""
        status = 403 if self._space.kind == "github" else 429
        headers = {"Retry-After": str(retry_after_s)}
        return self._worded(Refusal(status, SECONDARY, headers=headers))

    def refuse_concurrency(self, limit: int) -> Answer:
        """Too many requests at once count towards the same limit."""
        del limit
        return self.refuse_rate(60)

    def refuse_size(self, limit_bytes: int) -> Answer:
        """413."""
        return self._worded(Refusal(413, f"The body is larger than {limit_bytes} bytes"))

    def refuse_route(self, request: Request, allowed: list[str]) -> Answer:
        """404, as for everything that is not there."""
        del request, allowed
        return self._worded(Refusal(404, "Not Found"))

    def fail(self, status: int) -> Answer:
        """An error of that status."""
        return self._worded(Refusal(status, "Server Error"))

    def set_noise(self, *, enabled: bool) -> None:
        """Answers of a forge have none."""

    def reset(self) -> None:
        """An empty forge."""
        for repository in list(self._space.repositories):
            Pulls(self._space, self._tell).bare(repository).remove()
        forget_results()
        self._store.reset()
        self._quota.remaining = None


def _speaker(space: Space) -> Speaker:
    if space.kind == "github":
        return GitHubNews(space, GitHubBodies(space))
    return GiteaNews(space, GiteaBodies(space))
