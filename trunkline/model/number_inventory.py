"""One line for every number of an account: is it free, and if not, by whom is it taken?

What Git names is ``assigned``, whether or not the platforms follow yet. Everything else of an
account is told apart by where its calls go, so that nobody takes a number that rings for somebody
else. Pure; nothing listed here is ever written because it is listed.
"""

from collections.abc import Sequence
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import ExternalId
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.own_routing import agents_of, comes_to_us, table_of, table_words
from trunkline.model.routes import Mismatch, Route, RouteLayer, effective_route, mismatch

NumberState = Literal["available", "assigned", "unmanaged", "external"]
"""``available``: nobody's calls arrive there. ``assigned``: a manifest names it. ``unmanaged``: the
voice platform assigned it to an agent, and no manifest names it. ``external``: its calls go
somewhere else, or another account holds it.
"""


class SeenNumber(Frozen):
    """One number as both platforms of an environment show it, and what is known about it.

    ``wish`` is the manifest that has the number, ``agent_external_id`` the id of the agent it
    names. ``keeper`` is the ``project/environment/agent`` the assigned agent is marked with.
    """

    number: str
    carrier: CarrierNumber | None = None
    platform: PlatformNumber | None = None
    native_url: bool = False
    wish: DesiredNumber | None = None
    contenders: tuple[DesiredNumber, ...] = ()
    agent_external_id: ExternalId | None = None
    answer_url: str | None = None
    own_url: str | None = None
    keeper: str = ""
    seen: bool = True

    def route(self) -> Route:
        """Where its calls go."""
        return effective_route(
            self.carrier,
            self.platform,
            native_url=self.native_url,
            fallback_url=self.answer_url,
            own_url=self.own_url,
            own_agents=", ".join(agents_of(table_of(self.wish))) if self.wish else "",
        )

    def mismatch(self, route: Route) -> Mismatch | None:
        """What is in the way of the wish; None if nothing is, or nobody is to answer."""
        wish = self.wish
        if wish is None or (wish.agent is None and not comes_to_us(wish)):
            return None
        wanted = self.agent_external_id or ExternalId("")
        return mismatch(route, wanted, own=comes_to_us(wish))


class NumberLine(Frozen):
    """One line of the inventory; ``manifest`` is ``file:line:column``."""

    number: str
    state: NumberState
    project: str = ""
    environment: str = ""
    name: str = ""
    agent: str = ""
    agent_external_id: ExternalId | None = None
    route: str = ""
    capabilities: tuple[str, ...] = ()
    manifest: str = ""
    message: str = ""


class RouteReport(Frozen):
    """One number's line and its route layer by layer; ``problem`` says what is wrong with it."""

    line: NumberLine
    layers: tuple[RouteLayer, ...]
    wished: str = ""
    problem: str = ""
    remedy: str = ""


def line_of(seen: SeenNumber) -> NumberLine:
    """The line of one number."""
    route = seen.route()
    holder = seen.platform.assigned_agent_id if seen.platform is not None else None
    wish = seen.wish
    if wish is not None:
        return NumberLine(
            number=seen.number,
            state="assigned",
            project=wish.project,
            environment=wish.environment,
            name=wish.name,
            agent=wish.agent or "",
            agent_external_id=seen.agent_external_id,
            route=route.words if seen.seen else "unknown",
            capabilities=_capabilities(seen),
            manifest=wish.position,
            message=_assigned_words(seen, route),
        )
    state, words = _unwished(seen, route)
    return NumberLine(
        number=seen.number,
        state=state,
        agent=seen.platform.assigned_agent_name if seen.platform is not None else "",
        agent_external_id=holder,
        route=route.words,
        capabilities=_capabilities(seen),
        message=words,
    )


def report_of(seen: SeenNumber) -> RouteReport:
    """The route of one number, against what is wished for."""
    route = seen.route()
    wish = seen.wish
    wished, problem, remedy = "", "", ""
    if wish is not None:
        wished = _wished_words(wish)
        found = seen.mismatch(route)
        if found is not None:
            problem, remedy = found.message, found.remedy
    return RouteReport(
        line=line_of(seen), layers=route.layers, wished=wished, problem=problem, remedy=remedy
    )


def _wished_words(wish: DesiredNumber) -> str:
    if not comes_to_us(wish):
        return f"agent {wish.agent}" if wish.agent else "nobody"
    return f"{wish.routing}: {table_words(table_of(wish))}"


def _assigned_words(seen: SeenNumber, route: Route) -> str:
    wish = seen.wish
    if wish is None or not seen.seen:
        return ""
    words: list[str] = []
    if wish.agent is not None or comes_to_us(wish):
        found = seen.mismatch(route)
        words.extend([f"{found.message}; {found.remedy}"] if found is not None else [])
    elif route.reaches not in ("nobody", "fallback"):
        words.append(f"calls go to {route.words}, Git wants nobody to answer")
    words.extend(_contended(seen.contenders))
    return "; ".join(words)


def _unwished(seen: SeenNumber, route: Route) -> tuple[NumberState, str]:
    holder = seen.platform.assigned_agent_id if seen.platform is not None else None
    if route.reaches in ("trunk", "application", "url"):
        shadowed = " although the voice platform shows it assigned" if holder is not None else ""
        return "external", f"calls go to {route.words}{shadowed}; no manifest names it"
    if holder is not None:
        marked = f", the agent of {seen.keeper}," if seen.keeper else ""
        return "unmanaged", f"assigned to agent {holder}{marked} and no manifest names it"
    if route.reaches == "unknown":
        return "external", "on the voice platform, and not in the telephony account"
    if "voice" not in (seen.carrier.capabilities if seen.carrier else ("voice",)):
        return "available", "it takes no calls"
    return "available", ""


def _contended(contenders: Sequence[DesiredNumber]) -> list[str]:
    return [
        f"also wished for by number {other.name} of project {other.project},"
        f" environment {other.environment}"
        for other in contenders
    ]


def _capabilities(seen: SeenNumber) -> tuple[str, ...]:
    return seen.carrier.capabilities if seen.carrier is not None else ()
