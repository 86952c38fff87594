"""Whether a conversation test can be had over a telephone call, and between which numbers.

A call reaches what is deployed and routed, and nothing else: no branch, no prepared answers,
nothing that is told beside the line. What cannot be tested so is said before anybody is called,
with what to do about it. Do-not-call lists and calling windows are about people; only numbers of
the project's own are dialled here, so neither is asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from activities.calls.facts import call_rules
from activities.calls.ports import Carriers
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import (
    CredentialsRejected,
    InvalidInput,
    NotOnNumber,
    NotOverThePhone,
    PhoneNotAvailable,
)
from trunkline.model.testing.placed import PhonePlan
from trunkline.model.testing.scripts import Script
from trunkline.ports import Statuses, VoicePlatform, Wishes

TEXT_OR_AUDIO = "Test it in mode audio, or leave it out"
ALLOW = "Name PhoneNumbers under spec.calls.testNumbers of the Project"


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """Where it is looked up what a call would reach. ``public_url`` is where carriers reach us."""

    wishes: Wishes
    statuses: Statuses
    carriers: Carriers
    public_url: str | None


class PhonePlans:
    """Plans calls of tests of one project."""

    def __init__(self, facts: PhoneFacts, project: str, voice: VoicePlatform) -> None:
        self._facts = facts
        self._project = project
        self._voice = voice

    async def plan(
        self, script: Script, desired: DesiredAgent, environments: Sequence[str]
    ) -> PhonePlan:
        """Who would call whom, in the first of the environments whose numbers reach exactly
        ``desired``.

        Raises NotOverThePhone, NotOnNumber, PhoneNotAvailable.
        """
        for unsayable in _unsayable(script):
            raise unsayable
        name = desired.name
        for environment in dict.fromkeys(environments):
            if await self._is_deployed(desired, environment):
                await self._require_line(environment)
                called = await self._called(script, name, environment)
                calling = await self._calling(script, called)
                return PhonePlan(
                    environment=environment,
                    agent=name,
                    digest=desired.digest,
                    calling=calling,
                    called=called,
                )
        where = " or ".join(dict.fromkeys(environments))
        raise NotOnNumber(
            f"what is tested is not what answers calls of {name} in {where}, and a call reaches"
            " only what is deployed",
            hint=f"Merge and sync it first (trunkline sync {name}), or test it in mode audio",
        )

    async def _is_deployed(self, desired: DesiredAgent, environment: str) -> bool:
        """True if the agent there is this one, as an environment with the same overrides has it."""
        row = await self._facts.statuses.status(self._project, environment, "agent", desired.name)
        if row is None or row.external_id is None or row.sync != "Synced":
            return False
        record = await self._facts.wishes.wish(self._project, environment, "agent", desired.name)
        if row.digest != desired.digest or record is None or record.removed:
            return False
        there = DesiredAgent.model_validate(record.body)
        placed = desired.model_copy(update={"environment": there.environment})
        return self._voice.render(there).digest == self._voice.render(placed).digest

    async def _require_line(self, environment: str) -> None:
        if not self._facts.public_url:
            raise PhoneNotAvailable(
                "carriers cannot reach this server, so it cannot hold a call",
                hint="Set TRUNKLINE_PUBLIC_URL",
            )
        try:
            await self._facts.carriers.carrier(self._project, environment)
        except (CredentialsRejected, InvalidInput) as error:
            raise PhoneNotAvailable(
                f"{environment} has no telephony account to call with: {error.message}",
                hint="Set spec.accounts.twilio of the Project",
            ) from error

    async def _called(self, script: Script, agent: str, environment: str) -> DesiredNumber:
        """The number that is dialled: one that leads to the agent, through us, as Git wants."""
        numbers = await self._leading(script.spec.phone.called, agent, environment)
        bridged = [each for each in numbers if each.routing == "bridge"]
        if not bridged:
            raise PhoneNotAvailable(
                f"{numbers[0].name} has `routing: {numbers[0].routing}`: what the agent says while"
                " a call goes on is only known where Trunkline carries it",
                hint="Set `routing: bridge`, or test in mode audio",
            )
        for each in bridged:
            row = await self._facts.statuses.status(self._project, environment, "number", each.name)
            if row is not None and row.sync == "Synced":
                return each
        raise PhoneNotAvailable(
            f"{bridged[0].name} is not routed as Git wants it yet",
            hint=f"See trunkline status for {bridged[0].name}, and run the test again then",
        )

    async def _leading(
        self, asked: str | None, agent: str, environment: str
    ) -> tuple[DesiredNumber, ...]:
        """Numbers that lead to the agent, at least one; of them the one that is asked for."""
        hint = f"Give a PhoneNumber of {environment} `agent: {agent}` and `routing: bridge`"
        if asked is None:
            records = await self._facts.wishes.numbers_of(self._project, environment, agent)
            numbers = tuple(DesiredNumber.model_validate(each.body) for each in records)
            if not numbers:
                words = f"no PhoneNumber of {environment} leads to {agent}"
                raise PhoneNotAvailable(words, hint=hint)
            return numbers
        found = await self._number(environment, asked)
        if found is None or agent not in (found.agent, *(line.agent for line in found.lines)):
            words = f"{asked} is no PhoneNumber of {environment} that leads to {agent}"
            raise PhoneNotAvailable(words, hint=hint)
        return (found,)

    async def _calling(self, script: Script, called: DesiredNumber) -> DesiredNumber:
        """The number that dials: one the project allows, and another one than is dialled."""
        allowed = (await call_rules(self._facts.wishes, self._project)).test_numbers
        asked = script.spec.phone.calling
        if not allowed:
            words = "the project allows no number to call from in tests"
            raise PhoneNotAvailable(words, hint=ALLOW)
        for name in allowed:
            found = await self._number(called.environment, name)
            if asked in (None, name) and found is not None and found.number != called.number:
                return found
        raise PhoneNotAvailable(
            f"none of the numbers tests may call from ({', '.join(allowed)}) is a number of"
            f" {called.environment} other than the one that is dialled, {called.name}"
            + (f"; the test asks for {asked}" if asked is not None else ""),
            hint=ALLOW,
        )

    async def _number(self, environment: str, name: str) -> DesiredNumber | None:
        record = await self._facts.wishes.wish(self._project, environment, "number", name)
        if record is None or record.removed:
            return None
        return DesiredNumber.model_validate(record.body)


def _unsayable(script: Script) -> Iterator[NotOverThePhone]:
    """What the test says that no telephone call carries, one after the other."""
    spec = script.spec
    told = {
        "variables": bool(spec.variables),
        "clock": spec.clock is not None,
        "history": bool(spec.history),
        "inject": any(turn.inject is not None for turn in spec.turns),
    }
    for key in (key for key, is_there in told.items() if is_there):
        yield NotOverThePhone(
            f"`{key}` is nothing that a telephone call could bring to the agent",
            hint=TEXT_OR_AUDIO,
        )
    if spec.compare is not None:
        yield NotOverThePhone(
            f"what {spec.compare.to} runs is put beside the agent to be compared with, and a call"
            " does not reach that",
            hint=TEXT_OR_AUDIO,
        )
    if spec.tools.stubs:
        yield NotOverThePhone(
            "over the telephone the agent's own tools answer, so none can be prepared",
            hint="Leave `tools` to tests in mode text or audio",
        )
    reached = [each.name for each in script.functions if each.kind == "webhook"]
    if reached and not spec.tools.live:
        yield NotOverThePhone(
            f"over the telephone the agent's own tools answer, {reached[0]} for one",
            hint="A test that may really reach them says `tools: {live: true}`",
        )
