"""The agent's tools as it understands them: when they fit, their arguments, what they answered.

Arguments are filled by what a parameter is called and described as. Nothing is called here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from simulators.elevenlabs.mind.meaning import concepts, overlap
from simulators.elevenlabs.mind.memory import Memory
from simulators.elevenlabs.mind.times import Moment, moment_of, named_moment, value_of
from simulators.elevenlabs.mind.words import tokens

OPTIONS_MAX: Final = 12
"""Options read from one answer; nobody listens to more."""

DAYTIME: Final = range(7, 20)
"""Hours meant by "at two" when the half of the day is open."""

ALIKE: Final = 0.5
"""The overlap from which two names mean the same thing."""

FEW_WORDS: Final = 3
"""An utterance of so few words tells nothing worth a summary."""

_OTHER_SOURCES: Final = ("dynamic_variable", "constant_value", "is_system_provided", "is_omitted")
_SUMMARISES: Final = frozenset(
    ("summary", "sentence", "happened", "description", "note", "message", "problem")
)
_CODE: Final = re.compile(r"(?=.*\d)(?:[A-Z0-9][A-Z0-9-]{3,}|[A-Z][A-Z0-9-]{2})")
_WISH: Final = re.compile(
    r"\b(?:want|need|buy|order|have|like|reserve|take)\s+(?:to\s+\w+\s+)?"
    r"(?:(?:a|an|the|some|one|two|three|four|my)\s+)+(?P<thing>[a-z][\w'-]*(?:\s[\w'-]+){0,3}?)"
    r"(?=\s+(?:please|for|on|at|from|in|to|today|tomorrow|and|with|this|next)\b|[.,;!?]|$)"
)
_NO_THING: Final = frozenset({"appointment", "time", "help", "question", "problem"})
_ORDINALS: Final = {
    "first": 0, "earlier": 0, "earliest": 0, "former": 0, "primera": 0, "primero": 0,
    "second": 1, "latter": 1, "later": 1, "segunda": 1, "segundo": 1, "third": 2, "last": -1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument the model fills."""

    name: str
    description: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """Name and description as one text."""
        return f"{self.name.replace('_', ' ')} {self.description}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with what the model is told about it."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    of_client: bool = False

    @property
    def purpose(self) -> str:
        """Its first sentence: what it is for."""
        return re.split(r"(?<=[.!?])\s", self.description)[0]


@dataclass(frozen=True, slots=True)
class Option:
    """One of several things a tool offered; ``value`` as it came."""

    value: Any
    label: str
    at: datetime | None


def tool_of(config: Mapping[str, Any]) -> Tool:
    """A tool from its wire configuration."""
    schemas = [config.get("parameters")]
    api = config.get("api_schema") or {}
    path = api.get("path_params_schema")
    if path:
        schemas.append({"properties": path, "required": list(path)})
    schemas += [api.get("query_params_schema"), api.get("request_body_schema")]
    found: list[Parameter] = []
    for schema in schemas:
        if not schema:
            continue
        required = schema.get("required") or ()
        for name, below in (schema.get("properties") or {}).items():
            if any(below.get(source) for source in _OTHER_SOURCES):
                continue
            found.append(
                Parameter(
                    name,
                    str(below.get("description") or ""),
                    str(below.get("type") or "string"),
                    name in required,
                    tuple(below.get("enum") or ()),
                )
            )
    name, description = str(config.get("name", "")), str(config.get("description") or "")
    return Tool(name, description, tuple(found), of_client=config.get("type") == "client")


def answer_of(result: object) -> Any:
    """What a tool answered, as JSON; None for anything else."""
    if not isinstance(result, str):
        return result
    try:
        return json.loads(result)
    except ValueError:
        return None


def content_of(result: object) -> Any:
    """What a tool answered, as JSON, or else the words it answered."""
    answer = answer_of(result)
    return result if answer is None and result != "null" else answer


def options_of(answer: Any) -> tuple[Option, ...]:
    """The things to choose from in an answer: its first list, in the order it came."""
    listed = _first_list(answer)
    found = []
    for one in (listed or [])[:OPTIONS_MAX]:
        value, label = one, str(one)
        if isinstance(one, Mapping):
            values = list(one.values())
            value = next((inner for inner in values if moment_of(inner)), (values or [""])[0])
            label = ", ".join(
                str(inner) for inner in values if isinstance(inner, str | int | float)
            )
        found.append(Option(value, label, moment_of(value)))
    return tuple(found)


def _first_list(answer: Any) -> list[Any] | None:
    if isinstance(answer, list):
        return answer
    if isinstance(answer, Mapping):
        for value in answer.values():
            found = _first_list(value)
            if found is not None:
                return found
    return None


def code_of(answer: Any) -> str | None:
    """A confirmation code in an answer: by its key, or by how it looks."""
    if not isinstance(answer, Mapping):
        return None
    for key, value in answer.items():
        if isinstance(value, str | int) and concepts(str(key).replace("_", " ")) & {
            "confirmation", "code", "reference",
        }:  # fmt: skip
            return str(value) or None
    for value in answer.values():
        if isinstance(value, Mapping) and (found := code_of(value)):
            return found
        if isinstance(value, str) and _CODE.fullmatch(value):
            return value
    return None


def failed(tool: Tool, result: object, *, is_error: bool) -> bool:
    """Whether a tool did not do its work. What is no JSON is nonsense from an address; a client
    may answer in plain words.
    """
    answer = answer_of(result)
    nonsense = answer is None and result not in (None, "") and not tool.of_client
    return is_error or refused(answer) or nonsense


def refused(answer: Any) -> bool:
    """Whether an answer says by itself that nothing was done."""
    return isinstance(answer, Mapping) and any(
        value is False or (key in {"error", "errors"} and value) for key, value in answer.items()
    )


def chosen(heard: str, options: Sequence[Option], memory: Memory, *, agrees: bool) -> Option | None:
    """Which option was meant; None if none, or more than one, fits."""
    moment = named_moment(heard, memory.today)
    if moment.clock or moment.day:
        fitting = [one for one in options if one.at and _fits(moment, one.at)]
        if len(fitting) == 1:
            return fitting[0]
        if len(fitting) > 1 and moment.clock and moment.loose:
            daytime = [one for one in fitting if one.at and one.at.hour in DAYTIME]
            return daytime[0] if len(daytime) == 1 else None
        if moment.clock or not fitting:
            return None
    words = tokens(heard)
    for word in words:
        if word in _ORDINALS and options and abs(_ORDINALS[word]) <= len(options) - 1:
            return options[_ORDINALS[word]]
    labelled = [one for one in options if one.at is None and overlap(one.label, heard) >= ALIKE]
    if len(labelled) == 1:
        return labelled[0]
    return options[0] if agrees and len(options) == 1 else None


def _fits(moment: Moment, at: datetime) -> bool:
    """A weekday fits any week, since options are what there is."""
    day = moment.day is None or moment.day.weekday() == at.weekday()
    return day and (moment.clock is None or at.time() in moment.clocks())


class Arguments:
    """Fills parameters from what is known."""

    def __init__(
        self,
        memory: Memory,
        variables: Mapping[str, Any],
        selected: Option | None,
        results: Iterable[Any],
    ) -> None:
        self._memory = memory
        self._variables = variables
        self._selected = selected
        self._results = list(results)

    def fill(self, tool: Tool) -> dict[str, Any]:
        """The arguments that are known, by name."""
        found = {one.name: self.value(one) for one in tool.parameters}
        return {name: value for name, value in found.items() if value not in (None, "")}

    def value(self, parameter: Parameter) -> Any:
        """The value of one parameter; None if nothing is known for it."""
        about = concepts(parameter.about)
        words = set(tokens(parameter.about))
        if parameter.choices:
            return self._of_choices(parameter)
        if parameter.kind == "boolean":
            return None
        if parameter.kind in {"integer", "number"}:
            return self._number()
        typed, found = self._typed(parameter, about, words)
        return self._elsewhere(parameter, typed=typed) if found is None else found

    def _typed(
        self, parameter: Parameter, about: frozenset[str], words: set[str]
    ) -> tuple[bool, Any]:
        """Whether a parameter is of a usual kind, and what is known of that kind."""
        known = self._memory.known
        name = set(tokens(parameter.name.replace("_", " ")))
        day = self._memory.moment.day
        person = about & {"owner"} or words & {"your", "person"}
        candidates: tuple[tuple[object, Callable[[], Any]], ...] = (
            (words & {"slot", "option", "choice"} or {"iso", "time"} <= words, self._slot),
            (
                name & {"day", "date"} or {"iso", "date"} <= words,
                lambda: day.isoformat() if day else None,
            ),
            (
                words & {"phone", "telephone"}
                or ("number" in words and about & {"phone", "owner"}),
                lambda: known.get("phone") or self._variables.get("system__caller_id"),
            ),
            (
                "name" in words or name & {"owner", "customer", "caller"},
                lambda: known.get("person" if person else "thing"),
            ),
            (name & {"time"}, self._slot),
            (words & {"reason", "why", "purpose"}, lambda: known.get("reason")),
            (words & _SUMMARISES, self._summary),
            (words & {"kind", "species", "breed"}, lambda: known.get("kind")),
            (words & {"age"}, lambda: known.get("age")),
        )
        return next(((True, value()) for fits, value in candidates if fits), (False, None))

    def _slot(self) -> Any:
        if self._selected is not None:
            return self._selected.value
        moment = self._memory.moment
        if moment.day and moment.clock:
            hour = [one for one in moment.clocks() if one.hour in DAYTIME] or [moment.clock]
            return f"{moment.day.isoformat()}T{hour[0]:%H:%M}"
        return None

    def _summary(self) -> str | None:
        said = [text for text in self._memory.heard if len(tokens(text)) > FEW_WORDS]
        text = " ".join((said or self._memory.heard)[-2:]).strip()
        whole = re.sub(r"[.!?]+\s+(?=\S)", "; ", text).strip(" ;")
        return whole or None

    def _of_choices(self, parameter: Parameter) -> str | None:
        said = " ".join(self._memory.heard[-6:])
        ranked = [one for one in parameter.choices if overlap(one.replace("_", " "), said) >= ALIKE]
        return ranked[-1] if ranked else None

    def _number(self) -> int | None:
        for text in reversed(self._memory.heard):
            for word in tokens(text):
                value = value_of(word)
                if value is not None and word not in {"a", "an", "half"}:
                    return value
        return None

    def _elsewhere(self, parameter: Parameter, *, typed: bool) -> Any:
        if parameter.name in self._variables:
            return self._variables[parameter.name]
        for answer in reversed(self._results):
            if isinstance(answer, Mapping) and parameter.name in answer:
                return answer[parameter.name]
        if typed:
            return None
        known = {name: value for name, value in self._memory.known.items() if name != "person"}
        named = (value for name, value in known.items() if overlap(name, parameter.about) >= ALIKE)
        return next(named, self._wished() if parameter.required else None)

    def _wished(self) -> str | None:
        """What the caller last said to want: "I'd like a sourdough loaf, please"."""
        for text in reversed(self._memory.heard):
            for match in _WISH.finditer(text.lower()):
                if not concepts(match["thing"]) & _NO_THING:
                    return match["thing"]
        return None
