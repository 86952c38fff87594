"""An agent of our own that carries a configuration under test, where there is no agent yet.

It has no number, no owner of ours and no calls but those of the tests; its one tag says for whom
it is, and by that tag alone it is found and deleted again.
"""

from datetime import timedelta

from temporalio import activity

from activities.errors import try_again_in
from activities.testing.ports import StoredRendering, TestPorts
from activities.testing.results import put_part
from activities.testing_types import TestBranchRequest
from activities.types import Timing
from trunkline.model.base import JsonObject
from trunkline.model.errors import ClaimPending, Conflict, RemoteMissing
from trunkline.model.ids import ExternalId
from trunkline.model.testing.limits import TEST_HOLD_S
from trunkline.model.testing.runs import TestHolding
from trunkline.ports import VoicePlatform

LOOKS_BEFORE_GONE = 2
"""A list may lag behind a create: what the first look does not find, the second one does."""


def carrier_mark(owner: str, project: str, environment: str, agent: str) -> str:
    """The tag of an agent that carries tests: for whom, and of what."""
    return f"{owner}:{project}/{environment}/{agent}"


class Carriers:
    """Makes agents for tests of agents that are not there."""

    def __init__(self, ports: TestPorts) -> None:
        self._ports = ports

    async def ensure(
        self,
        request: TestBranchRequest,
        voice: VoicePlatform,
        stored: StoredRendering,
        body: JsonObject,
    ) -> StoredRendering:
        """Make the agent, or find the one an earlier try made. Raises ClaimPending while that may
        still appear.
        """
        desired = stored.rendering.desired
        await self._hold(request, voice, stored)
        found = await voice.find_agents(stored.carrier)
        if found:
            return stored.model_copy(update={"agent_id": found[0].external_id})
        now, timing = self._ports.clock.now(), request.timing
        wait_s = timing.request_timeout_s + timing.list_lag_bound_s
        if stored.attempted_at is not None:
            left_s = wait_s - (now - stored.attempted_at).total_seconds()
            if left_s > 0:
                raise try_again_in(ClaimPending(f"{stored.carrier} may still appear"), left_s)
        attempted = stored.model_copy(update={"attempted_at": now})
        parts = self._ports.parts
        await put_part(parts, request.run_id, "rendering", request.rendering, attempted)
        named: JsonObject = {
            **body,
            "name": f"{stored.owner} {desired.display_name}",
            "tags": [stored.carrier],
        }
        made = await voice.create_agent(named, timeout_s=timing.request_timeout_s)
        return attempted.model_copy(update={"agent_id": made})

    async def _hold(
        self, request: TestBranchRequest, voice: VoicePlatform, stored: StoredRendering
    ) -> None:
        holding = TestHolding(
            kind="agent",
            project=request.project,
            environment=stored.rendering.desired.environment,
            account=voice.account,
            name=stored.carrier,
        )
        expires_at = self._ports.clock.now() + timedelta(seconds=TEST_HOLD_S)
        if not await self._ports.holdings.hold(holding, request.run_id, expires_at):
            raise try_again_in(ClaimPending(f"{stored.carrier} is being deleted"), 1.0)


async def put_carrier_away(voice: VoicePlatform, holding: TestHolding, timing: Timing) -> None:
    """Delete every agent that carries the mark. Raises Conflict for one that is something else
    besides.
    """
    found = await voice.find_agents(holding.name)
    if not found and activity.info().attempt < LOOKS_BEFORE_GONE:
        raise try_again_in(
            ClaimPending(f"{holding.name} may still appear"), timing.list_lag_bound_s
        )
    for one in found:
        await _delete(voice, holding.name, one.external_id, timing.request_timeout_s)


async def _delete(
    voice: VoicePlatform, mark: str, external_id: ExternalId, timeout_s: float
) -> None:
    try:
        observed = await voice.agent(external_id)
    except RemoteMissing:
        return
    if tuple(observed.tags) != (mark,):
        raise Conflict(f"agent {external_id} carries other marks than {mark}")
    await voice.delete_agent(external_id, timeout_s=timeout_s)
