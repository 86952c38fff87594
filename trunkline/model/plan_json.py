"""A plan as JSON for machines: stable keys, a version, and a schema they can check it against."""

from typing import Final, Literal

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.ids import Digest
from trunkline.model.plans import Drifted, Kept, Obstacle, Plan, Step

FORMAT_VERSION: Final = "1"
TYPICAL_CALL_S: Final = 0.3
"""Seconds one call to a voice platform usually takes; for an estimate, never for a time-out."""


class PlanSummary(Frozen):
    """Subjects by what happens to them. ``replace`` are new shared objects that stand in for old
    ones; ``destroy`` counts numbers that are detached and forgotten, too.
    """

    add: int
    change: int
    replace: int
    destroy: int


class PlanDocument(Frozen):
    """A plan as ``plan -o json`` prints it; ``estimate_s`` is seconds, one call after another."""

    format_version: Literal["1"] = FORMAT_VERSION
    project: str
    environment: str
    digest: Digest
    base_version_id: str | None
    empty: bool
    summary: PlanSummary
    calls: int
    estimate_s: float
    steps: tuple[Step, ...]
    kept: tuple[Kept, ...]
    obstacles: tuple[Obstacle, ...]
    notes: tuple[str, ...]
    unchanged: int
    hidden: int
    drift: tuple[Drifted, ...]
    patch: str
    accounts: tuple[str, ...] = ()


def plan_summary(plan: Plan) -> PlanSummary:
    """Counts of the summary line. Several steps on one subject count once, by the first."""
    kinds: dict[tuple[str, str], str] = {}
    for step in plan.steps:
        made = step.action in ("create", "import")
        kind = "replace" if step.replaces else "add" if made else "change"
        kind = "destroy" if step.action == "delete" else kind
        kinds.setdefault((step.subject, step.key), kind)
    counted = list(kinds.values())
    return PlanSummary(
        add=counted.count("add"),
        change=counted.count("change"),
        replace=counted.count("replace"),
        destroy=counted.count("destroy"),
    )


def estimate_s(plan: Plan) -> float:
    """Seconds the plan's calls take one after another on an ordinary day."""
    return round(plan.calls * TYPICAL_CALL_S, 1)


def plan_json(plan: Plan) -> JsonObject:
    """The plan as a JSON object that ``plan_schema`` describes."""
    document = PlanDocument(
        project=plan.project,
        environment=plan.environment,
        digest=plan.digest,
        base_version_id=plan.base_version_id,
        empty=plan.empty,
        summary=plan_summary(plan),
        calls=plan.calls,
        estimate_s=estimate_s(plan),
        steps=plan.steps,
        kept=plan.kept,
        obstacles=plan.obstacles,
        notes=plan.notes,
        unchanged=plan.unchanged,
        hidden=plan.hidden,
        accounts=plan.accounts,
        drift=plan.drift,
        patch=plan.patch,
    )
    dumped: JsonObject = document.model_dump(mode="json", by_alias=True)
    return dumped


def plan_schema() -> JsonObject:
    """JSON Schema (2020-12) of ``plan_json``."""
    schema: JsonObject = PlanDocument.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
