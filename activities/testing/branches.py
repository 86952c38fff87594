"""Configurations under test on the platform: what they need is made, then they get a branch.

A branch without traffic is invisible to callers, and nothing of what is live is written. The run
holds the branch as long as it lasts; it is named by its content, so runs side by side share it.
"""

from datetime import timedelta

from temporalio import activity

from activities.creating import CLAIM_POLL_S
from activities.errors import translated, try_again_in
from activities.heartbeats import beating
from activities.names import ENSURE_TEST_BRANCH, ENSURE_TEST_OBJECT
from activities.needs import needed_objects
from activities.policies import Standings
from activities.shared import SharedWrites
from activities.testing.carriers import Carriers
from activities.testing.gates import test_verdict
from activities.testing.ports import StoredRendering, TestPorts, not_deployed
from activities.testing.results import put_part, read_content, read_part
from activities.testing_types import TestBranch, TestBranchRequest, TestObjectRequest
from activities.types import StepResult
from trunkline.model.base import JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent
from trunkline.model.diffs import leaves
from trunkline.model.errors import (
    ClaimPending,
    Conflict,
    RemoteMissing,
    TestImpossible,
    ToolsNotStubbable,
)
from trunkline.model.ids import short_digest
from trunkline.model.paths import put, split
from trunkline.model.plans import Step
from trunkline.model.shared_objects import bindings_of, object_key
from trunkline.model.testing.limits import TEST_HOLD_S
from trunkline.model.testing.rendering import BRANCH_PREFIX, TestRendering
from trunkline.model.testing.runs import TestHolding
from trunkline.model.writes import resolve_references, unresolved_references
from trunkline.ports import VoicePlatform, Wishes
from trunkline.ports.testing import RunParts


class TestBranches:
    """The activities that make what is spoken to."""

    __test__ = False

    def __init__(self, ports: TestPorts) -> None:
        self._ports = ports
        self._carriers = Carriers(ports)
        self._standings = Standings(
            ports.wishes,
            ports.interventions,
            ports.operations,
            ports.clock,
            live=ports.accounts.live,
        )

    @activity.defn(name=ENSURE_TEST_OBJECT)
    async def ensure_test_object(self, request: TestObjectRequest) -> StepResult:
        """Make a tool, document or secret, or find the one that is there."""
        with translated(request.timing):
            async with beating():
                stored = await self._stored(request.run_id, request.rendering)
                desired = stored.rendering.desired
                await self._require_open(desired)
                asked = request.object
                key = asked.name if asked.kind == "secret" else object_key(asked.name, asked.digest)
                step = Step(action="create", subject=asked.kind, name=asked.name, key=key)
                ports = self._ports
                contents = _Contents(ports.wishes, ports.parts, request.run_id)
                writes = SharedWrites(ports.accounts, ports.ledger, contents, ports.clock)
                return await writes.create(desired, step, request.timing)

    @activity.defn(name=ENSURE_TEST_BRANCH)
    async def ensure_test_branch(self, request: TestBranchRequest) -> TestBranch:
        """Put the configuration on a branch off Main's tip, or find the one that is there."""
        with translated(request.timing):
            async with beating():
                stored = await self._stored(request.run_id, request.rendering)
                desired = stored.rendering.desired
                await self._require_open(desired)
                voice = await self._ports.accounts.voice(desired.project, desired.environment)
                try:
                    if stored.carrier:
                        made = await self._carried(request, voice, stored)
                    else:
                        made = await self._branch(request, voice, stored)
                except RemoteMissing as error:
                    raise not_deployed(desired.name, desired.environment) from error
                parts = self._ports.parts
                await put_part(parts, request.run_id, "rendering", request.rendering, made)
                return TestBranch(branch_id=made.branch_id, name=made.name)

    async def _carried(
        self, request: TestBranchRequest, voice: VoicePlatform, stored: StoredRendering
    ) -> StoredRendering:
        """The configuration on an agent made for it, as there is none to put it beside."""
        body = await self._resolved(voice, stored.rendering)
        _require_led(voice, stored, body)
        return await self._carriers.ensure(request, voice, stored, body)

    async def _branch(
        self, request: TestBranchRequest, voice: VoicePlatform, stored: StoredRendering
    ) -> StoredRendering:
        rendering = stored.rendering
        observed = await voice.agent(stored.agent_id)
        body = await self._resolved(voice, rendering)
        _require_led(voice, stored, _laid_over(observed.body, body))
        content = digest({"body": body, "parent": observed.version_id})
        prefix = f"{stored.owner}-" if stored.owner else BRANCH_PREFIX
        name = f"{prefix}{short_digest(content)}"
        await self._hold(
            request.run_id,
            TestHolding(
                kind="branch",
                project=request.project,
                environment=rendering.desired.environment,
                account=voice.account,
                name=name,
                agent_id=stored.agent_id,
            ),
        )
        branch = await voice.branches.create_branch(
            stored.agent_id,
            parent_version_id=observed.version_id,
            name=name,
            description=f"trunkline: tests of {rendering.desired.name}; put away when they end",
            patch=body,
            timeout_s=request.timing.request_timeout_s,
        )
        if branch.main or branch.live_percentage:
            raise Conflict(f"branch {name} of {rendering.desired.name} has calls: it is not ours")
        return stored.model_copy(update={"branch_id": branch.id, "name": name})

    async def _resolved(self, voice: VoicePlatform, rendering: TestRendering) -> JsonObject:
        """The body with ids in place of references. Raises ClaimPending if one is not known."""
        desired = rendering.desired
        claims = await self._ports.ledger.claims(
            voice.account,
            desired.project,
            desired.environment,
            names=sorted({needed.name for needed in needed_objects(desired)}),
        )
        body = {
            key: resolve_references(value, bindings_of(claims))
            for key, value in rendering.body.items()
        }
        unknown = unresolved_references(body)
        if unknown:
            raise ClaimPending(f"agent {desired.name}: {unknown[0]} is not on the platform yet")
        return body

    async def _hold(self, run_id: str, holding: TestHolding) -> None:
        expires_at = self._ports.clock.now() + timedelta(seconds=TEST_HOLD_S)
        if not await self._ports.holdings.hold(holding, run_id, expires_at):
            words = f"{holding.kind} {holding.name} is being put away"
            raise try_again_in(ClaimPending(words), CLAIM_POLL_S)

    async def _stored(self, run_id: str, key: str) -> StoredRendering:
        return await read_part(self._ports.parts, run_id, "rendering", key, StoredRendering)

    async def _require_open(self, desired: DesiredAgent) -> None:
        """Raises TestImpossible if the environment was closed since the run was prepared."""
        standing = await self._standings.standing(desired.project, desired.environment)
        voice = await self._ports.accounts.voice(desired.project, desired.environment)
        found = test_verdict(standing, desired.project, desired.name, voice.account)
        if found.held:
            raise TestImpossible(f"{found.reason}: {found.message}")


class _Contents:
    """What documents hold: of those that were applied, and of those of the run's own commit."""

    def __init__(self, wishes: Wishes, parts: RunParts, run_id: str) -> None:
        self._wishes = wishes
        self._parts = parts
        self._run_id = run_id

    async def content(self, digest: str) -> bytes:
        """Bytes by their digest. Raises NotFound."""
        own = await read_content(self._parts, self._run_id, digest)
        return await self._wishes.content(digest) if own is None else own


def _require_led(voice: VoicePlatform, stored: StoredRendering, body: JsonObject) -> None:
    """Raises ToolsNotStubbable if a conversation could reach what nobody stands in for."""
    strays = voice.stray_tools(body) if stored.gated else ()
    if strays:
        raise ToolsNotStubbable(
            f"agent {stored.rendering.desired.name} reaches others by {strays[0]}, and nobody can"
            " answer in their place",
            hint="A test that may really reach them says `tools: {live: true}`.",
        )


def _laid_over(body: JsonObject, patch: JsonObject) -> JsonObject:
    laid: JsonObject = {}
    for path, value in {**leaves(body), **leaves(patch)}.items():
        put(laid, split(path), value)
    return laid
