"""People at telephones: whether they pick up, and what they say, press and wait for.

These are the bodies the control plane takes; ``persons`` carries scripts out.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.twilio.calls import voices
from simulators.twilio.calls.bounds import MAX_SCRIPT_ITEMS, MAX_WAIT_MS, PATIENCE_MS

Milliseconds = Annotated[int, Field(ge=0, le=MAX_WAIT_MS)]
KEYS = r"[0-9*#A-DwW]{1,64}"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptItem(_Body):
    """One thing a person does, after what they wait for and so many milliseconds more.

    ``say`` is words, ``wav_base64`` a WAV file, ``digits`` keys. ``timeout_ms`` is how long they
    wait for something that does not come; they go on then.
    """

    wait_for: Literal["speech_start", "speech_end", "mark", "listener", "signal"] | None = None
    timeout_ms: Milliseconds = PATIENCE_MS
    after_ms: Milliseconds = 0
    say: str | None = None
    wav_base64: str | None = Field(default=None, repr=False)
    silence_ms: Milliseconds | None = None
    digits: Annotated[str, Field(pattern=f"^{KEYS}$")] | None = None
    hangup: bool = False
    drop: bool = False

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = (self.say, self.wav_base64, self.silence_ms, self.digits)
        count = sum(value is not None for value in given) + self.hangup + self.drop
        if count > 1:
            raise ValueError("an item is one of say, wav_base64, silence_ms, digits, hangup, drop")
        if self.wav_base64 is not None:
            voices.from_base64(self.wav_base64)
        return self

    @property
    def sound(self) -> bytes | None:
        """What is said, as μ-law."""
        if self.say is not None:
            return voices.said(self.say)
        return None if self.wav_base64 is None else voices.from_base64(self.wav_base64)


Script = Annotated[tuple[ScriptItem, ...], Field(max_length=MAX_SCRIPT_ITEMS)]


class Person(_Body):
    """Who is at a number: what happens when it rings, ``after_ms`` later, and the script then."""

    number: str
    answers: Literal["answered", "busy", "no-answer", "failed"] = "answered"
    after_ms: Milliseconds = 200
    machine: bool = False
    script: Script = ()


class People:
    """Who is at which number; a number nobody was put at is picked up in silence."""

    def __init__(self) -> None:
        self._known: dict[str, Person] = {}

    def put(self, person: Person, limit: int) -> None:
        """This person is at that number from now on. Raises ValueError beyond the limit."""
        if person.number not in self._known and len(self._known) >= limit:
            raise ValueError(f"at most {limit} people")
        self._known[person.number] = person

    def at(self, number: str) -> Person:
        """Whoever is there."""
        return self._known.get(number) or Person(number=number)

    def is_put(self, number: str) -> bool:
        """True if the control plane put somebody there."""
        return number in self._known

    def all(self) -> list[Person]:
        """Those that were put there."""
        return list(self._known.values())

    def clear(self) -> None:
        """Nobody is anywhere."""
        self._known.clear()
