"""Everything known of one agent or number, as the API answers it."""

from datetime import datetime
from typing import Literal

from api.answers import AgentAnswer, Answer, EventAnswer, NumberAnswer, agent_answer, event_answer
from api.answers import number_answer as number_status
from api.promotions import ReleaseSideAnswer, release_side_answer
from trunkline.model.base import JsonObject
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import RecordKind
from trunkline.services.descriptions import Description, HistoryEntry, wish_facts


class WishAnswer(Answer):
    """What Git wants; ``facts`` leaves prompts and documents out."""

    revision: str
    digest: str
    removed: bool
    facts: JsonObject


class AttemptAnswer(Answer):
    """A create whose outcome is not settled yet."""

    number: int
    started_at: datetime
    deadline_at: datetime


class LedgerAnswer(Answer):
    """What was done last. ``ownedPaths`` counts the leaves that Git owns on the platform,
    ``rememberedDefaults`` those whose value before our first write is kept.
    """

    account: str
    external_id: str | None
    nonce: str | None
    digest: str | None
    rendered_digest: str | None
    version_id: str | None
    owned_paths: int
    remembered_defaults: int
    attempt: AttemptAnswer | None
    gone_from_git_since: datetime | None


class ObjectAnswer(Answer):
    """A tool or document it uses; ``externalId`` is null until it is created."""

    kind: str
    name: str
    digest: str
    external_id: str | None


class InterventionAnswer(Answer):
    """What somebody said about it, in force until it is lifted or expires."""

    verb: str
    environment: str
    kind: str
    name: str
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None


class LastPlanAnswer(Answer):
    """The newest plan with a step about this subject; ``steps`` of it are."""

    id: str
    digest: str
    revision: str | None
    created_at: datetime | None
    steps: int


class DescriptionAnswer(Answer):
    """One agent or number from every side."""

    format_version: Literal["1"] = "1"
    kind: RecordKind
    status: AgentAnswer | NumberAnswer
    workflow_id: str
    wish: WishAnswer | None
    ledger: LedgerAnswer | None
    objects: tuple[ObjectAnswer, ...]
    interventions: tuple[InterventionAnswer, ...]
    last_plan: LastPlanAnswer | None
    released: ReleaseSideAnswer | None = None
    events: tuple[EventAnswer, ...]


class HistoryAnswer(Answer):
    """What became of it at one revision; ``warnings`` counts what went wrong meanwhile. Of a
    release, ``version`` is its number (0 for a commit), ``restores`` the one it took back.
    """

    environment: str = ""
    revision: str
    at: datetime | None
    reason: str
    message: str
    warnings: int
    state: Literal["current", "past"]
    version_id: str | None
    version: int = 0
    restores: int | None = None
    promoted_by: str = ""
    promotion: str = ""
    digest: str | None = None
    release_commit: str | None = None


def description_answer(found: Description) -> DescriptionAnswer:
    """A description."""
    row = found.status
    return DescriptionAnswer(
        kind="number" if row.kind == "number" else "agent",
        status=number_status(row) if row.kind == "number" else agent_answer(row),
        workflow_id=found.workflow_id,
        wish=None
        if found.wish is None
        else WishAnswer(
            revision=found.wish.revision,
            digest=found.wish.wish_digest,
            removed=found.wish.removed,
            facts=wish_facts(found.wish),
        ),
        ledger=None if found.entry is None else _ledger(found.entry),
        objects=tuple(ObjectAnswer.model_validate(c.model_dump()) for c in found.objects),
        interventions=tuple(
            InterventionAnswer.model_validate(each.model_dump()) for each in found.interventions
        ),
        last_plan=None
        if found.plan is None
        else LastPlanAnswer(
            id=found.plan.record.id,
            digest=found.plan.record.plan.digest,
            revision=found.plan.record.revision,
            created_at=found.plan.record.created_at,
            steps=found.plan.steps,
        ),
        released=None if found.released is None else release_side_answer(found.released),
        events=tuple(event_answer(event) for event in found.events),
    )


def history_answer(entry: HistoryEntry) -> HistoryAnswer:
    """One line of a history."""
    return HistoryAnswer(
        revision=entry.revision,
        at=entry.at,
        reason=entry.reason,
        message=entry.message,
        warnings=entry.warnings,
        state=entry.state,
        version_id=entry.version_id,
        environment=entry.environment,
        version=entry.release.version if entry.release else 0,
        restores=entry.release.restores if entry.release else None,
        promoted_by=entry.release.promoted_by if entry.release else "",
        promotion=entry.release.promotion if entry.release else "",
        digest=entry.release.digest if entry.release else None,
        release_commit=entry.release.commit if entry.release else None,
    )


def _ledger(entry: LedgerEntry) -> LedgerAnswer:
    return LedgerAnswer(
        account=entry.account,
        external_id=entry.external_id,
        nonce=entry.nonce,
        digest=entry.digest,
        rendered_digest=entry.rendered_digest,
        version_id=entry.version_id,
        owned_paths=len(entry.applied),
        remembered_defaults=len(entry.defaults),
        attempt=None
        if entry.attempt is None
        else AttemptAnswer.model_validate(entry.attempt.model_dump()),
        gone_from_git_since=None if entry.tombstone is None else entry.tombstone.since_at,
    )
