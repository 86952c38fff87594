"""How an expectation says what a text or a value must be like.

A bare value is the short form. Every other form is one key, so that a test reads as a sentence and
a report can repeat it. Which forms a bare text means depends on where it stands: in a reply it is
looked for, in an argument it is the whole value.
"""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    WithJsonSchema,
    model_validator,
)

from trunkline.model.base import Json
from trunkline.model.kinds.base import DescribedPart, Text, refuse
from trunkline.model.kinds.patterns import compiled
from trunkline.model.limits import LIST_MAX_ITEMS, TEXT_FIELD_MAX_CHARACTERS

Pattern = Annotated[Text, AfterValidator(lambda text: compiled(text) and text)]
"""A regular expression that is searched for, in the syntax of RE2 (no backtracking)."""


def _with_words(text: str) -> str:
    if not any(character.isalnum() or character == "%" for character in text):
        raise refuse("punctuation is ignored here, and there is nothing else; use `contains`")
    return text


Words = Annotated[Text, AfterValidator(_with_words)]
"""Text that is compared by its words, so it has some."""

Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS)]

FORMS = (
    "equals",
    "contains",
    "matches",
    "like",
    "any_of",
    "not_contains",
    "not_matches",
    "not_like",
    "not_any_of",
    "judge",
    "anything",
)
"""Keys of a matcher."""


class Matcher(DescribedPart):
    """What a text or a value must be like; of several keys all must hold."""

    equals: Json = None
    """The value itself. In a reply: the whole reply, letter by letter."""
    contains: Text | None = None
    """This text somewhere; case counts."""
    matches: Pattern | None = None
    """A regular expression that is found somewhere, `(?i)` for any case; without look-around."""
    like: Words | None = None
    """The same words, whatever their case, punctuation and spelling of numbers."""
    any_of: Texts | None = None
    """One of several bare texts."""
    not_contains: Text | None = None
    """This text nowhere; case counts."""
    not_matches: Pattern | None = None
    """A regular expression that is found nowhere."""
    not_like: Words | None = None
    """Not these words, whatever their case, punctuation and spelling of numbers."""
    not_any_of: Texts | None = None
    """None of several bare texts."""
    judge: Annotated[Text, Field(max_length=TEXT_FIELD_MAX_CHARACTERS)] | None = None
    """A sentence about it that the judge must agree with."""
    anything: StrictBool | None = None
    """`true`: a value of any kind, but one."""

    @model_validator(mode="after")
    def _says_something(self) -> "Matcher":
        if not any(name in self.model_fields_set for name in FORMS):
            raise refuse("a matcher needs at least one of `contains`, `matches`, `like`, `anyOf` …")
        if self.anything is False:
            raise refuse("`anything` is `true` or absent", at=("anything",))
        return self


def _form(value: Any) -> str:
    return "=matcher" if isinstance(value, dict | Matcher) else "=bare"


def _no_list(value: Any) -> Any:
    if isinstance(value, list):
        raise refuse("must be text or a matcher; alternatives are written `{ anyOf: […] }`")
    return value


def _of_texts(wanted: Any) -> Any:
    given = isinstance(wanted, Matcher) and "equals" in wanted.model_fields_set
    if given and not isinstance(wanted.equals, str):
        raise refuse("a reply is text: put the value in quotes", at=("equals",))
    return wanted


BareText = Annotated[Text, BeforeValidator(_no_list), Tag("=bare")]
TextMatcher = Annotated[
    BareText | Annotated[Matcher, Tag("=matcher")],
    Discriminator(_form),
    AfterValidator(_of_texts),
]
"""In a reply: a bare text is looked for, whatever its case and spacing."""

_BARE_TYPES = ["string", "number", "boolean", "null", "array"]
_BareValue = Annotated[
    Json,
    WithJsonSchema({"type": _BARE_TYPES, "description": "The value itself; numbers by value."}),
    Tag("=bare"),
]
ValueMatcher = Annotated[
    _BareValue | Annotated[Matcher, Tag("=matcher")],
    Discriminator(_form),
]
"""In an argument: a bare value must be equal (numbers by value); objects are written ``equals``."""
