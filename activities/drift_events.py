"""What is told when somebody changed an agent outside of Git: who, which fields, both values.

An event keeps what was there, so that what was set back can be restored by hand; told once for
each version somebody made, however many rounds saw it.
"""

from activities.types import ConclusionRequest
from trunkline.model.base import JsonObject
from trunkline.model.drift import drift_of
from trunkline.model.limits import DRIFT_FIELDS_KEPT, DRIFT_PATCH_MAX_CHARACTERS
from trunkline.model.plans import Plan
from trunkline.model.records import EventRecord, StatusRecord
from trunkline.ports import Statuses

EVENTS_LOOKED_BACK = 20
"""Events read to see whether a healed drift was already reported."""


async def report_healed(
    statuses: Statuses, request: ConclusionRequest, plan: Plan, status: StatusRecord
) -> None:
    """Once per version somebody made: a drift that is healed at once shows in no status."""
    reference = request.plan
    if reference is None or not reference.drift:
        return
    recent = await statuses.events(
        status.project,
        environment=status.environment,
        kind=status.kind,
        name=status.name,
        limit=EVENTS_LOOKED_BACK,
    )
    version_id = reference.drift_version_id
    if any(
        event.reason == "Drifted" and event.details.get("version") == version_id for event in recent
    ):
        return
    await statuses.add_events(
        [
            EventRecord(
                project=status.project,
                environment=status.environment,
                kind=status.kind,
                name=status.name,
                type="Warning",
                reason="Drifted",
                message=f"{reference.drift}; it was set back to what Git wants",
                revision=status.revision,
                details=drift_details(request, plan),
            )
        ]
    )


def drift_details(request: ConclusionRequest, plan: Plan | None) -> JsonObject:
    """What an event about drift keeps: the version, and what each field was and is to be."""
    reference = request.plan
    details: JsonObject = {"version": reference.drift_version_id if reference else None}
    if plan is not None:
        keys = {"path", "wished", "live", "by", "at"}
        fields = drift_of(plan)[:DRIFT_FIELDS_KEPT]
        details["fields"] = [field.model_dump(mode="json", include=keys) for field in fields]
        if plan.patch:
            details["patch"] = plan.patch[:DRIFT_PATCH_MAX_CHARACTERS]
    return details


def told_with_drift(
    request: ConclusionRequest, plan: Plan | None, events: tuple[EventRecord, ...]
) -> tuple[EventRecord, ...]:
    """The events, those about drift with who changed what and when."""
    reference = request.plan
    if reference is None or not reference.drift:
        return events
    return tuple(
        event.model_copy(
            update={
                "reason": "Drifted",
                "message": "; ".join(filter(None, (reference.drift, reference.message))),
                "details": drift_details(request, plan),
            }
        )
        if event.reason == "ChangedOutsideGit"
        else event
        for event in events
    )
