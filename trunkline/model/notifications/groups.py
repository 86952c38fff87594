"""Reasons of events in groups that people would name, and whether a reason is good or bad news.

A manifest asks for groups, so that a reason which a later release adds reaches those who wanted
its kind. Reasons of the error tree come from the tree itself; every other one stands here, and a
test holds this table against what the code can emit.
"""

from collections.abc import Iterator
from typing import Final, Literal

from trunkline.model.calls.news import CALL_REASONS
from trunkline.model.errors import NotificationError, SourceError, TrunklineError
from trunkline.model.kinds.notifications import Group
from trunkline.model.records import EventRecord

Tone = Literal["bad", "good", "moving"]
"""``moving``: something goes on, and nothing has come of it yet."""

TESTED: Final = "NotificationTested"
REFUSED: Final = "NotificationsRefused"
ACCEPTED: Final = "NotificationsAccepted"

STATUS_GROUPS: Final = frozenset({"health", "sync"})
"""Both tell how one agent or number is, so that what is broken in one recovers in the other."""

_MOVING: Final = frozenset(
    {"Applying", "DrainingCalls", "Pending", "Pruning", "RollingOut", "PrunePending"}
)

NOT_BY_DEFAULT: Final = frozenset({"calls"})
"""Groups nobody hears of who does not name them: a busy line has thousands of calls a day."""

_TOLD: Final[dict[Group, str]] = {
    "calls": " ".join(CALL_REASONS),
    "changes": "ChangeCommitted ChangeProposed PullRequestChecked",
    "control": "Disabled Enabled EnforceConfirmed Resumed Suspended",
    "deletion": """
        Ejected Forgotten Gone Kept MarkUnknown Moved NothingToPrune Protected PruneBudgetExceeded
        PruneNotEnabled PrunePaused PrunePending PruneResumed PruneUnverified Pruned Pruning
        Released StillInUse Unprotected
    """,
    "drift": """
        AdoptionDiffers AdoptionNotProposed AdoptionProposed CannotBeRemoved ChangedOutsideGit
        DriftReported DriftResolved Drifted
        DuplicateFound ForeignEdit OrphanFound RolloutDrifted RolloutEdited
    """,
    "health": """
        AccountServing DependencyNotReady KnowledgeSourceNotEnabled NumberNotInAccount
        NumberTaken PlanTooLarge RouteShadowed Superseded SweepStretched Timeout
    """,
    "notifications": f"{TESTED} {REFUSED} {ACCEPTED}",
    "promotion": """
        ApprovalGiven AwaitingRelease ClosureInvalid EvidenceInvalid GateFailed GateInconclusive
        GatePassed PromotionAborted PromotionDone PromotionEnded PromotionFailed
        PromotionInconclusive PromotionRejected PromotionRolledBack PromotionStalled
        PromotionStarted PromotionSuperseded ReleaseInvalid ReleaseRemoved ReleaseVerified
        Released RevisionMissing RolledBack RollingOut RolloutAborted RolloutCheckFailed
        RolloutCheckInconclusive RolloutChecked RolloutDone RolloutStep RulesAgreed RulesUnknown
        RulesWeakened TrafficShared VerificationFailed VerificationInconclusive Verified
        VersionNotAllocated
    """,
    "source": "Applied HistoryRewritten",
    "sync": """
        Applying ApprovalNeeded AsWished ChangesPlanned DrainingCalls EnforceNotConfirmed Inactive
        ModeObserve OutsideWindow Pending PlanStale WishUnknown
    """,
    "tests": "BehaviourDrifted BehaviourRecovered",
}


def _tree(root: type[TrunklineError]) -> Iterator[type[TrunklineError]]:
    yield root
    for leaf in root.__subclasses__():
        yield from _tree(leaf)


def _error_group(leaf: type[TrunklineError]) -> Group:
    if issubclass(leaf, SourceError) or leaf.reason == "InvalidManifests":
        return "source"
    return "notifications" if issubclass(leaf, NotificationError) else "health"


ERROR_REASONS: Final[frozenset[str]] = frozenset(leaf.reason for leaf in _tree(TrunklineError))
REASONS: Final[dict[str, Group]] = {
    **{leaf.reason: _error_group(leaf) for leaf in _tree(TrunklineError)},
    **{reason: group for group, reasons in _TOLD.items() for reason in reasons.split()},
}
"""Every reason of an event, with its group."""


def group_of(event: EventRecord) -> Group:
    """The group of an event; that of its subject's status for a reason of another release."""
    return REASONS.get(event.reason, "health" if event.type == "Warning" else "sync")


def track_of(event: EventRecord) -> str:
    """What the event is a chapter of: its group, or the one status of its subject."""
    group = group_of(event)
    return "status" if group in STATUS_GROUPS else group


def tone_of(event: EventRecord) -> Tone:
    """Whether it is bad news, good news, or none yet.

    An error in an event that is no warning is tried again by itself.
    """
    if event.type == "Warning":
        return "bad"
    waiting = event.reason in _MOVING or event.reason in ERROR_REASONS
    return "moving" if waiting else "good"
