"""Planning one phone number on both sides, and executing one step of that plan.

A number that looks assigned may still ring elsewhere, so every write is followed by a reading of
the telephony account as well. What is read before a write must still be what was planned on.
"""

from temporalio import activity

from activities.agents import (
    execute_removal,
    load_step,
    released,
    removal_reference,
    store_plan,
    wish_unknown,
)
from activities.creating import create_once
from activities.entries import EntryCreation
from activities.errors import superseded, translated
from activities.gates import question_of, require_open
from activities.heartbeats import beating
from activities.names import EXECUTE_NUMBER_STEP, PLAN_NUMBER
from activities.number_drains import Drain, NumberDrains
from activities.number_gathering import NumberCorners, NumberGatherer
from activities.policies import Standings
from activities.released_numbers import NumberReleases
from activities.removals import Removals
from activities.types import PlanReference, PlanRequest, StepRequest, StepResult, Subject, Timing
from trunkline.model.base import JsonObject
from trunkline.model.creation import Found
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import Conflict, InvalidInput, NotPersisted, RemoteMissing
from trunkline.model.gates import disabled_words, verdict
from trunkline.model.ids import ExternalId, new_nonce
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.number_leaving import moved_aside
from trunkline.model.number_planner import FALLBACK_URL, VOICE_URL
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.own_routing import STATUS_URL, comes_to_us, with_former
from trunkline.model.plans import Plan, Step
from trunkline.model.records import WishRecord
from trunkline.ports import (
    Accounts,
    Clock,
    Interventions,
    Ledger,
    Operations,
    Telephony,
    Wishes,
)


class NumberActivities:
    """What a number's workflow asks for, between wish and conclusion. Without ``removals`` a
    number that left Git stays as it is; without ``drains`` no running call holds a move up.
    """

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        operations: Operations,
        clock: Clock,
        interventions: Interventions,
        *,
        public_url: str | None = None,
        removals: Removals | None = None,
        releases: NumberReleases | None = None,
        drains: NumberDrains | None = None,
    ) -> None:
        self._removals = removals
        self._drains = drains
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._operations = operations
        self._clock = clock
        self._gatherer = NumberGatherer(
            accounts, ledger, wishes, interventions, public_url=public_url, releases=releases
        )
        self._standings = Standings(wishes, interventions, operations, clock, live=accounts.live)

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
                    return await removal_reference(
                        self._removals, self._operations, self._standings, record, request
                    )
                if not await self._owns(subject, record):
                    return released(record)
                standing = await self._standings.standing(record.project, record.environment)
                corners = await self._gatherer.number(DesiredNumber.model_validate(record.body))
                if corners.rightful is not None:
                    await self._wishes.disown_number(owner_of(subject))
                    await self._wishes.own_number(corners.rightful)
                    return released(record)
                plan = corners.plan()
                if not plan.steps and not plan.obstacles:
                    await self._settle(corners)
                question = corners.question(subject, plan, reason=request.reason)
                gate = verdict(standing, question)
                drain = None if gate.held else await self._drain(corners, plan)
                if drain is not None:
                    plan = corners.plan(draining=drain.words)
                made = await store_plan(self._operations, record, plan, standing, gate)
                said: dict[str, object] = {"disabled": disabled_words(corners.disabled)}
                if drain is not None:
                    said["held_for_s"] = drain.look_in_s
                return made.model_copy(update=said)

    @activity.defn(name=EXECUTE_NUMBER_STEP)
    async def execute_number_step(self, request: StepRequest) -> StepResult:
        """One external write of a stored plan, and the route calls take after it."""
        with translated(request.timing):
            async with beating():
                record, plan, step = await load_step(self._wishes, self._operations, request)
                if step.action == "delete":
                    return await self._detach(request, record, plan, step)
                if not await self._owns(request.subject, record):
                    raise superseded(f"number {record.name} follows another wish")
                corners = await self._gatherer.number(DesiredNumber.model_validate(record.body))
                standing = await self._standings.standing(record.project, record.environment)
                require_open(standing, corners.question(request.subject, plan, step=step))
                if step.key != corners.desired.number:
                    return await self._leave(corners, step, request.timing)
                if step.action == "import":
                    return await self._import(corners, request.timing)
                if step.action == "update":
                    return await self._update(corners, step, request.timing)
                if step.action == "assign" and comes_to_us(corners.desired):
                    return await self._take_table(corners)
                if step.action in ("assign", "relink", "unassign"):
                    return await self._assign(corners, step, request.timing)
                raise InvalidInput(f"a number's plan cannot {step.action} a {step.subject}")

    async def _drain(self, corners: NumberCorners, plan: Plan) -> Drain | None:
        """The wait for running calls, remembered with its beginning."""
        drain = await self._drains.of(corners, plan) if self._drains is not None else None
        if drain is not None:
            entry = corners.entry or await self._ledger.reserve_nonce(_fresh(corners))
            if entry.applied != drain.applied:
                await self._ledger.put(entry.model_copy(update={"applied": drain.applied}))
        return drain

    async def _detach(
        self, request: StepRequest, record: WishRecord, plan: Plan, step: Step
    ) -> StepResult:
        """Take a number that left Git from our agent, unless it follows another wish by now."""
        subject = request.subject
        owner = await self._wishes.number_owner(subject.account, subject.number)
        if owner is not None and owner != owner_of(subject):
            raise superseded(f"number {record.name} follows another wish")
        telephony = await self._accounts.telephony(subject.project, subject.environment)
        standing = await self._standings.standing(record.project, record.environment)
        question = question_of(subject, plan, step=step, accounts=(telephony.account,))
        require_open(standing, question)
        return await execute_removal(self._removals, record, plan, step, request.timing)

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
            moved_aside(entry, desired.number).model_copy(
                update={"external_id": created.external_id, "attempt": None}
            )
        )
        return StepResult(
            external_id=created.external_id, note="imported" if created.sent else "adopted"
        )

    async def _leave(self, corners: NumberCorners, step: Step, timing: Timing) -> StepResult:
        """Take a number the name had before from us, or from its agent, if it is ours still."""
        left = next((one for one in corners.left if one.number == step.key and one.is_ours), None)
        if left is None:
            return StepResult(external_id=step.external_id, note="gone")
        if step.action == "update":
            carrier = await corners.telephony.number(left.number)
            if carrier is None:
                return StepResult(external_id=step.external_id, note="gone")
            await _tell(corners.telephony, carrier, step, timing)
        elif left.external_id is not None and left.holder is not None:
            answer = await corners.voice.assign_number(
                left.external_id, None, timeout_s=timing.request_timeout_s
            )
            if answer.assigned_agent_id is not None:
                raise NotPersisted(f"number {left.number} still rings the agent it is taken from")
        return StepResult(external_id=step.external_id, note=f"left {left.number}")

    async def _assign(self, corners: NumberCorners, step: Step, timing: Timing) -> StepResult:
        platform = corners.platform
        if platform is None:
            raise RemoteMissing(f"number {corners.desired.number} is not on the voice platform")
        wanted = corners.agent_external_id if step.action != "unassign" else None
        if step.action != "unassign" and (wanted is None or not corners.agent_ready):
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
        carrier = corners.carrier
        if wanted is not None:
            carrier = await self._require_route(corners)
        elif comes_to_us(corners.desired):
            carrier = await self._require_ours(corners)
        await self._remember(
            corners,
            platform_id=platform.external_id,
            applied=corners.settled(agent_id=wanted, carrier=carrier),
        )
        return StepResult(external_id=platform.external_id, note=step.action)

    async def _update(self, corners: NumberCorners, step: Step, timing: Timing) -> StepResult:
        """Set addresses at the carrier, if they are still those that were planned on."""
        carrier = corners.carrier
        if carrier is None:
            raise RemoteMissing(f"number {corners.desired.number} left the telephony account")
        answer = await _tell(corners.telephony, carrier, step, timing)
        told = [change.path for change in step.changes]
        platform = corners.platform
        holder = platform.assigned_agent_id if platform is not None else None
        known = corners.entry.applied if corners.entry is not None else {}
        others = carrier
        if corners.voice.is_native_voice_url(carrier.voice_url):
            others = carrier.model_copy(update={VOICE_URL: None})
        settled = corners.settled(agent_id=holder, carrier=answer)
        await self._remember(
            corners,
            platform_id=platform.external_id if platform is not None else None,
            applied=with_former(settled, others, told, known),
        )
        return StepResult(external_id=carrier.sid, note=", ".join(told))

    async def _take_table(self, corners: NumberCorners) -> StepResult:
        """From now on calls that come to us go by the wished table."""
        platform = corners.platform
        await self._remember(
            corners,
            platform_id=platform.external_id if platform is not None else None,
            applied=corners.settled(agent_id=None, carrier=corners.carrier),
        )
        return StepResult(external_id=corners.desired.number, note="route")

    async def _require_route(self, corners: NumberCorners) -> CarrierNumber:
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
        return carrier

    async def _require_ours(self, corners: NumberCorners) -> CarrierNumber | None:
        """Unassigning a number may rewrite its voice URL: then it is planned again."""
        carrier = await corners.telephony.number(corners.desired.number)
        if corners.own is not None and (carrier is None or carrier.voice_url != corners.own.voice):
            raise Conflict(f"number {corners.desired.number} was given another route meanwhile")
        return carrier

    async def _settle(self, corners: NumberCorners) -> None:
        """The ledger row of a number that is as wished."""
        platform = corners.platform
        await self._remember(
            corners,
            platform_id=platform.external_id if platform is not None else None,
            applied=corners.settled(agent_id=corners.agent_external_id, carrier=corners.carrier),
        )

    async def _remember(
        self, corners: NumberCorners, *, platform_id: ExternalId | None, applied: JsonObject
    ) -> None:
        entry = corners.entry or await self._ledger.reserve_nonce(_fresh(corners))
        settled = entry.model_copy(
            update={
                "external_id": platform_id,
                "digest": corners.desired.digest,
                "applied": applied,
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


async def _tell(
    telephony: Telephony, carrier: CarrierNumber, step: Step, timing: Timing
) -> CarrierNumber:
    """The number with the step's addresses, if they were those that were planned on. Raises
    Conflict, NotPersisted.
    """
    told = {change.path: str(change.new or "") for change in step.changes}
    now = _addresses(carrier)
    for change in step.changes:
        if now[change.path] not in (change.old or "", told[change.path]):
            raise Conflict(f"number {carrier.number} was changed since the plan was made")
    answer = await telephony.update_number(
        carrier.sid,
        voice_url=told.get(VOICE_URL),
        voice_fallback_url=told.get(FALLBACK_URL),
        status_callback=told.get(STATUS_URL),
        timeout_s=timing.request_timeout_s,
    )
    kept = _addresses(answer)
    for path, wanted in told.items():
        if kept[path] != wanted:
            raise NotPersisted(
                f"number {carrier.number}: the telephony account accepted {path}"
                f" and still names {kept[path] or 'nothing'}"
            )
    return answer


def _addresses(carrier: CarrierNumber) -> dict[str, str]:
    """The carrier's addresses of a number by their paths; empty for none."""
    return {
        VOICE_URL: carrier.voice_url or "",
        FALLBACK_URL: carrier.voice_fallback_url or "",
        STATUS_URL: carrier.status_callback or "",
    }


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
