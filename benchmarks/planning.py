"""The pure planner alone: agents that are as wished, planned as every sweep plans them."""

from benchmarks.figures import report, stopwatch
from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.ids import ExternalId
from trunkline.model.kinds.agent import merge
from trunkline.model.ledger import LedgerEntry
from trunkline.model.observed import ObservedAgent
from trunkline.model.planner import plan_agent
from trunkline.model.rendering import Rendering
from trunkline.model.writes import create_body, settled_entry

PLAN_GOAL_MS = 1.0
NONCE = "0123456789abcdef"


def pure_planner(agents: tuple[DesiredAgent, ...]) -> None:
    """Milliseconds for an agent nobody changed, rendering included."""
    world = [(agent, *_as_wished(agent, render_agent(agent))) for agent in agents]
    elapsed = stopwatch()
    steps = sum(
        len(plan_agent(agent, render_agent(agent), RULES, entry=entry, observed=observed).steps)
        for agent, entry, observed in world
    )
    each_ms = elapsed() * 1000 / len(world)
    verdict = "reached" if each_ms <= PLAN_GOAL_MS else "missed"
    report(
        "pure planner",
        f"{each_ms:.2f} ms an unchanged agent, goal 1 ms {verdict}; {steps} steps planned",
    )


def _as_wished(agent: DesiredAgent, rendering: Rendering) -> tuple[LedgerEntry, ObservedAgent]:
    body: JsonObject = create_body(rendering, {}, nonce=NONCE)
    entry = LedgerEntry(
        project=agent.project,
        environment=agent.environment,
        kind="agent",
        name=agent.name,
        account="bench",
        nonce=NONCE,
        external_id=ExternalId(f"agent_{agent.name}"),
    )
    tags = body.get("tags")
    observed = ObservedAgent(
        external_id=ExternalId(f"agent_{agent.name}"),
        name=agent.display_name,
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        version_id="v1",
        branch_id="main",
        body=merge(RULES.defaults, body),
    )
    return settled_entry(entry, rendering, {}, agent), observed
