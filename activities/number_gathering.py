"""Everything a plan of a number is made of, read once: wish, ledger, carrier, voice platform.

Planning one number, planning an environment and sweeping it look at the same corners. Lists of
numbers lag, so what they do not show is looked up by its id before it counts as absent.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Unpack

from activities.calls.facts import call_rules
from activities.gates import Said, question_of
from activities.released_numbers import NumberRelease, NumberReleases
from activities.types import Subject
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import RemoteMissing
from trunkline.model.gates import Assignment, Question, disabled_words
from trunkline.model.ids import OWNER_PREFIX, ExternalId, owner_tag, reference
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.kinds.calls import APOLOGY
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.number_leaving import (
    NUMBER,
    LeftNumber,
    known_id,
    leaving,
    moved_aside,
    with_leaving,
)
from trunkline.model.number_planner import (
    AGENT,
    FALLBACK_URL,
    VOICE_URL,
    fallback_url,
    gives_away,
    moves_calls,
    number_applied,
    plan_number,
)
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.own_routing import (
    FORMER,
    STATUS_URL,
    OwnAddresses,
    comes_to_us,
    given_back,
    own_addresses,
    own_applied,
)
from trunkline.model.plans import Plan
from trunkline.ports import (
    Accounts,
    Interventions,
    Ledger,
    Telephony,
    VoicePlatform,
    Wishes,
)

UNMANAGED = ""
"""The keeper of an agent that carries no mark of Trunkline."""
PLACE_SLASHES = 2
"""Those in ``project/environment/agent``."""


@dataclass(frozen=True, slots=True)
class NumberCorners:
    """One number's wish, both platforms' views of it, and the id of the agent it is to reach.

    ``disabled``: a person took the calls of the agent away that Git names; the wish names none.
    ``rightful``: another wish for the number, whose agent it is assigned to although nobody
    remembers; ``contested``: why it is not known whether there is one. ``release``: what releases
    say of it, in an environment that follows them. ``left``: numbers this name had before.
    """

    desired: DesiredNumber
    voice: VoicePlatform
    telephony: Telephony
    entry: LedgerEntry | None
    platform: PlatformNumber | None
    carrier: CarrierNumber | None
    agent_external_id: ExternalId | None
    holder_managed: bool
    native_url_ok: bool
    owner: NumberOwner | None = None
    disabled: Intervention | None = None
    agent_ready: bool = True
    answer_url: str | None = None
    own: OwnAddresses | None = None
    rightful: NumberOwner | None = None
    contested: str = ""
    release: NumberRelease | None = None
    left: tuple[LeftNumber, ...] = ()

    def question(self, subject: Subject, plan: Plan, **said: Unpack[Said]) -> Question:
        """What the gate of writes is asked; taking calls away from an agent is break-glass."""
        agent = self.desired.agent
        bindings: dict[str, str] = {}
        if agent is not None and self.agent_external_id is not None:
            bindings[reference("agent", agent)] = self.agent_external_id
        return question_of(
            subject,
            plan,
            accounts=(self.voice.account, self.telephony.account),
            bindings=bindings,
            break_glass=self.disabled is not None,
            assignment=self._assignment(plan),
            **said,
        )

    def _assignment(self, plan: Plan) -> Assignment | None:
        """What is asked if the plan gives the number to another agent."""
        if self.release is None:
            return None
        gives = moves_calls if self.release.taken else gives_away
        return self.release.assignment if any(map(gives, plan.steps)) else None

    def plan(self, *, agent_planned: bool = False, draining: str = "") -> Plan:
        """What the pure planner makes of it; ``draining`` says whose calls a move waits for."""
        holder = self.platform.assigned_agent_id if self.platform is not None else None
        return plan_number(
            self.desired,
            agent_external_id=self.agent_external_id,
            platform=self.platform,
            carrier=self.carrier,
            entry=self.entry,
            native_url_ok=self.native_url_ok,
            managed_agent_ids=(holder,) if holder is not None and self.holder_managed else (),
            agent_planned=agent_planned,
            agent_ready=self.agent_ready,
            owner=self.owner,
            answer_url=self.answer_url,
            off_duty=disabled_words(self.disabled) or self._inactive(),
            contested=self.contested,
            unreleased=self.release.obstacle if self.release is not None else None,
            own=self.own,
            draining=draining,
            left=self.left,
        )

    def _inactive(self) -> str:
        return self.release.inactive if self.release is not None else ""

    def settled(self, *, agent_id: ExternalId | None, carrier: CarrierNumber | None) -> JsonObject:
        """What the ledger remembers once the number is like that; addresses only if ours."""
        applied = self.entry.applied if self.entry is not None else {}
        still = {left.number for left in self.left if left.is_ours}
        left = {number: said for number, said in leaving(self.entry).items() if number in still}
        kept = with_leaving({NUMBER: self.desired.number}, left)
        if FORMER in applied:
            kept[FORMER] = applied[FORMER]
        if comes_to_us(self.desired) and self.own is not None:
            return {**own_applied(self.desired, carrier, self.own), **kept}
        reports = applied.get(STATUS_URL)
        if reports and carrier is not None and carrier.status_callback == reports:
            kept[STATUS_URL] = reports
        urls = (carrier.voice_url, carrier.voice_fallback_url) if carrier is not None else ("", "")
        ours = {self.answer_url, applied.get(VOICE_URL), applied.get(FALLBACK_URL)}
        voice_url, voice_fallback_url = ((url or "") if url in ours else "" for url in urls)
        settled = number_applied(
            agent_id, voice_url=voice_url, voice_fallback_url=voice_fallback_url
        )
        return {**settled, **kept}


class NumberGatherer:
    """Reads the corners of numbers; without ``wishes`` nobody is known to own one, and without
    ``interventions`` no agent is known to be disabled. ``public_url`` is where carriers reach our
    API, None if they cannot; ``releases`` says what releases mean for numbers.
    """

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes | None = None,
        interventions: Interventions | None = None,
        *,
        public_url: str | None = None,
        releases: NumberReleases | None = None,
    ) -> None:
        self._releases = releases
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._interventions = interventions
        self._public_url = public_url

    async def number(
        self,
        desired: DesiredNumber,
        *,
        platform_numbers: Iterable[PlatformNumber] | None = None,
        carrier_numbers: Iterable[CarrierNumber] | None = None,
        wished: Collection[str] = (),
    ) -> NumberCorners:
        """Everything about one number; listings a caller already has are not read again.

        ``wished``: numbers that what is planned names, whether or not it is a wish yet.
        """
        project, environment = desired.project, desired.environment
        disabled = await self._disabled(desired)
        release = await self._releases.of(desired) if self._releases is not None else None
        off_duty = disabled is not None or (release is not None and bool(release.inactive))
        if off_duty and not comes_to_us(desired):
            desired = desired.model_copy(update={"agent": None})
        voice = await self._accounts.voice(project, environment)
        telephony = await self._accounts.telephony(project, environment)
        entry = await self._ledger.entry(project, environment, "number", desired.name)
        if entry is not None:
            entry = moved_aside(entry, desired.number)
        platform = await _platform_number(voice, desired, entry, platform_numbers)
        if carrier_numbers is None:
            carrier = await telephony.number(desired.number)
        else:
            carrier = next((n for n in carrier_numbers if n.number == desired.number), None)
        wanted = await self._agent_id(desired)
        holder = platform.assigned_agent_id if platform is not None else None
        keeper = None if holder in (None, wanted) else await _keeper(voice, holder)
        if release is None and keeper and self._releases is not None:
            release = await self._releases.taken_from(desired, keeper)
        rightful, contested = None, ""
        if entry is None and keeper and not desired.takeover:
            rightful, contested = await self._rightful(desired, keeper, telephony.account)
        return NumberCorners(
            desired=desired,
            voice=voice,
            telephony=telephony,
            entry=entry,
            platform=platform,
            carrier=carrier,
            agent_external_id=wanted,
            holder_managed=holder is None or holder == wanted or keeper != UNMANAGED,
            native_url_ok=carrier is not None and voice.is_native_voice_url(carrier.voice_url),
            owner=await self._owner(desired, telephony.account),
            agent_ready=holder == wanted or await _is_ready(voice, desired, wanted),
            answer_url=fallback_url(self._public_url, desired),
            own=await self._own(desired, telephony),
            disabled=disabled,
            rightful=rightful,
            contested=contested,
            release=release,
            left=await self._left(desired, leaving(entry), voice, telephony, wished),
        )

    async def _left(
        self,
        desired: DesiredNumber,
        remembered: Mapping[str, JsonObject],
        voice: VoicePlatform,
        telephony: Telephony,
        wished: Collection[str],
    ) -> tuple[LeftNumber, ...]:
        """The numbers the name had before, as far as they are there and nobody else's wish."""
        found: list[LeftNumber] = []
        for number, said in remembered.items():
            if number in wished or await self._is_wished_elsewhere(desired, number):
                continue
            platform = await _still_there(voice, number, known_id(said))
            carrier = await telephony.number(number)
            holder = platform.assigned_agent_id if platform is not None else None
            found.append(
                LeftNumber(
                    number=number,
                    external_id=platform.external_id if platform is not None else None,
                    holder=holder if holder == said.get(AGENT) else None,
                    addresses=given_back(carrier, said) if carrier is not None else (),
                )
            )
        return tuple(found)

    async def _is_wished_elsewhere(self, desired: DesiredNumber, number: str) -> bool:
        """True if another name than the one that leaves a number has it by now."""
        if self._wishes is None:
            return False
        place = (desired.project, desired.environment, desired.name)
        records = await self._wishes.wishes_for_number(number)
        return any((one.project, one.environment, one.name) != place for one in records)

    async def _own(self, desired: DesiredNumber, telephony: Telephony) -> OwnAddresses | None:
        """What the carrier is told of a number whose calls come to us."""
        if not self._public_url or not comes_to_us(desired):
            return None
        sentence = APOLOGY
        if self._wishes is not None:
            sentence = (await call_rules(self._wishes, desired.project)).apology
        hosted = telephony.hosted_fallback(desired.fallback_number or "", sentence)
        return own_addresses(self._public_url, desired, hosted)

    async def _disabled(self, desired: DesiredNumber) -> Intervention | None:
        """The decision of a person that the number's agent takes no calls."""
        if self._interventions is None or desired.agent is None:
            return None
        decided = await self._interventions.interventions(desired.project, desired.environment)
        return in_force(decided, "disable", desired.environment, "agent", desired.agent)

    async def _rightful(
        self, desired: DesiredNumber, keeper: str, account: str
    ) -> tuple[NumberOwner | None, str]:
        """Whose the number is by the mark on the agent it is assigned to: a store that was emptied
        knows no owner, and the first to be told must not take what another wish holds.
        """
        project, environment, agent = keeper.split("/", 2)
        if self._wishes is None or (project, environment) == (desired.project, desired.environment):
            return None, ""
        if await self._wishes.project_manifest(project) is None:
            return None, (
                f"it is assigned to agent {agent} of project {project}, environment {environment},"
                " whose manifests were not read yet; register that project, unassign the number"
                " there, or set takeover: true"
            )
        for record in await self._wishes.wishes_for_number(desired.number):
            if (record.project, record.environment) == (project, environment):
                return NumberOwner(
                    account=account,
                    number=desired.number,
                    project=project,
                    environment=environment,
                    name=record.name,
                ), ""
        return None, ""

    async def _owner(self, desired: DesiredNumber, account: str) -> NumberOwner | None:
        """Another project that has the number; inside one project the manifests name it once."""
        if self._wishes is None:
            return None
        owner = await self._wishes.number_owner(account, desired.number)
        return owner if owner is not None and owner.project != desired.project else None

    async def _agent_id(self, desired: DesiredNumber) -> ExternalId | None:
        if desired.agent is None:
            return None
        agent = await self._ledger.entry(
            desired.project, desired.environment, "agent", desired.agent
        )
        return agent.external_id if agent is not None else None


async def _platform_number(
    voice: VoicePlatform,
    desired: DesiredNumber,
    entry: LedgerEntry | None,
    listed: Iterable[PlatformNumber] | None,
) -> PlatformNumber | None:
    """The number on the voice platform, None if it is not there.

    Lists lag: without a ``listed`` of the caller's the number is read by its id, and one that is
    not listed is looked up by the id it had before it counts as absent.
    """
    numbers = await voice.numbers() if listed is None else listed
    found = next((each for each in numbers if each.number == desired.number), None)
    known_id = found.external_id if found is not None else None
    if known_id is not None and listed is not None:
        return found
    remembered = entry.external_id if entry is not None else None
    for external_id in dict.fromkeys((known_id, remembered)):
        if external_id is None:
            continue
        try:
            read = await voice.number(external_id)
        except RemoteMissing:
            continue
        if read.number == desired.number:
            return read
    return None


async def _still_there(
    voice: VoicePlatform, number: str, external_id: ExternalId | None
) -> PlatformNumber | None:
    """A number the name had before, as the voice platform has it now."""
    if external_id is None:
        listed = await voice.numbers()
        return next((each for each in listed if each.number == number), None)
    try:
        read = await voice.number(external_id)
    except RemoteMissing:
        return None
    return read if read.number == number else None


async def _is_ready(
    voice: VoicePlatform, desired: DesiredNumber, agent_id: ExternalId | None
) -> bool:
    """True if the agent a number is to move to is on the platform, and still the one Git names."""
    if agent_id is None or desired.agent is None:
        return False
    try:
        observed = await voice.agent(agent_id)
    except RemoteMissing:
        return False
    ours = owner_tag(desired.project, desired.environment, desired.agent)
    return ours in observed.tags or not any(tag.startswith(OWNER_PREFIX) for tag in observed.tags)


async def _keeper(voice: VoicePlatform, holder: ExternalId | None) -> str | None:
    """Who marked the agent a number is assigned to, as ``project/environment/agent``.

    None if that agent is gone, UNMANAGED if nobody marked it.
    """
    if holder is None:
        return None
    try:
        observed = await voice.agent(holder)
    except RemoteMissing:
        return None
    marks = (tag for tag in observed.tags if tag.startswith(OWNER_PREFIX))
    owners = (mark.removeprefix(OWNER_PREFIX) for mark in marks)
    return next((owner for owner in owners if owner.count("/") == PLACE_SLASHES), UNMANAGED)
