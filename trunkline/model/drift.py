"""Who changed what outside of Git, told field by field, and what happens to it next.

A platform keeps versions with their authors; which of several versions changed a field is seen by
comparing what the versions hold. Pure: versions and trees come in as they were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trunkline.model.base import Json, JsonObject
from trunkline.model.diffs import is_empty
from trunkline.model.observed import AgentVersion
from trunkline.model.paths import Keys, Missing, find, owning_leaf, split
from trunkline.model.planner import drifted
from trunkline.model.plans import Drifted, Plan
from trunkline.model.policies import Policy

PATHS_SHOWN = 10
"""Drifted fields named in one line; the plan has them all."""
SOMEBODY = "somebody"
UNVERSIONED = frozenset({"name", "tags"})
"""What belongs to the agent itself: the same in all its versions."""


@dataclass(frozen=True, slots=True)
class VersionTree:
    """One version by somebody, and the agent as it was then (None if it was not read)."""

    version: AgentVersion
    tree: JsonObject | None


def drift_of(plan: Plan) -> tuple[Drifted, ...]:
    """Every edit of somebody else a plan would undo or leaves; what it tells of is not repeated."""
    told = {(field.subject, field.name, field.path) for field in plan.drift}
    undone = (
        drifted(step.subject, step.name, change, kept=False)
        for step in plan.steps
        for change in step.changes
        if change.origin == "drift" and (step.subject, step.name, change.path) not in told
    )
    return (*undone, *plan.drift)


def attributed(
    fields: Sequence[Drifted], versions: Sequence[VersionTree], base: JsonObject | None
) -> tuple[Drifted, ...]:
    """The fields with who changed them last and when.

    ``versions`` are those committed since ours, newest first; ``base`` is the agent as we left it.
    A field that is as we left it was changed before that, and nobody is named. Any other that no
    version is known to have changed is the newest one's, because there is no other.
    """
    if not versions:
        return tuple(fields)
    return tuple(_attributed(field, versions, base) for field in fields)


def drift_words(fields: Sequence[Drifted]) -> str:
    """``A changed x, y at …; B changed z at …``, newest first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for field in fields:
        groups.setdefault((field.at, field.by), []).append(field.path)
    said = []
    for (at, by), paths in sorted(groups.items(), reverse=True):
        more = len(paths) - PATHS_SHOWN
        named = ", ".join(paths[:PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        said.append(f"{by or SOMEBODY} changed {named}" + (f" at {at}" if at else ""))
    return "; ".join(said)


def with_policy(
    fields: Sequence[Drifted], policy: Policy, environment: str, *, suspended: bool = False
) -> tuple[Drifted, ...]:
    """The fields with the policy about each and what happens next."""
    found = []
    for field in fields:
        named = field.policy or policy.drift_policy
        words = _next(field, named, policy, environment)
        if suspended and named not in ("ignore", "adopt"):
            words = f"stays: it is suspended; trunkline why {field.name} -e {environment}"
        found.append(field.model_copy(update={"policy": named, "next": words}))
    return tuple(found)


def _next(field: Drifted, named: str, policy: Policy, environment: str) -> str:
    if named == "ignore":
        return "stays: drift.ignore names the path"
    if named == "adopt":
        return (
            "stays; commit the prepared change:"
            f" trunkline drift {field.name} -e {environment} -o patch | git apply"
        )
    if not policy.enforces:
        return f"stays: mode is {policy.mode}"
    if named == "report":
        return f"stays; to set it back: trunkline sync {field.name} -e {environment}"
    return "is set back when it is looked at next"


def _attributed(
    field: Drifted, versions: Sequence[VersionTree], base: JsonObject | None
) -> Drifted:
    author = versions[0].version
    keys = split(owning_leaf(field.path))
    if keys[0] not in UNVERSIONED and _is_older(keys, versions[0].tree, base):
        return field
    for index, seen in enumerate(versions):
        before = versions[index + 1].tree if index + 1 < len(versions) else base
        if seen.tree is None or before is None:
            continue
        if _differ(find(seen.tree, keys), find(before, keys)):
            author = seen.version
            break
    at = datetime.fromtimestamp(author.committed_at_s, UTC).isoformat()
    return field.model_copy(update={"by": author.author, "at": at, "version_id": author.version_id})


def _is_older(keys: Keys, newest: JsonObject | None, base: JsonObject | None) -> bool:
    """True if the field was like that already when we left it."""
    if newest is None or base is None:
        return False
    return not _differ(find(newest, keys), find(base, keys))


def _differ(first: Json | Missing, second: Json | Missing) -> bool:
    if is_empty(first) or is_empty(second):
        return is_empty(first) != is_empty(second)
    return first != second
