"""Matchers and stubs in the words of the vendor's tests. Pure.

The vendor's judge reads sentences and its parameter checks know four kinds. A matcher is put in
the strictest of them that means the same; where none does, the sentence says exactly what is
meant. What cannot be said at all is None here, and named by whoever asks.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trunkline.model.base import Json, JsonObject
from trunkline.model.kinds.conversation import Stub
from trunkline.model.kinds.matchers import Matcher

_FLAGS = re.compile(r"^\(\?([a-zA-Z]+)\)")
_ANY_TEXT: Final = r"[\s\S]*"
_HOWEVER: Final = "whatever their case, punctuation and spelling of numbers"
FAILURES: Final = {
    "error": '{"error": "the tool reports an error"}',
    "http503": '{"error": "503 Service Unavailable"}',
}
"""What the model sees of a tool that fails: an error the vendor can show it."""


@dataclass(frozen=True, slots=True)
class Mock:
    """An answer prepared for a tool in the vendor's shape; ``lost`` says what of it is missing."""

    body: JsonObject | None
    lost: tuple[tuple[str, str], ...] = ()


def reply_sentence(matcher: str | Matcher) -> str:
    """What must hold of a reply, as one sentence a judge can decide."""
    if isinstance(matcher, str):
        return f"The reply contains the words {_quoted(matcher)}, whatever their case and spacing."
    return " ".join(_reply_parts(matcher))


def parameter_checks(path: str, matcher: Json | Matcher) -> list[JsonObject]:
    """The vendor's checks of one argument; all of them must hold."""
    if not isinstance(matcher, Matcher):
        return [_check(path, _equal(matcher))]
    return [_check(path, evaluation) for evaluation in _evaluations(matcher)]


def mock_of(stub: Stub) -> Mock:
    """A stub as an answer within a simulation. Times and broken bytes are beyond the vendor."""
    lost: list[tuple[str, str]] = []
    if stub.after is not None:
        lost.append(("after", "a pause of a tool"))
    if stub.fail is not None and stub.fail not in FAILURES:
        lost.append(("fail", f"a tool that fails by {stub.fail}"))
        return Mock(None, tuple(lost))
    conditions: list[Json] = []
    if stub.when is not None:
        for name, matcher in stub.when.args.items():
            conditions += parameter_checks(name, matcher)
    result = FAILURES[stub.fail] if stub.fail is not None else _text(stub.reply)
    body: JsonObject = {
        "parameter_conditions": conditions,
        "mock_result": result,
        "is_error": stub.fail is not None,
    }
    return Mock(body, tuple(lost))


def searching(pattern: str) -> str:
    """A pattern that means "somewhere in the text", however the vendor applies it."""
    flags = _FLAGS.match(pattern)
    inner = f"(?{flags[1]}:{pattern[flags.end() :]})" if flags else f"(?:{pattern})"
    return f"{_ANY_TEXT}{inner}{_ANY_TEXT}"


def _reply_parts(matcher: Matcher) -> Iterator[str]:
    for form, sentence in _SENTENCES.items():
        if form in matcher.model_fields_set and getattr(matcher, form) is not None:
            yield sentence(getattr(matcher, form))


def judged(criterion: str) -> str:
    """A criterion as the sentence it is; the reply is its subject."""
    return f"The reply {criterion}" if criterion[:1].islower() else criterion


def _evaluations(matcher: Matcher) -> Iterator[JsonObject]:
    if "equals" in matcher.model_fields_set:
        yield _equal(matcher.equals)
    for form, evaluation in _EVALUATIONS.items():
        if getattr(matcher, form) is not None:
            yield evaluation(getattr(matcher, form))


def _equal(value: Json) -> JsonObject:
    if isinstance(value, str):
        return {"type": "exact", "expected_value": value}
    if value is None or isinstance(value, dict | list):
        return _judge(f"is exactly this JSON value: {_text(value)}")
    if isinstance(value, float) and value.is_integer():
        return {"type": "exact", "expected_value": str(int(value))}
    return {"type": "exact", "expected_value": json.dumps(value)}


def _regex(pattern: str) -> JsonObject:
    return {"type": "regex", "pattern": pattern}


def _judge(description: str) -> JsonObject:
    return {"type": "llm", "description": description}


def _check(path: str, evaluation: JsonObject) -> JsonObject:
    return {"path": path, "eval": evaluation}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(_quoted(text) for text in texts)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_SENTENCES: Final[dict[str, Callable[[Any], str]]] = {
    "equals": lambda value: f"The reply is exactly {_quoted(_text(value))}.",
    "contains": lambda text: f"The reply contains exactly the text {_quoted(text)}.",
    "matches": lambda pattern: f"The regular expression {_quoted(pattern)} is found in the reply.",
    "like": lambda text: f"The reply contains the words {_quoted(text)}, {_HOWEVER}.",
    "any_of": lambda texts: f"The reply contains at least one of {_listed(texts)}.",
    "not_contains": lambda text: f"The reply does not contain the text {_quoted(text)}.",
    "not_matches": lambda pattern: (
        f"The regular expression {_quoted(pattern)} is not found in the reply."
    ),
    "not_like": lambda text: f"The reply does not contain the words {_quoted(text)}, {_HOWEVER}.",
    "not_any_of": lambda texts: f"The reply contains none of {_listed(texts)}.",
    "judge": judged,
    "anything": lambda _: "The agent replies at all.",
}
_EVALUATIONS: Final[dict[str, Callable[[Any], JsonObject]]] = {
    "contains": lambda text: _regex(f"{_ANY_TEXT}{re.escape(text)}{_ANY_TEXT}"),
    "matches": lambda pattern: _regex(searching(pattern)),
    "like": lambda text: _judge(f"is {_quoted(text)}, {_HOWEVER}"),
    "any_of": lambda texts: _regex(f"^(?:{'|'.join(re.escape(text) for text in texts)})$"),
    "not_contains": lambda text: _judge(f"does not contain the text {_quoted(text)}"),
    "not_matches": lambda pattern: _judge(
        f"has nothing that the regular expression {_quoted(pattern)} finds"
    ),
    "not_like": lambda text: _judge(f"is not {_quoted(text)}, {_HOWEVER}"),
    "not_any_of": lambda texts: _judge(f"is none of {_listed(texts)}"),
    "judge": _judge,
    "anything": lambda _: {"type": "anything"},
}
