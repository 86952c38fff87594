"""What follows the release commit: rollout, settling, verification, and the way back.

From here on Git says what production runs, so phases only go forward, and the one way back is
another release. Only a definite bad answer takes a release back, or a person; what could not be
found out holds a rollout where it is and is said, and it never blames.
"""

from typing import Final

from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Verification
from trunkline.model.limits import REASON_MAX_CHARACTERS
from trunkline.model.promotions.approvals import abortion
from trunkline.model.promotions.ending import REPLACES, push_pause
from trunkline.model.promotions.facts import Facts, ReleaseFound
from trunkline.model.promotions.guards import disabled
from trunkline.model.promotions.merging import tagging
from trunkline.model.promotions.moving import (
    Decision,
    Look,
    Move,
    ended,
    entered,
    noted,
    said,
    waits,
)
from trunkline.model.promotions.records import PromotionRecord, TestsRun
from trunkline.model.promotions.running import Testing, blame, run_words, series
from trunkline.model.releases import RolloutState

BACK_REASON: Final = "backReason"
BACK_WORDS: Final = "backWords"
"""Members of a record's details: why a release is taken back, in one word and in a sentence."""
STOPPED: Final = frozenset({"Done", "Aborted"})
"""Phases of a rollout in which its branch has no traffic of its own any more."""


def released(record: PromotionRecord, found: ReleaseFound, look: Look) -> PromotionRecord:
    """The record with the release commit that was found."""
    record = record.model_copy(update={"version": found.version, "release_commit": found.commit})
    record = entered(record, "Releasing", look)
    stepwise = bool(found.steps) and record.kind == "promote"
    words = f"v{found.version} in {found.commit[:10]}"
    return entered(record, "Rollout" if stepwise else "Settling", look, left=words)


def after_release(record: PromotionRecord, look: Look) -> Decision:
    """The promotion as far as it comes once its release is in Git."""
    interrupted = _interrupted(record, look)
    if interrupted is not None:
        return interrupted
    if record.phase == "Rollout":
        record, decision = _rollout(record, look)
        if decision is not None:
            return decision
    if record.phase == "Settling":
        decision = _settling(record, look)
        if decision is not None:
            return decision
    return _verifying(record, look)


def _interrupted(record: PromotionRecord, look: Look) -> Decision | None:
    """What goes before all else: the way back, somebody's word, a release that does not count."""
    if record.phase == "RollingBack":
        return _rolling_back(record, look)
    overtaken = _overtaken(record, look.facts)
    if overtaken:
        return ended(record, look, "Superseded", "Overtaken", overtaken)
    if BACK_REASON in record.details:
        return _back(record, look)
    aborted = _aborted(record, look) if record.kind == "promote" else None
    return aborted or _refused_by_reconciler(record, look)


def arrived(facts: Facts, version: int) -> bool:
    """True if the target runs exactly that release, as it should."""
    target = facts.target
    return (
        target is not None
        and target.there
        and target.sync == "Synced"
        and target.version == version
    )


def _overtaken(record: PromotionRecord, facts: Facts) -> str:
    """What was done to the release in Git meanwhile, in words; "" if nothing."""
    standing = facts.standing
    if standing is None or standing.applied_version < record.version:
        return ""
    if standing.applied_version > record.version:
        return f"v{standing.applied_version} was released over v{record.version}"
    if standing.removed:
        return f"the release of v{record.version} was removed from the branch"
    return ""


def _refused_by_reconciler(record: PromotionRecord, look: Look) -> Decision | None:
    """Waits while the release in Git does not count, or is not looked at yet."""
    standing = look.facts.standing
    seen = standing.seen if standing is not None else None
    if standing is None or seen is None or seen.version != record.version or not standing.reason:
        return None
    return waits(record, look, standing.reason, standing.message, stalled=True)


def _aborted(record: PromotionRecord, look: Look) -> Decision | None:
    """An abort after the release: the traffic first, then the release is taken back."""
    row = abortion(look.facts.audit, record.id)
    if row is not None:
        blamed = {"abort_requested_by": row.actor, "abort_reason": row.reason}
        record = record.model_copy(update=blamed)
    if not record.abort_requested_by:
        return None
    why = f": {record.abort_reason}" if record.abort_reason else ""
    return _back(record, look, "Aborted", f"aborted by {record.abort_requested_by}{why}")


def _own_rollout(record: PromotionRecord, facts: Facts) -> RolloutState | None:
    state = facts.rollout
    return state if state is not None and state.version == record.version else None


def _back(record: PromotionRecord, look: Look, reason: str = "", words: str = "") -> Decision:
    """Take the release back; a rollout is brought to a stop before. Why is said once and kept."""
    if BACK_REASON not in record.details:
        kept = words[:REASON_MAX_CHARACTERS]
        record = noted(noted(record, BACK_REASON, reason), BACK_WORDS, kept)
    reason, words = _why_back(record)
    state = _own_rollout(record, look.facts)
    replaces = record.settled_version or record.details.get(REPLACES)
    if record.phase == "Rollout" and replaces and _is_applied(record, look.facts):
        if state is None or (not state.abort_reason and state.phase not in STOPPED):
            record = said(record, reason, f"{words}; the traffic is taken back")
            return record, Move(kind="abort_rollout", reason=words)
        if state.phase not in STOPPED:
            text = f"{words}; the traffic is being taken back"
            return waits(_seen(record, state), look, reason, text)
    return _rolling_back(entered(record, "RollingBack", look, left=words), look)


def _why_back(record: PromotionRecord) -> tuple[str, str]:
    return str(record.details.get(BACK_REASON, "")), str(record.details.get(BACK_WORDS, ""))


def _is_applied(record: PromotionRecord, facts: Facts) -> bool:
    """False if the agent's rounds cannot have begun with the release."""
    return facts.standing is None or facts.standing.applied_version >= record.version


def _rolling_back(record: PromotionRecord, look: Look) -> Decision:
    reason, words = _why_back(record)
    found = look.facts.rolled_back
    if found is not None:
        record = record.model_copy(update={"rolled_back_to": record.settled_version})
        place = f"v{record.settled_version} again, as v{found.version}"
        standing = look.facts.standing
        newer = standing is not None and standing.applied_version > found.version
        again = abortion(look.facts.audit, record.id, after=record.timeline[-1].began_at)
        if arrived(look.facts, found.version) or newer or again is not None:
            return ended(record, look, "RolledBack", reason, f"{words}; {place}", left=place)
        target = look.facts.target
        said_there = f" ({target.message})" if target is not None and target.message else ""
        stalled = target is not None and bool(target.stalled)
        text = f"{words}; waiting for {place}{said_there}"
        return waits(record, look, "RollingBack", text, stalled=stalled)
    overtaken = _overtaken(record, look.facts)
    if overtaken and look.facts.release_known:
        return ended(record, look, "Superseded", "Overtaken", overtaken)
    if record.settled_version == 0:
        return _no_predecessor(record, look, words)
    return _going_back(record, look, words)


def _going_back(record: PromotionRecord, look: Look, words: str) -> Decision:
    """The release of the predecessor, or the tag of one that had to be merged."""
    merged = look.facts.merged
    if merged is not None and merged.is_back and merged.is_current:
        return tagging(record, look, merged)
    paused = push_pause(record, look)
    if paused is not None:
        return paused
    record = said(record, "RollingBack", f"{words}; going back to v{record.settled_version}")
    return record, Move(kind="roll_back", restores=record.settled_version, reason=words)


def _no_predecessor(record: PromotionRecord, look: Look, words: str) -> Decision:
    taken = disabled(look.facts, record.environment, record.agent)
    if taken is not None and not _hold_missing(record, look.facts, taken):
        command = f"trunkline promote {record.agent} -e {record.environment}"
        left = (
            f"nothing to go back to, so its calls were taken away; promote a better one: {command}"
        )
        text = f"{words}; {left}"
        return ended(record, look, "RolledBack", "NoPredecessor", text, left=left)
    paused = push_pause(record, look)
    if paused is not None:
        return paused
    text = f"{words}; nothing to go back to: its calls are taken away"
    return said(record, "NoPredecessor", text), Move(kind="disable", reason=words)


def _hold_missing(record: PromotionRecord, facts: Facts, taken: Intervention) -> bool:
    """True while the release may still get the hold it is to have: its calls are not taken away
    for this failure yet, or the push of the hold came to nothing.
    """
    standing, began_at = facts.standing, record.timeline[-1].began_at
    if standing is not None and standing.held:
        return False
    counts = standing is not None and standing.seen is not None and not standing.reason
    failed = counts and facts.push is not None and facts.push.at >= began_at
    return failed or taken.at < began_at


def _seen(record: PromotionRecord, state: RolloutState) -> PromotionRecord:
    update = {"rollout_step": state.step, "rollout_percent": state.percent}
    return record.model_copy(update=update)


def _rollout(record: PromotionRecord, look: Look) -> tuple[PromotionRecord, Decision | None]:
    """The rollout as the agent's rounds say it is; None once it is through."""
    state = _own_rollout(record, look.facts)
    if state is None:
        if arrived(look.facts, record.version):
            return entered(record, "Settling", look, left="all calls at once"), None
        words = f"waiting for the rollout of v{record.version} to begin"
        return record, _settled_soon(record, look, "RolloutPending", words)
    record = _seen(record, state)
    if state.phase == "Done":
        return entered(record, "Settling", look, left="all calls"), None
    if state.phase in ("Aborting", "Aborted") or state.abort_reason:
        words = state.abort_reason or state.message or "the rollout was aborted"
        return record, _back(record, look, "RolloutAborted", words)
    if _is_held(state) and state.needs_checks and state.step > state.checked_step:
        return record, _check(record, look, state)
    words = state.message or f"v{record.version} at {state.percent:g} %"
    return record, waits(record, look, "RollingOut", words)


def _is_held(state: RolloutState) -> bool:
    """True once the platform was seen to give the release the share of its step: before, a call
    meets the old version, and says nothing of the new one.
    """
    shared = state.step_began_at is not None and state.percent > 0
    return state.phase == "Shifting" and state.step >= 0 and shared


def _check(record: PromotionRecord, look: Look, state: RolloutState) -> Decision:
    """Tests at a share of the traffic; only a definite failure takes it back."""
    verify = _verification(look.facts)
    if verify is None:
        return record, Move(kind="check_step", step=state.step)
    mark = f"-check-{state.step}-"
    others = tuple(run for run in record.checks if mark not in run.run_id)
    prior = next((run for run in record.checks if mark in run.run_id), None)
    testing = series(record, look, "check", prior, tags=verify.tags, step=state.step, patient=True)
    record = record.model_copy(update={"checks": (*others, testing.run)})
    at = f"v{record.version} at {state.percent:g} %"
    if testing.move is not None:
        return _under_test(record, look, testing, f"checking {at}")
    if testing.outcome == "passed":
        record = said(record, "RollingOut", f"{at} is good: {run_words(testing.run)}")
        return record, Move(kind="check_step", step=state.step)
    if testing.outcome == "failed":
        words = f"{at} failed its check: {blame(testing.run)}"
        return _back(record, look, "CheckFailed", words)
    command = f"trunkline abort {record.agent} -e {record.environment}"
    words = f"{at} could not be checked: {run_words(testing.run)}; to take it back: {command}"
    return waits(record, look, "CheckInconclusive", words, stalled=True)


def _under_test(record: PromotionRecord, look: Look, testing: Testing, words: str) -> Decision:
    move = testing.move
    if move is not None and move.kind == "run_tests":
        tries = f", try {testing.run.attempts}" if testing.run.attempts > 1 else ""
        return said(record, "Testing", f"{words}: tests are running{tries}"), move
    text = f"{words}: inconclusive ({run_words(testing.run)}); tried again"
    until = move.until if move is not None else None
    stalled = testing.run.attempts > len(look.facts.pace.test_pauses_s)
    return waits(record, look, "TestsInconclusive", text, until=until, stalled=stalled)


def _settled_soon(record: PromotionRecord, look: Look, reason: str, words: str) -> Decision:
    """Waits for the target, with what its status says."""
    target = look.facts.target
    if target is None:
        return waits(record, look, reason, words)
    text = f"{words} ({target.message})" if target.message else words
    return waits(record, look, target.stalled or reason, text, stalled=bool(target.stalled))


def _settling(record: PromotionRecord, look: Look) -> Decision | None:
    """Waits until the target runs the release and calls reach it; None once they do."""
    facts, target = look.facts, look.facts.target
    if not arrived(facts, record.version) or target is None:
        words = f"waiting for v{record.version} in {record.environment}"
        return _settled_soon(record, look, "Settling", words)
    if record.kind == "rollback":
        return None
    if target.numbers_pending:
        words = f"waiting for numbers: {', '.join(target.numbers_pending)}"
        return _settled_soon(record, look, "NumbersPending", words)
    if target.health == "Healthy":
        return None
    taken = disabled(facts, record.environment, record.agent)
    if taken is not None:
        words = (
            f"{record.agent} was disabled by {taken.by}: {taken.reason}; to let calls reach"
            f" v{record.version}: trunkline enable {record.agent} -e {record.environment}"
        )
        return waits(record, look, "AgentDisabled", words)
    words = f"waiting for {record.agent} to be healthy in {record.environment}"
    return _settled_soon(record, look, f"Target{target.health}", words)


def _verification(facts: Facts) -> Verification | None:
    return facts.rules.promotion.verify if facts.rules is not None else None


def _verifying(record: PromotionRecord, look: Look) -> Decision:
    done = f"v{record.version} is released"
    if record.kind == "rollback":
        words = f"v{record.restores} runs again, as v{record.version}"
        return ended(record, look, "Done", "", words)
    if look.facts.rules is None and not look.facts.no_promotion:
        words = "the rules of promotion are not known, so nothing says how to verify"
        return waits(record, look, "RulesUnknown", words)
    verify = _verification(look.facts)
    if verify is None:
        return ended(record, look, "Done", "", done)
    record = entered(record, "Verifying", look, left=f"v{record.version} runs")
    testing = series(record, look, "verify", record.verification, tags=verify.tags)
    record = record.model_copy(update={"verification": testing.run})
    if testing.move is not None:
        return _under_test(record, look, testing, f"verifying v{record.version}")
    return _verified(record, look, testing.run, verify)


def _verified(record: PromotionRecord, look: Look, run: TestsRun, verify: Verification) -> Decision:
    done = f"v{record.version} is released"
    if run.outcome == "passed":
        return ended(record, look, "Done", "", f"{done} and verified")
    if run.outcome == "inconclusive":
        words = f"{done}; whether it is good could not be found out: {run_words(run)}"
        return ended(record, look, "Done", "VerificationInconclusive", words)
    if verify.rollback:
        words = f"v{record.version} failed its verification: {blame(run)}"
        return _back(record, look, "VerificationFailed", words)
    command = f'trunkline rollback {record.agent} -e {record.environment} --reason "…"'
    words = f"{done} and failed its verification: {blame(run)}; to take it back: {command}"
    return ended(record, look, "Done", "VerificationFailed", words)
