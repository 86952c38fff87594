"""One look at a promotion: find everything out, decide what comes next, write it down, tell it.

The row is written before the move is made, so that whoever is killed in between finds out at the
next look what became of it. A row that was lost comes back from what the workflow carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from temporalio import activity

from activities.errors import translated
from activities.heartbeats import beating
from activities.names import LOOK_AT_PROMOTION
from activities.promotion_types import (
    LostRun,
    PromotionLook,
    PromotionLookRequest,
    PromotionMove,
)
from activities.promotions.calls import PromotionCalls
from activities.promotions.facts import (
    BACK,
    BASE,
    PUSH,
    PUSH_TROUBLES,
    RELEASE,
    FactFinder,
    Looked,
    with_push,
)
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposed import MERGED, Proposed
from activities.promotions.words import attributes, details_markdown, transitions
from activities.testing_types import TestRunInput
from activities.types import Failure, Timing
from trunkline.model.errors import Conflict
from trunkline.model.ids import Revision
from trunkline.model.interventions import in_force
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.facts import ReleaseFound
from trunkline.model.promotions.guards import TRUNKLINE
from trunkline.model.promotions.moves import Move, TestsRequest, next_move
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.releases import ReleaseRecord

STEP_KINDS: Final = frozenset(
    {
        *("release", "propose", "tag", "withdraw"),
        *("roll_back", "check_step", "abort_rollout", "disable"),
    }
)
"""Moves that change something outside, and may fail."""
TOLD_LATE: Final = frozenset({"propose", "withdraw"})
"""Moves whose effect a forge may tell later than it took it: not made twice in a row."""
STEPPED: Final = "stepped"
"""The detail of a record that keeps the last such move, and when."""
SHORTEST_WAIT_S: Final = 0.05
"""A look that changed nothing is never followed by another one at once."""
DOUBLINGS_MAX: Final = 20
"""Doublings of a pause; by then it is as long as it may be."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look came to: the record, the move, and what both rest on."""

    record: PromotionRecord
    move: Move
    looked: Looked


class PromotionLooks:
    """Looks and decides, and writes nothing."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports
        self._finder = FactFinder(ports)

    async def decide(self, record: PromotionRecord, *, lost: Sequence[LostRun] = ()) -> Decision:
        """What comes next. Raises StoreUnavailable."""
        looked = await self._finder.look(record, lost)
        known = _remembered(record, looked, self._ports.clock.now())
        after, move = next_move(known, looked.facts, self._ports.clock.now())
        return Decision(after, move, looked)

    async def newest(self, carried: PromotionRecord) -> PromotionRecord:
        """The row, or the record the workflow carries if that knows more: a row was lost, or is
        an older backup's. Raises Conflict if the row is gone and another promotion has begun.
        """
        row = await self._ports.promotions.promotion(carried.project, carried.id)
        if row is None:
            return await self._ports.promotions.open_promotion(carried)
        same = row.created_at == carried.created_at
        if same and row.is_open and len(carried.timeline) > len(row.timeline):
            return carried
        return row


class LookActivities:
    """The activity every move of a promotion begins with."""

    def __init__(self, ports: PromotionPorts, looks: PromotionLooks, calls: PromotionCalls) -> None:
        self._ports = ports
        self._looks = looks
        self._calls = calls

    @activity.defn(name=LOOK_AT_PROMOTION)
    async def look_at_promotion(self, request: PromotionLookRequest) -> PromotionLook:
        """What comes next; the row says it when this answers."""
        with translated(request.timing):
            async with beating():
                return await self._look(request)

    async def _look(self, request: PromotionLookRequest) -> PromotionLook:
        try:
            before = await self._looks.newest(request.record)
        except Conflict as error:
            return await self._displaced(request.record, error.message)
        if not before.is_open:
            return _answer(before, PromotionMove(kind="end", words=before.state))
        trouble, now = request.trouble, self._ports.clock.now()
        known = before
        if trouble is not None and trouble.reason in PUSH_TROUBLES:
            known = with_push(known, trouble, now)
        decided = await self._looks.decide(known, lost=request.lost_runs)
        await self._arrived(before, decided, request.timing)
        after, move = decided.record, self._move(decided, request, now)
        if _is_troubled(trouble) and decided.move.kind in STEP_KINDS and trouble is not None:
            after, move = _paused(after, trouble, request)
        elif move.kind in TOLD_LATE:
            after, move = _paced(after, move, trouble, now, self._ports.pace.poll_s)
        events = transitions(before, after, first=not before.timeline)
        stored = await self._ports.promotions.put_promotion(after, events)
        if not stored.is_open:
            move = PromotionMove(kind="end", words=stored.state)
        return _answer(stored, move)

    async def _displaced(self, record: PromotionRecord, words: str) -> PromotionLook:
        """Its row was lost, and another promotion has begun meanwhile: that one goes on."""
        now = self._ports.clock.now()
        ended = record.model_copy(
            update={
                "state": "Superseded",
                "phase": "Ended",
                "reason": "Superseded",
                "message": words,
                "finished_at": now,
            }
        )
        stored = await self._ports.promotions.put_promotion(ended)
        return _answer(stored, PromotionMove(kind="end", words=stored.state))

    async def _arrived(self, before: PromotionRecord, decided: Decision, timing: Timing) -> None:
        """A commit of the promotion was found on the branch: remember it, and have it applied."""
        git, after = decided.looked.git, decided.record
        for detail in (RELEASE, BACK):
            if detail not in after.details or detail in before.details or git.spec is None:
                continue
            kept = ReleaseFound.model_validate(after.details[detail])
            await self._ports.releases.put_releases([_release(after, kept, git.spec)])
            if detail == RELEASE and after.kind == "promote":
                await self._give_calls_back(decided)
            await self._calls.refresh(after.project, timing)

    async def _give_calls_back(self, decided: Decision) -> None:
        """What we took away because a release failed comes back with the next one."""
        after = decided.record
        place = (after.environment, "agent", after.agent)
        taken = in_force(decided.looked.facts.interventions, "disable", *place)
        if taken is not None and taken.by == TRUNKLINE and taken.environment:
            await self._ports.interventions.lift_intervention(after.project, *place, "disable")

    def _move(
        self, decided: Decision, request: PromotionLookRequest, now: datetime
    ) -> PromotionMove:
        move, record = decided.move, decided.record
        wait_s = self._ports.pace.poll_s
        if move.until is not None:
            wait_s = min(wait_s, (move.until - now).total_seconds())
        return PromotionMove(
            kind=move.kind,
            words=f"{move.kind.replace('_', ' ')}: {record.message}"[:200],
            wait_s=max(wait_s, SHORTEST_WAIT_S),
            run=_run(record, move.tests, request.timing) if move.tests is not None else None,
            step=move.step,
            restores=move.restores,
            reason=move.reason,
        )


def _remembered(record: PromotionRecord, looked: Looked, now: datetime) -> PromotionRecord:
    """The record with where the branch was at first, and with its commits once they are there."""
    git = looked.git
    record = _with_proposal(record, git.proposed, now)
    details = dict(record.details)
    if git.tip is not None:
        details.setdefault(BASE, git.tip)
    if git.release is not None and RELEASE not in details:
        details[RELEASE] = git.release.model_dump(mode="json")
        details.pop(PUSH, None)
    if git.rolled_back is not None and BACK not in details:
        details[BACK] = git.rolled_back.model_dump(mode="json")
        details.pop(PUSH, None)
    return record.model_copy(update={"details": details})


def _with_proposal(record: PromotionRecord, proposed: Proposed, now: datetime) -> PromotionRecord:
    """The record with its pull request, and with when that was merged. What a push came to before
    says nothing of the next step.
    """
    details, update = dict(record.details), {}
    found, merged = proposed.proposal, proposed.merged
    if found is not None and found.number and found.number != record.pull_request:
        update = {"pull_request": found.number, "pull_request_url": found.url}
        if record.kind == "promote" and record.version == 0:
            details.pop(PUSH, None)
    kept = details.get(MERGED)
    if merged is not None and not (isinstance(kept, dict) and kept["version"] == merged.version):
        details[MERGED] = {"version": merged.version, "at": min(merged.at, now).isoformat()}
        details.pop(PUSH, None)
    return record.model_copy(update={**update, "details": details})


def _run(record: PromotionRecord, tests: TestsRequest, timing: Timing) -> TestRunInput:
    return TestRunInput(
        run_id=tests.run_id,
        project=record.project,
        environment=tests.environment,
        within=tests.within,
        revision=tests.revision,
        agents=(tests.agent,),
        tags=tests.tags,
        requested_by=record.requested_by,
        request_id=record.request_id,
        timing=timing,
    )


def _release(record: PromotionRecord, found: ReleaseFound, spec: ReleaseSpec) -> ReleaseRecord:
    return ReleaseRecord(
        project=record.project,
        environment=record.environment,
        agent=record.agent,
        version=spec.version,
        revision=Revision(spec.revision),
        digest=spec.digest,
        changes=spec.changes,
        promoted_by=spec.promoted_by,
        promotion=record.id,
        commit=found.commit,
        restores=spec.restores,
        spec=spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    )


def _is_troubled(trouble: Failure | None) -> bool:
    """True for trouble that says nothing of the promotion itself: try the same again later."""
    return trouble is not None and trouble.reason not in (*PUSH_TROUBLES, "Superseded")


def _paused(
    record: PromotionRecord, trouble: Failure, request: PromotionLookRequest
) -> tuple[PromotionRecord, PromotionMove]:
    """The same move later, longer each time; people see what was in its way."""
    timing = request.timing
    pause_s = timing.retry_initial_s * 2.0 ** min(request.troubles, DOUBLINGS_MAX)
    words = f"{trouble.message} {trouble.hint}".strip()
    said = record.model_copy(update={"reason": trouble.reason, "message": words})
    wait_s = max(min(pause_s, timing.retry_max_s), SHORTEST_WAIT_S)
    return said, PromotionMove(kind="wait", words=words[:200], wait_s=wait_s)


def _paced(
    record: PromotionRecord,
    move: PromotionMove,
    trouble: Failure | None,
    now: datetime,
    pause_s: float,
) -> tuple[PromotionRecord, PromotionMove]:
    """The move, or a wait if it was made a moment ago and came to nothing bad."""
    kept = record.details.get(STEPPED)
    if trouble is None and isinstance(kept, dict) and kept["kind"] == move.kind:
        since_s = (now - datetime.fromisoformat(str(kept["at"]))).total_seconds()
        if since_s < pause_s:
            wait_s = max(pause_s - since_s, SHORTEST_WAIT_S)
            return record, PromotionMove(kind="wait", words=move.words, wait_s=wait_s)
    stepped = {"kind": move.kind, "at": now.isoformat()}
    return record.model_copy(update={"details": {**record.details, STEPPED: stepped}}), move


def _answer(record: PromotionRecord, move: PromotionMove) -> PromotionLook:
    return PromotionLook(
        record=record,
        move=move,
        details=details_markdown(record),
        attributes=attributes(record),
    )
