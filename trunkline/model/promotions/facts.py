"""Everything one look found out about a promotion, before anybody decides anything.

Deciding is pure because the looking is done beforehand: what could not be found out is None or
said in words, and never guessed. Nothing in here was sent by a signal; it was read from Git, from
rows and from the platforms' status.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.conditions import HealthWord, SyncWord
from trunkline.model.desired import Lifecycle
from trunkline.model.forges import PullRequestState
from trunkline.model.ids import Digest, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import CommitAuthor, Outcome
from trunkline.model.records import AuditRecord
from trunkline.model.releases import ReleaseStanding, RolloutState

Purpose = Literal["gate", "check", "verify"]
PushTrouble = Literal["PushRejected", "PushRefused", "PushUnanswered"]


class Pace(Frozen):
    """How long promotions wait where no rule says it; seconds.

    ``test_pauses_s``: before each further try of tests that were inconclusive, as many tries as
    there are pauses. ``poll_s``: how often it is looked again without a signal. ``push_pause_s``:
    between two pushes that were refused. ``push_settle_s``: how long an unanswered push may still
    arrive.
    """

    test_pauses_s: tuple[float, ...] = (30.0, 120.0, 300.0)
    poll_s: float = 60.0
    push_pause_s: float = 180.0
    push_settle_s: float = 60.0


class Candidate(Frozen):
    """The agent as the newest applied revision has it, resolved for the target environment.

    ``digest`` is its closure's, ``rendered_digest`` the target's rendering, ``suite_digest`` that
    of the tests of the gate.
    """

    revision: Revision
    digest: Digest
    rendered_digest: Digest | None = None
    suite_digest: str = ""
    lifecycle: Lifecycle = "active"


class Deployed(Frozen):
    """An agent in one environment, as its status says. ``there``: it has an id on the platform.

    ``digest`` is the wish it was brought to, ``version`` the release's (0 without), ``stalled``
    its reason if waiting alone will not help. ``numbers_pending`` are numbers that should lead to
    it and do not yet.
    """

    there: bool
    sync: SyncWord = "Unknown"
    health: HealthWord = "Unknown"
    digest: Digest | None = None
    version: int = 0
    stalled: str = ""
    message: str = ""
    numbers_pending: tuple[str, ...] = ()


class RunFound(Frozen):
    """A run of tests by its id. ``outcome`` None: still running. A run that was blocked or
    cancelled is inconclusive with its reason. ``evidence`` is what a release of it would carry,
    for a gate that passed; ``digest`` and ``suite_digest`` are of what was tested.
    """

    run_id: str
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()
    digest: Digest | None = None
    rendered_digest: Digest | None = None
    suite_digest: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    evidence: JsonObject = Field(default_factory=dict)


class ReleaseFound(Frozen):
    """A release commit with this promotion's trailer, on the branch. ``steps`` are its rollout's
    shares; empty for a rollback.
    """

    version: int
    commit: Revision
    steps: tuple[int, ...] = ()


class ProposalFound(Frozen):
    """The release as it is proposed: a branch of ours, and its pull request (``number`` 0: none
    yet). ``is_current``: it is the release that would be made now, by version and by evidence.
    """

    number: int = 0
    url: str = ""
    state: PullRequestState = "open"
    version: int = 0
    is_current: bool = False
    closed_by: str = ""


class MergedFound(Frozen):
    """A release of this promotion that the branch says and that has no tag yet, so that nothing
    counts it. ``is_back``: it takes the promotion's own release back. ``at`` is when it was merged,
    as far as the forge says, else when it was seen first. ``is_current``: its version is free, and
    its evidence is that of the gate that counts.
    """

    version: int
    commit: Revision
    at: datetime
    is_back: bool = False
    is_current: bool = True


class PushTried(Frozen):
    """The last push that did not succeed, as its activity said; ``attempts`` in a row."""

    reason: PushTrouble
    message: str
    at: datetime
    attempts: int = 1


class Facts(Frozen):
    """What one look found. None: it could not be found out; nothing is decided on it.

    ``rules`` are those in force; ``no_promotion``: the applied manifest has no `promotion` for the
    target. ``candidate``: None with ``candidate_gone`` if the agent left the branch. ``origin`` and
    ``target``: the agent in both environments. ``authors`` are of the closure's commits since the
    last release, not mapped yet; ``authors_problem`` says why they could not be read.
    ``manual_passed``: passed manual results of the digest, by different people.

    ``audit`` are rows of `promotion.approve`, `promotion.reject` and `promotion.abort` about this
    agent, oldest first. ``runs`` are runs of tests of this promotion. ``release`` is the commit
    with its trailer, ``rolled_back`` the one that took it back again; ``release_known`` False:
    Git could not be fetched, so both say nothing (``source_problem`` says why). ``push`` is the
    last push that failed. ``restorable`` False: a rollback's version was never released.

    ``interventions`` are in force now, of both environments. ``public_key`` is the server's own, ""
    without a signing key. ``commit_problem`` says why the project's rule for commits refuses those
    of this server. ``forge_problem`` says why no pull request can be opened at all.

    ``proposal`` is what was proposed of it; ``proposal_known`` False: the forge could not be asked,
    so it says nothing (``forge_trouble`` says why). ``merged`` is the proposal once the branch says
    it and until its tag is there.
    """

    rules: PromotionRules | None = None
    no_promotion: bool = False
    candidate: Candidate | None = None
    candidate_gone: bool = False
    origin: Deployed | None = None
    target: Deployed | None = None
    standing: ReleaseStanding | None = None
    rollout: RolloutState | None = None
    interventions: tuple[Intervention, ...] = ()
    authors: tuple[CommitAuthor, ...] | None = None
    authors_problem: str = ""
    manual_passed: int = 0
    audit: tuple[AuditRecord, ...] = ()
    runs: tuple[RunFound, ...] = ()
    release: ReleaseFound | None = None
    rolled_back: ReleaseFound | None = None
    release_known: bool = True
    source_problem: str = ""
    push: PushTried | None = None
    restorable: bool | None = None
    public_key: str = ""
    commit_problem: str = ""
    forge_problem: str = ""
    proposal: ProposalFound | None = None
    proposal_known: bool = True
    forge_trouble: str = ""
    merged: MergedFound | None = None
    pace: Pace = Pace()

    def run(self, run_id: str) -> RunFound | None:
        """The run with that id, or None."""
        return next((each for each in self.runs if each.run_id == run_id), None)
