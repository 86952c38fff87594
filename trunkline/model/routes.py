"""Where a call to a number really goes, layer by layer, and what that has to do with the wish.

A carrier asks a trunk before an application, an application before a voice URL; only a call that
arrives at the voice platform's own URL is its business, and only there an assignment to an agent
and a branch means anything. A number that looks assigned on the platform may therefore ring
elsewhere. Pure: both platforms' views come in as plain values, and words come out with them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.ids import ExternalId
from trunkline.model.observed import CarrierNumber, PlatformNumber

LayerName = Literal["trunk", "application", "url", "platform", "agent", "branch"]
"""From the one that is asked first to the one that is asked last."""
LayerState = Literal["empty", "passes", "decides", "shadowed"]
"""``empty``: says nothing, the next one is asked. ``passes``: hands the call to the next one.
``decides``: the call ends here. ``shadowed``: never asked.
"""
Destination = Literal[
    "trunk", "application", "url", "bridge", "fallback", "agent", "nobody", "unknown"
]
"""``bridge``: our own address, where the number's table decides."""


class RouteLayer(Frozen):
    """One layer of a number's route; ``value`` is what it is set to, empty for nothing."""

    layer: LayerName
    state: LayerState
    value: str = ""
    words: str = ""


class Route(Frozen):
    """Where a call to a number goes: ``reaches`` says what kind of place, ``target`` which one.

    ``branch_id`` is set where the number is pinned to one branch of the agent. ``claimed`` is the
    agent the platform names, reached or not.
    """

    layers: tuple[RouteLayer, ...]
    reaches: Destination
    target: str = ""
    branch_id: str | None = None
    claimed: ExternalId | None = None

    @property
    def words(self) -> str:
        """The destination in a few words, such as ``trunk TK1`` or ``agent Front desk``."""
        if self.reaches in ("nobody", "unknown"):
            return self.reaches
        pinned = f", branch {self.branch_id}" if self.branch_id else ""
        return f"{self.reaches} {self.target}{pinned}".strip()

    @property
    def decided_by(self) -> LayerName:
        """The layer at which a call ends."""
        return next(layer.layer for layer in self.layers if layer.state == "decides")


class Mismatch(Frozen):
    """Why a call does not reach the wished agent: the layer that wins, and what to do about it.

    ``ours`` says that writing to the platforms mends it; else a person has to.
    """

    layer: LayerName
    message: str
    remedy: str
    ours: bool


def effective_route(
    carrier: CarrierNumber | None,
    platform: PlatformNumber | None,
    *,
    native_url: bool,
    fallback_url: str | None = None,
    own_url: str | None = None,
    own_agents: str = "",
    agents: Mapping[ExternalId, str] | None = None,
) -> Route:
    """The route of a number as both platforms show it.

    ``carrier`` is None where the telephony account does not hold the number, ``platform`` where
    the voice platform does not. ``native_url``: the carrier's voice URL is the voice platform's.
    ``fallback_url`` is the address at which we answer for it where nobody did, ``own_url`` the one
    at which we are asked first, and ``own_agents`` names whom our table leads to; ``agents`` names
    agents by id.
    """
    asked = _Layers(
        carrier,
        platform,
        native_url=native_url,
        fallback_url=fallback_url,
        own=(own_url or "", own_agents),
    )
    found = tuple(asked.all(agents or {}))
    decided = next(layer.layer for layer in found if layer.state == "decides")
    reaches, target = asked.destination(decided, agents or {})
    holder = platform.assigned_agent_id if platform is not None else None
    branch = platform.branch_id if platform is not None and reaches == "agent" else None
    return Route(layers=found, reaches=reaches, target=target, branch_id=branch, claimed=holder)


def mismatch(route: Route, wanted: ExternalId, *, own: bool = False) -> Mismatch | None:
    """What stands between a call and the wished agent, or, if it is to be decided by our ``own``
    table, between the call and us; None if nothing does.

    The strongest layer that is wrong is named, because nothing below it counts.
    """
    claimed = ", although the voice platform shows it assigned" if route.claimed == wanted else ""
    if route.reaches in ("trunk", "application"):
        return Mismatch(
            layer=route.decided_by,
            message=f"calls go to {route.words}, which goes before the voice URL{claimed}",
            remedy=f"detach the number from the {route.reaches} in the telephony account",
            ours=False,
        )
    if route.reaches == "unknown":
        return Mismatch(
            layer="url",
            message="it is not in the environment's telephony account, so where calls go is"
            f" unknown{claimed}",
            remedy="buy it there, or name the account that holds it",
            ours=False,
        )
    return _not_ours(route) if own else _not_native(route, wanted, claimed)


def _not_ours(route: Route) -> Mismatch | None:
    if route.reaches == "bridge":
        return None
    return Mismatch(
        layer=route.decided_by,
        message=f"calls go to {route.words} and do not come to us",
        remedy="applying the plan sets the number's voice URL",
        ours=True,
    )


def _not_native(route: Route, wanted: ExternalId, claimed: str) -> Mismatch | None:
    if route.decided_by == "url":
        return Mismatch(
            layer="url",
            message=f"calls go to {route.words}{claimed}",
            remedy="linking the number again on the voice platform sets its voice URL",
            ours=True,
        )
    if route.claimed != wanted or route.branch_id is not None:
        return Mismatch(
            layer=route.decided_by,
            message=f"calls go to {route.words}",
            remedy="assigning the number on the voice platform moves it",
            ours=True,
        )
    return None


class _Layers:
    """The layers of one number, each read once."""

    def __init__(
        self,
        carrier: CarrierNumber | None,
        platform: PlatformNumber | None,
        *,
        native_url: bool,
        fallback_url: str | None,
        own: tuple[str, str],
    ) -> None:
        self._known = carrier is not None
        self._trunk = carrier.trunk_sid or "" if carrier is not None else ""
        self._application = carrier.voice_application_sid or "" if carrier is not None else ""
        self._url = carrier.voice_url or "" if carrier is not None else ""
        self._native = native_url
        self._fallback_url = fallback_url
        self._platform = platform
        self._own_url, self._own_agents = own

    def destination(
        self, decided: LayerName, agents: Mapping[ExternalId, str]
    ) -> tuple[Destination, str]:
        """What kind of place a call ends at that this layer decides about, and which one."""
        if decided == "trunk":
            return "trunk", self._trunk
        if decided == "application":
            return "application", self._application
        if decided == "url":
            return self._behind_url()
        return ("nobody", "") if decided == "platform" else ("agent", self._agent_name(agents))

    def _behind_url(self) -> tuple[Destination, str]:
        if not self._known:
            return "unknown", ""
        if self._url and self._url == self._fallback_url:
            return "fallback", ""
        if self._url and self._url == self._own_url:
            return "bridge", self._own_agents
        return ("url", self._url) if self._url else ("nobody", "")

    def all(self, agents: Mapping[ExternalId, str]) -> Iterable[RouteLayer]:
        """Every layer in order, with what it does to a call."""
        holder = self._platform.assigned_agent_id if self._platform is not None else None
        branch = self._platform.branch_id if self._platform is not None else None
        held = self._platform is not None
        ends_at_url = not self._native
        found: list[tuple[LayerName, str, LayerState, str]] = [
            ("trunk", self._trunk, "decides" if self._trunk else "empty", "an elastic SIP trunk"),
            (
                "application",
                self._application,
                "decides" if self._application else "empty",
                "a TwiML application",
            ),
            ("url", self._url, "decides" if ends_at_url else "passes", self._url_words()),
            (
                "platform",
                self._platform.external_id if self._platform is not None else "",
                "passes" if holder is not None else "decides",
                _platform_words(held=held, assigned=holder is not None),
            ),
            (
                "agent",
                holder or "",
                "passes" if branch else "decides" if holder else "empty",
                self._agent_name(agents),
            ),
            (
                "branch",
                branch or "",
                "decides" if branch else "empty",
                "pinned to this branch" if branch else "the agent's live branches",
            ),
        ]
        ended = False
        for layer, value, state, words in found:
            says = bool(value) or state == "decides"
            now: LayerState = ("shadowed" if says else "empty") if ended else state
            ended = ended or now == "decides"
            yield RouteLayer(
                layer=layer, state=now, value=value, words=words if now != "empty" else ""
            )

    def _url_words(self) -> str:
        if not self._known:
            return "the number is not in the telephony account"
        if self._native:
            return "the voice platform's own address"
        if not self._url:
            return "no address: calls are refused"
        if self._url == self._fallback_url:
            return "Trunkline's own address: calls go to the fallback number"
        if self._url == self._own_url:
            return "Trunkline's own address: the number's table decides"
        return "an address of somebody else"

    def _agent_name(self, agents: Mapping[ExternalId, str]) -> str:
        if self._platform is None or self._platform.assigned_agent_id is None:
            return ""
        holder = self._platform.assigned_agent_id
        return agents.get(holder) or self._platform.assigned_agent_name or holder


def _platform_words(*, held: bool, assigned: bool) -> str:
    if not held:
        return "the voice platform does not hold the number: calls are refused"
    return "imported" if assigned else "assigned to nobody: calls are refused"
