"""The root every error of ours grows from."""

from typing import ClassVar


class TrunklineError(Exception):
    """Root of the tree. ``hint`` is one sentence that says what to do."""

    reason: ClassVar[str] = "Error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
