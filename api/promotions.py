"""What the API answers of promotions and releases, and what it takes."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StrictInt, model_validator

from api.answers import AgentAnswer, Answer, Name, agent_answer
from api.control_answers import Reason, Words
from trunkline.model import limits
from trunkline.model.base import Frozen, JsonObject
from trunkline.model.promotions.gates import gate_of, gate_words
from trunkline.model.promotions.records import (
    CommitAuthor,
    GivenApproval,
    PhaseEntry,
    PromotionKind,
    PromotionPhase,
    PromotionRecord,
    PromotionState,
    TestsRun,
)
from trunkline.model.promotions.telling import (
    PhaseLine,
    failing_lines,
    headline,
    next_command,
    phase_lines,
)
from trunkline.model.records import Stage, StatusRow
from trunkline.model.releases import ReleaseRecord
from trunkline.services.promotion_views import PromotionView, ReleaseSide
from trunkline.services.releases import Changelog, Deployment

Changes = Annotated[str, Field(max_length=limits.TEXT_FIELD_MAX_CHARACTERS, pattern=r"^[^\x00]*$")]
Version = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
_TIME = "2026-03-02T09:15:00Z"
_PROMOTION = "production.front-desk.3"


class DeployOrder(Frozen):
    """Bring an agent to a stage. ``stage`` may be called ``status``. Production starts a promotion
    and needs ``changes``; the other two become a commit on the agent's lifecycle.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"stage": "production", "changes": "Asks for the caller's name first"}
        }
    )

    stage: Stage | None = None
    status: Stage | None = None
    changes: Changes = ""
    environment: Name | None = None

    @model_validator(mode="after")
    def _one_stage(self) -> "DeployOrder":
        if (self.stage or self.status) is None:
            raise ValueError("say `stage`: draft, testing or production")
        if self.stage and self.status and self.stage != self.status:
            raise ValueError("`stage` and `status` are two names of the same; say one")
        return self

    @property
    def wanted(self) -> Stage:
        """The stage, by whichever name it was given."""
        return self.stage or self.status or "testing"


class ApproveOrder(Frozen):
    """Agree to exactly what was tested."""

    model_config = ConfigDict(json_schema_extra={"example": {"comment": "Listened to two calls"}})

    comment: Words = ""


class RefuseOrder(Frozen):
    """Say no, or stop, and why."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "The greeting is too long"}})

    reason: Reason


class RollbackOrder(Frozen):
    """Go back to a released version; without ``to`` the newest before that was something else."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"to": 6, "reason": "it gives wrong prices"}}
    )

    environment: Name | None = None
    to: Version | None = None
    reason: Reason


class HoldOrder(Frozen):
    """Keep automatic promotion off what runs."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "the fair is on"}})

    environment: Name | None = None
    reason: Reason


class TestsDoneAnswer(Answer):
    """How far a run of tests is."""

    __test__ = False

    run_id: str
    expected: int
    done: int
    failed: int


class RolloutAnswer(Answer):
    """How far a release is rolled out; ``percent`` is its share of the calls."""

    version: int
    phase: str
    step: int
    percent: float
    step_began_at: datetime | None
    message: str


class ManualAnswer(Answer):
    """Passed manual results of what is promoted, by different people."""

    needed: int
    passed: int


class PromotionAnswer(Answer):
    """A promotion. ``standing`` is what the column GATE shows of it, ``headline`` how it stands in
    a sentence, ``nextCommand`` what a person may type. ``phases`` are those that were, are, and
    come; ``failing`` are lines of tests that stopped it. ``pullRequest`` proposes the release; 0 if
    none does. ``tests``, ``rollout`` and ``manual`` are null in lists and where there is none.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": _PROMOTION,
                "href": f"/v1/projects/acme/promotions/{_PROMOTION}",
                "project": "acme",
                "environment": "production",
                "agent": "front-desk",
                "kind": "promote",
                "phase": "Approval",
                "state": "Open",
                "standing": "Approval 0/1",
                "headline": "front-desk to production: Approval, waiting for 1 of 1 approvals",
                "nextCommand": "trunkline approve front-desk -e production",
                "changes": "Asks for the caller's name first",
                "requestedBy": "author@example.com",
                "approvalsNeeded": 1,
                "createdAt": _TIME,
            }
        }
    )

    id: str
    href: str
    project: str
    environment: str
    agent: str
    number: int
    kind: PromotionKind
    phase: PromotionPhase
    state: PromotionState
    standing: str
    headline: str
    next_command: str
    reason: str
    message: str
    stalled: bool
    origin: str
    revision: str | None
    digest: str | None
    rendered_digest: str | None
    suite_digest: str
    changes: str
    requested_by: str
    automatic: bool
    authors: tuple[CommitAuthor, ...]
    gate: TestsRun | None
    gate_passed_at: datetime | None
    evidence_expires_at: datetime | None
    approvals: tuple[GivenApproval, ...]
    approvals_needed: int
    waits_until: datetime | None
    version: int
    settled_version: int
    restores: int | None
    pull_request: int
    pull_request_url: str
    release_commit: str | None
    rollout_step: int
    rollout_percent: float
    checks: tuple[TestsRun, ...]
    verification: TestsRun | None
    rolled_back_to: int | None
    abort_requested_by: str
    abort_reason: str
    rejected_by: str
    failing: tuple[str, ...]
    phases: tuple[PhaseLine, ...]
    timeline: tuple[PhaseEntry, ...]
    tests: TestsDoneAnswer | None = None
    rollout: RolloutAnswer | None = None
    manual: ManualAnswer | None = None
    rules_pending: str = ""
    created_at: datetime | None
    updated_at: datetime | None
    finished_at: datetime | None


class PromotionLink(Answer):
    """A promotion that was started."""

    id: str
    href: str
    state: PromotionState
    phase: PromotionPhase


class ChangelogEntryAnswer(Answer):
    """What a release changed, when, and who asked for it."""

    version: int
    changes: str
    updated_at: datetime | None
    updated_by: str


class ChangelogAnswer(Answer):
    """What changed with each release, newest first; ``currentVersion`` is 0 before the first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "changelog": [
                    {
                        "version": 7,
                        "changes": "Shorter greeting",
                        "updatedAt": _TIME,
                        "updatedBy": "author@example.com",
                    }
                ],
                "currentVersion": 7,
                "environment": "production",
                "nextCursor": None,
            }
        }
    )

    changelog: tuple[ChangelogEntryAnswer, ...]
    current_version: int
    environment: str
    next_cursor: str | None = None


class DeploymentAnswer(Answer):
    """How far an agent has come; ``changelog`` holds the newest changes."""

    stage: Stage
    version: int
    last_deployed_at: datetime | None
    deployed_by: str
    changelog: tuple[ChangelogEntryAnswer, ...]


class DeployedAgentAnswer(AgentAnswer):
    """One agent in one environment, and how far it has come. ``promotion`` and ``commit`` are what
    asking for a stage became.
    """

    deployment: DeploymentAnswer
    promotion: PromotionLink | None = None
    commit: str | None = None


class HoldAnswer(Answer):
    """A hold that was set or lifted; ``commit`` is null if the branch said so already."""

    project: str
    environment: str
    agent: str
    held: bool
    commit: str | None


class RulesAnswer(Answer):
    """The rules of promotion in force; ``pending`` are weaker ones that wait for an admin."""

    promotion: JsonObject
    revision: str
    pending: str


class ReleaseSideAnswer(Answer):
    """What is released of an agent. ``seenVersion`` is what the branch says, ``appliedVersion``
    what was verified last and is in force; they differ where ``reason`` says why.
    """

    seen_version: int
    applied_version: int
    revision: str | None
    promoted_by: str
    changes: str
    reason: str
    message: str
    hold: str
    held_by: str
    promotion: PromotionAnswer | None
    rollout: RolloutAnswer | None
    rules: RulesAnswer | None


def promotion_answer(record: PromotionRecord, view: PromotionView | None = None) -> PromotionAnswer:
    """A promotion, in lists without what goes on around it."""
    now = datetime.now(UTC)
    found = view or PromotionView(record)
    return PromotionAnswer(
        **vars(record),
        id=record.id,
        href=promotion_path(record),
        standing=gate_words(gate_of(record), now),
        headline=headline(record),
        next_command=next_command(record),
        failing=failing_lines(record),
        phases=phase_lines(record, now),
        tests=None
        if found.tests is None
        else TestsDoneAnswer.model_validate(found.tests, from_attributes=True),
        rollout=None
        if found.rollout is None
        else RolloutAnswer.model_validate(found.rollout, from_attributes=True),
        manual=None
        if found.manual is None
        else ManualAnswer.model_validate(found.manual, from_attributes=True),
        rules_pending=found.rules.pending if found.rules is not None else "",
    )


def promotion_path(record: PromotionRecord) -> str:
    """Where a promotion is read."""
    return f"/v1/projects/{record.project}/promotions/{record.id}"


def change_answer(record: ReleaseRecord) -> ChangelogEntryAnswer:
    """One entry of a changelog."""
    return ChangelogEntryAnswer(
        version=record.version,
        changes=record.changes,
        updated_at=record.released_at,
        updated_by=record.promoted_by,
    )


def changelog_answer(found: Changelog) -> ChangelogAnswer:
    """A page of a changelog."""
    return ChangelogAnswer(
        changelog=tuple(change_answer(each) for each in found.page.items),
        current_version=found.current_version,
        environment=found.environment,
        next_cursor=found.page.cursor,
    )


def deployed_answer(
    row: StatusRow,
    found: Deployment,
    *,
    promotion: PromotionRecord | None = None,
    commit: str | None = None,
) -> DeployedAgentAnswer:
    """An agent with how far it has come."""
    return DeployedAgentAnswer(
        **vars(agent_answer(row)),
        deployment=DeploymentAnswer(
            stage=found.stage,
            version=found.version,
            last_deployed_at=found.last_deployed_at,
            deployed_by=found.deployed_by,
            changelog=tuple(change_answer(each) for each in found.changes),
        ),
        promotion=None
        if promotion is None
        else PromotionLink(
            id=promotion.id,
            href=promotion_path(promotion),
            state=promotion.state,
            phase=promotion.phase,
        ),
        commit=commit,
    )


def release_side_answer(side: ReleaseSide) -> ReleaseSideAnswer | None:
    """What is released of an agent; None if nothing of that is known."""
    standing, rules = side.standing, side.rules
    if standing is None and rules is None and side.promotion is None:
        return None
    seen = standing.seen if standing is not None else None
    applied = standing.applied if standing is not None else None
    hold = seen.hold if seen is not None else None
    return ReleaseSideAnswer(
        seen_version=seen.version if seen else 0,
        applied_version=standing.applied_version if standing else 0,
        revision=applied.revision if applied else None,
        promoted_by=applied.promoted_by if applied else "",
        changes=applied.changes if applied else "",
        reason=standing.reason if standing else "",
        message=standing.message if standing else "",
        hold=hold.reason if hold else "",
        held_by=hold.held_by if hold else "",
        promotion=None if side.promotion is None else promotion_answer(side.promotion),
        rollout=None
        if side.rollout is None
        else RolloutAnswer.model_validate(side.rollout, from_attributes=True),
        rules=None
        if rules is None
        else RulesAnswer(
            promotion=rules.promotion.model_dump(mode="json", by_alias=True),
            revision=rules.revision,
            pending=rules.pending,
        ),
    )
