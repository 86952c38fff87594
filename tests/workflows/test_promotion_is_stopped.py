"""What keeps a promotion from production: a failing line, a missing word, a newer commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import AGENT, conversation_test, desk
from tests.workflows.promotion_worlds import GREETS, Promotions, promoting
from trunkline.adapters.git.seed import Author

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.slow
ONE_APPROVAL = {"approvals": {"count": 1}}


async def _looked_again(here: Promotions, times: int = 2) -> None:
    """Until the branch was looked at so often, and promotions were told."""
    for _ in range(times):
        await here.stack.sync()


async def test_a_failed_gate_ends_it_with_the_failing_line(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, unhurried=True) as here,
        here.stack.working(),
    ):
        here.push(greeting="Good day to you!")
        await here.stack.sync()
        started = await here.start()
        failed = await here.ended(started)
        assert (failed.state, failed.reason, failed.version) == ("Failed", "GateFailed", 0)
        assert failed.gate is not None
        assert failed.gate.lines[0].startswith("tests/greets.yaml:1: greets: wanted ")
        assert "Acme clinic" in failed.gate.lines[0]
        assert "Good day to you!" in failed.gate.lines[0]
        assert await here.tags() == {}
        assert await here.greeting() == ""
        assert "GateFailed" in await here.reasons()
        await here.record(started, "gate-failed")


async def test_an_agent_without_tests_is_not_promoted(make_stack: MakeStack, texts: Texts) -> None:
    async with promoting(make_stack, texts, tests={}, unhurried=True) as here, here.stack.working():
        await here.stack.sync()
        ended = await here.ended(await here.start())
        assert (ended.state, ended.reason) == ("Inconclusive", "NoRequiredTests"), ended.message
        assert ended.version == 0


async def test_a_signal_without_an_audit_row_is_no_approval(
    make_stack: MakeStack, texts: Texts
) -> None:
    """Whoever can reach Temporal may wake a promotion, and that is all they may."""
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        place = f"promotion/acme/production/{AGENT}/{started.number}"
        handle = here.stack.client.get_workflow_handle(place)
        await handle.signal("wake", {"reason": "approved by admin"})
        await handle.signal("approved", {"by": "admin", "role": "approver"})
        await _looked_again(here)
        waiting = await here.read(started)
        assert (waiting.phase, waiting.approvals, waiting.version) == ("Approval", (), 0)
        assert await here.tags() == {}


async def test_an_author_is_refused_under_every_address(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        here.push(
            greeting="Acme clinic, hello there!", author=Author("Ada", "ada@home.example.com")
        )
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        await here.approve(started, "ada@example.com")
        refused = await here.until(started, lambda now: "is an author" in now.message)
        assert refused.approvals == ()
        assert "ada@home.example.com" in {author.email for author in refused.authors}
        await here.approve(started, "ben@example.com")
        done = await here.ended(started)
        assert (done.state, [given.person for given in done.approvals]) == ("Done", ["ben"])


async def test_a_newer_configuration_supersedes_what_waits(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        newer = here.push(greeting="Acme clinic, welcome!")
        await here.stack.sync()
        over = await here.ended(started)
        assert (over.state, over.version) == ("Superseded", 0)
        assert newer[:10] in over.message
        assert await here.tags() == {}


async def test_a_newer_commit_that_changes_nothing_of_it_lets_it_go_on(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        waiting = await here.phase(started, "Approval")
        other = desk(texts).replace("name: front-desk", "name: other-desk")
        here.push({"agents/other-desk.yaml": other})
        await _looked_again(here)
        assert (await here.read(started)).is_open
        await here.approve(started)
        done = await here.ended(started)
        assert (done.state, done.revision) == ("Done", waiting.revision)
        assert await here.tags() == {1: waiting.revision}


async def test_a_newer_commit_ends_tests_that_are_still_running(
    make_stack: MakeStack, texts: Texts
) -> None:
    suite = {"greets": conversation_test("greets", GREETS)}
    async with (
        promoting(make_stack, texts, tests=suite, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        async with here.world.no_place():
            started = await here.start()
            testing = await here.until(started, lambda now: now.gate is not None)
            assert testing.gate is not None
            run_id = testing.gate.run_id

            async def running() -> bool:
                report = await here.stack.store.run_report(run_id)
                return report is not None and bool(report.expected)

            await here.stack.until(running)
            here.push(greeting="Acme clinic, welcome!")
            await here.stack.sync()
            over = await here.ended(started)
            assert over.state == "Superseded"

            async def cancelled() -> bool:
                report = await here.stack.store.run_report(run_id)
                return report is not None and report.state == "Cancelled"

            await here.stack.until(cancelled)
        assert await here.world.left_behind() == []
        await here.record(started, "superseded-while-tested")
