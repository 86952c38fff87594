"""What a promotion has to earn before anything is released: tests, soak, approvals, a window.

Each condition is judged afresh at each look, in this order, by the rules in force then; the first
that does not hold is the phase. So rules that become stricter send a promotion back, what is not
as it was tested is tested again, and an approval never stands in for tests or for time.

Only two things are settled once: soaking counts from the first passed gate, since it is about time
and not about evidence, and what has soaked has soaked. Evidence that expired while something else
was waited for is renewed by another run of the gate when everything else has been earned.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from trunkline.model.durations import format_duration
from trunkline.model.gates import shown
from trunkline.model.interventions import in_force
from trunkline.model.kinds.project import Window
from trunkline.model.limits import PROMOTION_GATES_MAX
from trunkline.model.promotions.approvals import counted
from trunkline.model.promotions.authors import mapped, unmapped_words
from trunkline.model.promotions.ending import PUSHING, REPLACES, ending, ends, push_pause
from trunkline.model.promotions.facts import Deployed, Facts
from trunkline.model.promotions.guards import (
    TRUNKLINE,
    Refusal,
    disabled,
    in_the_way,
    origin_problem,
    refusals,
    waiting,
)
from trunkline.model.promotions.moving import (
    Decision,
    Look,
    Move,
    ended,
    entered,
    moment,
    noted,
    said,
    waits,
)
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.proposing import proposed
from trunkline.model.promotions.records import PHASES, PromotionPhase, PromotionRecord
from trunkline.model.promotions.running import begun, run_number, run_words, series
from trunkline.model.windows import closed_by, decide

SOAK_FROM: Final = "soakFrom"
SOAKED: Final = "soaked"
UNWELL: Final = "unwell"
REFUSALS: Final = "refusals"
"""Members of a record's details: when soaking began, that it is over, that the agent was found ill
at its end, and every reason why a promotion could not be started."""
SAID_BY_PEOPLE: Final = frozenset({"AgentSuspended", "AgentDisabled", "Held", "BehaviourDrifted"})
"""What holds a release back until somebody says otherwise: blocked, and nothing is wrong."""

Step: TypeAlias = tuple[PromotionRecord, Decision | None]
"""The record after a condition; the decision if it does not hold."""


def before_release(record: PromotionRecord, look: Look) -> Decision:
    """The promotion as far as it comes, up to the release commit."""
    record = _known(record, look.facts)
    over = ending(record, look.facts)
    if over is not None:
        return ends(record, look, over)
    if record.phase == "Starting":
        refused = _refused(record, look)
        if refused is not None:
            return refused
    return _rollback(record, look) if record.kind == "rollback" else _earned(record, look)


def _earned(record: PromotionRecord, look: Look) -> Decision:
    """A promotion up to the first condition that does not hold."""
    rules = look.facts.rules
    needed = waiting(record, look.facts) if rules is None or record.phase == "Starting" else None
    if rules is None or needed is not None:
        return _waits_for(record, look, needed)
    record = record.model_copy(update={"approvals_needed": rules.promotion.approvals.count})
    for condition in (_gate, _soak, _approved, _window):
        record, decision = condition(record, look, rules)
        if decision is not None:
            return decision
    return _releasing(record, look, rules)


def _known(record: PromotionRecord, facts: Facts) -> PromotionRecord:
    """What the record did not know when it was opened."""
    update: dict[str, object] = {}
    candidate, rules = facts.candidate, facts.rules
    if rules is not None and not record.origin:
        update["origin"] = rules.promotion.from_environment
    if record.kind == "promote" and candidate is not None:
        if record.digest is None:
            update |= {"digest": candidate.digest, "revision": candidate.revision}
        if record.revision is None:
            update["revision"] = candidate.revision
        if not record.suite_digest:
            update["suite_digest"] = candidate.suite_digest
    if rules is not None:
        authors = record.authors if facts.authors is None else facts.authors
        update["authors"] = mapped(authors, rules.people)
    return record.model_copy(update=update) if update else record


def _refused(record: PromotionRecord, look: Look) -> Decision | None:
    found = refusals(record, look.facts)
    if not found:
        return None
    record = noted(record, REFUSALS, [each.words for each in found])
    return ended(record, look, "Failed", found[0].reason, found[0].words)


def _waits_for(record: PromotionRecord, look: Look, needed: Refusal | None) -> Decision:
    reason, words = (needed.reason, needed.words) if needed else ("Unknown", "looking again")
    origin = look.facts.origin
    stalled = bool(origin is not None and origin.stalled) and reason == "OriginNotSynced"
    return waits(record, look, reason, words, stalled=stalled)


def _rollback(record: PromotionRecord, look: Look) -> Decision:
    """A rollback waits for nobody: no gate, soak, approval, window or expiry."""
    record = _forward(record, "Releasing", look, f"back to v{record.restores}")
    held = in_the_way(record, look.facts)
    if held is not None:
        return waits(record, look, held.reason, held.words, stalled=True)
    return _push(record, look)


def _forward(
    record: PromotionRecord, phase: PromotionPhase, look: Look, left: str
) -> PromotionRecord:
    """The record in a phase that comes after its own; as it is if it was further already."""
    if PHASES.index(record.phase) >= PHASES.index(phase):
        return record
    return entered(record, phase, look, left=left)


def _gate(record: PromotionRecord, look: Look, rules: PromotionRules) -> Step:
    record = _forward(record, "Gate", look, "everything is there to begin")
    rendered = look.facts.candidate.rendered_digest if look.facts.candidate else None
    if rendered is not None and record.rendered_digest not in (None, rendered):
        words = f"the configuration for {record.environment} is not the tested one any more"
        record = _again(record, look, words)
    if rendered is not None and record.rendered_digest is None:
        record = record.model_copy(update={"rendered_digest": rendered})
    if record.gate_passed_at is not None:
        return record, None
    if run_number(record.gate) > PROMOTION_GATES_MAX:
        words = f"tested {PROMOTION_GATES_MAX} times; promote again once it can be released in time"
        return record, ended(record, look, "Inconclusive", "GateExhausted", words)
    testing = series(record, look, "gate", record.gate)
    record = entered(record.model_copy(update={"gate": testing.run}), "Gate", look)
    if testing.move is not None:
        return record, _still_testing(record, look, testing.move, "gate")
    if testing.outcome == "failed":
        return record, ended(record, look, "Failed", "GateFailed", run_words(testing.run))
    if testing.outcome != "passed" and rules.promotion.tests.required:
        reason = testing.run.reason or "GateInconclusive"
        words = f"the tests could not find it out: {run_words(testing.run)}"
        return record, ended(record, look, "Inconclusive", reason, words)
    found = look.facts.run(testing.run.run_id)
    passed_at = testing.run.ended_at or look.now
    update: dict[str, object] = {
        "gate_passed_at": passed_at,
        "evidence_expires_at": passed_at + rules.promotion.evidence.expires,
        "evidence": found.evidence if found is not None else {},
    }
    record = record.model_copy(update=update)
    if SOAK_FROM not in record.details:
        record = noted(record, SOAK_FROM, passed_at.isoformat())
    return record, None


def _still_testing(record: PromotionRecord, look: Look, move: Move, words: str) -> Decision:
    run = record.gate
    tries = f", try {run.attempts}" if run is not None and run.attempts > 1 else ""
    if move.kind == "run_tests":
        text = f"{words}: tests are running{tries} ({move.tests.run_id if move.tests else ''})"
        return said(record, "Testing", text), move
    last = run_words(run) if run is not None else ""
    again = f"tried again at {shown(move.until)}" if move.until else "tried again"
    text = f"{words}: inconclusive ({last}); {again}"
    return waits(record, look, "TestsInconclusive", text, until=move.until)


def _again(record: PromotionRecord, look: Look, why: str) -> PromotionRecord:
    """The record back at its gate, with a run nobody has asked for yet."""
    run = begun(record, look, "gate", prior=record.gate)
    record = entered(record, "Gate", look, left=why)
    update: dict[str, object] = {
        "gate": run,
        "gate_passed_at": None,
        "evidence_expires_at": None,
        "evidence": {},
        "rendered_digest": None,
    }
    return record.model_copy(update=update)


def _soak(record: PromotionRecord, look: Look, rules: PromotionRules) -> Step:
    run = record.gate
    record = _forward(record, "Soak", look, run_words(run) if run is not None else "")
    if record.details.get(SOAKED):
        return record, None
    needed, began_at = rules.promotion.soak, moment(record, SOAK_FROM) or look.now
    problem = _ill(record, look.facts.origin)
    if record.details.get(UNWELL) and problem is None:
        began_at = look.now
        record = noted(noted(record, SOAK_FROM, began_at.isoformat()), UNWELL, value=False)
    if look.now < began_at + needed:
        record = entered(record, "Soak", look)
        until = began_at + needed
        words = (
            f"soaks until {shown(until)}; {record.agent} must be healthy in {record.origin} then"
        )
        return record, waits(record, look, "Soaking", words, until=until)
    if problem is not None:
        record = entered(record, "Soak", look)
        if problem.reason == "OriginUnhealthy":
            words = f"{problem.words}; it soaks again once it is healthy"
            record = noted(record, UNWELL, value=True)
            return record, waits(record, look, problem.reason, words, stalled=True)
        return record, waits(record, look, problem.reason, problem.words)
    return noted(record, SOAKED, value=True), None


def _ill(record: PromotionRecord, origin: Deployed | None) -> Refusal | None:
    """Why what was tested is not well where it runs already, or None."""
    problem = origin_problem(record, origin, record.digest)
    if problem is not None or origin is None or origin.health == "Healthy":
        return problem
    place = f"{record.agent} in {record.origin}"
    return Refusal(
        reason="OriginUnhealthy", message=f"{place} is {origin.health}", hint=origin.message
    )


def _approved(record: PromotionRecord, look: Look, rules: PromotionRules) -> Step:
    asked = rules.promotion.approvals
    soaked = format_duration(rules.promotion.soak)
    record = _forward(record, "Approval", look, f"soaked {soaked}")
    given, refused = counted(
        look.facts.audit,
        rules=rules,
        promotion=record.id,
        digest=record.digest or "",
        suite_digest=record.suite_digest,
        authors=record.authors,
    )
    record = record.model_copy(update={"approvals": given})
    if not asked.count:
        return record, None
    if asked.not_author:
        trouble = _authors_trouble(record, look.facts)
        if trouble is not None:
            record = entered(record, "Approval", look)
            return record, waits(record, look, trouble.reason, trouble.words, stalled=True)
    if len(given) >= asked.count:
        return record, None
    record = entered(record, "Approval", look)
    left = asked.count - len(given)
    command = f"trunkline approve {record.agent} -e {record.environment}"
    words = f"waiting for {left} of {asked.count} approvals: {command}"
    if refused:
        words = f"{words} ({'; '.join(refused)})"
    return record, waits(record, look, "ApprovalNeeded", words)


def _authors_trouble(record: PromotionRecord, facts: Facts) -> Refusal | None:
    """Why nobody can tell who the authors are, or None."""
    if facts.authors is None and not record.authors:
        words = f"who wrote {record.agent} could not be read"
        return Refusal(reason="AuthorsUnknown", message=words, hint=facts.authors_problem)
    people = facts.rules.people if facts.rules is not None else ()
    strangers = unmapped_words(mapped(record.authors, people))
    if not strangers:
        return None
    hint = "add each address to its person under `people` in trunkline.yaml"
    return Refusal(reason="AuthorUnknown", message=strangers, hint=hint)


def _window(record: PromotionRecord, look: Look, rules: PromotionRules) -> Step:
    people = ", ".join(each.person for each in record.approvals)
    left = f"approved by {people}" if people else "no approval is needed"
    record = _forward(record, "Window", look, left)
    windows = rules.promotion.windows
    is_open, changes_at = decide(windows, look.now)
    overridden = in_force(
        look.facts.interventions, "override-window", record.environment, "agent", record.agent
    )
    if is_open or overridden is not None:
        return record, None
    record = entered(record, "Window", look)
    words = closed_words(windows, look.now, changes_at)
    stalled = changes_at is None
    return record, waits(record, look, "OutsideWindow", words, until=changes_at, stalled=stalled)


def closed_words(windows: Sequence[Window], now: datetime, opens_at: datetime | None) -> str:
    """When windows of promotion open, by the clock people wrote them for."""
    denying = closed_by(windows, now)
    why = f" (closed by `deny: {denying.deny}`)" if denying is not None else ""
    if opens_at is None:
        return f"it never opens{why}"
    zone = (denying or next(iter(windows))).timezone
    return f"opens {opens_at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}{why}"


def _releasing(record: PromotionRecord, look: Look, rules: PromotionRules) -> Decision:
    record = _forward(record, "Releasing", look, "the window is open")
    held = in_the_way(record, look.facts)
    if held is not None:
        stalled = held.reason not in SAID_BY_PEOPLE
        return waits(record, look, held.reason, held.words, stalled=stalled)
    passed_at = record.gate_passed_at or look.now
    expires_at = passed_at + rules.promotion.evidence.expires
    record = record.model_copy(update={"evidence_expires_at": expires_at})
    if look.now >= expires_at:
        words = f"its evidence expired at {shown(expires_at)}"
        record, decision = tested_again(record, look, rules, words)
        if decision is not None:
            return decision
    if rules.promotion.via == "pull-request":
        return proposed(replacing(record, look.facts), look)
    return _push(record, look)


def tested_again(record: PromotionRecord, look: Look, rules: PromotionRules, why: str) -> Step:
    """The record at a new run of its gate, which may have passed already."""
    return _gate(_again(record, look, why), look, rules)


def _push(record: PromotionRecord, look: Look) -> Decision:
    """The release commit, once more if the last push did not arrive."""
    paused = push_pause(record, look)
    if paused is not None:
        return paused
    record = noted(replacing(record, look.facts), PUSHING, value=True)
    return said(record, "Releasing", "the release is being committed"), Move(kind="release")


def replacing(record: PromotionRecord, facts: Facts) -> PromotionRecord:
    """The record with what its release takes the place of."""
    record = record.model_copy(update={"settled_version": predecessor(record, facts)})
    standing = facts.standing
    if standing is not None and not standing.removed and standing.applied_version:
        record = noted(record, REPLACES, standing.applied_version)
    return record


def predecessor(record: PromotionRecord, facts: Facts) -> int:
    """The version to go back to if the release turns out bad; 0 if there is none. What was taken
    out of service because it had no predecessor itself is none.
    """
    standing = facts.standing
    if standing is None:
        return record.settled_version
    taken = disabled(facts, record.environment, record.agent)
    if standing.removed or (taken is not None and taken.by == TRUNKLINE):
        return 0
    return standing.applied_version
