"""Who takes part in a conversation of a test, and what is left of it when it is over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from trunkline.model.errors import ConversationLost, TrunklineError
from trunkline.model.testing.costs import TestRates
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over
from trunkline.model.testing.verdicts import RunFacts
from trunkline.ports import Clock
from trunkline.ports.talking import CallerModel, Studio, Talks
from trunkline.ports.testing import Desks


def _nobody(_words: str) -> None:
    """Nobody follows."""


@dataclass(frozen=True)
class Company:
    """Who takes part. ``sound`` fetches the bytes of a recording by digest; ``progress`` is told in
    words how far the conversation is. ``patience_s`` is how long a turn may take where the script
    does not say, None for the usual. ``is_phone``: the talks are over a telephone call.
    """

    talks: Talks
    clock: Clock
    desks: Desks | None = None
    studio: Studio | None = None
    caller: CallerModel | None = None
    sound: Callable[[str], Awaitable[bytes]] | None = None
    rates: TestRates = field(default_factory=TestRates)
    patience_s: float | None = None
    is_phone: bool = False
    progress: Callable[[str], None] = _nobody


@dataclass(frozen=True)
class Conversation:
    """What was heard, what each turn that was begun came to, and what ``verdicts.conclude`` needs
    beside both: whoever called adds number, restarts and judge to ``facts``.
    """

    lines: tuple[Line, ...]
    overs: tuple[Over, ...]
    facts: RunFacts


@dataclass(frozen=True)
class Trouble:
    """Why nothing can be said about the agent: one PascalCase word and a sentence."""

    reason: str
    message: str

    @classmethod
    def of(cls, error: TrunklineError) -> "Trouble":
        """An error that says nothing about the agent."""
        why = f"{error.why}: " if isinstance(error, ConversationLost) else ""
        hint = f"; {error.hint}" if error.hint else ""
        return cls(error.reason, f"{why}{error.message}{hint}")
