"""A promotion in sentences: how it stands, what to type next, and what became of each phase.

Command line, API and `why` say the same of the same promotion, so the words are made once, here.
Nothing in here decides anything.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.promotions.records import (
    PHASES,
    PhaseEntry,
    PromotionPhase,
    PromotionRecord,
    TestsRun,
)

LINES_SHOWN: Final = 10
"""Failing lines people read before they open the run itself."""
_WAYS_OUT: Final[frozenset[PromotionPhase]] = frozenset({"RollingBack", "Ended"})
_OF_A_ROLLBACK: Final[frozenset[PromotionPhase]] = frozenset(
    {"Starting", "Releasing", "Settling", "Ended"}
)


class PhaseLine(Frozen):
    """One phase as a line of a table; ``state`` is done, now or next; ``took_s`` so far."""

    phase: PromotionPhase
    state: str
    took_s: float | None = None
    message: str = ""


_NEXT: Final = {phase: PhaseLine(phase=phase, state="next") for phase in PHASES}
_NOTHING: Final = timedelta(0)


def headline(record: PromotionRecord) -> str:
    """How a promotion stands, in one sentence without a full stop."""
    what, where = record.agent, record.environment
    why = ": ".join(filter(None, (record.reason, record.message)))
    if record.is_open:
        doing = (
            f"{what} back to v{record.restores} in" if record.kind == "rollback" else f"{what} to"
        )
        return f"{doing} {where}: {record.phase}" + (
            f", {record.message}" if record.message else ""
        )
    if record.state == "Done":
        after = f", but {why}" if record.reason else ""
        if record.kind == "rollback":
            return f"{what} runs v{record.restores} again in {where}, as v{record.version}{after}"
        return f"{what} v{record.version} is released to {where}{after}"
    if record.state == "RolledBack":
        back = f" to v{record.rolled_back_to}" if record.rolled_back_to else ""
        return f"{what} v{record.version} was rolled back{back} in {where}: {why}".rstrip(": ")
    ended = {
        "Failed": "was not released",
        "Inconclusive": "was not released, it could not be found out whether it may be",
        "Rejected": f"was rejected by {record.rejected_by}"
        if record.rejected_by
        else "was rejected",
        "Aborted": "was aborted",
        "Superseded": "was superseded by a newer commit",
    }[record.state]
    noun = "rollback" if record.kind == "rollback" else "promotion"
    if record.message.lower().startswith(record.state.lower()):
        return f"the {noun} of {what} to {where} was {record.message}"
    return f"the {noun} of {what} to {where} {ended}: {why}".rstrip(": ")


def next_command(record: PromotionRecord) -> str:
    """What a person may type now; empty where there is nothing to do but wait."""
    place = f"{record.agent} -e {record.environment}"
    if record.is_open:
        waits = record.phase == "Approval" and not record.stalled
        return f"trunkline approve {place}" if waits else ""
    if record.state == "Done":
        return ""
    if record.state == "RolledBack":
        return f"trunkline hold {place} --release"
    failing = _failing(record)
    if record.state in ("Failed", "Inconclusive") and failing is not None:
        return f"trunkline test show {failing.run_id}"
    verb, said = ("rollback", "--reason") if record.kind == "rollback" else ("promote", "-m")
    return f'trunkline {verb} {place} {said} "…"'


def failing_lines(record: PromotionRecord) -> tuple[str, ...]:
    """Lines of tests that definitely failed and so stopped it, or turned it back, in the order
    they were found. What could not be found out is said in the promotion's message.
    """
    found = [line for run in runs_of(record) if run.outcome == "failed" for line in run.lines]
    return tuple(dict.fromkeys(found))[:LINES_SHOWN]


def runs_of(record: PromotionRecord) -> tuple[TestsRun, ...]:
    """Every run of tests that decided something: gate, checks of the rollout, verification."""
    runs = (record.gate, *record.checks, record.verification)
    return tuple(run for run in runs if run is not None)


def phase_lines(record: PromotionRecord, now: datetime) -> tuple[PhaseLine, ...]:
    """What was, what is, and what is still to come; ways out only if they were taken."""
    entered: dict[PromotionPhase, list[PhaseEntry]] = {}
    for entry in record.timeline:
        entered.setdefault(entry.phase, []).append(entry)
    return tuple(_lines(record, entered, now))


def _lines(
    record: PromotionRecord, entered: dict[PromotionPhase, list[PhaseEntry]], now: datetime
) -> Iterator[PhaseLine]:
    is_open, current = record.is_open, PHASES.index(record.phase)
    for place, phase in enumerate(PHASES):
        if phase == "Ended":
            continue
        entries = entered.get(phase, [])
        if is_open and place == current:
            yield PhaseLine(
                phase=phase, state="now", took_s=_took_s(entries, now), message=_news(record)
            )
        elif entries:
            yield PhaseLine(
                phase=phase,
                state="done",
                took_s=_took_s(entries, now),
                message=entries[-1].message,
            )
        elif is_open and place > current and _is_of(record, phase):
            yield _NEXT[phase]


def _news(record: PromotionRecord) -> str:
    """Its message without what the line of the phase before says already."""
    before = record.timeline[-2].message if len(record.timeline) > 1 else ""
    return record.message.removeprefix(f"{before}; ") if before else record.message


def _is_of(record: PromotionRecord, phase: PromotionPhase) -> bool:
    """True for a phase that is gone through if all goes well."""
    return phase not in _WAYS_OUT and (record.kind == "promote" or phase in _OF_A_ROLLBACK)


def _took_s(entries: list[PhaseEntry], now: datetime) -> float | None:
    """Seconds spent in a phase, all visits together."""
    if not entries:
        return None
    spent = _NOTHING
    for entry in entries:
        spent += max((entry.ended_at or now) - entry.began_at, _NOTHING)
    return spent.total_seconds()


def _failing(record: PromotionRecord) -> TestsRun | None:
    """The run that stopped it, the newest first."""
    bad = [run for run in runs_of(record) if run.outcome in ("failed", "inconclusive")]
    return bad[-1] if bad else None
