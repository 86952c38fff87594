"""Conversation tests of a folder, without an installation: one process does all of it.

What is said, checked and judged goes through the very functions a worker uses; what an installation
keeps (places, desks, results) is in memory, and what is talked to is made for the run and deleted
at its end.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.conversing import Company, converse
from activities.heartbeats import Progress
from activities.run_results import impossible_run, run_result
from activities.testing.places import TalkPlaces
from activities.testing.results import excused
from activities.testing_types import TestBounds
from trunkline.model.base import JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import (
    AgentNotDeployed,
    ConcurrencyExhausted,
    InvalidInput,
    NotFound,
    PublicUrlMissing,
    RateLimited,
    ToolsNotStubbable,
    TrunklineError,
)
from trunkline.model.ids import ExternalId, short_digest
from trunkline.model.kinds.conversation import Mode
from trunkline.model.kinds.project import Environment
from trunkline.model.manifests import Manifests
from trunkline.model.resolution import agent_wish, wishes
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.costs import TestRates, estimate_usd
from trunkline.model.testing.desks import Desk, parameter_types
from trunkline.model.testing.limits import CONVERSATION_MAX_S, TESTS_PER_RUN_MAX
from trunkline.model.testing.rendering import TOKEN_VARIABLE, TestRendering
from trunkline.model.testing.repeats import decided, summarise, summarise_test
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport
from trunkline.model.testing.scripts import Script, compile_script
from trunkline.model.testing.talk import TalkRequest
from trunkline.model.tokens import token_digest
from trunkline.ports import Accounts, Clock, VoicePlatform
from trunkline.ports.talking import Judges, Studio
from trunkline.ports.testing import Desks
from trunkline.services.carriers import Carriers
from trunkline.services.passing_places import PassingPlaces

CONVERSATIONS_AT_ONCE = 10
"""Conversations one command holds side by side, however many places there are."""
DESK_MARGIN_S = 60.0
"""A desk answers that long beyond what its conversation may last."""


@dataclass(frozen=True, slots=True)
class LocalParts:
    """What testing needs of the outside. ``public_url`` is where the platform reaches the desks,
    None if it cannot.
    """

    accounts: Accounts
    desks: Desks
    judges: Judges
    clock: Clock
    public_url: str | None
    studio: Studio | None = None
    rates: TestRates = field(default_factory=TestRates)
    bounds: TestBounds = field(default_factory=TestBounds)


@dataclass(frozen=True, slots=True)
class LocalOrder:
    """Which tests, in whose name; what is empty does not restrict."""

    person: str
    names: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    environment: str = ""
    mode: Mode | None = None
    repeat: int | None = None


@dataclass(slots=True)
class _Tested:
    """A configuration that is talked to: made when the first conversation needs it."""

    desired: DesiredAgent
    rendering: TestRendering
    agent_id: ExternalId | None = None
    trouble: TrunklineError | None = None


class LocalTests:
    """One run. ``report`` says at any time how far it is; ``clear`` has to be called at its end."""

    def __init__(self, parts: LocalParts, manifests: Manifests, order: LocalOrder) -> None:
        project = manifests.project.manifest
        self._parts = parts
        self._manifests = manifests
        self._order = order
        self._environment = _environment(manifests, order.environment)
        self._places = TalkPlaces(PassingPlaces(), parts.clock)
        self._tested: dict[str, _Tested] = {}
        self._making = asyncio.Lock()
        self._at_once = asyncio.Semaphore(CONVERSATIONS_AT_ONCE)
        self._results: dict[str, TestResult] = {}
        self._running: dict[tuple[str, int], Progress] = {}
        self._carriers = Carriers(parts.accounts, wishes(manifests).contents, person=order.person)
        self._report = TestRunReport(
            id=f"local-{secrets.token_hex(4)}",
            project=project.name,
            environment=self._environment.name,
            requested_by=order.person,
            created_at=datetime.now(UTC),
        )

    @property
    def running(self) -> tuple[tuple[str, str], ...]:
        """What goes on right now: names of tests, and words."""
        return tuple((f"{name} #{no}", it.words) for (name, no), it in self._running.items())

    def report(self) -> TestRunReport:
        """Everything that is known while it goes on."""
        found = summarise(self._report, tuple(self._results.values()))
        return found.model_copy(update={"outcome": None, "message": ""})

    def ended(self, *, given_up: str = "") -> TestRunReport:
        """What it came to; ``given_up`` says why it is not whole."""
        found = summarise(self._report, tuple(self._results.values()))
        end: dict[str, object] = {"state": "Finished", "finished_at": datetime.now(UTC)}
        if given_up:
            end |= {"state": "Cancelled", "outcome": None, "message": given_up}
        return found.model_copy(update=end)

    async def run(self) -> TestRunReport:
        """Carry all tests out. Raises NotFound and InvalidInput for an order that cannot be."""
        order = self._order
        tests = chosen_tests(
            self._manifests, agents=order.agents, tags=order.tags, names=order.names
        )
        if len(tests) > TESTS_PER_RUN_MAX:
            raise InvalidInput(f"These are {len(tests)} tests; one run has {TESTS_PER_RUN_MAX}")
        voice = await self._parts.accounts.voice(self._report.project, self._environment.name)
        scripts = [self._script(voice, test.name, test.spec.agent) for test in tests]
        self._report = self._report.model_copy(
            update={
                "expected": len(scripts),
                "agents": tuple(sorted({script.spec.agent for script in scripts})),
                "estimated_usd": sum(estimate_usd(each, self._parts.rates) for each in scripts),
            }
        )
        await _all([self._decide(voice, script) for script in scripts])
        return self.ended()

    async def clear(self) -> tuple[str, ...]:
        """Delete what was made; in words what could not be."""
        return await self._carriers.clear()

    def _script(self, voice: VoicePlatform, name: str, agent: str) -> Script:
        """The script; without its comparison, since nothing here knows what others run."""
        desired = agent_wish(self._manifests, self._environment, agent)
        script = compile_script(
            self._manifests,
            name,
            environment=self._environment.name,
            first_message=desired.first_message if desired is not None else None,
            agent_digest=desired.digest if desired is not None else "",
            rendered_digest=voice.render(desired).digest if desired is not None else "",
            mode=self._order.mode,
            repeat=self._order.repeat,
        )
        if script.spec.compare is None:
            return script
        spec = script.spec.model_copy(update={"compare": None})
        return script.model_copy(update={"test": script.test.model_copy(update={"spec": spec})})

    async def _decide(self, voice: VoicePlatform, script: Script) -> None:
        """Conversations in waves until the verdict is certain."""
        try:
            tested = await self._subject(voice, script)
        except TrunklineError as error:
            hint = f". {error.hint}" if error.hint else ""
            self._results[script.name] = excused(script, error.reason, f"{error.message}{hint}")
            return
        planned, needed = script.spec.repeat.runs, script.spec.repeat.must_pass
        runs: list[RunResult] = []
        more = needed
        while more:
            first = len(runs) + 1
            wave = [self._run(voice, script, tested, n) for n in range(first, first + more)]
            for coming in asyncio.as_completed(wave):
                runs.append(await coming)
                self._results[script.name] = summarise_test(script, runs)
            outcomes = [run.outcome for run in runs]
            if decided(outcomes, planned, needed):
                return
            wanted = max(needed - outcomes.count("passed"), 1)
            more = min(wanted, planned - len(runs))

    async def _subject(self, voice: VoicePlatform, script: Script) -> _Tested:
        """The configuration the test talks to, with an agent that has it."""
        name, tools = script.spec.agent, script.spec.tools
        stubbed = frozenset(tools.stubs) if tools.live else None
        key = name if stubbed is None else f"{name}/{short_digest(digest([*sorted(stubbed)]))}"
        async with self._making:
            tested = self._tested.get(key)
            if tested is None:
                tested = self._rendered(voice, name, stubbed)
                self._tested[key] = tested
                try:
                    tested.agent_id = await self._carriers.make(voice, tested.rendering)
                except TrunklineError as error:
                    tested.trouble = error
        if tested.trouble is not None:
            raise tested.trouble
        return tested

    def _rendered(self, voice: VoicePlatform, name: str, stubbed: frozenset[str] | None) -> _Tested:
        desired = agent_wish(self._manifests, self._environment, name)
        if desired is None:
            raise AgentNotDeployed(f"agent {name} is a draft in {self._environment.name}")
        try:
            rendering = voice.render_for_tests(
                desired, public_url=self._parts.public_url, stubbed=stubbed
            )
        except PublicUrlMissing as error:
            raise PublicUrlMissing(
                error.message,
                hint="Give --public-url, an address that leads to --gateway-port of this machine",
            ) from error
        strays = voice.stray_tools(rendering.body) if stubbed is None else ()
        if strays:
            raise ToolsNotStubbable(
                f"agent {name} reaches others by {strays[0]}, and nobody can answer for them",
                hint="A test that may really reach them says `tools: {live: true}`",
            )
        return _Tested(desired, rendering)

    async def _run(
        self, voice: VoicePlatform, script: Script, tested: _Tested, number: int
    ) -> RunResult:
        """One conversation and what it came to; trouble of the platform is part of that."""
        progress = Progress()
        holder = f"{self._report.id}/{script.name}/{number}"
        async with self._at_once:
            self._running[script.name, number] = progress
            try:
                async with self._places.place(
                    voice.account, voice.talks, holder, self._parts.bounds, progress
                ):
                    return await self._talk(voice, script, tested, number, progress)
            except RateLimited as error:
                busy = ConcurrencyExhausted(error.message, hint=error.hint)
                return impossible_run(script, busy, number=number)
            except TrunklineError as error:
                return impossible_run(script, error, number=number)
            finally:
                del self._running[script.name, number]

    async def _talk(
        self,
        voice: VoicePlatform,
        script: Script,
        tested: _Tested,
        number: int,
        progress: Progress,
    ) -> RunResult:
        parts = self._parts
        if tested.agent_id is None:
            raise AgentNotDeployed(f"agent {script.spec.agent} was not made")
        company = Company(
            talks=voice.talks,
            clock=parts.clock,
            desks=parts.desks,
            studio=parts.studio,
            caller=parts.judges.caller,
            sound=self._sound,
            rates=parts.rates,
            progress=lambda words: setattr(progress, "words", words),
        )
        desk, token = self._desk(script, tested, number)
        variables: JsonObject = {TOKEN_VARIABLE: f"Bearer {token}"}
        request = TalkRequest(agent_id=tested.agent_id, variables=variables)
        await parts.desks.open_desk(desk)
        try:
            talk = await converse(script, request, company, desk_id=desk.id)
        finally:
            await parts.desks.close_desk(desk.id)
        progress.words = "judging"
        return await run_result(script, talk, parts.judges, parts.rates, number=number, restarts=0)

    def _desk(self, script: Script, tested: _Tested, number: int) -> tuple[Desk, str]:
        """A desk for one conversation, and the token that opens it."""
        token = secrets.token_urlsafe(32)
        lasts_s = (script.spec.limits.seconds or CONVERSATION_MAX_S) + DESK_MARGIN_S
        desk = Desk(
            id=f"{self._report.id}/{script.name}/{number}",
            project=self._report.project,
            token_digest=token_digest(token),
            stubs=script.spec.tools.stubs,
            types=parameter_types(tested.desired.tools),
            expires_at=self._parts.clock.now() + timedelta(seconds=lasts_s),
        )
        return desk, token

    async def _sound(self, wanted: str) -> bytes:
        """The bytes of a recording that a test names. Raises InvalidInput."""
        for upload in self._manifests.uploads.values():
            if upload.digest == wanted:
                return upload.content
        raise InvalidInput(f"no recording has the digest {wanted}")


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Everything side by side; nothing is left running when one of them fails."""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


def _environment(manifests: Manifests, name: str) -> Environment:
    """The named environment, else the one that follows the branch, else the first."""
    listed = manifests.project.manifest.spec.environments
    if not name:
        return next((each for each in listed if each.source == "head"), listed[0])
    found = next((each for each in listed if each.name == name), None)
    if found is None:
        raise NotFound(
            f"There is no environment {name!r}",
            hint=f"Its environments are: {', '.join(each.name for each in listed)}",
        )
    return found
