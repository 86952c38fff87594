"""What happens in a project, read once for a process and handed to everybody who follows.

Whoever joins first reads what was before and then goes on with what the common reader brings,
without a gap and without anything twice; whoever falls behind does the same again. Knows no
WebSocket and no person.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from realtime.backlogs import NewsBacklog, is_set
from trunkline.model.calls import limits
from trunkline.model.calls.happenings import Happening, number_of
from trunkline.model.errors import InvalidInput, StoreUnavailable
from trunkline.ports.calls import CallHub, Happenings

_START_MAX_S: Final = 10.0
_RETRY_S: Final = 1.0

_log = logging.getLogger(__name__)


class Feed:
    """The common reader of one project. ``position`` is the number of what was handed out last;
    ``failed`` says that nothing will follow.
    """

    def __init__(self, project: str, happenings: Happenings, hub: CallHub) -> None:
        self.position = 0
        self.followers: set[NewsBacklog[Happening]] = set()
        self.started = asyncio.Event()
        self.failed = False
        self._project = project
        self._happenings = happenings
        self._hub = hub

    async def run(self) -> None:
        """Read and hand out until cancelled; a store that is away is waited for."""
        try:
            with self._hub.changes(self._project) as changed:
                while True:
                    try:
                        await self._go_on(changed)
                    except StoreUnavailable as error:
                        _log.info("what happens in %s cannot be read: %s", self._project, error)
                        await asyncio.sleep(_RETRY_S)
        finally:
            self.failed = True

    async def _go_on(self, changed: asyncio.Event) -> None:
        if not self.started.is_set():
            self.position = await self._happenings.newest_happening(self._project)
            self.started.set()
        while True:
            changed.clear()
            found = await self._happenings.happenings(
                self._project, after=self.position, limit=limits.HAPPENINGS_PAGE
            )
            for happening in found:
                for backlog in self.followers:
                    backlog.put(happening)
                self.position = number_of(happening)
            if not found:
                await is_set(changed, limits.HAPPENINGS_LOOK_S)


class Follower:
    """Somebody's way through a feed. ``seen`` is the number up to which they know everything."""

    def __init__(
        self, feed: Feed, happenings: Happenings, project: str, *, after: int | None, call: str
    ) -> None:
        self.seen = feed.position if after is None else after
        self.backlog = NewsBacklog[Happening](limits.NEWS_BACKLOG_MAX)
        self._feed = feed
        self._happenings = happenings
        self._project = project
        self._call = call
        self._before: int | None = feed.position

    async def more(self, *, within_s: float) -> Sequence[Happening]:
        """What comes next, in order; nothing after so long a silence. Of a call, others' things
        may come too. Raises StoreUnavailable; asking again goes on where it stopped.
        """
        if self._feed.failed:
            raise StoreUnavailable("what happens in the project is read no more")
        if self._before is not None:
            found = await self._happenings.happenings(
                self._project,
                after=self.seen,
                upto=self._before,
                call=self._call or None,
                limit=limits.HAPPENINGS_PAGE,
            )
            if found:
                self.seen = number_of(found[-1])
                return found
            self.seen = max(self.seen, self._before)
            self._before = None
        taken = await self.backlog.taken(within_s=within_s)
        if taken is None:
            self.backlog.clear()
            self._before = self._feed.position
            return ()
        news = [happening for happening in taken if number_of(happening) > self.seen]
        if news:
            self.seen = number_of(news[-1])
        return news


class ProjectFeeds:
    """The feeds of a process: one for each project that somebody follows."""

    def __init__(self, happenings: Happenings, hub: CallHub) -> None:
        self._happenings = happenings
        self._hub = hub
        self._feeds: dict[str, tuple[Feed, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def follow(
        self, project: str, *, after: int | None, call: str = ""
    ) -> AsyncIterator[Follower]:
        """Follow a project: what happened behind a number, and then whatever happens; without a
        number only the latter. Raises StoreUnavailable.
        """
        feed, task = self._feeds.get(project) or self._begin(project)
        arriving = NewsBacklog[Happening](1)
        feed.followers.add(arriving)
        try:
            await _started(feed)
            await self._require_past(project, after, feed.position)
            follower = Follower(feed, self._happenings, project, after=after, call=call)
            feed.followers.discard(arriving)
            arriving = follower.backlog
            feed.followers.add(arriving)
            yield follower
        finally:
            feed.followers.discard(arriving)
            if not feed.followers:
                self._feeds.pop(project, None)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _require_past(self, project: str, after: int | None, position: int) -> None:
        """Raises InvalidInput for a number nothing has yet: it would be waited for in silence."""
        if after is not None and after > position:
            newest = await self._happenings.newest_happening(project)
            if after > newest:
                raise InvalidInput(
                    f"Nothing in {project} has the number {after} yet; the last one is {newest}",
                    hint="Pass the id of the last message that was seen as `after`",
                )

    def _begin(self, project: str) -> tuple[Feed, asyncio.Task[None]]:
        feed = Feed(project, self._happenings, self._hub)
        task = asyncio.create_task(feed.run(), name=f"follow {project}")
        self._feeds[project] = (feed, task)
        return self._feeds[project]


async def _started(feed: Feed) -> None:
    if not await is_set(feed.started, _START_MAX_S):
        raise StoreUnavailable("what happens in the project cannot be read right now")
