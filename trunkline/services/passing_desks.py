"""Desks that live as long as one command: tools answered where nobody keeps a store.

What is chosen and what is written down is the very same function as at a server's desks; only the
place is another.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from trunkline.model.base import JsonObject
from trunkline.model.testing.desks import Desk, DeskCall
from trunkline.model.testing.limits import DESK_CALLS_MAX
from trunkline.model.testing.stubs import desk_call


class PassingDesks:
    """``ports.testing.Desks`` in memory, for one event loop."""

    def __init__(self) -> None:
        self._desks: dict[str, Desk] = {}
        self._calls: dict[str, list[DeskCall]] = {}

    async def open_desk(self, desk: Desk) -> None:
        """Prepare; a desk opened again under its id begins anew."""
        self._desks[desk.id] = desk
        self._calls[desk.id] = []

    async def close_desk(self, desk_id: str) -> None:
        """Nothing is answered any more; the calls stay readable."""
        desk = self._desks.get(desk_id)
        if desk is not None:
            expires_at = min(desk.expires_at, datetime.now(UTC))
            self._desks[desk_id] = desk.model_copy(update={"expires_at": expires_at})

    async def knows(self, token_digest: str, at: datetime) -> bool:
        """True if a desk is open for that token."""
        return any(
            desk.token_digest == token_digest and desk.expires_at > at
            for desk in self._desks.values()
        )

    async def take_call(
        self,
        token_digest: str,
        tool: str,
        arguments: JsonObject,
        at: datetime,
        *,
        from_query: bool = False,
    ) -> DeskCall | None:
        """Choose the answer and write the call down; None: no such desk, or it is closed."""
        for desk in self._desks.values():
            calls = self._calls[desk.id]
            if desk.token_digest == token_digest and desk.expires_at > at:
                if len(calls) >= DESK_CALLS_MAX:
                    return None
                given = desk.typed(tool, arguments) if from_query else arguments
                calls.append(desk_call(desk, calls, tool, given, at))
                return calls[-1]
        return None

    async def desk_calls(self, desk_id: str, *, after: int = 0) -> Sequence[DeskCall]:
        """Calls in order of arrival, those after an ordinal."""
        return tuple(call for call in self._calls.get(desk_id, ()) if call.ordinal > after)
