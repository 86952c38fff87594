"""A release that is proposed instead of committed: opened, kept up to date, withdrawn.

Where rules say `via: pull-request`, somebody's merge is the release commit. What is open may be
merged at any moment, so a proposal is open only while everything has been earned, and says exactly
the release that would be made now. A window or somebody's hold is no reason to close it: they hold
back the tag, without which nothing that was merged counts.
"""

from datetime import timedelta
from typing import Final

from trunkline.model.base import Json
from trunkline.model.promotions.ending import push_pause
from trunkline.model.promotions.facts import ProposalFound
from trunkline.model.promotions.moving import (
    Decision,
    Look,
    Move,
    ended,
    moment,
    noted,
    said,
    waits,
)
from trunkline.model.promotions.records import PromotionPhase, PromotionRecord

PROPOSED: Final = "proposed"
WITHDRAWING: Final = "withdrawingSince"
WITHDRAWN: Final = "withdrawn"
"""Members of a record's details: that there may be a proposal, since when an ending waits for it to
be closed, and the pull requests that were closed by ourselves."""
UNEARNED: Final[frozenset[PromotionPhase]] = frozenset({"Starting", "Gate", "Soak", "Approval"})
"""Phases in which nothing may be merged."""
WITHDRAWAL_PATIENCE: Final = timedelta(minutes=10)
"""How long an ending waits for a forge that does not answer; what is merged later has no tag."""


def was_proposed(record: PromotionRecord) -> bool:
    """True if there may be a branch or a pull request of it."""
    return bool(record.details.get(PROPOSED))


def proposed(record: PromotionRecord, look: Look) -> Decision:
    """A promotion that has earned everything: waiting for the merge, or for its pull request."""
    facts = look.facts
    if not facts.proposal_known:
        return waits(record, look, "ForgeUnknown", facts.forge_trouble)
    proposal = standing_proposal(record, facts.proposal)
    if proposal is not None and proposal.number:
        if proposal.state == "closed":
            return _closed(record, look, proposal)
        if proposal.is_current:
            return _awaited(record, look, proposal)
    paused = push_pause(record, look)
    if paused is not None:
        return paused
    record = noted(record, PROPOSED, value=True)
    return said(record, "Proposing", "the release is being proposed"), Move(kind="propose")


def withdrawn(before: PromotionRecord, decision: Decision, look: Look) -> Decision:
    """The same decision, unless a proposal that must not be merged (any more) is to be closed
    first. ``before`` is the record as it was looked at.
    """
    record, move = decision
    if not was_proposed(record) or look.facts.merged is not None:
        return decision
    if record.is_open and not _is_unearned(record, move):
        return decision
    proposal = standing_proposal(record, look.facts.proposal)
    open_now = proposal is not None and proposal.state == "open"
    is_known = look.facts.proposal_known and look.facts.release_known
    if is_known and not open_now:
        return decision
    if record.is_open and not is_known:
        return decision
    if not record.is_open:
        since = moment(before, WITHDRAWING) or look.now
        if look.now >= since + WITHDRAWAL_PATIENCE:
            words = f"{record.message}; its pull request could not be closed, and does not count"
            return record.model_copy(update={"message": words}), move
        kept = noted(before, WITHDRAWING, since.isoformat())
        kept = said(kept, "Withdrawing", f"{record.message}; its pull request is being closed")
    else:
        kept = record
    if proposal is not None and proposal.number:
        numbers: list[Json] = [*withdrawals(kept), proposal.number]
        kept = noted(kept, WITHDRAWN, list(dict.fromkeys(numbers)))
    return kept, Move(kind="withdraw", reason=record.message)


def _is_unearned(record: PromotionRecord, move: Move) -> bool:
    """True if nothing of an open promotion may be merged now: it is tested again, say, or is to be
    committed because the rules say so meanwhile.
    """
    return record.version == 0 and (
        (record.kind == "promote" and move.kind == "release") or record.phase in UNEARNED
    )


def _awaited(record: PromotionRecord, look: Look, proposal: ProposalFound) -> Decision:
    if proposal.state == "merged":
        words = f"pull request #{proposal.number} was merged; the branch does not say v"
        return waits(record, look, "MergeUnseen", f"{words}{proposal.version} yet")
    words = f"waiting for the merge of pull request #{proposal.number}: {proposal.url}"
    until = record.evidence_expires_at
    return waits(record, look, "PullRequestOpen", words, until=until)


def _closed(record: PromotionRecord, look: Look, proposal: ProposalFound) -> Decision:
    by = f" by {proposal.closed_by}" if proposal.closed_by else ""
    words = f"rejected{by}: pull request #{proposal.number} was closed unmerged"
    record = record.model_copy(update={"rejected_by": proposal.closed_by})
    return ended(record, look, "Rejected", "", words)


def standing_proposal(
    record: PromotionRecord, proposal: ProposalFound | None
) -> ProposalFound | None:
    """The proposal, if it was not closed by ourselves."""
    if proposal is None or (proposal.state == "closed" and proposal.number in withdrawals(record)):
        return None
    return proposal


def withdrawals(record: PromotionRecord) -> list[int]:
    """Pull requests that were closed by ourselves."""
    kept = record.details.get(WITHDRAWN)
    return [each for each in kept if isinstance(each, int)] if isinstance(kept, list) else []
