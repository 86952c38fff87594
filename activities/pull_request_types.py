"""Inputs and outputs of the workflow that checks one pull request, and of its activities.

What a forge, Git and the store say is asked anew at every look; through history go numbers, keys
and what went wrong. Plans, reports and the comment stay where they are kept.
"""

from activities.testing_types import TestRunInput
from activities.types import Failure, PlanInput, Timing
from trunkline.model.base import Frozen
from trunkline.model.limits import PULL_REQUEST_RUNS_CONCURRENT
from trunkline.model.proposals import Proposal


class PullRequestPace(Frozen):
    """How often the comment is edited at most, how often a pull request is looked at that nobody
    announced anything of, and how many runs of tests it has at once.
    """

    comment_interval_s: float = 15.0
    look_interval_s: float = 3600.0
    runs: int = PULL_REQUEST_RUNS_CONCURRENT


class WorkTrouble(Frozen):
    """A plan or a run of tests that ended without an answer; ``key`` is its operation or run."""

    key: str
    failure: Failure


class PullRequestInput(Frozen):
    """State of one pull request's workflow: nothing the forge, Git and the store would not say
    again, but for what went wrong.
    """

    project: str
    number: int
    timing: Timing = Timing()
    pace: PullRequestPace = PullRequestPace()
    troubles: tuple[WorkTrouble, ...] = ()
    told_at_s: float | None = None


class PullRequestWake(Frozen):
    """Look again; ``reason`` is for people who look at Temporal, and nothing follows from it."""

    reason: str = ""


class ProposalPlanInput(PlanInput):
    """A plan of what merging a proposal would leave."""

    proposal: Proposal


class PullRequestLookRequest(Frozen):
    """Find out how a pull request stands."""

    project: str
    number: int
    troubles: tuple[WorkTrouble, ...] = ()
    timing: Timing = Timing()


class PullRequestLook(Frozen):
    """What is left to do: ``plans`` and ``runs``, the next ones first; ``tidy`` are runs that are
    over and hold something still.

    ``news``: the comment and the statuses do not say how it stands. ``ended``: it is closed and
    nothing of its checks is left.
    """

    plans: tuple[ProposalPlanInput, ...] = ()
    runs: tuple[TestRunInput, ...] = ()
    tidy: tuple[str, ...] = ()
    news: bool = False
    ended: bool = False
    details: str = ""


class PullRequestTold(Frozen):
    """What was written: whether the comment was, and how many statuses."""

    comment: bool = False
    statuses: int = 0


class PullRequestsInput(Frozen):
    """Look for pull requests nobody announced, and for what checks left behind."""

    project: str
    timing: Timing = Timing()


class PullRequestsReport(Frozen):
    """How many were told to look."""

    told: int = 0
    details: str = ""
