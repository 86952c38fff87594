"""The link of ``why`` that is a promotion: what it waits for, or why it ended without a release."""

from trunkline.model.gates import shown
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.promotions.telling import failing_lines, headline, next_command
from trunkline.model.why import Link

NAME = "promotion"
NOT_RELEASED = frozenset({"Failed", "Inconclusive", "Rejected", "RolledBack"})
"""Ends after which the environment does not run what somebody wanted it to run."""


def promotion_link(record: PromotionRecord, environment: str, *, hold: str = "") -> Link:
    """The link for an environment: what is promoted into it blocks it, what leaves it does not.

    ``hold`` is why automatic promotions are kept off, "" if they are not.
    """
    if record.environment != environment:
        return Link(name=NAME, state="ok", words=headline(record))
    held = f"; automatic promotions are held: {hold}" if hold else ""
    if record.is_open:
        return Link(
            name=NAME,
            state="blocking",
            words=headline(record) + held,
            remedy=next_command(record),
            next_look=shown(record.waits_until) if record.waits_until else "when something happens",
            next_look_at=record.waits_until,
        )
    if record.state not in NOT_RELEASED:
        return Link(name=NAME, state="ok", words=headline(record) + held)
    failing = "; ".join(failing_lines(record)[:1])
    words = f"{headline(record)}{held}" + (f"; first failing line: {failing}" if failing else "")
    return Link(
        name=NAME,
        state="blocking",
        words=words,
        remedy=next_command(record),
        next_look="at the next promotion",
    )
