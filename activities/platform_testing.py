"""Conversation tests carried out by the platform itself, on a configuration nobody has to store.

Tests are objects of ours, made once by the same claims as tools and documents, and never changed.
A candidate configuration goes along with the request that runs them, so no agent is written; on a
branch they run as they are. What the platform cannot run is said, and never counts as passed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Literal

from temporalio import activity

from activities.concurrency import each
from activities.creating import create_once
from activities.errors import translated
from activities.heartbeats import Progress, beating, resumed_place
from activities.names import RUN_PLATFORM_TESTS
from activities.needs import Needed, claims_of
from activities.shared import ClaimCreation, SharedWrites
from activities.testing.ports import StoredRendering, TestPorts, not_deployed
from activities.testing.results import conversation_key, put_part, read_part
from activities.testing_types import PlatformTestsReport, PlatformTestsRequest
from activities.types import Timing
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import ClaimPending, RemoteMissing, TestImpossible
from trunkline.model.ids import ExternalId, content_mark, reference
from trunkline.model.kinds.agent import merge
from trunkline.model.ledger import Claim
from trunkline.model.shared_objects import (
    KnownObjects,
    bindings_of,
    object_key,
    shared_steps,
)
from trunkline.model.testing.calibration import examples
from trunkline.model.testing.limits import (
    PLATFORM_RUNS_MAX,
    PLATFORM_TESTS_CONCURRENT,
    PLATFORM_TESTS_MAX_S,
    PLATFORM_TESTS_PATIENCE,
    PLATFORM_TESTS_POLL_MAX_S,
    PLATFORM_TESTS_POLL_S,
    TEST_HOLD_S,
)
from trunkline.model.testing.own_objects import own_test
from trunkline.model.testing.platform_results import left_out_words, platform_runs
from trunkline.model.testing.platform_tests import (
    CompiledTest,
    Invocation,
    PlatformTest,
)
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.runs import TestHolding
from trunkline.model.testing.scripts import Script
from trunkline.model.writes import resolved_body
from trunkline.ports import Accounts, Clock, Ledger, VoicePlatform, Wishes


@dataclass(frozen=True, slots=True)
class PlatformTarget:
    """What is tested: the candidate as it is wished for, a version of the agent, or a branch."""

    kind: Literal["candidate", "version", "branch"] = "candidate"
    id: str = ""


@dataclass(frozen=True, slots=True)
class PlatformPauses:
    """How long the platform is left alone between two looks, and how long all of it may take."""

    first_s: float = PLATFORM_TESTS_POLL_S
    longest_s: float = PLATFORM_TESTS_POLL_MAX_S
    patience: float = PLATFORM_TESTS_PATIENCE
    in_all_s: float = PLATFORM_TESTS_MAX_S


@dataclass(frozen=True, slots=True)
class PlatformOrder:
    """Tests of one agent. ``desired`` is what is wished for in the environment ``agent_id`` is in;
    tests refer to its tools. Tools and documents it needs and the platform does not have are made,
    unless ``makes_objects`` says that nobody answers for this wish yet. Tests that are not there
    are made under the name of an ``owner``, if there is one, and ``hold`` is told of each before.
    """

    desired: DesiredAgent
    agent_id: ExternalId
    scripts: tuple[Script, ...]
    target: PlatformTarget = PlatformTarget()
    pauses: PlatformPauses = PlatformPauses()
    makes_objects: bool = True
    owner: str = ""
    hold: Callable[[VoicePlatform, PlatformTest], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class PlatformFindings:
    """Runs of each test by its name, and in words what the platform could not say of it.

    ``versions`` are what was tested, empty for a candidate that nobody stored.
    """

    runs: Mapping[str, tuple[RunResult, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one invocation runs: tests of the platform by digest, for the tests of these names."""

    times: int
    names: tuple[str, ...]
    digests: tuple[str, ...]


class PlatformTesting:
    """Makes tests, runs them, and says what they came to. Runs inside an activity."""

    def __init__(self, accounts: Accounts, ledger: Ledger, wishes: Wishes, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._clock = clock

    async def run(
        self, order: PlatformOrder, timing: Timing, progress: Progress
    ) -> PlatformFindings:
        """Everything, from the first look to the last verdict; a second try goes on with what the
        first one started. Raises RemoteMissing if the agent is not on the platform.
        """
        desired = order.desired
        voice = await self._accounts.voice(desired.project, desired.environment)
        compiled = {
            script.name: voice.compile_test(script.test, desired, examples(script))
            for script in order.scripts
        }
        wanted = _unique(compiled.values())
        if not wanted:
            return _findings(order, compiled, {}, {})
        progress.words = "making tests"
        if order.owner:
            wanted = await self._owned(voice, order, wanted)
        bindings = await self._objects(voice, order, timing)
        writes = TestWrites(
            self._accounts, self._ledger, self._wishes, self._clock, wanted, bindings
        )
        ids = await self._ensured(voice, writes, desired, timing)
        started = _started(resumed_place())
        try:
            await self._start(voice, order, compiled, ids, bindings, started, timing, progress)
        except RemoteMissing:
            if not await self._forget_gone(voice, desired, wanted):
                raise
            ids = await self._ensured(voice, writes, desired, timing)
            await self._start(voice, order, compiled, ids, bindings, started, timing, progress)
        invocations = await self._watched(voice, started, order.pauses, progress)
        return _findings(order, compiled, ids, invocations)

    async def _owned(
        self, voice: VoicePlatform, order: PlatformOrder, wanted: Mapping[str, PlatformTest]
    ) -> dict[str, PlatformTest]:
        """Tests that are there as they are, all others under their owner's name, held by now."""
        names = sorted({test.name for test in wanted.values()})
        claims = await claims_of(self._ledger, voice.account, order.desired, names)
        there = {c.digest for c in claims if c.kind == "test" and c.external_id is not None}
        owned: dict[str, PlatformTest] = {}
        for digest, test in wanted.items():
            owned[digest] = test
            if digest not in there:
                owned[digest] = own_test(test, order.owner)
                if order.hold is not None:
                    await order.hold(voice, owned[digest])
        return owned

    async def _objects(
        self, voice: VoicePlatform, order: PlatformOrder, timing: Timing
    ) -> dict[str, ExternalId]:
        """Tools, documents and secrets by reference; those that are not there yet are made.

        Raises TestImpossible if something would have to be made that nobody answers for.
        """
        desired = order.desired
        claims = await claims_of(self._ledger, voice.account, desired)
        known = KnownObjects(bindings=bindings_of(claims), claims=claims)
        missing = [s for s in shared_steps(desired, known, None, None) if s.action == "create"]
        if not missing:
            return dict(known.bindings)
        if not order.makes_objects:
            raise TestImpossible(
                f"{missing[0].subject} {missing[0].name} is not on the platform, and a test of"
                " another branch than the project's makes none",
                hint="Test it by conversations, or merge it first.",
            )
        shared = SharedWrites(self._accounts, self._ledger, self._wishes, self._clock)
        for step in missing:
            await shared.create(desired, step, timing)
        return bindings_of(await claims_of(self._ledger, voice.account, desired))

    async def _ensured(
        self, voice: VoicePlatform, writes: "TestWrites", desired: DesiredAgent, timing: Timing
    ) -> dict[str, ExternalId]:
        """Ids of the tests by digest; those that are not there yet are made."""
        names = sorted({test.name for test in writes.tests.values()})
        claims = await claims_of(self._ledger, voice.account, desired, names)
        rows = {claim.digest: claim for claim in claims if claim.kind == "test"}

        async def one(test: PlatformTest) -> ExternalId:
            row = rows.get(test.digest)
            needed = _needed(desired, test)
            creation = ClaimCreation(writes, voice, desired, needed, row)
            created = await create_once(creation, self._clock, timing)
            await self._settle(creation.claim(), row, created.external_id, needed)
            return created.external_id

        wanted = list(writes.tests.values())
        made = await each(one, wanted, concurrent=PLATFORM_TESTS_CONCURRENT)
        return {test.digest: made_id for test, made_id in zip(wanted, made, strict=True)}

    async def _settle(
        self, claim: Claim, row: Claim | None, external_id: ExternalId, needed: Needed
    ) -> None:
        """Record the id; a test that is used again is not on its way out any more."""
        if row is None or row.external_id is None:
            settled = claim.model_copy(update={"body": needed.body})
            await self._ledger.settle(settled, external_id, fingerprint=None)
        elif row.tombstone is not None:
            await self._ledger.tombstone_claim(row, None)

    async def _forget_gone(
        self, voice: VoicePlatform, desired: DesiredAgent, wanted: Mapping[str, PlatformTest]
    ) -> bool:
        """Let go of tests that somebody deleted on the platform; True if there are any."""
        names = sorted({test.name for test in wanted.values()})
        forgotten = False
        for claim in await claims_of(self._ledger, voice.account, desired, names):
            if claim.kind != "test" or claim.external_id is None or claim.digest not in wanted:
                continue
            try:
                await voice.object_usage("test", claim.external_id)
            except RemoteMissing:
                await self._ledger.forget_claim(claim)
                forgotten = True
        return forgotten

    async def _start(
        self,
        voice: VoicePlatform,
        order: PlatformOrder,
        compiled: Mapping[str, CompiledTest],
        ids: Mapping[str, ExternalId],
        bindings: Mapping[str, ExternalId],
        started: dict[int, str],
        timing: Timing,
        progress: Progress,
    ) -> None:
        """One invocation for each batch that has none yet."""
        override = await self._override(voice, order, bindings)
        branch_id = order.target.id if order.target.kind == "branch" else None
        for number, batch in enumerate(batches(order, compiled)):
            if number in started:
                continue
            started[number] = await voice.tests.run_tests(
                order.agent_id,
                [ids[digest] for digest in batch.digests],
                branch_id=branch_id,
                override=override,
                repeat_count=batch.times,
                timeout_s=timing.request_timeout_s,
            )
            progress.place = json.dumps(started)
            activity.heartbeat(progress.words, progress.place)

    async def _override(
        self, voice: VoicePlatform, order: PlatformOrder, bindings: Mapping[str, ExternalId]
    ) -> JsonObject | None:
        """The whole body that is tested in place of the agent's own; None on a branch.

        It is the agent as it is with the wish laid over it, which is what applying it would make.
        """
        if order.target.kind == "branch":
            return None
        if order.target.kind == "version":
            at_version = await voice.agent(order.agent_id, version_id=order.target.id)
            return at_version.body
        observed = await voice.agent(order.agent_id)
        return merge(observed.body, resolved_body(voice.render(order.desired), bindings))

    async def _watched(
        self,
        voice: VoicePlatform,
        started: Mapping[int, str],
        pauses: PlatformPauses,
        progress: Progress,
    ) -> dict[int, Invocation]:
        """All invocations, finished or as far as they are when time is up."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + pauses.in_all_s
        pause_s = pauses.first_s
        found: dict[int, Invocation] = {}
        while True:
            for number, invocation_id in started.items():
                if number not in found or found[number].pending:
                    found[number] = await voice.tests.invocation(invocation_id)
            runs = [run for invocation in found.values() for run in invocation.runs]
            open_ones = sum(run.state == "pending" for run in runs)
            progress.words = f"{len(runs) - open_ones} of {len(runs)} runs"
            left_s = until_s - loop.time()
            if not open_ones or left_s <= 0:
                return found
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * pauses.patience, pauses.longest_s)


class PlatformTestActivities:
    """Runs of tests that the platform carries out."""

    def __init__(self, ports: TestPorts) -> None:
        self._ports = ports
        self._testing = PlatformTesting(ports.accounts, ports.ledger, ports.wishes, ports.clock)

    @activity.defn(name=RUN_PLATFORM_TESTS)
    async def run_platform_tests(self, request: PlatformTestsRequest) -> PlatformTestsReport:
        """Run them and leave every run where those of conversations are left."""
        with translated(request.timing):
            async with beating() as progress:
                parts, run_id = self._ports.parts, request.run_id
                stored = await read_part(
                    parts, run_id, "rendering", request.rendering, StoredRendering
                )
                scripts = [
                    await read_part(parts, run_id, "script", test.key, Script)
                    for test in request.tests
                ]
                order = PlatformOrder(
                    desired=stored.rendering.desired,
                    agent_id=stored.agent_id,
                    scripts=tuple(scripts),
                    makes_objects=not stored.gated,
                    owner=stored.owner,
                    hold=partial(self._hold, request, stored.rendering.desired),
                )
                try:
                    found = await self._testing.run(order, request.timing, progress)
                except RemoteMissing as error:
                    desired = order.desired
                    raise not_deployed(desired.name, desired.environment) from error
                for name, runs in found.runs.items():
                    for run in runs:
                        key = conversation_key(name, run.number)
                        await put_part(parts, run_id, "conversation", key, run)
                count = sum(len(runs) for runs in found.runs.values())
                return PlatformTestsReport(runs=count, left_out=found.left_out)

    async def _hold(
        self,
        request: PlatformTestsRequest,
        desired: DesiredAgent,
        voice: VoicePlatform,
        test: PlatformTest,
    ) -> None:
        """Have the run hold a test it is about to make: the last one to hold it deletes it."""
        holding = TestHolding(
            kind="test",
            project=request.project,
            environment=desired.environment,
            account=voice.account,
            name=test.name,
            digest=test.digest,
        )
        expires_at = self._ports.clock.now() + timedelta(seconds=TEST_HOLD_S)
        if not await self._ports.holdings.hold(holding, request.run_id, expires_at):
            raise ClaimPending(f"test {test.name} is being put away")


class TestWrites(SharedWrites):
    """Creates of platform tests, by the protocol of every other shared object."""

    __test__ = False

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        clock: Clock,
        tests: Mapping[str, PlatformTest],
        bindings: Mapping[str, ExternalId],
    ) -> None:
        super().__init__(accounts, ledger, wishes, clock)
        self.tests = tests
        self._bindings = bindings

    async def send(
        self, voice: VoicePlatform, desired: DesiredAgent, needed: Needed, timeout_s: float
    ) -> ExternalId:
        """The create itself."""
        del desired
        return await voice.tests.create_test(
            self.tests[needed.digest],
            mark=needed.mark,
            bindings=self._bindings,
            timeout_s=timeout_s,
        )


def _needed(desired: DesiredAgent, test: PlatformTest) -> Needed:
    return Needed(
        "test",
        test.name,
        test.digest,
        reference("test", object_key(test.name, test.digest)),
        content_mark(desired.project, desired.environment, test.name, test.digest),
        test.body,
    )


def _unique(compiled: Iterable[CompiledTest]) -> dict[str, PlatformTest]:
    return {test.digest: test for one in compiled for test in one.tests}


def batches(order: PlatformOrder, compiled: Mapping[str, CompiledTest]) -> tuple[Batch, ...]:
    """Tests that are run equally often go together, as many as one answer can hold."""
    made: list[Batch] = []
    for script in sorted(order.scripts, key=lambda script: script.spec.repeat.runs):
        times = script.spec.repeat.runs
        digests = tuple(dict.fromkeys(test.digest for test in compiled[script.name].tests))
        if not digests:
            continue
        last = made[-1] if made and made[-1].times == times else None
        together = tuple(dict.fromkeys((*last.digests, *digests))) if last else ()
        if last and len(together) * times <= PLATFORM_RUNS_MAX:
            made[-1] = Batch(times, (*last.names, script.name), together)
        else:
            made.append(Batch(times, (script.name,), digests))
    return tuple(made)


def _started(place: str) -> dict[int, str]:
    """Invocations by the number of their batch, as an earlier try wrote them down."""
    told = json.loads(place) if place else {}
    return {int(number): str(invocation_id) for number, invocation_id in told.items()}


def _findings(
    order: PlatformOrder,
    compiled: Mapping[str, CompiledTest],
    ids: Mapping[str, ExternalId],
    invocations: Mapping[int, Invocation],
) -> PlatformFindings:
    nothing = Invocation(id="", agent_id=order.agent_id)
    answered = {
        name: invocations.get(number, nothing)
        for number, batch in enumerate(batches(order, compiled))
        for name in batch.names
    }
    runs = {
        script.name: platform_runs(
            compiled[script.name],
            ids,
            answered.get(script.name, nothing),
            runs=script.spec.repeat.runs,
            positions=script.positions,
        )
        for script in order.scripts
    }
    versions = {one.version_id for one in invocations.values() if one.version_id}
    tested = versions if order.target.kind != "candidate" else set()
    words = tuple(
        line for script in order.scripts for line in left_out_words(compiled[script.name])
    )
    return PlatformFindings(runs=runs, left_out=words, versions=frozenset(tested))
