"""Whatever is lost or killed while something is promoted: one release, and the same end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.workflows.conversation_worlds import AGENT, conversation_test
from tests.workflows.own_processes import process
from tests.workflows.promotion_worlds import GREETS, PRODUCTION, Promotions, promoting
from trunkline.model.errors import PushUnanswered
from trunkline.model.ids import promotion_workflow_id
from trunkline.model.promotions.records import PHASES
from trunkline.worker import build_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.ids import Revision
    from trunkline.model.promotions.records import PromotionRecord
    from trunkline.ports.releasing import ReleaseRepository

pytestmark = pytest.mark.slow
ONE_APPROVAL = {"approvals": {"count": 1}}
SUITE = {
    "greets": conversation_test("greets", GREETS),
    "smoke": conversation_test("smoke", GREETS, tags=("smoke",)),
}
FOUND_DEAD = {"heartbeat_timeout_s": 5.0, "request_timeout_s": 5.0, "store_timeout_s": 5.0}
"""How long what a killed worker did waits for another one."""

Push = Callable[..., Awaitable["Revision"]]


class Meddled:
    """The repositories of an installation, with something happening to the first push to one.

    The push itself is the real one, before or after what happens to it.
    """

    def __init__(self, here: Promotions, meddle: Callable[[Push], Push]) -> None:
        self._repositories = here.stack.ports().repositories
        self._meddle = meddle
        self.pushes = 0

    async def repository(self, project: str) -> ReleaseRepository:
        """The repository as it is, but for its first push."""
        found = await self._repositories.repository(project)

        async def push_release(base: Revision, **release: Any) -> Revision:
            self.pushes += 1
            push = self._meddle(found.push_release) if self.pushes == 1 else found.push_release
            return await push(base, **release)

        return cast("ReleaseRepository", _Wrapped(found, push_release))


class _Wrapped:
    def __init__(self, found: ReleaseRepository, push_release: Any) -> None:
        self._found = found
        self.push_release = push_release

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


@asynccontextmanager
async def _working(here: Promotions, repositories: Meddled) -> AsyncIterator[None]:
    """Workers that push to these repositories."""
    async with AsyncExitStack() as running:
        ports = replace(here.stack.ports(), repositories=repositories)
        for worker in build_workers(here.stack.client, ports):
            await running.enter_async_context(worker)
        yield


def _protect(here: Promotions, *, protected: bool) -> None:
    """The server of the repository takes no push of anybody, or everybody's again."""
    setting = "receive.maxInputSize"
    words = (setting, "1") if protected else ("--unset", setting)
    git = ("git", "-C", str(here.stack.repository), "-c", "safe.directory=*")
    subprocess.run((*git, "config", *words), check=True)


def _subjects(here: Promotions) -> list[str]:
    """First lines of the branch's commits, newest first."""
    git = ("git", "-C", str(here.stack.repository), "-c", "safe.directory=*")
    done = subprocess.run(
        (*git, "log", "--format=%s", "main"), capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def _place(record: PromotionRecord) -> str:
    return promotion_workflow_id(record.project, record.environment, record.agent, record.number)


async def _released_once(here: Promotions, record: PromotionRecord) -> None:
    done = await here.ended(record)
    assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
    assert list(await here.tags()) == [1]
    repository = await here.stack.ports().repositories.repository("acme")
    history = await repository.release_history(environment=PRODUCTION, agent=AGENT, limit=10)
    assert [release.version for release in history] == [1]
    entries = await here.stack.store.entries("acme", PRODUCTION, "agent")
    assert [entry.name for entry in entries] == [AGENT]


@pytest.mark.stack
@pytest.mark.parametrize("phase", ["Gate", "Approval", "Settling", "Verifying"])
async def test_a_worker_killed_in_any_phase_leaves_one_release(
    make_stack: MakeStack, texts: Texts, postgres_url: str, phase: str
) -> None:
    rules = {**ONE_APPROVAL, "verify": {"tags": ["smoke"]}}
    async with promoting(make_stack, texts, rules, tests=SUITE, unhurried=True) as here:
        here.stack.timing = here.stack.timing.model_copy(update=FOUND_DEAD)
        with process(here.stack, postgres_url, "worker") as worker:
            await here.stack.sync(timeout_s=60)
            started = await here.start()
            if phase in ("Settling", "Verifying"):
                await here.phase(started, "Approval")
                await here.approve(started)
            await here.until(started, lambda now: PHASES.index(now.phase) >= PHASES.index(phase))
            os.kill(worker.pid, signal.SIGKILL)
        async with here.stack.working():
            if phase in ("Gate", "Approval"):
                await here.phase(started, "Approval")
                await here.approve(started)
            await _released_once(here, started)


async def test_a_protected_branch_stalls_it_until_somebody_allows_the_push(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        await asyncio.to_thread(_protect, here, protected=True)
        started = await here.start()
        stalled = await here.until(started, lambda now: now.stalled)
        assert (stalled.phase, stalled.reason) == ("Releasing", "PushRefused")
        assert "unpack" in stalled.message
        assert await here.tags() == {}
        await asyncio.to_thread(_protect, here, protected=False)
        await here.wake(started)
        await _released_once(here, started)
        assert (await here.reasons()).count("PromotionStalled") == 1
        await here.record(started, "push-refused")


async def test_an_emptied_store_gets_its_row_back_from_the_workflow(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        waiting = await here.phase(started, "Approval")
        project = await here.stack.store.project("acme")
        assert project is not None
        await here.stack.store.remove("acme")
        await here.stack.store.register(project)
        await here.stack.sync(hard=True)
        place = _place(started)
        await here.stack.client.get_workflow_handle(place).signal("wake", {"reason": "look"})

        async def back() -> bool:
            return await here.stack.store.promotion("acme", started.id) is not None

        await here.stack.until(back)
        assert waiting.digest == (await here.read(started)).digest
        await here.phase(started, "Approval")
        await here.approve(started)
        await _released_once(here, started)


async def test_a_workflow_that_is_gone_is_started_again_by_the_next_look(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        handle = here.stack.client.get_workflow_handle(_place(started))
        await handle.terminate("lost")
        await here.stack.sync()

        async def running() -> bool:
            described = await here.stack.client.get_workflow_handle(_place(started)).describe()
            return described.status is not None and described.status.name == "RUNNING"

        await here.stack.until(running)
        await here.approve(started)
        await _released_once(here, started)


async def test_a_release_that_somebody_pushed_past_is_made_on_the_new_tip(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with promoting(make_stack, texts, unhurried=True) as here:

        def overtaken(push: Push) -> Push:
            async def after_somebody_else(base: Revision, **release: Any) -> Revision:
                await asyncio.to_thread(here.push, {"notes.md": "moved"})
                return await push(base, **release)

            return after_somebody_else

        repositories = Meddled(here, overtaken)
        async with _working(here, repositories):
            await here.stack.sync()
            started = await here.start()
            await _released_once(here, started)
        assert repositories.pushes == 2
        log = await asyncio.to_thread(_subjects, here)
        assert log[:2] == ["Release front-desk in production: v1", "An edit"]


async def test_a_push_whose_answer_was_lost_is_found_by_its_trailer(
    make_stack: MakeStack, texts: Texts
) -> None:
    def unanswered(push: Push) -> Push:
        async def without_an_answer(base: Revision, **release: Any) -> Revision:
            await push(base, **release)
            raise PushUnanswered("the connection was cut")

        return without_an_answer

    async with promoting(make_stack, texts, unhurried=True) as here:
        repositories = Meddled(here, unanswered)
        async with _working(here, repositories):
            await here.stack.sync()
            started = await here.start()
            await _released_once(here, started)
        assert repositories.pushes == 1
