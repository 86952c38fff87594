"""The numbers a manifest named before it named another one: what is ours there is taken away.

Which number a name has is a fact of Git like any other, so a change of it is a move: the new number
is brought to its agent first, and what was left behind is cleared after. Until that is done, the
name's ledger row remembers what we had written about the number it was about.
"""

from collections.abc import Iterable, Mapping

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.calls.limits import LEFT_NUMBERS_MAX
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import LedgerEntry
from trunkline.model.own_routing import ROUTE
from trunkline.model.plans import Change, Step

NUMBER = "number"
"""The path under which a number's plan and ledger row have it in E.164."""
LEAVING = "leaving"
"""The path under which a ledger row has what was written about numbers its name had before."""
_EXTERNAL_ID = "external_id"
_NOT_KEPT = (ROUTE, LEAVING, NUMBER)

UNASSIGN_CALLS = 1
"""The assignment to nobody; the voice URL stays the platform's."""
ADDRESS_CALLS = 1
"""The write, whose answer is the new state."""


class LeftNumber(Frozen):
    """A number its name had before, as far as it is still ours: ``holder`` is the agent that we
    gave it and that it still rings, ``addresses`` what the carrier is told to give ours back.
    """

    number: str
    external_id: ExternalId | None = None
    holder: ExternalId | None = None
    addresses: tuple[Change, ...] = ()

    @property
    def is_ours(self) -> bool:
        """True while there is something to take away."""
        return self.holder is not None or bool(self.addresses)


def moved_aside(entry: LedgerEntry, number: str) -> LedgerEntry:
    """The row as one about this number: what it says of another one is kept for leaving that."""
    known, about = entry.applied, entry.applied.get(NUMBER)
    left = {n: said for n, said in leaving(entry).items() if n != number}
    if about in (None, number):
        return entry.model_copy(update={"applied": with_leaving(known, left)})
    former: dict[str, Json] = {path: said for path, said in known.items() if path not in _NOT_KEPT}
    if entry.external_id is not None:
        former[_EXTERNAL_ID] = entry.external_id
    return entry.model_copy(update={"applied": with_leaving({}, {**left, str(about): former})})


def leaving(entry: LedgerEntry | None) -> dict[str, JsonObject]:
    """What was written about each number that is to be left."""
    known = entry.applied.get(LEAVING) if entry is not None else None
    rows = known.items() if isinstance(known, dict) else ()
    return {number: said for number, said in rows if isinstance(said, dict)}


def with_leaving(applied: Mapping[str, Json], left: Mapping[str, JsonObject]) -> JsonObject:
    """What a row remembers, with the numbers that are to be left; the newest, if they are many."""
    rest: dict[str, Json] = {path: said for path, said in applied.items() if path != LEAVING}
    newest: dict[str, Json] = dict(list(left.items())[-LEFT_NUMBERS_MAX:])
    return {**rest, LEAVING: newest} if newest else rest


def known_id(said: Mapping[str, Json]) -> ExternalId | None:
    """The voice platform's id of a number that is to be left, None if it was not remembered."""
    known = said.get(_EXTERNAL_ID)
    return ExternalId(known) if isinstance(known, str) and known else None


def leaving_steps(name: str, left: Iterable[LeftNumber]) -> list[Step]:
    """What takes the numbers a name had before from us and from its agent."""
    return [step for number in left for step in _steps(name, number)]


def _steps(name: str, left: LeftNumber) -> Iterable[Step]:
    what = f"number {left.number}, which {name} was before"
    if left.addresses:
        yield Step(
            action="update",
            subject="number",
            name=name,
            key=left.number,
            external_id=left.external_id,
            changes=left.addresses,
            calls=ADDRESS_CALLS,
            summary=f"have calls of {what}, no longer come to us",
        )
    if left.holder is not None:
        yield Step(
            action="unassign",
            subject="number",
            name=name,
            key=left.number,
            external_id=left.external_id,
            changes=(Change(operation="-", path="agent", old=left.holder, origin="git"),),
            calls=UNASSIGN_CALLS,
            summary=f"unassign {what}",
        )
