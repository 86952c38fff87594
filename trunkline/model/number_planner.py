"""What to do about one phone number, so that a call to it reaches the agent Git names.

The effective route of a native number is trunk, then application, then voice URL, then the voice
platform's own mapping: a number that looks assigned may still ring elsewhere. Anything in the way
is an obstacle with words, never a guess. Both platforms' views come in as plain values.
"""

from collections.abc import Collection

from trunkline.model.base import Json
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import NumberOwnedElsewhere
from trunkline.model.ids import ExternalId, reference
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.planner import plan_digest
from trunkline.model.plans import (
    SET_BY_PLATFORM,
    Action,
    Change,
    ChangeOrigin,
    Obstacle,
    Plan,
    Step,
)

AGENT = "agent"
"""The path under which a number's plan and ledger row name the agent's id."""
VOICE_URL = "voice_url"

IMPORT_CALLS = 2
"""The list of the platform's numbers, then the import."""
ASSIGN_CALLS = 2
"""The assignment, whose answer is the new state, then the telephony account's voice URL."""
UNASSIGN_CALLS = 1
"""The assignment to nobody; the voice URL stays the platform's."""


def plan_number(
    desired: DesiredNumber,
    *,
    agent_external_id: ExternalId | None,
    platform: PlatformNumber | None,
    carrier: CarrierNumber | None,
    entry: LedgerEntry | None,
    native_url_ok: bool,
    managed_agent_ids: Collection[str],
    agent_planned: bool = False,
    owner: NumberOwner | None = None,
) -> Plan:
    """Import, assign, unassign or relink.

    ``agent_external_id`` is the wished agent's id, None if it has none yet; ``agent_planned``
    says that the same plan creates it. ``native_url_ok``: the carrier's voice URL is the voice
    platform's. ``managed_agent_ids``: agents Trunkline looks after in that account. ``owner``:
    whose wish the number follows, None if nobody's yet.
    """
    obstacle = _obstacle(desired, agent_external_id, carrier, agent_planned=agent_planned)
    if owner is not None and not is_owner(desired, owner):
        error = owned_elsewhere(desired.name, owner)
        obstacle = Obstacle(reason=error.reason, message=f"{error.message}; {error.hint}")
    taken = _taken(desired, agent_external_id, platform, managed_agent_ids)
    notes: list[str] = []
    steps: list[Step] = []
    if obstacle is None and taken is not None:
        if desired.agent is None:
            notes.append(taken)
        elif desired.takeover:
            notes.append(f"{taken}; takeover is allowed")
        else:
            words = f"{taken}; set takeover: true to take it, or unassign it there"
            obstacle = Obstacle(reason="NumberTaken", message=words)
    if obstacle is None and not (taken and desired.agent is None):
        steps = _steps(
            desired, agent_external_id, platform, carrier, entry, native_url_ok=native_url_ok
        )
    if desired.fallback_number and desired.routing == "native":
        notes.append(f"number {desired.name}: native routing has no fallback; it is not written")
    return Plan(
        project=desired.project,
        environment=desired.environment,
        digest=plan_digest(steps, None),
        steps=tuple(steps),
        obstacles=(obstacle,) if obstacle else (),
        notes=tuple(notes),
        unchanged=0 if steps or obstacle else 1,
    )


def is_owner(desired: DesiredNumber, owner: NumberOwner) -> bool:
    """True if the number follows this very wish."""
    place = (desired.project, desired.environment, desired.name)
    return place == (owner.project, owner.environment, owner.name)


def owned_elsewhere(name: str, owner: NumberOwner) -> NumberOwnedElsewhere:
    """What to tell a wish for a number that follows another wish."""
    return NumberOwnedElsewhere(
        f"number {name} ({owner.number}) is owned by number {owner.name} of project"
        f" {owner.project}, environment {owner.environment}",
        hint="Remove it there, and it is taken over here; or give this one another number.",
    )


def number_applied(agent_external_id: ExternalId | None) -> dict[str, Json]:
    """What the ledger remembers of a number after its plan was executed."""
    return {AGENT: agent_external_id}


def _obstacle(
    desired: DesiredNumber,
    agent_external_id: ExternalId | None,
    carrier: CarrierNumber | None,
    *,
    agent_planned: bool,
) -> Obstacle | None:
    label = f"number {desired.name} ({desired.number})"
    if desired.routing != "native":
        return Obstacle(
            reason="RoutingNotEnabled",
            message=f"{label}: routing {desired.routing} is not available in this version;"
            " use routing: native",
        )
    if carrier is None:
        return Obstacle(
            reason="NumberNotInAccount",
            message=f"{label} is not in the environment's telephony account;"
            " buy it there or name the account that holds it",
        )
    if desired.agent is None:
        return None
    shadow = _shadow(carrier)
    if shadow is not None:
        return Obstacle(
            reason="RouteShadowed",
            message=f"{label}: calls go to {shadow}, which goes before the voice URL;"
            " detach the number from it",
        )
    if agent_external_id is None and not agent_planned:
        return Obstacle(
            reason="DependencyNotReady",
            message=f"{label} waits for agent {desired.agent}, which is not on the platform yet",
            waiting=True,
        )
    return None


def _shadow(carrier: CarrierNumber) -> str | None:
    if carrier.trunk_sid:
        return f"trunk {carrier.trunk_sid}"
    if carrier.voice_application_sid:
        return f"application {carrier.voice_application_sid}"
    return None


def _taken(
    desired: DesiredNumber,
    agent_external_id: ExternalId | None,
    platform: PlatformNumber | None,
    managed_agent_ids: Collection[str],
) -> str | None:
    holder = platform.assigned_agent_id if platform else None
    if holder is None or holder == agent_external_id or holder in managed_agent_ids:
        return None
    return (
        f"number {desired.name} ({desired.number}) is assigned to agent {holder},"
        " which Trunkline does not manage"
    )


def _steps(
    desired: DesiredNumber,
    agent_external_id: ExternalId | None,
    platform: PlatformNumber | None,
    carrier: CarrierNumber | None,
    entry: LedgerEntry | None,
    *,
    native_url_ok: bool,
) -> list[Step]:
    holder = platform.assigned_agent_id if platform else None
    applied = entry.applied.get(AGENT) if entry else None
    if desired.agent is None:
        if platform is None or holder is None:
            return []
        was_free = entry is not None and AGENT in entry.applied and applied is None
        origin: ChangeOrigin = "drift" if was_free else "git"
        gone = Change(operation="-", path=AGENT, old=holder, origin=origin)
        return [_step(desired, "unassign", platform, (gone,), UNASSIGN_CALLS)]
    wanted = agent_external_id or reference("agent", desired.agent)
    drifted: ChangeOrigin = "drift" if applied == wanted else "git"
    steps: list[Step] = []
    if platform is None:
        facts = (
            Change(operation="+", path="number", new=desired.number, origin=drifted),
            Change(operation="+", path=VOICE_URL, new=SET_BY_PLATFORM, origin=drifted),
        )
        steps.append(_step(desired, "import", None, facts, IMPORT_CALLS))
    if holder != wanted:
        sign = "~" if holder else "+"
        moved = Change(operation=sign, path=AGENT, old=holder, new=wanted, origin=drifted)
        steps.append(_step(desired, "assign", platform, (moved,), ASSIGN_CALLS))
    elif not native_url_ok:
        lost = Change(
            operation="~",
            path=VOICE_URL,
            old=carrier.voice_url if carrier else None,
            new=SET_BY_PLATFORM,
            origin="drift",
        )
        steps.append(_step(desired, "relink", platform, (lost,), ASSIGN_CALLS))
    return steps


def _step(
    desired: DesiredNumber,
    action: Action,
    platform: PlatformNumber | None,
    changes: tuple[Change, ...],
    calls: int,
) -> Step:
    target = f" to agent {desired.agent}" if action == "assign" else ""
    return Step(
        action=action,
        subject="number",
        name=desired.name,
        key=desired.number,
        external_id=platform.external_id if platform else None,
        changes=changes,
        calls=calls,
        summary=f"{action} number {desired.number}{target}",
    )
