"""A signal that somebody typed into Temporal's UI holds up no workflow, whatever it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.promotion_worlds import promoting
from trunkline.model.ids import promotion_workflow_id

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ONE_APPROVAL = {"approvals": {"count": 1}}


async def _pester(handle: WorkflowHandle[Any, Any], signal: str) -> None:
    """Send a signal with nothing, too much, and what is no input of it."""
    odd: tuple[list[Any], ...] = ([], [{"reason": "look"}] * 3, [None], ["approved"], [b"look"])
    for arguments in odd:
        await handle.signal(signal, args=arguments)


async def test_workflows_go_on_after_signals_whose_arguments_do_not_fit(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        place = promotion_workflow_id(
            started.project, started.environment, started.agent, started.number
        )
        promotion = here.stack.client.get_workflow_handle(place)
        await _pester(promotion, "wake")
        await _pester(promotion, "approved")
        await _pester(here.stack.project_handle(), "refresh")
        await _pester(here.stack.agent_handle(started.agent), "declare")
        assert (await here.read(started)).phase == "Approval"
        await here.approve(started)
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 1), done.message
