"""Promotions during which the worker is killed, and what must be true at the end of each.

One installation goes through many of them, one release after the other, so that a cell of the
matrix costs a promotion and not an installation.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.service import RPCError

from tests.workflows.conversation_worlds import AGENT, conversation_test, desk
from tests.workflows.external_writes import GIT, Outside
from tests.workflows.own_processes import process
from tests.workflows.promotion_worlds import GREETS, PRODUCTION, promoting
from trunkline.model.ids import (
    agent_workflow_id,
    project_workflow_id,
    promotion_workflow_id,
    test_run_workflow_id,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack
    from tests.workflows.external_writes import When, Write
    from tests.workflows.killable_processes import OwnProcess
    from tests.workflows.promotion_worlds import Promotions
    from trunkline.model.promotions.records import PromotionRecord

PROJECT: Final = "acme"
FORWARD: Final = "forward"
BACK: Final = "back"
SCENARIOS: Final = (FORWARD, BACK)
"""A second release by shares of the calls, and one whose first share is found bad."""
RULES: Final[dict[str, Any]] = {
    "rollout": {"steps": [10, 50], "every": "100ms"},
    "verify": {"tags": ["smoke"]},
}
BOOKS: Final[dict[str, Any]] = {
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "clinic"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot", "within": "6s"}],
        },
    ],
}
SUITE: Final = {
    "greets": conversation_test("greets", GREETS),
    "books": conversation_test("books", BOOKS, tags=("smoke",)),
}
HOURS: Final = """\
apiVersion: trunkline/v1alpha1
kind: KnowledgeDocument
metadata: {{ name: opening-hours }}
spec: {{ title: Opening hours, source: {{ text: "We are open from nine to five, edition {0}." }} }}
"""
KILLINGS_MAX: Final = 3
"""Promotions until one is killed in time: who is stopped for seconds sees a held write too late."""
REQUEST_TIMEOUT_S: Final = 3.5
"""Long enough for a test to see a held request before its sender gives up, and below what a write
as a whole may take.
"""


@dataclass
class Killing:
    """An installation with a released agent, in which promotions are interrupted."""

    here: Promotions
    outside: Outside
    database_url: str
    edition: int = 1
    in_time: bool = True
    """Whether the last killing came while the write was held, and not sent again before."""

    async def first(self) -> None:
        """Version 1, as nobody disturbs it."""
        async with self.here.stack.working():
            await self.here.stack.sync()
            done = await self.here.ended(await self.here.start(), timeout_s=120)
            assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)

    async def prepare(self, scenario: str) -> None:
        """Something new to promote, with a document of its own; a worker has to run."""
        tags = [f"trunkline:{PROJECT}/{PRODUCTION}/{AGENT}"] if scenario == BACK else []
        await self.here.stack.elevenlabs.control("talks", {"degraded_tags": tags})
        self.edition += 1
        await asyncio.to_thread(
            self.here.push,
            {
                f"agents/{AGENT}.yaml": desk(self.here.texts, greeting=self.greeting),
                "knowledge/opening-hours.yaml": HOURS.format(self.edition),
            },
        )
        await self.here.stack.sync(timeout_s=90)

    @property
    def greeting(self) -> str:
        """What callers of the newest edition hear first."""
        return f"Acme clinic, edition {self.edition}!"

    async def start(self) -> PromotionRecord:
        """Ask for the newest edition."""
        return await self.here.start(f"Greets with edition {self.edition}")

    async def recorded(self, scenario: str) -> dict[Write, str]:
        """Every write of one promotion that nobody disturbs, each with the phase it was in."""
        before = await self.state()
        with process(self.here.stack, self.database_url, "worker"):
            await self.prepare(scenario)
            async with self.outside.recorded() as writes:
                over = await self.here.ended(await self.start(), timeout_s=180)
                await self.is_whole(over, scenario, before)
        phases = [(entry.began_at.timestamp(), str(entry.phase)) for entry in over.timeline]
        return {
            write: [phase for began, phase in phases if began <= at][-1] for write, at in writes
        }

    async def killed_at(self, write: Write, when: When, scenario: str) -> str:
        """Kill the worker there, start another one, and say how the promotion ended; again with
        another promotion if the worker had given the write up before it was killed.
        """
        for _ in range(KILLINGS_MAX):
            before = await self.state()
            with process(self.here.stack, self.database_url, "worker") as worker:
                await self.prepare(scenario)
                started = await self.interrupted(worker, write, when, self.start)
            async with self.here.stack.working():
                over = await self.here.ended(started, timeout_s=120)
                ended = await self.is_whole(over, scenario, before)
            if self.in_time:
                return ended
        raise AssertionError(f"{write} was sent again each time")

    async def interrupted(
        self,
        worker: OwnProcess,
        write: Write,
        when: When,
        start: Callable[[], Awaitable[PromotionRecord]],
    ) -> PromotionRecord:
        """Start a promotion and kill the worker at one of its writes."""
        await self.outside.hold(write, when)
        started = await start()

        async def held() -> bool:
            assert worker.poll() is None
            is_open = (await self.here.read(started)).is_open
            holds = await self.outside.holds(write)
            assert holds or is_open, f"{write} never came"
            return holds

        try:
            await self.here.stack.until(held, timeout_s=120)
        except BaseException as error:
            now = await self.here.read(started)
            error.add_note(f"{now.phase} {now.reason} {now.message}")
            raise
        self.in_time = when == "after-recorded" or await self.outside.is_last(write)
        assert self.in_time or write.place != GIT, f"{write} was sent again"
        if when == "after-recorded":
            await self._recorded(started, write)
        worker.send_signal(signal.SIGKILL)
        await asyncio.to_thread(worker.wait)
        await self.outside.go_on(write)
        await self.outside.release()
        return started

    async def _recorded(self, started: PromotionRecord, write: Write) -> None:
        """Once whatever was under way when the write was made has been written down."""
        awaited = await self._under_way(started)
        await self.outside.go_on(write)

        async def recorded() -> bool:
            return not (awaited & await self._under_way(started))

        await self.here.stack.until(recorded)

    async def _under_way(self, started: PromotionRecord) -> set[tuple[str, str]]:
        """Activities that somebody works on: workflow and activity."""
        now = await self.here.read(started)
        runs = [run.run_id for run in (now.gate, now.verification, *now.checks) if run is not None]
        places = [
            promotion_workflow_id(PROJECT, PRODUCTION, AGENT, now.number),
            agent_workflow_id(PROJECT, PRODUCTION, AGENT),
            project_workflow_id(PROJECT),
            *(test_run_workflow_id(PROJECT, run_id) for run_id in runs),
        ]
        found: set[tuple[str, str]] = set()
        for place in places:
            with suppress(RPCError):
                described = await self.here.stack.client.get_workflow_handle(place).describe()
                found |= {
                    (place, pending.activity_id)
                    for pending in described.raw_description.pending_activities
                    if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
                }
        return found

    async def state(self) -> Before:
        """What there is before a promotion."""
        tags = await self.here.tags()
        promotions = await self.here.stack.store.promotions(PROJECT, limit=200)
        return Before(max(tags, default=0), len(promotions), await self.here.greeting())

    async def is_whole(self, over: PromotionRecord, scenario: str, before: Before) -> str:
        """The promotion came to exactly one release, and nothing is left over; how it ended."""
        version = before.version + 1
        ends = {FORWARD: ("Done", version), BACK: ("RolledBack", version)}
        assert (over.state, over.version) == ends[scenario], (over.reason, over.message)
        newest = version if scenario == FORWARD else version + 1
        tags = await self.here.tags()
        assert sorted(tags) == list(range(1, newest + 1))
        assert tags[version] == over.revision
        log = await asyncio.to_thread(self._log)
        assert log.count(f"{PROJECT}/{over.id}") == newest - before.version
        await self._production_runs(newest)
        expected = self.greeting if scenario == FORWARD else before.greeting
        assert await self.here.greeting() == expected
        await self._nothing_left_over()
        kept = await self.here.stack.store.promotions(PROJECT, limit=200)
        assert len(kept) == before.promotions + 1
        assert [each.id for each in kept if each.is_open] == []
        return over.state

    async def _production_runs(self, version: int) -> None:
        async def runs() -> bool:
            row = await self.here.production()
            return row is not None and (row.sync, row.version) == ("Synced", version)

        await self.here.stack.until(runs)
        repository = await self.here.stack.ports().repositories.repository(PROJECT)
        history = await repository.release_history(
            environment=PRODUCTION, agent=AGENT, limit=version + 10
        )
        assert [release.version for release in history] == list(range(version, 0, -1))

    async def _nothing_left_over(self) -> None:
        """All calls on Main, no branch, no tool of a test, and one of each object."""
        stack = self.here.stack
        entry = await stack.store.entry(PROJECT, PRODUCTION, "agent", AGENT)
        assert entry is not None
        path = f"/v1/convai/agents/{entry.external_id}/branches"

        async def alone() -> bool:
            listed = (await stack.elevenlabs.http.get(path)).json()["results"]
            shares = {
                each["name"]: each["current_live_percentage"]
                for each in listed
                if not each["is_archived"]
            }
            return shares == {"Main": 100} and await self.here.world.left_behind() == []

        await stack.until(alone)
        agents = await stack.elevenlabs.agents()
        assert len(agents) == len({agent["agent_id"] for agent in agents}) == 2
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert counters.get("POST /v1/convai/agents/create", 0) <= 2
        http = stack.elevenlabs.http
        tools = (await http.get("/v1/convai/tools", params={"page_size": "100"})).json()["tools"]
        page = await http.get("/v1/convai/knowledge-base", params={"page_size": "100"})
        account = (await stack.accounts.voice(PROJECT, PRODUCTION)).account
        claims = [
            claim
            for environment in ("testing", PRODUCTION)
            for claim in await stack.store.claims(account, PROJECT, environment)
            if claim.kind != "secret"
        ]
        known = {tool["id"] for tool in tools} | {each["id"] for each in page.json()["documents"]}
        assert {claim.external_id for claim in claims} == known
        assert len({claim.external_id for claim in claims}) == len(claims)

    def _log(self) -> list[str]:
        """Promotions that commits of the branch say they are of."""
        git = ("git", "-C", str(self.here.stack.repository), "-c", "safe.directory=*")
        form = "--format=%(trailers:key=Trunkline-Promotion,valueonly)"
        done = subprocess.run(
            (*git, "log", form, "main"), capture_output=True, text=True, check=True
        )
        return [line for line in done.stdout.splitlines() if line]


@dataclass(frozen=True)
class Before:
    """What there was before a promotion."""

    version: int
    promotions: int
    greeting: str


@asynccontextmanager
async def killing(
    make_stack: MakeStack,
    texts: Texts,
    database_url: str,
    temporal: TemporalServer,
    *,
    unhurried: bool = False,
) -> AsyncIterator[Killing]:
    """An installation with version 1 in production; no worker runs. In an ``unhurried`` one nobody
    is to be killed, and no write is made again because somebody was late.
    """
    made: dict[str, Any] = {"temporal": temporal, "unhurried": unhurried}
    async with promoting(make_stack, texts, RULES, tests=SUITE, **made) as here:
        if unhurried:
            killed = Killing(here, Outside(here.stack), database_url)
        else:
            killed = killable(here, database_url)
        await killed.first()
        yield killed


def killable(here: Promotions, database_url: str) -> Killing:
    """The installation with requests that wait longer than a test needs to see them."""
    here.stack.timing = here.stack.timing.model_copy(
        update={"request_timeout_s": REQUEST_TIMEOUT_S}
    )
    return Killing(here, Outside(here.stack), database_url)
