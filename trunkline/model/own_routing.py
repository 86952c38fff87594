"""Planning a number whose calls come to us: who answers is our table, not the platform's.

The carrier is told three addresses: ours for calls, one it hosts itself for when we do not answer,
and ours for reports. The table is taken over as a step of its own, so that it moves by the same
rules as an assignment on the platform: windows, approvals, releases, and running calls first. What
the platform still holds of the number is unassigned afterwards, for it would claim the address.
"""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.calls.addresses import STATUS_ROUTE, VOICE_ROUTE, number_address
from trunkline.model.calls.addresses import public_address as address
from trunkline.model.calls.routing import condition_words
from trunkline.model.desired import DesiredLine, DesiredNumber
from trunkline.model.observed import CarrierNumber
from trunkline.model.plans import Change, ChangeOrigin

ROUTE = "route"
"""The path under which a number's plan and ledger row hold its table."""
STATUS_URL = "status_callback"
CARRIER_PATHS = ("voice_url", "voice_fallback_url", STATUS_URL)
"""Under these names a carrier's number and a ledger row have its addresses."""
FORMER = "former"
"""The path under which a number's ledger row holds addresses of others that ours took over from."""
DRAINING = "DrainingCalls"
"""Why a number waits that is to move: calls of the agent it had go on."""
_LINES = TypeAdapter(tuple[DesiredLine, ...])


class OwnAddresses(Frozen):
    """What a carrier is told about a number whose calls come to us."""

    voice: str
    fallback: str
    status: str


def comes_to_us(desired: DesiredNumber) -> bool:
    """True for a number whose calls we are asked about, whoever carries them then."""
    return desired.routing != "native"


def own_addresses(public_url: str, desired: DesiredNumber, hosted: str) -> OwnAddresses:
    """The addresses of a number; ``hosted`` is the carrier's own fallback."""
    return OwnAddresses(
        voice=number_address(public_url, VOICE_ROUTE, desired),
        fallback=hosted,
        status=address(public_url, STATUS_ROUTE),
    )


def table_of(desired: DesiredNumber) -> JsonObject:
    """The table of a wish as the ledger remembers it."""
    lines: Json = [line.model_dump(mode="json", exclude_defaults=True) for line in desired.lines]
    return {"lines": lines, "skill": desired.skill}


def in_force(desired: DesiredNumber, applied: Mapping[str, Json]) -> DesiredNumber:
    """The number with the table that was taken over; until one was, with the wished one."""
    table = applied.get(ROUTE)
    if not isinstance(table, dict):
        return desired
    try:
        lines = _LINES.validate_python(table.get("lines"))
    except ValidationError:
        return desired
    return desired.model_copy(update={"lines": lines, "skill": str(table.get("skill", ""))})


def agents_of(table: Json) -> tuple[str, ...]:
    """Agents a remembered table leads to, in order, each once."""
    lines = table.get("lines") if isinstance(table, dict) else None
    listed = lines if isinstance(lines, list) else []
    named = [one.get("agent") for one in listed if isinstance(one, dict)]
    return tuple(dict.fromkeys(str(agent) for agent in named if agent))


def table_words(table: Json) -> str:
    """A remembered table in one line; empty for none."""
    if not isinstance(table, dict):
        return ""
    try:
        lines = _LINES.validate_python(table.get("lines"))
    except ValidationError:
        return ""
    return "; ".join(f"{condition_words(line)}: {line.agent}" for line in lines) or "nobody"


def table_changes(desired: DesiredNumber, applied: Mapping[str, Json]) -> tuple[Change, ...]:
    """What taking the wished table over changes: ``agent`` if other agents get the calls."""
    known, wanted = applied.get(ROUTE), table_of(desired)
    if known == wanted:
        return ()
    before, after = agents_of(known), agents_of(wanted)
    found: list[Change] = []
    if before != after:
        found.append(_changed("agent", ", ".join(before), ", ".join(after), "git"))
    old, new = table_words(known), table_words(wanted)
    if old != new or not found:
        found.append(_changed(ROUTE, old, new, "git"))
    return tuple(found)


def address_changes(
    carrier: CarrierNumber, wanted: OwnAddresses, applied: Mapping[str, Json]
) -> tuple[Change, ...]:
    """What the carrier has to be told: each address that is not as wanted."""
    now = {
        "voice_url": (carrier.voice_url, wanted.voice),
        "voice_fallback_url": (carrier.voice_fallback_url, wanted.fallback),
        STATUS_URL: (carrier.status_callback, wanted.status),
    }
    return tuple(_told(now, applied))


def _told(
    now: Mapping[str, tuple[str | None, str]], applied: Mapping[str, Json]
) -> Iterator[Change]:
    for path, (old, new) in now.items():
        if (old or "") != new:
            yield _changed(path, old or "", new, "drift" if applied.get(path) == new else "git")


def own_applied(
    desired: DesiredNumber, carrier: CarrierNumber | None, wanted: OwnAddresses
) -> dict[str, Json]:
    """What the ledger remembers of a number whose calls come to us: the table in force, and the
    carrier's addresses as far as they are ours.
    """
    told: dict[str, Json] = {ROUTE: table_of(desired)}
    if carrier is None:
        return told
    ours = {
        "voice_url": (carrier.voice_url, wanted.voice),
        "voice_fallback_url": (carrier.voice_fallback_url, wanted.fallback),
        STATUS_URL: (carrier.status_callback, wanted.status),
    }
    return {**told, **{path: new for path, (old, new) in ours.items() if old == new}}


def given_back(carrier: CarrierNumber, applied: Mapping[str, Json]) -> tuple[Change, ...]:
    """What undoes what the carrier was told: each address that is ours still becomes what it was
    before, as far as that is known, else nothing. Addresses of others stay.
    """
    before = _former(applied)
    return tuple(
        _changed(path, url, before.get(path, ""), "git")
        for path in CARRIER_PATHS
        if (url := getattr(carrier, path)) and url == applied.get(path)
    )


def with_former(
    applied: JsonObject, carrier: CarrierNumber, told: Iterable[str], known: Mapping[str, Json]
) -> JsonObject:
    """What the ledger remembers, with the addresses of others that those ``told`` took over from.

    ``known`` is what it remembered before; an address that was ours then is nobody else's.
    """
    before = dict(_former(known))
    for path in told:
        url = getattr(carrier, path)
        if url and url != known.get(path) and path in applied:
            before.setdefault(path, url)
    return {**applied, FORMER: {**before}} if before else applied


def _former(applied: Mapping[str, Json]) -> Mapping[str, str]:
    before = applied.get(FORMER)
    return {path: str(url) for path, url in before.items()} if isinstance(before, dict) else {}


def _changed(path: str, old: str, new: str, origin: ChangeOrigin) -> Change:
    return Change(
        operation="~" if old and new else "+" if new else "-",
        path=path,
        old=old or None,
        new=new or None,
        origin=origin,
    )
