"""The clock of a running process; tests that bend time bring their own."""

from datetime import UTC, datetime


class SystemClock:
    """Time as the operating system tells it."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)
