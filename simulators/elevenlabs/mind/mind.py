"""One agent in one conversation. See the package for the interface.

Everything is decided by the configuration, what was heard, and the seed; no clock, no chance and no
network come in, so the same inputs give the same acts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from simulators.elevenlabs.mind import errands, turns
from simulators.elevenlabs.mind.acts import Act, Document, Misbehaviour, MissingVariables, Say
from simulators.elevenlabs.mind.agenda import perform
from simulators.elevenlabs.mind.briefing import brief, variables_in
from simulators.elevenlabs.mind.conversation import Conversation, begun
from simulators.elevenlabs.mind.languages import (
    NAMES,
    detect,
    in_english,
    is_sentence,
    languages_in,
)
from simulators.elevenlabs.mind.misconduct import spoilt
from simulators.elevenlabs.mind.toolbox import answer_of, content_of, failed
from simulators.elevenlabs.mind.words import tokens

SLOW_MS: Final = 900
"""What a degraded agent thinks longer, in milliseconds."""

SILENCE_S: Final = 5.0
"""Seconds of silence after which an agent asks whether somebody is still there."""

# How a named slot is written in a contextual update: "support_email: help@example.com".
_SLOT: Final = re.compile(r"\b[^\W\d_]\w*_\w+(?=\s*[:=])")
_FAMILIAR: Final = frozenset(
    {"tú", "tu", "tienes", "puedes", "quieres", "oye", "te", "abrís", "du"}
)


class Mind:
    """Answers from its own configuration."""

    def __init__(
        self,
        config: Mapping[str, Any],
        documents: Iterable[Document] = (),
        tools: Iterable[Mapping[str, Any]] = (),
        seed: int = 0,
        misbehaviour: Misbehaviour | None = None,
    ) -> None:
        self._config = config
        self._documents = tuple(documents)
        self._tools = tuple(tools)
        self._seed = seed
        self._misbehaviour = misbehaviour or Misbehaviour()
        self._turn = 0
        self._talk: Conversation | None = None

    @property
    def language(self) -> str:
        """The language it speaks now."""
        return self._now.language

    @property
    def delay_ms(self) -> int:
        """How much longer than usual it thinks."""
        return SLOW_MS if self._misbehaviour.degraded else 0

    @property
    def ended(self) -> bool:
        """Whether it has ended the conversation."""
        return self._now.over

    @property
    def _now(self) -> Conversation:
        if self._talk is None:
            raise RuntimeError("a mind hears nothing before open()")
        return self._talk

    def open(self, variables: Mapping[str, Any], now: datetime) -> list[Act]:
        """Begin: the first message. Raises MissingVariables."""
        agent = self._config.get("agent") or {}
        placeholders = (agent.get("dynamic_variables") or {}).get("dynamic_variable_placeholders")
        values = {**(placeholders or {}), **variables}
        values = {name: value for name, value in values.items() if value is not None}
        prompt = str((agent.get("prompt") or {}).get("prompt") or "")
        needed = variables_in(str(agent.get("first_message") or ""), prompt)
        missing = tuple(name for name in needed if name not in values)
        if missing:
            raise MissingVariables(missing)
        told = values.get("system__time")
        briefing = brief(self._config, self._documents, self._tools, values)
        self._talk = begun(briefing, _moment(told, now), values)
        turns.asks_first(self._talk)
        self._turn = 0
        if not briefing.first_message:
            return []
        self._talk.memory.told.append(briefing.first_message)
        return [Say(briefing.first_message)]

    def hear(self, text: str) -> list[Act]:
        """Answer an utterance."""
        talk = self._now
        if talk.over:
            return []
        self._turn += 1
        spoken = self._follow(text)
        english = in_english(text, spoken)
        talk.memory.take(text, english)
        turns.hear(talk, text, english)
        if talk.agenda and talk.silent:
            perform(talk)
        if talk.silent:
            talk.say_phrase("again")
        return self._given()

    def tool_answered(self, call_id: str, result: object, *, is_error: bool = False) -> list[Act]:
        """Go on after a tool has answered. An id that is not waited for changes nothing."""
        talk = self._now
        tool, of_rule = talk.calls.pop(call_id, (None, False))
        if tool is None or talk.over:
            return []
        if of_rule and not failed(tool, result, is_error=is_error):
            talk.results.append(answer_of(result))
            perform(talk)
            if talk.silent:
                errands.told(talk, tool, content_of(result))
        else:
            errands.outcome(talk, tool, result, is_error=is_error)
            perform(talk)
        return self._given()

    def inform(self, text: str) -> None:
        """Take a contextual update as a fact for the next answers."""
        talk = self._now
        talk.notes.append(text)
        talk.learn(_SLOT.sub(lambda name: name.group().replace("_", " "), text))

    def keys(self, text: str) -> list[Act]:
        """Hear keys of a telephone, as digits that were said."""
        return self.hear(" ".join(text))

    def silent_for(self, seconds: float) -> list[Act]:
        """Ask whether somebody is still there, after a while."""
        talk = self._now
        if seconds < SILENCE_S or talk.over:
            return []
        talk.say_phrase("still_there")
        return talk.taken()

    def resume(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Take up after what was said before: entries with ``role`` (user or agent), ``message``,
        ``tool_calls`` and ``tool_results`` as a chat history has them.
        """
        for line in history:
            message = str(line.get("message") or "")
            if line.get("role") == "user" and message:
                self.hear(message)
            for result in line.get("tool_results") or ():
                for call_id in list(self._now.calls):
                    self.tool_answered(
                        call_id,
                        result.get("result_value", result.get("result")),
                        is_error=bool(result.get("is_error")),
                    )

    def _follow(self, text: str) -> str:
        """Change the language as the configuration has it; the language that was heard."""
        talk = self._now
        policies = talk.briefing.policies
        heard = detect(text) or talk.language
        if set(tokens(text)) & _FAMILIAR:
            talk.familiar = True
        can = {*talk.briefing.languages, *policies.serves}
        asked = [code for code in languages_in(text) if code in can]
        detects = "language_detection" in talk.briefing.built_in
        wished = asked[0] if asked and not set(tokens(text)) & {"not"} else heard
        if wished == talk.language or wished not in NAMES:
            return heard
        by_prompt = policies.follows and wished in can and (bool(asked) or is_sentence(text))
        by_tool = detects and wished in talk.briefing.languages
        if by_prompt or by_tool:
            talk.switch(wished)
        return heard

    def _given(self) -> list[Act]:
        acts = self._now.taken()
        dice = random.Random(f"{self._seed}/{self._turn}/{len(self._now.called)}")  # noqa: S311
        return spoilt(acts, self._now, self._misbehaviour, dice)


def _moment(told: object, now: datetime) -> datetime:
    if isinstance(told, str):
        try:
            return datetime.fromisoformat(told)
        except ValueError:
            return now
    return now
