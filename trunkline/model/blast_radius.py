"""What a plan would touch, by name: what a person reads before the first write to a real account.

Names and not counts alone, because "12 to change" is read past and "front-desk" is not.
"""

from collections.abc import Iterable

from trunkline.model.base import Frozen
from trunkline.model.plans import Plan, Step

MADE = frozenset({"create", "import"})


class BlastRadius(Frozen):
    """Agents, tools, documents and secrets by what happens to them, and the numbers touched."""

    environment: str
    accounts: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    destroy: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    writes: int = 0


def blast_radius(plan: Plan) -> BlastRadius:
    """What the plan's steps touch; a number is listed with what happens to it."""
    others = [step for step in plan.steps if step.subject != "number"]
    return BlastRadius(
        environment=plan.environment,
        accounts=plan.accounts,
        add=_names(step for step in others if step.action in MADE),
        change=_names(step for step in others if step.action not in {*MADE, "delete"}),
        destroy=_names(step for step in others if step.action == "delete"),
        numbers=tuple(step.summary for step in plan.steps if step.subject == "number"),
        writes=len(plan.steps),
    )


def confirmation_text(plan: Plan) -> str:
    """What has to be typed: the environment and the number of writes, so that both were read."""
    return f"{plan.environment} {len(plan.steps)}"


def radius_text(radius: BlastRadius) -> str:
    """The blast radius for a terminal."""
    accounts = f" on {', '.join(radius.accounts)}" if radius.accounts else ""
    writes = "1 write" if radius.writes == 1 else f"{radius.writes} writes"
    lines = [f"Enforcing {radius.environment}{accounts} begins with {writes}."]
    for title, names in (
        ("To add", radius.add),
        ("To change", radius.change),
        ("To destroy", radius.destroy),
        ("Numbers touched", radius.numbers),
    ):
        lines.append(f"{title} ({len(names)}):" if names else f"{title}: none")
        lines.extend(f"  {name}" for name in names)
    return "\n".join(lines) + "\n"


def _names(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{step.subject} {step.name}" for step in steps))
