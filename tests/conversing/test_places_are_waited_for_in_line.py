"""More conversations than an account has places: they stand in line, and the line goes on.

The places are in a real store, and what the account allows is what the simulated platform says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from activities.clocks import SystemClock
from activities.heartbeats import Progress
from activities.testing.places import TalkPlaces
from activities.testing_types import TestBounds
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire
from trunkline.model.errors import ConcurrencyExhausted
from trunkline.model.ids import ExternalId
from trunkline.model.testing.limits import TALK_PLACE_POLL_S, TALK_PLACES_DEFAULT
from trunkline.model.testing.talk import TalkRequest

if TYPE_CHECKING:
    from simulators.server import RunningSimulators

ONE_PLACE = TALK_PLACES_DEFAULT - 1
"""The reserve that leaves a single place while the account has not said what it allows."""
LISTING = "GET /v1/convai/conversations"
QUICKLY_S = 60.0
"""By far longer than it takes whoever is told at once, and by far shorter than looking again and
again in each turn."""


class HandClock:
    """Seconds that go by when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Account:
    """An account, its places as one worker sees them, and who stands in line or holds one."""

    http: httpx.AsyncClient
    talks: ElevenLabsTalks
    places: TalkPlaces
    clock: HandClock
    waiting: list[Progress] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def converse(
        self, number: int, bounds: TestBounds, over: asyncio.Event, lasts_s: float | None = None
    ) -> None:
        """Hold a place until it is over, by itself when it has lasted so long."""
        progress = Progress()
        self.waiting.append(progress)
        async with self.places.place("one", self.talks, f"run/{number}", bounds, progress):
            async with self.news:
                self.served.append(number)
                self.news.notify_all()
            self.held.append(number)
            if lasts_s is not None:
                self.clock.now_s += lasts_s
                over.set()
            await over.wait()
            self.held.remove(number)

    async def begun(self, conversations: int) -> None:
        """Wait until so many have got a place."""
        async with asyncio.timeout(60), self.news:
            await self.news.wait_for(lambda: len(self.served) >= conversations)

    async def in_line(self, conversations: int) -> None:
        """Wait until so many have come."""
        async with asyncio.timeout(60):
            while sum(bool(one.words) for one in self.waiting) < conversations:  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def account(simulators: RunningSimulators, postgres_url: str) -> AsyncIterator[Account]:
    """Nobody talks yet."""
    url, key = simulators.elevenlabs_url, simulators.elevenlabs_key
    wire = Wire("ElevenLabs", url)
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=50))
    talks = ElevenLabsTalks(ElevenLabsClient(wire, key, pace, read_timeout_s=60.0))
    async with (
        httpx.AsyncClient(base_url=url, headers={"xi-api-key": key}, timeout=60) as http,
        PostgresStore(postgres_url) as store,
    ):
        await http.post("/_sim/reset", json={})
        clock = HandClock()
        yield Account(http, talks, TalkPlaces(store, SystemClock(), clock_s=clock), clock)
    await wire.close()


async def test_a_line_that_goes_on_tires_nobody(account: Account) -> None:
    """The last one waits far longer than a line may stand still, and no place is left empty."""
    bounds = TestBounds(place_wait_s=60.0, reserve=ONE_PLACE)
    count, lasts_s = 200, 20.0
    async with asyncio.timeout(QUICKLY_S), asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(account.converse(number, bounds, asyncio.Event(), lasts_s))
    assert account.served == [*range(count)]
    assert account.clock.now_s > 60 * bounds.place_wait_s
    assert count * TALK_PLACE_POLL_S > 1.5 * QUICKLY_S


async def test_a_line_that_stands_still_is_exhausted_for_everybody(account: Account) -> None:
    bounds = TestBounds(place_wait_s=60.0, reserve=ONE_PLACE)
    over = asyncio.Event()
    holding = asyncio.create_task(account.converse(0, bounds, over))
    await account.begun(1)
    others = [asyncio.create_task(account.converse(number, bounds, over)) for number in range(1, 6)]
    await account.in_line(6)
    account.clock.now_s += bounds.place_wait_s - 1
    done, _ = await asyncio.wait(others, timeout=2 * TALK_PLACE_POLL_S)
    assert not done, "they have not waited long enough"
    account.clock.now_s += 1
    async with asyncio.timeout(60):
        ends = await asyncio.gather(*others, return_exceptions=True)
    assert [type(end) for end in ends] == [ConcurrencyExhausted] * 5, "all at the same moment"
    over.set()
    await holding
    await account.converse(6, bounds, over)
    assert account.served == [0, 6]


async def test_what_the_first_conversation_learns_of_the_account_counts_at_once(
    account: Account,
) -> None:
    """The account says what it allows when an address is signed, and is not looked at again."""
    await account.http.post("/_sim/talks", json={"concurrency": 9})
    agent = {"name": "desk", "conversation_config": {"agent": {"first_message": "Hello"}}}
    made = await account.http.post("/v1/convai/agents/create", json=agent)
    bounds, over = TestBounds(reserve=2), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(account.converse(number, bounds, over))
        await account.begun(TALK_PLACES_DEFAULT - 2)
        request = TalkRequest(agent_id=ExternalId(made.json()["agent_id"]), text_only=False)
        async with account.talks.open(request):
            await account.begun(7)
        requests = (await account.http.get("/_sim/counters")).json()["requests"]
        assert (len(account.held), requests[LISTING]) == (7, 1)
        over.set()
    assert sorted(account.served) == [*range(8)]
