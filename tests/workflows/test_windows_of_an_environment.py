"""Outside of its windows an environment is left as it is, until they open or somebody says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALICE = Caller(Principal("alice@example.com", "operator"), "request-1")


async def test_a_closed_window_holds_says_when_it_opens_and_can_be_overridden(
    make_stack: MakeStack, texts: Texts
) -> None:
    opens_at = (datetime.now(UTC) + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    hours = f"{opens_at:%H:%M}-{opens_at + timedelta(hours=1):%H:%M}"
    files = texts.fleet(1)
    files["trunkline.yaml"] += f'      windows: [ {{ allow: "Mon-Sun {hours}" }} ]\n'
    stack = await make_stack(files, unhurried=True)
    people = build_services(stack.store, stack.client, timing=stack.timing)
    async with stack.working():
        operation = await stack.sync()
        (item,) = operation.items
        assert (item.state, item.reason) == ("Failed", "OutsideWindow")
        assert f"opens {opens_at:%Y-%m-%d %H:%M UTC}" in item.message
        told = await people.why.why("acme", "agent-0000", environment=None)
        assert told.blocking == ("window",)
        window = next(link for link in told.links if link.name == "window")
        assert window.next_look_at == opens_at
        said = await stack.agent_handle("agent-0000").query("status")
        assert abs(said["nextLookAtS"] - opens_at.timestamp()) < 5
        here = Place("acme", "testing")
        await people.control.override_window(ALICE, here, reason="hotfix")
        assert (await stack.sync()).state == "Succeeded"
        (audited,) = await stack.store.audit(limit=5)
        assert (audited.action, audited.reason) == ("window.override", "hotfix")


async def test_a_policy_that_is_loosened_in_git_wakes_what_it_held(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.fleet(1)
    frozen = files["trunkline.yaml"] + '      windows: [ { deny: "Mon-Sun 00:00-24:00" } ]\n'
    stack = await make_stack({**files, "trunkline.yaml": frozen}, unhurried=True)
    async with stack.working():
        await stack.refresh()
        row = await stack.settled("agent-0000", lambda r: bool(r.conditions))
        assert row.conditions[0].reason == "OutsideWindow"
        assert "it never opens" in row.message
        stack.push({"trunkline.yaml": files["trunkline.yaml"]})
        await stack.refresh()
        await stack.settled("agent-0000", lambda r: r.sync == "Synced")
