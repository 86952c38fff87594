"""Runs of tests that decide something: asked for, tried again while nobody knows, concluded.

A run that is inconclusive says nothing about the agent, so it is tried again after a pause; one
that failed is never tried again. Ids of runs are derived, so that a run survives whoever asked for
it, and no two promotions of any project share one.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from trunkline.model.ids import Revision
from trunkline.model.limits import BLAME_MAX_CHARACTERS, PROMOTION_LINES_MAX, REASON_MAX_CHARACTERS
from trunkline.model.promotions.facts import Purpose, RunFound
from trunkline.model.promotions.moving import Look, Move, TestsRequest
from trunkline.model.promotions.records import PromotionRecord, TestsRun

SETTLED_REASONS: Final = frozenset(
    {
        "NoRequiredTests",
        "NotOnNumber",
        "NotOverThePhone",
        "OtherConfiguration",
        "PhoneNotAvailable",
        "PublicUrlMissing",
        "ToolsNotStubbable",
    }
)
"""Why nothing could be found out, where trying again would not change it."""
NAME_KEPT_CHARACTERS: Final = 40
"""Of an agent's name in a run's id; the digest behind it tells it from all others."""


@dataclass(frozen=True, slots=True)
class Testing:
    """One series of tries. ``run`` is the last; ``move`` is None once it has come to an end."""

    __test__ = False

    run: TestsRun
    move: Move | None = None

    @property
    def outcome(self) -> str:
        """What it came to; "" while it goes on."""
        return "" if self.move is not None else self.run.outcome or ""


def series(
    record: PromotionRecord,
    look: Look,
    purpose: Purpose,
    prior: TestsRun | None,
    *,
    tags: tuple[str, ...] = (),
    step: int = -1,
    patient: bool = False,
) -> Testing:
    """The series as far as it is known. ``prior`` is its last run, None before the first.

    ``patient``: goes on trying, at the last pause, instead of giving up.
    """
    run = prior or begun(record, look, purpose, step=step)
    if run.outcome is None:
        found = look.facts.run(run.run_id)
        if found is None or found.outcome is None:
            return Testing(run, _asked(record, purpose, run, tags, step))
        run = _concluded(record, purpose, run, found, look)
    if run.outcome != "inconclusive":
        return Testing(run)
    pauses = look.facts.pace.test_pauses_s
    tries_left = run.attempts <= len(pauses) and run.reason not in SETTLED_REASONS
    if not pauses or not (tries_left or patient):
        return Testing(run)
    pause_s = pauses[min(run.attempts, len(pauses)) - 1]
    again_at = (run.ended_at or look.now) + timedelta(seconds=pause_s)
    if look.now < again_at:
        return Testing(run, Move(kind="wait", until=again_at))
    again = begun(record, look, purpose, step=step, prior=run, attempts=run.attempts + 1)
    return Testing(again, _asked(record, purpose, again, tags, step))


def begun(
    record: PromotionRecord,
    look: Look,
    purpose: Purpose,
    *,
    step: int = -1,
    prior: TestsRun | None = None,
    attempts: int = 1,
) -> TestsRun:
    """A run that was not asked for before."""
    number = run_number(prior) + 1
    place = f"{purpose}-{step}" if step >= 0 else purpose
    source = f"{record.project}/{record.id}/{record.revision}/{record.digest}"
    own = hashlib.sha256(source.encode()).hexdigest()[:12]
    name = record.agent[:NAME_KEPT_CHARACTERS]
    return TestsRun(
        run_id=f"{name}-{record.number}-{own}-{place}-{number}",
        attempts=attempts,
        began_at=look.now,
    )


def run_number(run: TestsRun | None) -> int:
    """How many runs of its purpose there have been with this one."""
    return int(run.run_id.rpartition("-")[2]) if run is not None else 0


def run_words(run: TestsRun) -> str:
    """What a run came to, with its first failing line: bounded, and what an agent said in it is
    only what can be read.
    """
    first = run.lines[0] if run.lines and run.outcome == "failed" else ""
    words = "; ".join(part for part in (run.message or run.reason, first) if part)
    return _readable(words)[:REASON_MAX_CHARACTERS]


def blame(run: TestsRun) -> str:
    """Why a failed run takes a release back, as one short line for commits and holds: its first
    failing line, which begins with place and test, or what it says of itself if it has none.
    """
    words = " ".join(_readable(run.lines[0] if run.lines else run.message or run.reason).split())
    if len(words) <= BLAME_MAX_CHARACTERS:
        return words
    kept, following = words[: BLAME_MAX_CHARACTERS - 1], words[BLAME_MAX_CHARACTERS - 1]
    whole = kept if following == " " else kept.rpartition(" ")[0] or kept
    return f"{whole.rstrip(' ,;:')}…"


def _readable(words: str) -> str:
    return "".join(each if each.isprintable() else " " for each in words)


def _concluded(
    record: PromotionRecord, purpose: Purpose, run: TestsRun, found: RunFound, look: Look
) -> TestsRun:
    outcome, reason, message = found.outcome, found.reason, found.message
    if outcome == "passed" and not _fits(record, purpose, found):
        outcome, reason = "inconclusive", "OtherConfiguration"
        message = "the tests spoke to another configuration than the one that is promoted"
    return run.model_copy(
        update={
            "outcome": outcome,
            "reason": reason,
            "message": message,
            "lines": found.lines[:PROMOTION_LINES_MAX],
            "began_at": found.began_at or run.began_at,
            "ended_at": min(found.ended_at or look.now, look.now),
        }
    )


def _fits(record: PromotionRecord, purpose: Purpose, found: RunFound) -> bool:
    """False if the run says that it was about something else; only a gate has the whole suite."""
    same = found.digest is None or record.digest is None or found.digest == record.digest
    suites = (found.suite_digest, record.suite_digest)
    return same and (purpose != "gate" or not all(suites) or suites[0] == suites[1])


def _asked(
    record: PromotionRecord, purpose: Purpose, run: TestsRun, tags: tuple[str, ...], step: int
) -> Move:
    request = TestsRequest(
        purpose=purpose,
        run_id=run.run_id,
        agent=record.agent,
        environment=record.environment,
        within=record.origin if purpose == "gate" else record.environment,
        revision=Revision(record.revision or ""),
        tags=tags,
        step=step,
    )
    return Move(kind="run_tests", tests=request)
