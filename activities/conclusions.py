"""Write down how a round ended: status row, events on transitions, operations, whom to wake.

What a state is called is the pure core's business (``model.status``); when to look again is decided
here and handed to the workflow as seconds, so that a better schedule never breaks a replay.
"""

import random

from temporalio import activity

from activities.adoption_requests import AdoptionCalls
from activities.conclusion_words import attributes_of, phase_of
from activities.drift_events import report_healed, told_with_drift
from activities.errors import translated
from activities.names import (
    CONCLUDE_AGENT,
    CONCLUDE_NUMBER,
)
from activities.numbers import owner_of
from activities.promotions.calls import PromotionCalls
from activities.released_agents import is_other_release, shown_release
from activities.telling import Dispatcher
from activities.types import Conclusion, ConclusionRequest, PlanReference, Subject, Timing
from trunkline.model.conditions import find
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import Conflict, CredentialsRejected, TrunklineError
from trunkline.model.gates import HOLD_REASONS
from trunkline.model.ids import Digest, ExternalId
from trunkline.model.number_planner import owned_elsewhere
from trunkline.model.own_routing import DRAINING
from trunkline.model.planner import has_drift, plan_digest
from trunkline.model.plans import Plan
from trunkline.model.pruning import PAUSED, PENDING
from trunkline.model.records import (
    EventRecord,
    OperationItem,
    OperationState,
    StatusRecord,
    WishRecord,
)
from trunkline.model.released import AWAITING_RELEASE
from trunkline.model.status import (
    Failure,
    Round,
    details_markdown,
    manifest_position,
    summarise,
    transitions,
)
from trunkline.ports import Accounts, Deletions, Ledger, Operations, Statuses, Wishes
from trunkline.ports.releasing import ReleaseRecords

OPERATION_ROUNDS_MAX = 5
"""Failed rounds an operation waits through before it ends as Error: with growing pauses that is
about half a minute, and whoever waits wants an answer."""
OPERATION_WAITS_MAX = 12
"""Rounds an operation waits for something else to become ready, about an hour; what is waited for
wakes it as soon as it is there."""
JITTER = 0.1
"""Share of a pause that is left to chance, so that a fleet does not come back in step."""
BURIED_REASONS = ("Pruned", "Forgotten")
"""What the last event of a subject says when nothing of ours is left: deleted, or not ours."""
EVENTS_LOOKED_BACK = 20
"""Events of a project read to see which commit took something out of Git."""


class ConclusionActivities:
    """The end of a round, for agents and numbers."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        statuses: Statuses,
        operations: Operations,
        dispatcher: Dispatcher,
        deletions: Deletions | None = None,
        releases: ReleaseRecords | None = None,
        *,
        promotions: PromotionCalls | None = None,
        adoptions: AdoptionCalls | None = None,
    ) -> None:
        self._adoptions = adoptions
        self._deletions = deletions
        self._releases = releases
        self._promotions = promotions
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._statuses = statuses
        self._operations = operations
        self._dispatcher = dispatcher

    @activity.defn(name=CONCLUDE_AGENT)
    async def conclude_agent(self, request: ConclusionRequest) -> Conclusion:
        """Status, events, operations; wakes the agent's numbers when its id is new."""
        with translated(request.timing, patient=True):
            conclusion = await self._conclude(request)
            if conclusion.external_id not in (None, request.external_id):
                await self._wake_numbers(request)
            return conclusion

    @activity.defn(name=CONCLUDE_NUMBER)
    async def conclude_number(self, request: ConclusionRequest) -> Conclusion:
        """Status, events, operations; lets a number go that Git no longer names."""
        with translated(request.timing, patient=True):
            if request.plan is not None and request.plan.released:
                return await self._release(request)
            conclusion = await self._conclude(request)
            if conclusion.gone:
                await self._let_go(request)
            return conclusion

    async def _release(self, request: ConclusionRequest) -> Conclusion:
        """Another wish has come in between. If the number still follows this one, it is told
        again; else its status says who has the number, unless it is another workflow's by now.
        """
        subject = request.subject
        record = await self._wishes.wish(
            subject.project, subject.environment, subject.kind, subject.name
        )
        owner = await self._wishes.number_owner(subject.account, subject.number)
        wanted = record is not None and await self._still_wants(subject, record)
        error: TrunklineError = Conflict(f"number {subject.name} is served elsewhere by now")
        if owner is not None and owner != owner_of(subject):
            error = owned_elsewhere(subject.name, owner)
        elif record is not None and wanted:
            await self._dispatcher.tell_or_say(
                record, "dependency", request.timing, request.operation_ids
            )
            return Conclusion(phase="Pending", details="its own, and told again")
        if record is not None and (record.removed or wanted):
            await self._dispatcher.say(record, error, request.operation_ids)
        await self._finish(request, request.operation_ids, "Failed", error.message)
        await self._let_go(request)
        return Conclusion(phase="Released", details=error.message, gone=True)

    async def _still_wants(self, subject: Subject, record: WishRecord) -> bool:
        """True if the wish stands and is for this number of this account."""
        if record.removed or record.body["number"] != subject.number:
            return False
        try:
            telephony = await self._accounts.telephony(record.project, record.environment)
        except TrunklineError as error:
            if error.retryable:
                raise
            return False
        return telephony.account == subject.account

    async def _let_go(self, request: ConclusionRequest) -> None:
        owner = owner_of(request.subject)
        await self._wishes.disown_number(owner)
        await self._dispatcher.tell_contenders(owner, request.timing)

    async def _conclude(self, request: ConclusionRequest) -> Conclusion:
        subject = request.subject
        record = await self._wishes.wish(
            subject.project, subject.environment, subject.kind, subject.name
        )
        if record is None:
            return await self._without_wish(request)
        entry = await self._ledger.entry(
            subject.project, subject.environment, subject.kind, subject.name
        )
        outcome = await self._outcome(
            request, record, entry.external_id if entry is not None else None
        )
        if self._deletions is not None and _is_gone(request, outcome):
            return await self._bury(self._deletions, request, record)
        status = summarise(outcome)
        previous = await self._statuses.status(
            subject.project, subject.environment, subject.kind, subject.name
        )
        status = await self._with_release(record, status, previous)
        events = told_with_drift(request, outcome.plan, transitions(previous, status))
        changed = await self._statuses.put_status(status, events)
        if changed and self._promotions is not None:
            await self._promotions.changed(record, request.timing)
        if self._adoptions is not None:
            await self._adoptions.concluded(record, outcome.plan, previous, request)
        if status.version and is_other_release(previous, status):
            await self._wake_numbers(request)
        if outcome.executed and outcome.plan is not None and has_drift(outcome.plan):
            await report_healed(self._statuses, request, outcome.plan, status)
        failed = outcome.failure is not None or _is_blocked(outcome)
        still_open = await self._finish_items(request, record, status, failed=failed)
        if outcome.kept_reason == PENDING:
            await self._dispatcher.prune(record.project, record.environment, request.timing)
        return Conclusion(
            conditions=status.conditions,
            details=details_markdown(status, outcome.plan),
            phase=phase_of(status),
            failed=failed,
            gone=outcome.removed and not failed,
            open_operation_ids=still_open,
            retry_after_s=_next_look_s(request, outcome),
            external_id=status.external_id,
            attributes=attributes_of(record, status, reason=request.reason),
        )

    async def _with_release(
        self, record: WishRecord, status: StatusRecord, previous: StatusRecord | None
    ) -> StatusRecord:
        """The status with what an agent's release says of stage and version."""
        if record.kind != "agent" or self._releases is None:
            return status
        place = (record.project, record.environment, record.name)
        return shown_release(record, status, previous, await self._releases.standing_of(*place))

    async def _bury(
        self, deletions: Deletions, request: ConclusionRequest, record: WishRecord
    ) -> Conclusion:
        """Nothing of ours is left of what Git no longer names: wish and status go, an event says
        who took it out of Git, and what it was in the way of is looked at again.
        """
        external_id = request.external_id
        forgotten = request.plan is not None and request.plan.forgotten
        plan = await self._plan(request)
        if plan is not None and plan.steps:
            external_id = plan.steps[0].external_id
        words = request.plan.message if forgotten and request.plan is not None else "deleted"
        by = await self._who_removed(record)
        event = EventRecord(
            project=record.project,
            environment=record.environment,
            kind=record.kind,
            name=record.name,
            reason=BURIED_REASONS[forgotten],
            message=f"{words}{by}",
            revision=record.revision,
            details={"externalId": external_id},
        )
        await deletions.bury(record, [event])
        await self._finish(request, request.operation_ids, "Succeeded", event.message)
        await self._dispatcher.prune(record.project, record.environment, request.timing)
        return Conclusion(phase="Pruned", details=event.message, gone=True)

    async def _who_removed(self, record: WishRecord) -> str:
        """The commit that took it out of Git, as the project's events tell of it."""
        events = await self._statuses.events(
            record.project, kind="project", name=record.project, limit=EVENTS_LOOKED_BACK
        )
        for event in events:
            if event.revision == record.revision and "author" in event.details:
                author, subject = event.details["author"], event.details.get("subject", "")
                return f"; {author} removed it from Git with {record.revision[:10]}: {subject}"
        return f"; it was removed from Git with {record.revision[:10]}"

    async def _without_wish(self, request: ConclusionRequest) -> Conclusion:
        """It was deleted a moment ago, or the store was emptied and can back nothing up."""
        deleted = await self._deleted(request.subject)
        words = deleted or "there is no wish for it"
        await self._finish(
            request, request.operation_ids, "Succeeded" if deleted else "Error", words
        )
        return Conclusion(
            phase="Unknown",
            gone=request.plan is not None and request.plan.forgotten,
            details="No wish is stored for it; the next look at Git brings one.",
            external_id=request.external_id,
        )

    async def _outcome(
        self, request: ConclusionRequest, record: WishRecord, external_id: ExternalId | None
    ) -> Round:
        reference = request.plan
        plan = await self._plan(request)
        failure = _failure(request)
        held = reference.held_reason if reference is not None else ""
        round_of = {
            "project": record.project,
            "environment": record.environment,
            "kind": record.kind,
            "name": record.name,
            "revision": record.revision if reference is None else reference.revision,
            "external_id": external_id,
            "plan": plan,
            "executed": failure is None and not held and plan is not None and not plan.obstacles,
            "writes": not held,
            "hands_off": reference.message if reference is not None and held else "",
            "held_reason": held,
            "disabled": reference.disabled if reference is not None else "",
            "failure": failure,
            "removed": record.removed and (reference is None or reference.removed),
            "kept_reason": reference.kept_reason if reference is not None else "",
            "kept_message": reference.message if reference is not None and not held else "",
        }
        if record.kind == "number":
            number = DesiredNumber.model_validate(record.body)
            return Round.model_validate(
                {
                    **round_of,
                    "digest": _digest(reference, number.digest),
                    "numbers": (number.number,),
                    "position": number.position if failure is not None and failure.path else "",
                }
            )
        desired = DesiredAgent.model_validate(record.body)
        numbers = await self._wishes.numbers_of(record.project, record.environment, desired.name)
        return Round.model_validate(
            {
                **round_of,
                "digest": _digest(reference, desired.digest),
                "lifecycle": desired.lifecycle,
                "labels": desired.labels,
                "numbers": tuple(str(number.body["number"]) for number in numbers),
                "position": await self._position(desired, failure),
            }
        )

    async def _plan(self, request: ConclusionRequest) -> Plan | None:
        """The plan of the round; an empty one was not stored, because it says nothing."""
        reference = request.plan
        if reference is None or (reference.removed and not reference.plan_id):
            return None
        if not reference.plan_id:
            return Plan(
                project=request.subject.project,
                environment=request.subject.environment,
                digest=plan_digest((), None),
            )
        stored = await self._operations.plan(reference.plan_id)
        return stored.plan if stored is not None else None

    async def _position(self, desired: DesiredAgent, failure: Failure | None) -> str:
        if failure is None or not failure.path:
            return ""
        try:
            voice = await self._accounts.voice(desired.project, desired.environment)
        except TrunklineError:
            return ""
        return manifest_position(voice.render(desired), desired, failure.path)

    async def _deleted(self, subject: Subject) -> str:
        """What was said when the last of it went; empty if that is not what happened."""
        newest = await self._statuses.events(
            subject.project,
            environment=subject.environment,
            kind=subject.kind,
            name=subject.name,
            limit=1,
        )
        return next((one.message for one in newest if one.reason in BURIED_REASONS), "")

    async def _finish_items(
        self,
        request: ConclusionRequest,
        record: WishRecord,
        status: StatusRecord,
        *,
        failed: bool,
    ) -> tuple[str, ...]:
        """End what waits for this subject; answers the operations that go on waiting."""
        if not failed:
            held = _held_reason(request)
            words = request.plan.message if request.plan is not None and held else status.message
            await self._finish(
                request, request.operation_ids, "Failed" if held else "Succeeded", words
            )
            return ()
        if find(status.conditions, "Stalled") is not None:
            await self._finish(request, request.operation_ids, "Failed", status.message)
            return ()
        if request.plan is not None and request.plan.waiting_reason == AWAITING_RELEASE:
            await self._finish(request, request.operation_ids, "Succeeded", status.message)
            return ()
        if _drains(request):
            return request.operation_ids
        waits = request.plan is not None and bool(request.plan.waiting_reason)
        patient = waits and not await self._waits_in_vain(record)
        rounds_max = OPERATION_WAITS_MAX if patient else OPERATION_ROUNDS_MAX
        if request.failures + 1 >= rounds_max:
            await self._finish(request, request.operation_ids, "Error", status.message)
            return ()
        return request.operation_ids

    async def _waits_in_vain(self, record: WishRecord) -> bool:
        """True for a number whose agent is stalled or held back: somebody has to act first."""
        agent = record.body.get("agent")
        if record.kind != "number" or not isinstance(agent, str):
            return False
        status = await self._statuses.status(record.project, record.environment, "agent", agent)
        if status is None:
            return False
        ready = find(status.conditions, "Ready")
        held = ready is not None and ready.reason in HOLD_REASONS
        return held or find(status.conditions, "Stalled") is not None

    async def _finish(
        self,
        request: ConclusionRequest,
        operation_ids: tuple[str, ...],
        state: OperationState,
        message: str,
    ) -> None:
        held = _held_reason(request)
        for operation_id in operation_ids:
            item = OperationItem(
                environment=request.subject.environment,
                kind=request.subject.kind,
                name=request.subject.name,
                state=state,
                reason=held if state == "Failed" and request.failure is None else "",
                message=message,
            )
            await self._operations.finish_item(operation_id, item)

    async def _wake_numbers(self, request: ConclusionRequest) -> None:
        subject = request.subject
        for record in await self._wishes.numbers_of(
            subject.project, subject.environment, subject.name
        ):
            try:
                await self._dispatcher.tell(record, "dependency", request.timing)
            except TrunklineError as error:
                if error.retryable:
                    raise


def _held_reason(request: ConclusionRequest) -> str:
    """Why the round wrote nothing, where somebody or time has to let it go on."""
    plan = request.plan
    if plan is None:
        return ""
    return plan.held_reason or (plan.kept_reason if plan.kept_reason == PAUSED else "")


def backoff_s(timing: Timing, failures: int) -> float:
    """The pause after so many failed rounds: doubling from the first to the longest, jittered."""
    pause_s = min(timing.retry_initial_s * 2.0 ** min(failures, 30), timing.retry_max_s)
    return pause_s * (1.0 + random.uniform(-JITTER, JITTER))  # noqa: S311 - spreads load, no secret


def _next_look_s(request: ConclusionRequest, outcome: Round) -> float | None:
    """When to look again by itself: never while all is well, rarely where a person must act."""
    timing = request.timing
    failure = outcome.failure
    if failure is None:
        if _awaits_release(outcome.plan):
            return timing.resync_interval_s
        held_for_s = request.plan.held_for_s if request.plan is not None else None
        if _is_blocked(outcome) and not _drains(request):
            return backoff_s(timing, request.failures)
        return None if held_for_s is None else max(held_for_s, timing.retry_initial_s)
    if failure.reason == CredentialsRejected.reason or not failure.stalled:
        return max(backoff_s(timing, request.failures), failure.retry_after_s or 0.0)
    if failure.retryable:
        return backoff_s(timing, request.failures)
    return timing.resync_interval_s


def _digest(reference: PlanReference | None, newest: Digest) -> Digest:
    """That of what was planned, which may be older than the newest wish."""
    return newest if reference is None or reference.digest is None else reference.digest


def _is_gone(request: ConclusionRequest, outcome: Round) -> bool:
    """True if Git does not name it and nothing of ours is left of it, as this round found; one that
    began before it left Git found nothing of the kind.
    """
    reference = request.plan
    if not outcome.removed or reference is None or outcome.external_id is not None:
        return False
    deleted = outcome.executed and outcome.plan is not None
    return outcome.failure is None and (reference.forgotten or deleted)


def _is_blocked(outcome: Round) -> bool:
    return outcome.plan is not None and bool(outcome.plan.obstacles)


def _drains(request: ConclusionRequest) -> bool:
    """True for a number that moves by itself once running calls have ended, or time is up."""
    return request.plan is not None and request.plan.waiting_reason == DRAINING


def _awaits_release(plan: Plan | None) -> bool:
    """True if nothing is to be done before somebody promotes, which wakes it."""
    return plan is not None and any(one.reason == AWAITING_RELEASE for one in plan.obstacles)


def _failure(request: ConclusionRequest) -> Failure | None:
    if request.failure is None:
        return None
    return Failure.model_validate(request.failure.model_dump(by_alias=False))
