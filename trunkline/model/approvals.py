"""Whether what is to be written is what a person approved: exactly that, on exactly that version.

A person approves the plan of an environment; later, and one after another, agents and numbers plan
afresh. Such a plan may be written if each of its steps is among the approved ones and the agent
is at the version that was approved. What was written of the approved plan meanwhile is no change:
a placeholder that has become an id, or a nonce that was reserved, is the same wish.
"""

from collections.abc import Mapping, Sequence

from trunkline.model.base import Frozen, Json
from trunkline.model.canonical import canonical
from trunkline.model.ids import NONCE_PREFIX, REFERENCE_PREFIX, Digest
from trunkline.model.plans import Change, Plan, Step
from trunkline.model.writes import TAGS, resolve_references

CONTENT_ADDRESSED = frozenset({"tool", "document", "secret", "test"})
"""Subjects whose key says everything: the same key is the same content."""
DIFFERENCES_SHOWN = 3
"""Differences named when a plan is out of date; a fresh plan shows them all."""

StepKey = tuple[str, str, str]


class Approval(Frozen):
    """A stored plan that a person let through, with its steps by action, subject and key; ``role``
    is the person's when they did, "" if it was not written down.
    """

    plan_id: str
    digest: Digest
    by: str
    plan: Plan
    steps: dict[StepKey, Step]
    role: str = ""

    def concerns(self, kind: str, name: str) -> bool:
        """True if the approved plan writes something for that agent or number."""
        own = (step for step in self.plan.steps if step.subject == kind)
        return any(step.name == name for step in own)

    def base_version(self, kind: str, name: str) -> str | None:
        """The version the subject's part was planned on; None if it is no part of the plan."""
        return self.plan.parts.get(part_key(kind, name))


def approval(plan_id: str, plan: Plan, *, by: str, role: str = "") -> Approval:
    """A plan, ready to be asked about many times."""
    steps = {_key(step): step for step in plan.steps}
    return Approval(plan_id=plan_id, digest=plan.digest, by=by, plan=plan, steps=steps, role=role)


def part_key(kind: str, name: str) -> str:
    """How ``Plan.parts`` names a subject."""
    return f"{kind}/{name}"


def uncovered(
    approved: Approval, plan: Plan, kind: str, name: str, bindings: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """What of a plan was not approved, in words; empty if all of it was.

    ``bindings`` maps placeholders to ids that have become known since.
    """
    base = approved.base_version(kind, name)
    if base is None:
        return (f"{kind} {name} is no part of the approved plan",)
    found = [
        words
        for step in plan.steps
        if (words := _difference(approved.steps.get(_key(step)), step, bindings or {}))
    ]
    if (plan.base_version_id or "") != base:
        was, now = base or "not there", plan.base_version_id or "not there"
        found.insert(0, f"{kind} {name} was changed on the platform: it was {was}, now it is {now}")
    return tuple(found)


def stale_words(differences: Sequence[str]) -> str:
    """The differences as a sentence of bounded length."""
    shown = "; ".join(differences[:DIFFERENCES_SHOWN])
    more = len(differences) - DIFFERENCES_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _key(step: Step) -> StepKey:
    return step.action, step.subject, step.key


def _difference(approved: Step | None, step: Step, bindings: Mapping[str, str]) -> str:
    if approved is None:
        return f"{step.summary or step.action} was not in the plan"
    if step.subject in CONTENT_ADDRESSED:
        return ""
    if approved.external_id not in (None, step.external_id):
        return f"{step.subject} {step.name} is another object on the platform by now"
    was = {canonical(_said(change, bindings)): change.path for change in approved.changes}
    now = {canonical(_said(change, bindings)): change.path for change in step.changes}
    paths = {now[key] for key in now.keys() - was.keys()}
    paths |= {was[key] for key in was.keys() - now.keys()}
    return f"{step.summary}: {', '.join(sorted(paths))} changed meanwhile" if paths else ""


def _said(change: Change, bindings: Mapping[str, str]) -> Json:
    path = change.path
    if REFERENCE_PREFIX in path:
        for placeholder, external_id in bindings.items():
            path = path.replace(placeholder, external_id)
    values = (_without_nonce(change.path, value) for value in (change.old, change.new))
    return [change.operation, path, *(resolve_references(value, bindings) for value in values)]


def _without_nonce(path: str, value: Json) -> Json:
    if path != TAGS or not isinstance(value, list):
        return value
    return [tag for tag in value if not _is_nonce(tag)]


def _is_nonce(tag: Json) -> bool:
    return isinstance(tag, str) and tag.startswith(NONCE_PREFIX)
