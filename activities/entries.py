"""Creates whose row is a ledger entry: agents and imported numbers.

The entry's nonce is reserved once per incarnation, before anything is sent; who may send is decided
by a compare-and-swap on the entry's open attempt.
"""

from collections.abc import Awaitable, Callable

from trunkline.model.creation import Decision, Found, LookUp, decide
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, LedgerEntry
from trunkline.ports import Ledger

Find = Callable[[LedgerEntry], Awaitable[tuple[Found, ...]]]
Send = Callable[[LedgerEntry, float], Awaitable[ExternalId]]


class EntryCreation:
    """One object described by a ledger entry, for ``creating.create_once``."""

    def __init__(
        self, ledger: Ledger, entry: LedgerEntry, *, what: str, find: Find, send: Send
    ) -> None:
        self.what = what
        self._ledger = ledger
        self._entry = entry
        self._find = find
        self._send = send

    @property
    def attempt(self) -> Attempt | None:
        """The open attempt as last read."""
        return self._entry.attempt

    @property
    def settled_id(self) -> ExternalId | None:
        """The external id as last read."""
        return self._entry.external_id

    def decide(self, look_up: LookUp, lag_bound_s: float) -> Decision:
        """The core's decision about an object with no known id."""
        return decide(self._entry.attempt, look_up, lag_bound_s=lag_bound_s)

    async def find(self) -> tuple[Found, ...]:
        """Objects that carry the entry's identity."""
        return await self._find(self._entry)

    async def win(self, attempt: Attempt) -> bool:
        """Open the attempt; False if another was opened meanwhile."""
        won = await self._ledger.open_attempt(self._entry, attempt)
        if won:
            self._entry = self._entry.model_copy(update={"attempt": attempt})
        return won

    async def send(self, timeout_s: float) -> ExternalId:
        """The create itself."""
        return await self._send(self._entry, timeout_s)

    async def void(self, attempt: Attempt) -> None:
        """Close the attempt, if the row still has it."""
        entry = self._entry
        current = await self._ledger.entry(entry.project, entry.environment, entry.kind, entry.name)
        if current is not None and current.attempt == attempt:
            await self._ledger.put(current.model_copy(update={"attempt": None}))
