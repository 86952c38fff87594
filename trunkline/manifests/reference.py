"""The page about conversation tests, generated from the kinds so that it cannot be wrong.

What a key means is said below it in the kind, what it looks like in a catalogue of examples that
are run as tests. Where the page and the catalogue are kept is not known here: ``make docs``
writes the one from the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from trunkline.manifests.writing import manifest_text
from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.durations import DURATION_PATTERN
from trunkline.model.errors import InvalidInput
from trunkline.model.kinds.conversation import (
    SOUND_ONLY,
    Caller,
    Comparison,
    ConversationTestSpec,
    Fragment,
    Injection,
    Interruption,
    JudgeSpec,
    Noise,
    NotWorse,
    Phone,
    Repeat,
    Stub,
    TestLimits,
    TestTools,
    Turn,
    When,
)
from trunkline.model.kinds.expectations import (
    Always,
    AudioQuality,
    CallExpected,
    Ending,
    Expectation,
    Finally,
    ReplyTimes,
    Words,
)
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.testing.figures import pass_probability

PASS_RATES: Final = ("0.99", "0.95", "0.9", "0.8", "0.7", "0.5")
REPEATS: Final = ((1, 1), (2, 3), (3, 3), (4, 5), (5, 5), (9, 10), (10, 10))
"""Runs that must pass, of how many."""
_HEARD: Final = SOUND_ONLY | {"voice", "noise"}
_EVERYWHERE: Final = "text, audio, phone"
_WITH_SOUND: Final = "audio, phone"
_UNTOLD: Final = frozenset({"clock", "compare", "history", "inject", "variables"})
"""Keys of a test and its turns that say what no telephone call can carry."""


class Shown(Frozen):
    """An example of the catalogue: ``test`` is the part of a spec that shows what it is ``about``,
    such as ``matcher.contains``. A line of the ``transcript`` says ``at`` which millisecond who
    said or did what. ``facts`` are what is known beside it, ``documents`` texts of documents.
    ``failing`` is the path of the check that does not pass.
    """

    model_config = ConfigDict(extra="ignore")

    title: str
    about: str
    test: JsonObject
    transcript: tuple[JsonObject, ...] = ()
    outcome: Literal["passed", "failed", "inconclusive"]
    failing: str = ""
    facts: JsonObject = Field(default_factory=dict)
    documents: JsonObject = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Chapter:
    """Keys of a model under a heading; ``about`` is what examples of its keys begin with."""

    heading: str
    text: str
    model: type[BaseModel]
    about: str
    keys: tuple[str, ...] = ()
    sound: bool = False


_CHAPTERS: Final = (
    _Chapter(
        "Inputs of a turn",
        "A turn has at most one input. A turn without one waits for the agent, as the first turn "
        "does when the agent greets. `dtmf` and `audioFile` cannot be given in text: such a turn "
        "is left out there with everything it expects.",
        Turn,
        "turn",
        ("say", "dtmf", "silence", "audioFile", "inject", "asCaller", "maxTurns", "interrupt"),
    ),
    _Chapter("`interrupt`", "", Interruption, "turn.interrupt", sound=True),
    _Chapter("`inject`", "", Injection, "turn.inject"),
    _Chapter(
        "What a turn expects",
        "`expect` is a list in the order in which things should arrive; other replies and calls "
        "may come between. What is forbidden, and what a judge decides, holds for the whole turn. "
        "The turn is over when everything is decided and the agent is quiet, at the latest 15 "
        "seconds (text) or 30 seconds (speech) after its input, or after the longest `within`. "
        "Each line has exactly one of `says`, `calls`, `noCall`, `judge`, `stopsWithin`.",
        Expectation,
        "expect",
    ),
    _Chapter(
        "`calls` with arguments",
        "`calls: book_slot` is enough where arguments do not matter. A bare value is compared as "
        "it is, numbers by value; an object is written below `equals`.",
        CallExpected,
        "expect.calls",
    ),
    _Chapter(
        "Matchers",
        "In `says`, a bare text is looked for, whatever its case and spacing. In arguments and "
        "variables a bare value must be equal. Every other form is an object with the keys below; "
        "of several keys all must hold.",
        Matcher,
        "matcher",
    ),
    _Chapter(
        "What tools answer",
        "`tools` names functions as the model sees them, each with a list of answers. A call of "
        "a tool without an answer that fits fails the run (UnstubbedTool). With `live: true` "
        "tools that are not named are really called.",
        Stub,
        "tools",
    ),
    _Chapter("`when`", "", When, "tools.when"),
    _Chapter("`live`", "", TestTools, "tools"),
    _Chapter(
        "`always`",
        "What holds for every reply of the conversation. Each line has exactly one check.",
        Always,
        "always",
    ),
    _Chapter("`words`", "", Words, "always.words"),
    _Chapter(
        "`repliesWithin`",
        "From the end of an input to the first words of the reply. Percentiles are nearest-rank: "
        "the smallest measured time that so many replies do not exceed.",
        ReplyTimes,
        "always.repliesWithin",
    ),
    _Chapter(
        "`finally`",
        "What holds when the conversation is over. Each line has exactly one check.",
        Finally,
        "finally",
    ),
    _Chapter("`ends`", "", Ending, "finally.ends"),
    _Chapter("`audio`", "", AudioQuality, "finally.audio", sound=True),
    _Chapter("`limits`", "", TestLimits, "limits"),
    _Chapter("`caller`", "", Caller, "caller"),
    _Chapter("`noise`", "", Noise, "caller.noise", sound=True),
    _Chapter("`judge`", "", JudgeSpec, "judge"),
    _Chapter(
        "`phone`",
        "In mode `phone` Trunkline calls a number that leads to the agent, from another number of "
        "the same environment, and the script is the caller: its sentences are spoken, its keys "
        "are tones, and what the agent says is read from its own side of the call. What a call "
        "reaches is what is deployed and routed: how to set it up, and what is inconclusive "
        "there, stands in [Testing agents](testing.md).",
        Phone,
        "phone",
    ),
    _Chapter("`compare`", "", Comparison, "compare"),
    _Chapter("`notWorseBy`", "", NotWorse, "compare.notWorseBy"),
)

_REFERRED: Final = {"Matcher": "matcher", "JsonValue": "any value", "CallExpected": "call"}
_TYPES: Final = {
    "array": "list",
    "boolean": "true or false",
    "object": "object",
    "string": "text",
}

_HEAD = """\
# Conversation tests

Generated from the code and from examples that are run as tests; `make docs` writes it anew. How to
run tests and read their results stands in [Testing agents](testing.md).

A conversation test is a document of kind `ConversationTest` in any YAML file of the repository.
An unknown key anywhere in it is an error with its line, and so is a key without a value, a
function or argument the agent does not have, and a test that checks nothing.

```yaml
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata:
  name: books-a-slot
  tags: [smoke, booking]
  why: Booking is what four of five callers want
spec:
  agent: front-desk
  tools:
    find_slots:
      - reply: { slots: ["2026-06-16T14:30"] }
    book_slot:
      - reply: { confirmation: APT-12345 }
  turns:
    - expect:
        - says: Hello
    - say: Biscuit needs her yearly shots. Could we come on Tuesday?
      expect:
        - calls: find_slots
        - says: { matches: "(?i)half past two|2:30" }
    - say: Yes, half past two is fine.
      expect:
        - calls: { name: book_slot, args: { slot: "2026-06-16T14:30" } }
        - says: APT-12345
  finally:
    - callsTotal: { book_slot: 1 }
```

A check passes, fails, or is inconclusive: it could not be found out. What a mode cannot evaluate
does not apply there and never counts as passed; a run in which nothing required was checked is
inconclusive. A check that fails by itself is never rescued by a judge.

Examples show the part of `spec` they are about. Below it stands what happened in a conversation,
by milliseconds, and what the check came to.
"""

_REPEAT = """\
## `repeat`: how many runs must pass

A model does not say the same thing twice. An agent that is right 95 times of 100 passes a single
run 95 times of 100; a bad one, right 70 times of 100, passes it 70 times. Asking for most of
several runs tells them apart better. A test stops as soon as its verdict is decided. A run that is
inconclusive might have gone either way: it is left out of the pass rate, and the test passes only
if it would whatever that run had been.

{keys}
How likely a test passes if each run passes with the probability in the first column: the exact
tail of the binomial distribution.

"""

_INCLUDE = """\
## `include`: what tests share

A fragment is a file beside or below the test whose name ends in `.fragment.yaml`. It holds any of
{keys}, without anything around them. It cannot include another.

Lists of fragments come first, in the order of `include`; then the test's own. Of objects, the
test's own keys win, then those of the later fragment; what a key holds is replaced as a whole.
Files that a fragment names are looked for beside the fragment. Errors and results point into the
file in which something stands.

```yaml
# agents/front-desk/tests/greeting.fragment.yaml
turns:
  - expect:
      - says: Hello
always:
  - words: {{ max: 60 }}
```

```yaml
spec:
  agent: front-desk
  include: [greeting.fragment.yaml]
  turns:
    - say: When are you open?
      expect:
        - says: nine
```
"""

_YAML = """\
## YAML that means something else

| written | means | write |
| --- | --- | --- |
| `dtmf: 012` | the number twelve; refused | `dtmf: "012"` |
| `dtmf: 1 #` | the number one and a comment; refused | `dtmf: "1#"` |
| `dtmf: *1` | an alias; refused | `dtmf: "*1"` |
| `say: no` | the text "no" | |
| `say: 911` | a number; refused | `say: "911"` |
| `says: { matches: "\\d" }` | an unknown escape; refused | `says: { matches: '\\d' }` |
| `clock: 2026-06-12` | a day without a time; refused | `clock: "2026-06-12T09:00:00+01:00"` |
| `says: [a, b]` | a list; refused | `says: { anyOf: [a, b] }` |
"""


def conversation_reference(examples: Iterable[Shown]) -> str:
    """The whole page as Markdown."""
    by_about: dict[str, list[Shown]] = {}
    for example in examples:
        by_about.setdefault(example.about, []).append(example)
    shown = {about for chapter in _CHAPTERS for about in _subjects(chapter)} | {"repeat"}
    if unknown := sorted(by_about.keys() - shown):
        raise InvalidInput(f"examples are about {', '.join(unknown)}, which is nothing here")
    parts = [_HEAD, _overview()]
    for chapter in _CHAPTERS:
        parts += _chapter(chapter, by_about)
    keys = ", ".join(f"`{key}`" for key in sorted(_keys(Fragment)))
    parts += [
        _REPEAT.format(keys=_table(Repeat, _keys(Repeat))) + pass_table(),
        *_examples("repeat", by_about.get("repeat", ())),
        _INCLUDE.format(keys=keys),
        _YAML,
    ]
    return "\n".join(parts)


def pass_table() -> str:
    """How likely a test passes, by pass rate of a run and runs that must pass, as Markdown."""
    head = " | ".join(f"{needed} of {runs}" for needed, runs in REPEATS)
    lines = [f"| a run passes | {head} |", f"| --- |{' --- |' * len(REPEATS)}"]
    for rate in PASS_RATES:
        cells = (f"{pass_probability(Fraction(rate), n, k):.10f}" for k, n in REPEATS)
        lines.append(f"| {rate} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _overview() -> str:
    shared = _keys(Fragment)
    keys = [key for key in _keys(ConversationTestSpec) if key not in shared]
    keys += shared
    return f"## Keys of `spec`\n\n{_table(ConversationTestSpec, keys)}"


def _subjects(chapter: _Chapter) -> tuple[str, ...]:
    """What examples of a chapter are about: the chapter itself and its keys."""
    keys = chapter.keys or _keys(chapter.model)
    return (chapter.about, *(f"{chapter.about}.{key}" for key in keys))


def _chapter(chapter: _Chapter, examples: dict[str, list[Shown]]) -> Iterator[str]:
    """A chapter with those of its examples that no chapter before it has shown."""
    keys = chapter.keys or _keys(chapter.model)
    level = "###" if "." in chapter.about else "##"
    text = chapter.text or " ".join((chapter.model.__doc__ or "").split())
    table = _table(chapter.model, keys, sound=chapter.sound)
    yield f"{level} {chapter.heading}\n\n{text}\n\n{table}"
    for about in _subjects(chapter):
        yield from _examples(about, examples.pop(about, ()))


def _examples(about: str, examples: Iterable[Shown]) -> Iterator[str]:
    """What one key looks like; a test that several examples share is shown once."""
    written = ""
    for each in examples:
        test = manifest_text(each.test)
        if test != written:
            yield f"**`{about}`**\n\n```yaml\n{test}```\n"
            written = test
        came = f"{each.outcome} at `{each.failing}`" if each.failing else each.outcome
        talk = "".join(f"{line}\n" for line in _told(each))
        yield f"{came[:1].upper()}{came[1:]}: {each.title}.\n\n```text\n{talk}```\n"


def _told(example: Shown) -> Iterator[str]:
    """What happened, as people read it."""
    for line in example.transcript:
        told = {key: value for key, value in line.items() if key not in ("at", "turn")}
        yield f"{line.get('at')!s:>6} ms  {_words(told)}"
    for known in (example.facts, example.documents):
        if known:
            yield f"{'':>9}  {_words(known)}"


def _words(told: JsonObject) -> str:
    return ", ".join(f"{key}: {_word(value)}" for key, value in told.items())


def _word(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(str(field.alias) for field in model.model_fields.values())


def _table(model: type[BaseModel], keys: Sequence[str], *, sound: bool = False) -> str:
    schema = model.model_json_schema(by_alias=True)
    schema = schema.get("properties") or schema["$defs"][model.__name__]["properties"]
    fields = {field.alias: field for field in model.model_fields.values()}
    rows = ["| key | value | means | in mode |", "| --- | --- | --- | --- |"]
    for key in keys:
        described: JsonObject = schema[key]
        means = " ".join((fields[key].description or "").split())
        modes = _modes(model, key, sound=sound)
        rows.append(f"| `{key}` | {_value(described)} | {_cell(means)} | {modes} |")
    return "\n".join(rows) + "\n"


def _modes(model: type[BaseModel], key: str, *, sound: bool) -> str:
    """In which modes a key means something."""
    if model is Phone or (model is ConversationTestSpec and key == "phone"):
        return "phone"
    if model in (Comparison, Injection, NotWorse) or (
        model in (ConversationTestSpec, Turn) and key in _UNTOLD
    ):
        return "text, audio"
    return _WITH_SOUND if sound or key in _HEARD else _EVERYWHERE


def _value(described: JsonObject) -> str:
    """What kind of value a key has, in a few words."""
    choices = described.get("enum")
    if isinstance(choices, list):
        return " \\| ".join(f"`{choice}`" for choice in choices)
    forms = described.get("oneOf")
    if isinstance(forms, list):
        return " or ".join(_value(form) for form in forms if isinstance(form, dict))
    reference = described.get("$ref")
    if isinstance(reference, str):
        return _REFERRED.get(reference.rpartition("/")[2], "object")
    if described.get("pattern") == DURATION_PATTERN:
        return "duration"
    return _of_type(described)


def _of_type(described: JsonObject) -> str:
    kind = described.get("type")
    if kind in ("integer", "number"):
        low = described.get("minimum", described.get("exclusiveMinimum"))
        bounds = [f"from {low}" if low is not None else "", f"to {described.get('maximum')}"]
        return " ".join(["number", *(each for each in bounds if each and "None" not in each)])
    return _TYPES.get(str(kind), "any value")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
