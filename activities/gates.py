"""The gate of writes as activities use it: once when a plan is made, again before every step.

Minutes may lie between the two, and somebody may have said stop; what was planned is then planned
again and held. A write that is on its way already is not called back.
"""

from typing import TypedDict

from activities.errors import superseded
from activities.types import Subject
from trunkline.model.gates import Assignment, Question, Standing, verdict
from trunkline.model.plans import Plan, Step

STEP_REASON = "sync"
"""Whether drift is only reported was decided when the plan was made."""


class Said(TypedDict, total=False):
    """What differs between asking about a whole plan and about one step of it."""

    step: Step
    reason: str


def require_open(standing: Standing, question: Question) -> None:
    """Raises a Superseded ApplicationError if the gate has closed since the plan was made."""
    found = verdict(standing, question)
    if found.held:
        raise superseded(f"{question.kind} {question.name}: {found.reason}: {found.message}")


def question_of(
    subject: Subject,
    plan: Plan,
    *,
    accounts: tuple[str, ...],
    step: Step | None = None,
    reason: str = STEP_REASON,
    bindings: dict[str, str] | None = None,
    break_glass: bool = False,
    takes_back: bool = False,
    assignment: Assignment | None = None,
) -> Question:
    """A plan of one subject, or one step of it, as the gate is asked about it."""
    return Question(
        kind=subject.kind,
        name=subject.name,
        plan=plan if step is None else plan.model_copy(update={"steps": (step,)}),
        reason=reason,
        accounts=accounts,
        bindings=bindings or {},
        break_glass=break_glass,
        takes_back=takes_back,
        assignment=assignment,
    )
