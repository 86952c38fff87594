"""One conversation as it stands: what is known, what is waited for, and the reply being made.

Holds state and turns pieces into acts; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from simulators.elevenlabs.mind.acts import Act, CallTool, End, Say, SwitchLanguage
from simulators.elevenlabs.mind.briefing import Briefing
from simulators.elevenlabs.mind.directives import Directive
from simulators.elevenlabs.mind.facts import NOTE, Library, is_void, stated
from simulators.elevenlabs.mind.memory import Memory
from simulators.elevenlabs.mind.speech import Piece, Voice, said, shaped
from simulators.elevenlabs.mind.toolbox import Arguments, Option, Tool

Waiting = Literal["nothing", "info", "choice", "consent", "question", "check"]


@dataclass(slots=True)
class Pending:
    """What the agent asked last and waits for: ``about`` is a slot or the question itself."""

    kind: Waiting = "nothing"
    about: str = ""


@dataclass(slots=True)
class Conversation:
    """The state of one conversation. ``agenda`` is what is still to be done of a rule."""

    briefing: Briefing
    memory: Memory
    language: str
    familiar: bool = False
    pending: Pending = field(default_factory=Pending)
    agenda: list[Directive] = field(default_factory=list)
    errand: Tool | None = None
    commit: Tool | None = None
    options: tuple[Option, ...] = ()
    selected: Option | None = None
    repeated: bool = False
    calls: dict[str, tuple[Tool, bool]] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    done_steps: set[int] = field(default_factory=set)
    checked: set[int] = field(default_factory=set)
    last_pieces: list[Piece] = field(default_factory=list)
    question: str = ""
    misunderstood: int = 0
    in_danger: bool = False
    over: bool = False
    notes: list[str] = field(default_factory=list)
    mentioned: set[int] = field(default_factory=set)
    _pieces: list[Piece] = field(default_factory=list)
    _acts: list[Act] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        """How it speaks now."""
        return Voice(self.language, self.briefing.policies, familiar=self.familiar)

    @property
    def arguments(self) -> Arguments:
        """What parameters of tools can be filled from."""
        return Arguments(self.memory, self.briefing.variables, self.selected, self.results)

    def say(self, *pieces: Piece) -> None:
        """Add to the reply that is being made."""
        self._pieces += pieces

    def say_phrase(self, key: str, **values: str) -> None:
        """Add a phrase of any agent to the reply."""
        self.say(said(key, **values))

    @property
    def silent(self) -> bool:
        """Whether nothing has been said or done in this turn yet."""
        return not self._pieces and not self._acts

    def heard_of_care(self) -> list[str]:
        """What the agent has in hand to say besides: texts of its pieces so far."""
        return [piece(self.voice) for piece in self._pieces[-1:]]

    def switch(self, code: str) -> None:
        """Go on in another language, with the built-in tool if there is one."""
        self.language = code
        if "language_detection" in self.briefing.built_in:
            self._acts.append(SwitchLanguage(code))

    def use(self, tool: Tool, *, of_rule: bool = False) -> None:
        """Call a tool with what is known; ``of_rule`` if the agenda goes on when it answered."""
        self._flush()
        call_id = f"call_{len(self.called) + 1}"
        self.calls[call_id] = (tool, of_rule)
        self.called.append(tool.name)
        self._acts.append(CallTool(tool.name, call_id, self.arguments.fill(tool)))

    def end(self, reason: str) -> None:
        """End the conversation, if the agent has the means to."""
        if "end_call" in self.briefing.built_in and not self.over:
            self._flush()
            self._acts.append(End(reason))
            self.over = True

    def wait(self, kind: Waiting, about: str = "") -> None:
        """Wait for an answer."""
        self.pending = Pending(kind, about)

    def learn(self, text: str) -> None:
        """Take a text as more facts. What it states by name takes the place of what the prompt or
        an earlier text stated under that name; a statement of nothing leaves nothing.
        """
        told = stated(text)
        names = {fact.name for fact in told} - {""}
        kept = [
            fact
            for fact in self.briefing.library.facts
            if fact.name not in names or fact.document not in {"", NOTE}
        ]
        self.briefing.library = Library([*(one for one in told if not is_void(one)), *kept])

    def taken(self) -> list[Act]:
        """The acts of this turn; the next one begins empty."""
        self._flush()
        acts, self._acts = self._acts, []
        ending = [act for act in acts if isinstance(act, End)]
        return [act for act in acts if not isinstance(act, End)] + ending[:1]

    def _flush(self) -> None:
        if not self._pieces:
            return
        text = shaped(self._pieces, self.voice, urgent=self.in_danger)
        self.last_pieces = list(self._pieces)
        self._pieces = []
        if text:
            self.memory.told.append(text)
            self._acts.append(Say(text))


def begun(briefing: Briefing, now: datetime, variables: Mapping[str, Any]) -> Conversation:
    """A conversation nobody has said anything in yet."""
    names = {word.lower() for value in variables.values() for word in str(value).split()}
    vocabulary = briefing.library.vocabulary - names
    language = briefing.language
    memory = Memory(today=now.date(), language=language, vocabulary=vocabulary)
    return Conversation(briefing, memory, language, familiar=not briefing.policies.formal)
