"""One conversation of a run of tests, as an activity: a place, a desk, the talk, the result.

A worker that dies takes its conversation with it: the next one begins it again with another token,
and the result says how often that happened. What the conversation is about is next door
(``conversing``); here is only what surrounds it.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.conversing import Company, Conversation, converse
from activities.errors import translated
from activities.heartbeats import Progress, beating
from activities.judge_budgets import within_the_day
from activities.names import CONVERSE
from activities.run_results import impossible_run, run_result
from activities.testing.phone_calls import PhoneCalls, PhonePorts, PhoneRun
from activities.testing.places import TalkPlaces
from activities.testing.ports import StoredRendering
from activities.testing.results import conversation_key, put_part, read_content, read_part
from activities.testing_types import ConversationEnd, ConverseRequest
from trunkline.model.base import Json
from trunkline.model.errors import ConcurrencyExhausted, RateLimited
from trunkline.model.kinds.conversation import Stub
from trunkline.model.testing.costs import TestRates
from trunkline.model.testing.desks import Desk, parameter_types
from trunkline.model.testing.limits import TALK_PLACE_POLL_S
from trunkline.model.testing.placed import PhonePlan
from trunkline.model.testing.rendering import TOKEN_VARIABLE
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.runs import TestPartKind
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.talk import TalkRequest
from trunkline.model.tokens import token_digest
from trunkline.ports import Accounts, Clock, VoicePlatform, Wishes
from trunkline.ports.talking import Judges, Studio
from trunkline.ports.testing import Desks, Places, RunParts, RunReports

TOKEN_BYTES = 32
DESK_MARGIN_S = 120.0
"""A desk outlives the longest its conversation may last by so much: a tool may be answered late."""


MakeStudio = Callable[[], Studio]
"""Sound takes memory: nobody has a studio before somebody speaks."""


@dataclass(frozen=True, slots=True)
class ConversationPorts:
    """What conversations need of the outside."""

    accounts: Accounts
    places: Places
    desks: Desks
    parts: RunParts
    reports: RunReports
    judges: Judges
    studio: MakeStudio | None
    clock: Clock
    rates: TestRates
    wishes: Wishes
    phones: PhonePorts


class ConversationActivities:
    """Conversations under test."""

    def __init__(self, ports: ConversationPorts) -> None:
        self._ports = ports
        self._places = TalkPlaces(ports.places, ports.clock)
        self._phones = PhoneCalls(ports.phones)

    @activity.defn(name=CONVERSE)
    async def converse(self, request: ConverseRequest) -> ConversationEnd:
        """Have one conversation, judge it, write down what it came to."""
        with translated(request.timing, patient=True):
            async with beating() as progress:
                kind: TestPartKind = "baseline" if request.baseline else "conversation"
                restarts = activity.info().attempt - 1
                parts = self._ports.parts
                script = await read_part(parts, request.run_id, "script", request.test.key, Script)
                result = await self._patiently(request, script, restarts, progress)
                key = conversation_key(request.test.name, request.number)
                await put_part(parts, request.run_id, kind, key, result)
                await self._ports.reports.spend(request.project, request.run_id, result.cost_usd)
                return ConversationEnd(
                    number=result.number,
                    outcome=result.outcome,
                    reason=result.reason,
                    restarts=result.restarts,
                )

    async def _patiently(
        self, request: ConverseRequest, script: Script, restarts: int, progress: Progress
    ) -> RunResult:
        """The conversation as soon as there is a place for it: one of ours, and the platform's."""
        until_s: float | None = None
        while True:
            try:
                return await self._held(request, script, restarts, progress)
            except ConcurrencyExhausted as error:
                return impossible_run(script, error, number=request.number)
            except RateLimited as error:
                pause_s = max(error.retry_after_s, TALK_PLACE_POLL_S)
                until_s = until_s or time.monotonic() + request.bounds.place_wait_s
                if time.monotonic() + pause_s >= until_s:
                    exhausted = ConcurrencyExhausted(error.message, hint=error.hint)
                    return impossible_run(script, exhausted, number=request.number)
                progress.words = "waiting for the platform to have a place"
                await asyncio.sleep(pause_s)

    async def _held(
        self,
        request: ConverseRequest,
        script: Script,
        restarts: int,
        progress: Progress,
    ) -> RunResult:
        hold = self._over_phone if script.spec.mode == "phone" else self._over_socket
        talk = await hold(request, script, progress)
        progress.words = "judging"
        ports = self._ports
        return await run_result(
            script,
            talk,
            ports.judges,
            ports.rates,
            number=request.number,
            restarts=restarts,
            allowed=within_the_day(ports.wishes, ports.reports, ports.clock, request.project),
        )

    async def _over_phone(
        self, request: ConverseRequest, script: Script, progress: Progress
    ) -> Conversation:
        """The conversation by a call to the agent's number."""
        ports = self._ports
        plan = await read_part(
            ports.parts, request.run_id, "rendering", request.test.rendering, PhonePlan
        )
        voice = await ports.accounts.voice(request.project, plan.environment)
        holder, bounds = _holder(request), request.bounds
        async with self._places.place(voice.account, voice.talks, holder, bounds, progress):
            return await self._phones.hold(PhoneRun(request, script, plan), voice, progress)

    async def _over_socket(
        self, request: ConverseRequest, script: Script, progress: Progress
    ) -> Conversation:
        """The conversation over the platform's own socket."""
        ports = self._ports
        key = request.test.baseline if request.baseline else request.test.rendering
        stored = await read_part(ports.parts, request.run_id, "rendering", key, StoredRendering)
        desired = stored.rendering.desired
        voice = await ports.accounts.voice(desired.project, desired.environment)
        holder = _holder(request)
        bounds = request.bounds
        async with self._places.place(voice.account, voice.talks, holder, bounds, progress):
            token = secrets.token_urlsafe(TOKEN_BYTES)
            await ports.desks.open_desk(self._desk(request, script, stored, token))
            try:
                return await converse(
                    script,
                    _call(stored, token),
                    self._company(request, script, voice, _teller(progress)),
                    desk_id=holder,
                )
            finally:
                await ports.desks.close_desk(holder)

    def _desk(
        self, request: ConverseRequest, script: Script, stored: StoredRendering, token: str
    ) -> Desk:
        stubs: dict[str, tuple[Stub, ...]] = script.spec.tools.stubs
        lasts = timedelta(seconds=request.test.seconds + DESK_MARGIN_S)
        return Desk(
            id=_holder(request),
            project=request.project,
            token_digest=token_digest(token),
            stubs=stubs,
            types=parameter_types(stored.rendering.desired.tools),
            expires_at=self._ports.clock.now() + lasts,
        )

    def _company(
        self,
        request: ConverseRequest,
        script: Script,
        voice: VoicePlatform,
        tell: Callable[[str], None],
    ) -> Company:
        async def sound(digest: str) -> bytes:
            return await read_content(self._ports.parts, request.run_id, digest) or b""

        ports = self._ports
        make = ports.studio if script.spec.mode == "audio" else None
        return Company(
            talks=voice.talks,
            clock=ports.clock,
            desks=ports.desks,
            studio=make() if make is not None else None,
            caller=ports.judges.caller,
            sound=sound,
            rates=ports.rates,
            progress=tell,
        )


def _call(stored: StoredRendering, token: str) -> TalkRequest:
    variables: dict[str, Json] = {TOKEN_VARIABLE: f"Bearer {token}"}
    return TalkRequest(
        agent_id=stored.agent_id, branch_id=stored.branch_id or None, variables=variables
    )


def _holder(request: ConverseRequest) -> str:
    which = "baseline/" if request.baseline else ""
    return f"{request.run_id}/{which}{conversation_key(request.test.name, request.number)}"


def _teller(progress: Progress) -> Callable[[str], None]:
    def tell(words: str) -> None:
        progress.words = words

    return tell
