"""The one place that decides what comes next in a promotion, from a record and from facts.

Level-triggered: it is called at every look, with whatever was found out, and carries the record as
far as the facts allow; called again with the same facts it changes nothing. Before the release
commit every condition is judged afresh at each look, in order, and the first that does not hold is
the phase; from the release commit on phases only go forward. The facts are read from Git, rows and
status by others; nothing here knows who asked for the look.
"""

from datetime import datetime

from trunkline.model.promotions.earning import before_release
from trunkline.model.promotions.facts import Facts
from trunkline.model.promotions.merging import after_merge, merged_of
from trunkline.model.promotions.moving import Decision, Look, Move, MoveKind, TestsRequest, opened
from trunkline.model.promotions.proposing import withdrawn
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.promotions.settling import after_release, released


def next_move(record: PromotionRecord, facts: Facts, now: datetime) -> tuple[PromotionRecord, Move]:
    """The record as far as the facts carry it, and what to do next. ``now`` is aware, in UTC.

    Write the record before making the move. Total: it raises for nothing that was found out.
    """
    if not record.is_open:
        return record, Move(kind="end")
    look = Look(facts, now)
    record = opened(record, now)
    return withdrawn(record, _decided(record, look), look)


def _decided(record: PromotionRecord, look: Look) -> Decision:
    facts = look.facts
    if record.version == 0 and facts.release is not None:
        record = released(record, facts.release, look)
    if record.version:
        return after_release(record, look)
    merged = merged_of(record, facts)
    return after_merge(record, look, merged) if merged is not None else before_release(record, look)


__all__ = ["Facts", "Move", "MoveKind", "TestsRequest", "next_move"]
