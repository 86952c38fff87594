"""Places for conversations, kept by the only process that talks."""

from datetime import UTC, datetime


class PassingPlaces:
    """``ports.testing.Places`` in memory, for one event loop."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, datetime]] = {}

    async def take_place(self, account: str, holder: str, limit: int, expires_at: datetime) -> bool:
        """Take one of ``limit`` places, or keep the one that is held already."""
        held = self._of(account)
        if holder not in held and len(held) >= limit:
            return False
        held[holder] = expires_at
        return True

    async def leave_place(self, account: str, holder: str) -> None:
        """Give a place back; one that is not held is no error."""
        self._of(account).pop(holder, None)

    async def places_taken(self, account: str) -> int:
        """How many places of an account are held."""
        return len(self._of(account))

    def _of(self, account: str) -> dict[str, datetime]:
        now = datetime.now(UTC)
        held = {
            holder: until for holder, until in self._held.get(account, {}).items() if until > now
        }
        self._held[account] = held
        return held
