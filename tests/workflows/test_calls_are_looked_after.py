"""Where there are numbers a schedule looks after calls, and news has it look at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.service import RPCError

from activities.call_types import CallKeepingInput, CallsKept
from activities.names import CALL_KEEPING_WORKFLOW, WORKFLOW_QUEUE
from activities.types import Timing
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.ids import calls_schedule_id
from trunkline.services.access import AccessService
from trunkline.services.calls import CallService
from trunkline.services.engine import Engine

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

ENVIRONMENT, AGENT = "testing", "front-desk"
NUMBER = "+15005550006"


@pytest.mark.slow
async def test_a_call_of_the_platform_is_read_when_the_platform_says_so(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        handle = stack.client.get_schedule_handle(calls_schedule_id(stack.project))
        described = await handle.describe()
        (interval,) = described.schedule.spec.intervals
        assert interval.every == timedelta(minutes=1)
        conversation = await _carried(stack)
        await _service(stack).heard_from_platform(conversation)

        async def look() -> CallRecord | None:
            found = await stack.store.calls(stack.project, CallFilter(active=False), limit=10)
            return next((each for each in found if each.cost is not None), None)

        record = await stack.until(look)
        assert (record.agent, record.conversation_id) == (AGENT, conversation)
        assert record.digest is not None
        await handle.delete()


@pytest.mark.slow
async def test_one_round_reads_closes_and_forgets(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _by_hand_only(stack)
        await _carried(stack)
        report = await _round(stack, "one-call")
        words = "1 read; 0 closed, 0 settled; 0 transcripts and 0 recordings forgotten"
        assert (report.count, report.details) == (1, words)


@pytest.mark.slow
async def test_a_vendor_that_is_down_keeps_nothing_from_being_forgotten(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _by_hand_only(stack)
        await stack.elevenlabs.faults({"kind": "status-before", "route": None, "status": 503})
        report = await _round(stack, "platform-down")
        assert report.details.startswith("0 read; ")
        assert report.details.endswith("0 transcripts and 0 recordings forgotten")
        await stack.elevenlabs.healthy()


async def test_a_project_without_numbers_has_no_schedule(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    async with stack.working():
        await stack.sync()
        with pytest.raises(RPCError, match="not found"):
            await stack.client.get_schedule_handle(calls_schedule_id(stack.project)).describe()
        await _service(stack).heard_from_platform("conv_of_nobody")


async def _by_hand_only(stack: Stack) -> None:
    """The schedule is gone, and no round it began goes on."""
    schedule = stack.client.get_schedule_handle(calls_schedule_id(stack.project))
    await schedule.pause()

    async def rests() -> bool:
        described = await schedule.describe()
        return described.schedule.state.paused and not described.info.running_actions

    await stack.until(rests)
    await schedule.delete()


async def _carried(stack: Stack) -> str:
    """A phone call the platform carried, over since half a minute."""
    entry = await stack.store.entry(stack.project, ENVIRONMENT, "agent", AGENT)
    assert entry is not None
    call: dict[str, Any] = {
        "type": "twilio",
        "direction": "inbound",
        "phone_number_id": "phnum_1",
        "agent_number": NUMBER,
        "external_number": "+14155550100",
        "stream_sid": "MZ" + "0" * 32,
        "call_sid": "CA" + "1" * 32,
    }
    turn = {"role": "user", "message": "A table for two", "time_in_call_secs": 3}
    made = await stack.elevenlabs.control(
        "conversations",
        {
            "agent_id": entry.external_id,
            "version_id": entry.version_id,
            "seconds_ago": 60,
            "duration_s": 30,
            "phone_call": call,
            "transcript": [{**turn, "tool_calls": [], "tool_results": [], "interrupted": False}],
        },
    )
    return str(made["conversation_id"])


async def _round(stack: Stack, scenario: str) -> CallsKept:
    handle = await stack.client.start_workflow(
        CALL_KEEPING_WORKFLOW,
        CallKeepingInput(project=stack.project, timing=stack.timing),
        id=f"{calls_schedule_id(stack.project)}-by-hand",
        task_queue=WORKFLOW_QUEUE,
        result_type=CallsKept,
    )
    report: CallsKept = await handle.result()
    await stack.record(handle, "call-keeping", scenario)
    return report


def _service(stack: Stack) -> CallService:
    engine = Engine(stack.client, task_queue=WORKFLOW_QUEUE, timing=Timing())
    return CallService(stack.store, stack.store, access=AccessService(stack.store), engine=engine)
