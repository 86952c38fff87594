"""A production number reaches an agent only once its verified release is there, within the windows
of promotion, and by the release's word or a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from activities.names import PLAN_WORKFLOW, WORKFLOW_QUEUE
from activities.types import PlanInput
from tests.conftest import NUMBER_MANIFEST
from tests.workflows.released_worlds import (
    PRODUCTION,
    Releasing,
    assigned,
    in_production,
    look,
    released,
    runs,
    tip,
)
from trunkline.model.interventions import Intervention
from trunkline.model.records import OperationRecord, StatusRow

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NUMBER = NUMBER_MANIFEST.replace("environment: testing", "environment: production")
FILE = "numbers/main-line.yaml"
SATURDAY = datetime(2026, 3, 7, 12, tzinfo=UTC)


@dataclass
class PretendedClock:
    """A clock that stands where it is put."""

    moment: datetime = field(default=SATURDAY)

    def now(self) -> datetime:
        """The moment."""
        return self.moment


async def _number(stack: Stack, reason: str) -> StatusRow:
    return await in_production(
        stack,
        "main-line",
        lambda row: any(each.reason == reason for each in row.conditions),
        kind="number",
    )


async def test_a_number_waits_for_the_release_that_names_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack({**releasing.files(texts, "front-desk"), FILE: NUMBER}, unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        waiting = await _number(stack, "AwaitingRelease")
        assert "trunkline promote front-desk -e production" in waiting.message
        assert waiting.health != "Healthy"
        assert await assigned(stack) == []
        await releasing.release(stack, "front-desk", 1, await tip(stack), numbers=["main-line"])
        await look(stack)
        row = await runs(stack, "front-desk", 1)
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        assert await assigned(stack) == [row.external_id]


async def test_a_number_no_release_names_needs_an_approvers_plan(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack({**releasing.files(texts, "front-desk"), FILE: NUMBER}, unhurried=True)
    async with stack.working():
        row = await released(stack, releasing, "front-desk")
        held = await _number(stack, "ApprovalNeeded")
        assert "approver" in held.message
        assert await assigned(stack) == []
        await _apply(stack, role="operator")
        await _number(stack, "ApprovalNeeded")
        assert await assigned(stack) == []
        await _apply(stack, role="approver")
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        assert await assigned(stack) == [row.external_id]


async def _apply(stack: Stack, *, role: str) -> None:
    """What somebody with the role does: make a plan of production, and apply it."""
    operation_id = uuid4().hex
    await stack.store.open_operation(
        OperationRecord(id=operation_id, project="acme", kind="plan", requested_by="test")
    )
    await stack.client.execute_workflow(
        PLAN_WORKFLOW,
        PlanInput(
            operation_id=operation_id, project="acme", environment=PRODUCTION, timing=stack.timing
        ),
        id=f"plan/{operation_id}",
        task_queue=WORKFLOW_QUEUE,
    )
    operation = await stack.ended(operation_id)
    made = await stack.store.plan(operation.plan_id or "")
    assert made is not None
    now = datetime.now(UTC)
    await stack.store.put_intervention(
        Intervention(
            project="acme",
            environment=PRODUCTION,
            verb="apply",
            reason="",
            by=f"some {role}",
            at=now,
            expires_at=now + timedelta(hours=1),
            details={"planId": made.id, "digest": made.plan.digest, "role": role},
        )
    )
    await stack.sync(names=("main-line",))


async def test_a_number_does_not_leave_production_because_a_commit_says_so(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack({**releasing.files(texts, "front-desk"), FILE: NUMBER}, unhurried=True)
    async with stack.working():
        row = await released(stack, releasing, "front-desk", numbers=["main-line"])
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        stack.push({FILE: NUMBER_MANIFEST})
        await look(stack)
        held = await stack.settled(
            "main-line",
            lambda row: any(each.reason == "ApprovalNeeded" for each in row.conditions),
            kind="number",
        )
        assert "approver" in held.message
        assert await assigned(stack) == [row.external_id]


async def test_a_number_does_not_go_back_to_where_it_once_was_as_if_that_were_mending(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(
        {**releasing.files(texts, "front-desk"), FILE: NUMBER_MANIFEST}, unhurried=True
    )
    async with stack.working():
        await look(stack)
        await stack.settled("main-line", lambda row: row.health == "Healthy", kind="number")
        await releasing.release(stack, "front-desk", 1, await tip(stack), numbers=["main-line"])
        await look(stack)
        row = await runs(stack, "front-desk", 1)
        stack.push({FILE: NUMBER})
        await look(stack)
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        assert await assigned(stack) == [row.external_id]
        stack.push({FILE: NUMBER_MANIFEST})
        await look(stack)
        await stack.settled(
            "main-line",
            lambda row: any(each.reason == "ApprovalNeeded" for each in row.conditions),
            kind="number",
        )
        assert await assigned(stack) == [row.external_id]


async def test_a_number_moves_only_within_the_windows_of_promotion(
    make_stack: MakeStack, texts: Texts
) -> None:
    window = ', windows: [ { allow: "Mon-Fri 09:00-17:00", timezone: UTC } ]'
    releasing = Releasing(promotion=window)
    clock = PretendedClock()
    made = await make_stack({**releasing.files(texts, "front-desk"), FILE: NUMBER}, unhurried=True)
    stack = replace(made, clock=clock)
    async with stack.working():
        row = await released(stack, releasing, "front-desk", numbers=["main-line"])
        held = await _number(stack, "OutsideWindow")
        assert "opens 2026-03-09 09:00 UTC" in held.message
        assert await assigned(stack) == []
        clock.moment = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
        await stack.sync(names=("main-line",))
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        assert await assigned(stack) == [row.external_id]
