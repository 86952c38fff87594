"""Which approvals of a promotion count: decided from audit rows and from nothing else.

A row counts if it names this promotion, this digest and this suite, if its role was one of those
the rules in force ask for when it was written, and if it is not an author's. One counts for each
person, however many tokens they have. Whoever asks before writing a row (``may_approve``) gets an
answer early; the row is judged again here at every look.

Authors and approvers are held against one register, `people`. Where authors may not approve, an
approver who is not in it counts as little as an author who is not: either might be the other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from trunkline.model.promotions.authors import person_of, persons, unmapped, unmapped_words
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import CommitAuthor, GivenApproval
from trunkline.model.records import AuditRecord, Role

APPROVE: Final = "promotion.approve"
REJECT: Final = "promotion.reject"
ABORT: Final = "promotion.abort"
COMMENT_MAX_CHARACTERS: Final = 500
"""Of a comment that much is kept in the record; the audit row has the whole."""


def counted(
    rows: Iterable[AuditRecord],
    *,
    rules: PromotionRules,
    promotion: str,
    digest: str,
    suite_digest: str,
    authors: Sequence[CommitAuthor],
) -> tuple[tuple[GivenApproval, ...], tuple[str, ...]]:
    """Approvals that count, the first of each person, oldest first; and why others do not, in
    words. ``authors`` are mapped. Rows about other promotions are left out silently.
    """
    found: dict[str, GivenApproval] = {}
    refused: dict[str, None] = {}
    for row in sorted(rows, key=lambda row: row.id or 0):
        if not _is_about(row, APPROVE, promotion) or row.at is None or row.id is None:
            continue
        words = _stale(row, digest, suite_digest) or may_approve(
            row.actor, row.role, rules=rules, authors=authors
        )
        if words:
            refused[words] = None
            continue
        person = person_of(row.actor, rules.people) or row.actor
        comment = row.details.get("comment")
        given = GivenApproval(
            person=person,
            role=row.role,
            at=row.at,
            audit_id=row.id,
            comment=comment[:COMMENT_MAX_CHARACTERS] if isinstance(comment, str) else "",
        )
        found.setdefault(person.casefold(), given)
    return tuple(found.values()), tuple(refused)


def may_approve(
    actor: str,
    role: Role,
    *,
    rules: PromotionRules,
    authors: Sequence[CommitAuthor],
) -> str:
    """Why this person's approval would not count, in words; "" if it would. ``authors`` are
    mapped.
    """
    asked = rules.promotion.approvals
    if role not in asked.roles:
        return f"{actor} is {role}; approvals are by {' or '.join(asked.roles)}"
    if not asked.not_author:
        return ""
    person = person_of(actor, rules.people)
    if not person:
        return (
            f"{actor} is not among `people` in trunkline.yaml, so nobody can tell whether they"
            " are an author"
        )
    if person in persons(authors):
        own = next(each for each in authors if each.person == person)
        return f"{person} is an author of what is promoted ({own.email}); somebody else must agree"
    if unmapped(authors):
        return f"{unmapped_words(authors)}, so nobody can tell whether {person} is an author"
    return ""


def rejection(rows: Iterable[AuditRecord], promotion: str) -> AuditRecord | None:
    """The first row that rejects the promotion, or None."""
    return _first(rows, REJECT, promotion)


def abortion(
    rows: Iterable[AuditRecord], promotion: str, *, after: datetime | None = None
) -> AuditRecord | None:
    """The first row that aborts the promotion, or the first one ``after`` a moment, or None."""
    later = (row for row in rows if after is None or (row.at is not None and row.at > after))
    return _first(later, ABORT, promotion)


def _first(rows: Iterable[AuditRecord], action: str, promotion: str) -> AuditRecord | None:
    fitting = (row for row in rows if _is_about(row, action, promotion))
    return min(fitting, key=lambda row: row.id or 0, default=None)


def _is_about(row: AuditRecord, action: str, promotion: str) -> bool:
    return row.action == action and row.details.get("promotion") == promotion


def _stale(row: AuditRecord, digest: str, suite_digest: str) -> str:
    if row.details.get("digest") != digest:
        return f"{row.actor} approved another configuration"
    if row.details.get("suite") != suite_digest:
        return f"{row.actor} approved it with other tests"
    return ""
