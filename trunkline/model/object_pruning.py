"""Which tools, documents and secrets nothing refers to any more, and when they may go.

They are immutable and can be made again from Git, and a changed one is an everyday thing: no
budget counts them. What protects them is the same delay, the same trust in Git, and the platform's
own word on who uses them, which is asked right before. Where releases say what runs, the last
releases of every agent refer to theirs as well, so that going back to one finds everything there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline.model.interventions import in_force
from trunkline.model.ledger import Claim, SharedKind
from trunkline.model.limits import PRUNE_OBJECTS_PER_LOOK
from trunkline.model.pruning import View
from trunkline.model.shared_objects import claim_reference

ORDER: tuple[SharedKind, ...] = ("test", "tool", "document", "secret")
"""Tests refer to tools and tools to secrets, so they go before them."""
AGAIN = timedelta(seconds=1)
"""When a history that was read in part is read on."""


@dataclass(frozen=True, slots=True)
class ReleasedReferences:
    """What the last releases of an environment refer to, or in words why that is not known.

    ``partial``: only because not everything was read yet, and the next look goes on.
    """

    references: frozenset[str] = frozenset()
    doubt: str = ""
    partial: bool = False


UNREAD = ReleasedReferences(doubt="the releases of the environment were not read")


@dataclass(frozen=True, slots=True)
class ObjectOutlook:
    """What to do about the claims of an environment.

    ``bury``: nothing refers to them since now. ``revive``: something does again. ``due``: they may
    go, in this order.
    """

    bury: tuple[Claim, ...] = ()
    revive: tuple[Claim, ...] = ()
    due: tuple[Claim, ...] = ()
    next_look_at: datetime | None = None


def object_outlook(
    view: View,
    claims: Iterable[Claim],
    referenced: frozenset[str],
    released: ReleasedReferences = UNREAD,
) -> ObjectOutlook:
    """``referenced`` holds every reference a standing wish needs; ``released`` counts where
    releases say what runs, and while it is doubtful nothing goes there.
    """
    if not view.rules.follows_head:
        referenced |= released.references
    settled = [claim for claim in claims if claim.external_id is not None]
    revive = tuple(
        claim for claim in settled if claim.tombstone and claim_reference(claim) in referenced
    )
    if not may_go(view) or (released.doubt and not view.rules.follows_head):
        again_at = view.now + AGAIN if may_go(view) and released.partial else None
        return ObjectOutlook(revive=revive, next_look_at=again_at)
    unused = [claim for claim in settled if claim_reference(claim) not in referenced]
    delay = timedelta(seconds=view.rules.delay_s)
    due, later = [], []
    for claim in unused:
        since_at = claim.tombstone.since_at if claim.tombstone else view.now
        if claim.tombstone and since_at + delay <= view.now:
            due.append(claim)
        else:
            later.append(since_at + delay)
    due.sort(key=lambda claim: (ORDER.index(claim.kind), claim.name, claim.digest))
    return ObjectOutlook(
        bury=tuple(claim for claim in unused if claim.tombstone is None),
        revive=revive,
        due=tuple(due[:PRUNE_OBJECTS_PER_LOOK]),
        next_look_at=min(later, default=None),
    )


def may_go(view: View) -> bool:
    """True if nothing speaks against deleting in this environment as a whole."""
    rules = view.rules
    paused = in_force(view.interventions, "prune-paused", view.environment)
    return rules.enabled and not view.doubt and paused is None
