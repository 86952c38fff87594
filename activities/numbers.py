"""Planning one phone number on both sides, and executing one step of that plan.

A number that looks assigned may still ring elsewhere, so every write is followed by a reading of
the telephony account as well. What is read before a write must still be what was planned on.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from temporalio import activity

from activities.agents import hold, load_step, released, removed, store_plan, wish_unknown
from activities.creating import create_once
from activities.entries import EntryCreation
from activities.errors import superseded, translated
from activities.heartbeats import beating
from activities.policies import policy
from activities.types import (
    EXECUTE_NUMBER_STEP,
    PLAN_NUMBER,
    PlanReference,
    PlanRequest,
    StepRequest,
    StepResult,
    Subject,
    Timing,
)
from trunkline.model.creation import Found
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import Conflict, InvalidInput, NotPersisted, RemoteMissing
from trunkline.model.ids import OWNER_PREFIX, ExternalId, new_nonce
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.number_planner import number_applied, plan_number
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.plans import Plan, Step
from trunkline.model.records import WishRecord
from trunkline.ports import Accounts, Clock, Ledger, Operations, Telephony, VoicePlatform, Wishes


@dataclass(frozen=True, slots=True)
class NumberCorners:
    """One number's wish, both platforms' views of it, and the id of the agent it is to reach."""

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

    def plan(self, *, agent_planned: bool = False) -> Plan:
        """What the pure planner makes of it."""
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
            owner=self.owner,
        )


class NumberGatherer:
    """Reads the corners of numbers; without ``wishes`` nobody is known to own one."""

    def __init__(self, accounts: Accounts, ledger: Ledger, wishes: Wishes | None = None) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes

    async def number(
        self,
        desired: DesiredNumber,
        *,
        platform_numbers: Iterable[PlatformNumber] | None = None,
        carrier_numbers: Iterable[CarrierNumber] | None = None,
    ) -> NumberCorners:
        """Everything about one number; listings a caller already has are not read again."""
        project, environment = desired.project, desired.environment
        voice = await self._accounts.voice(project, environment)
        telephony = await self._accounts.telephony(project, environment)
        listed = await voice.numbers() if platform_numbers is None else platform_numbers
        platform = next((n for n in listed if n.number == desired.number), None)
        if carrier_numbers is None:
            carrier = await telephony.number(desired.number)
        else:
            carrier = next((n for n in carrier_numbers if n.number == desired.number), None)
        entry = await self._ledger.entry(project, environment, "number", desired.name)
        wanted = await self._agent_id(desired)
        holder = platform.assigned_agent_id if platform is not None else None
        return NumberCorners(
            desired=desired,
            voice=voice,
            telephony=telephony,
            entry=entry,
            platform=platform,
            carrier=carrier,
            agent_external_id=wanted,
            holder_managed=holder in (None, wanted) or await _is_managed(voice, holder),
            native_url_ok=carrier is not None and voice.is_native_voice_url(carrier.voice_url),
            owner=await self._owner(desired, telephony.account),
        )

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


class NumberActivities:
    """What a number's workflow asks for, between wish and conclusion."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        operations: Operations,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._operations = operations
        self._clock = clock
        self._gatherer = NumberGatherer(accounts, ledger, wishes)

    @activity.defn(name=PLAN_NUMBER)
    async def plan_number(self, request: PlanRequest) -> PlanReference:
        """Observe both sides, compare and store what there is to do."""
        subject = request.subject
        with translated(request.timing):
            async with beating():
                record = await self._wishes.wish(
                    subject.project, subject.environment, subject.kind, subject.name
                )
                if record is None:
                    return wish_unknown()
                if record.removed:
                    return removed(record)
                if not await self._owns(subject, record):
                    return released(record)
                in_force = await policy(self._wishes, record.project, record.environment)
                corners = await self._gatherer.number(DesiredNumber.model_validate(record.body))
                plan = corners.plan()
                if not plan.steps and not plan.obstacles:
                    await self._settle(corners)
                return await store_plan(
                    self._operations, record, plan, hold(in_force, plan, request.reason)
                )

    @activity.defn(name=EXECUTE_NUMBER_STEP)
    async def execute_number_step(self, request: StepRequest) -> StepResult:
        """One external write of a stored plan, and the route calls take after it."""
        with translated(request.timing):
            async with beating():
                record, _, step = await load_step(self._wishes, self._operations, request)
                if not await self._owns(request.subject, record):
                    raise superseded(f"number {record.name} follows another wish")
                corners = await self._gatherer.number(DesiredNumber.model_validate(record.body))
                if step.action == "import":
                    return await self._import(corners, request.timing)
                if step.action in ("assign", "relink", "unassign"):
                    return await self._assign(corners, step, request.timing)
                raise InvalidInput(f"a number's plan cannot {step.action} a {step.subject}")

    async def _owns(self, subject: Subject, record: WishRecord) -> bool:
        """True if the wish is for this number of this account, and nobody else has it."""
        telephony = await self._accounts.telephony(subject.project, subject.environment)
        if (subject.account, subject.number) != (telephony.account, record.body["number"]):
            return False
        wanted = owner_of(subject)
        return await self._wishes.own_number(wanted) == wanted

    async def _import(self, corners: NumberCorners, timing: Timing) -> StepResult:
        desired = corners.desired
        entry = await self._ledger.reserve_nonce(_fresh(corners))
        if entry.external_id is not None and corners.platform is None:
            entry = await self._ledger.renew(_fresh(corners), gone=entry.external_id)

        async def find(_: LedgerEntry) -> tuple[Found, ...]:
            listed = await corners.voice.numbers()
            return tuple(Found(n.external_id, 0) for n in listed if n.number == desired.number)

        async def send(_: LedgerEntry, timeout_s: float) -> ExternalId:
            return await corners.voice.import_number(
                desired.number,
                label=desired.name,
                sid=corners.telephony.account,
                token=corners.telephony.token,
                timeout_s=timeout_s,
            )

        what = f"number {desired.number}"
        creation = EntryCreation(self._ledger, entry, what=what, find=find, send=send)
        created = await create_once(creation, self._clock, timing)
        await self._ledger.put(
            entry.model_copy(update={"external_id": created.external_id, "attempt": None})
        )
        return StepResult(
            external_id=created.external_id, note="imported" if created.sent else "adopted"
        )

    async def _assign(self, corners: NumberCorners, step: Step, timing: Timing) -> StepResult:
        platform = corners.platform
        if platform is None:
            raise RemoteMissing(f"number {corners.desired.number} is not on the voice platform")
        wanted = corners.agent_external_id if step.action != "unassign" else None
        if corners.desired.agent is not None and wanted is None:
            raise Conflict(f"agent {corners.desired.agent} is not on the platform any more")
        if step.action == "assign":
            _require_unmoved(corners, platform, step, wanted)
        answer = await corners.voice.assign_number(
            platform.external_id, wanted, timeout_s=timing.request_timeout_s
        )
        if answer.assigned_agent_id != wanted:
            raise NotPersisted(
                f"number {corners.desired.number}: the platform accepted the assignment and "
                f"still names agent {answer.assigned_agent_id}"
            )
        if wanted is not None:
            await self._require_route(corners)
        await self._settle(corners, platform_id=platform.external_id)
        return StepResult(external_id=platform.external_id, note=step.action)

    async def _require_route(self, corners: NumberCorners) -> None:
        """Calls must reach the voice platform: the telephony account has the last word."""
        carrier = await corners.telephony.number(corners.desired.number)
        if carrier is None:
            raise RemoteMissing(f"number {corners.desired.number} left the telephony account")
        if carrier.trunk_sid or carrier.voice_application_sid:
            raise Conflict(f"number {corners.desired.number} was given another route meanwhile")
        if not corners.voice.is_native_voice_url(carrier.voice_url):
            raise NotPersisted(
                f"number {corners.desired.number}: calls still go to {carrier.voice_url}",
                hint="Look at the number's voice configuration in the telephony account.",
            )

    async def _settle(
        self, corners: NumberCorners, *, platform_id: ExternalId | None = None
    ) -> None:
        """The ledger row of a number that is as wished."""
        entry = corners.entry or await self._ledger.reserve_nonce(_fresh(corners))
        known_id = corners.platform.external_id if corners.platform is not None else None
        settled = entry.model_copy(
            update={
                "external_id": platform_id or known_id,
                "digest": corners.desired.digest,
                "applied": number_applied(corners.agent_external_id),
                "attempt": None,
            }
        )
        if settled != corners.entry:
            await self._ledger.put(settled)


def owner_of(subject: Subject) -> NumberOwner:
    """A number's subject as the owner of its number."""
    return NumberOwner(
        account=subject.account,
        number=subject.number,
        project=subject.project,
        environment=subject.environment,
        name=subject.name,
    )


def _fresh(corners: NumberCorners) -> LedgerEntry:
    return LedgerEntry(
        project=corners.desired.project,
        environment=corners.desired.environment,
        kind="number",
        name=corners.desired.name,
        account=corners.telephony.account,
        nonce=new_nonce(),
    )


def _require_unmoved(
    corners: NumberCorners, platform: PlatformNumber, step: Step, wanted: ExternalId | None
) -> None:
    """Raises Conflict if the number was given to somebody else since the plan was made."""
    planned = next((change.old for change in step.changes if change.path == "agent"), None)
    if platform.assigned_agent_id not in (planned, wanted):
        raise Conflict(f"number {corners.desired.number} was reassigned since the plan was made")


async def _is_managed(voice: VoicePlatform, holder: ExternalId | None) -> bool:
    """True if the agent a number is assigned to carries an owner tag, of whichever project."""
    if holder is None:
        return True
    try:
        observed = await voice.agent(holder)
    except RemoteMissing:
        return True
    return any(tag.startswith(OWNER_PREFIX) for tag in observed.tags)
