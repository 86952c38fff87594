"""More conversations than an account has places: they stand in line, and the line goes on.

The places are in a real store, and what the account allows is what the simulated platform says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Account:
    """An account, its places as one worker sees them, and who holds one."""

    url: str
    http: httpx.AsyncClient
    talks: ElevenLabsTalks
    places: TalkPlaces
    held: list[int]
    served: list[int]
    news: asyncio.Condition

    async def converse(
        self, number: int, bounds: TestBounds, over: asyncio.Event, lasts_s: float | None = None
    ) -> None:
        """Hold a place until it is over, by itself after so long."""
        async with self.places.place("one", self.talks, f"run/{number}", bounds, Progress()):
            async with self.news:
                self.served.append(number)
                self.news.notify_all()
            self.held.append(number)
            if lasts_s is not None:
                asyncio.get_running_loop().call_later(lasts_s, over.set)
            await over.wait()
            self.held.remove(number)

    async def begun(self, conversations: int) -> None:
        """Wait until so many have got a place."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: len(self.served) >= conversations)


@pytest.fixture
async def account(simulators: RunningSimulators, postgres_url: str) -> AsyncIterator[Account]:
    """Nobody talks yet."""
    url, key = simulators.elevenlabs_url, simulators.elevenlabs_key
    wire = Wire("ElevenLabs", url)
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=50))
    talks = ElevenLabsTalks(ElevenLabsClient(wire, key, pace, read_timeout_s=5.0))
    async with (
        httpx.AsyncClient(base_url=url, headers={"xi-api-key": key}) as http,
        PostgresStore(postgres_url) as store,
    ):
        await http.post("/_sim/reset", json={})
        yield Account(
            url, http, talks, TalkPlaces(store, SystemClock()), [], [], asyncio.Condition()
        )
    await wire.close()


async def test_a_line_that_goes_on_tires_nobody(account: Account) -> None:
    """The last one waits far longer than a line may stand still, and no place is left empty."""
    bounds = TestBounds(place_wait_s=0.6, reserve=ONE_PLACE)
    count, lasts_s = 10, 0.1
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(account.converse(number, bounds, asyncio.Event(), lasts_s))
    took_s = time.monotonic() - began_s
    assert account.served == [*range(count)]
    assert bounds.place_wait_s < took_s < (count - 1) * TALK_PLACE_POLL_S


async def test_a_line_that_stands_still_is_exhausted_for_everybody(account: Account) -> None:
    bounds = TestBounds(place_wait_s=1.0, reserve=ONE_PLACE)
    over = asyncio.Event()
    holding = asyncio.create_task(account.converse(0, bounds, over))
    await account.begun(1)
    began_s = time.monotonic()
    ends = await asyncio.gather(
        *(account.converse(number, bounds, over) for number in range(1, 6)),
        return_exceptions=True,
    )
    assert [type(end) for end in ends] == [ConcurrencyExhausted] * 5
    assert time.monotonic() - began_s < 3 * bounds.place_wait_s
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
        assert (len(account.held), requests[LISTING] <= 2) == (7, True)
        over.set()
    assert sorted(account.served) == [*range(8)]
