"""How a command ends: one table of exit codes for all, and the words that go with an error.

Scripts branch on these numbers, so a code never changes its meaning: 2 is never an error, and 3
(could not find out) is never mixed up with 1 (a definite bad answer).
"""

import sys
from enum import IntEnum

from trunkline.cli.harmless import harmless
from trunkline.model import errors


class ExitCode(IntEnum):
    """The table of the manual."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    UNKNOWN = 3
    BLOCKED = 4
    TIMEOUT = 5
    USAGE = 64


INTERRUPTED = 130
"""What shells report for a command that ended by Ctrl-C."""


class WrongUsage(Exception):
    """The command line or its environment does not say what is needed."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def exit_code_of(error: errors.TrunklineError) -> ExitCode:
    """The code an error of ours ends a command with.

    A promotion that was refused is a definite answer: waiting does not let it through.
    """
    if isinstance(error, errors.Blocked) and not isinstance(error, errors.PromotionRefused):
        return ExitCode.BLOCKED
    if isinstance(error, errors.DeadlineExceeded):
        return ExitCode.TIMEOUT
    if error.retryable:
        return ExitCode.UNKNOWN
    return ExitCode.FAILED


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what is wrong and, on a second line, what to do."""
    sys.stderr.write(f"trunkline: {harmless(message)}\n")
    if hint:
        sys.stderr.write(f"  {harmless(hint)}\n")
