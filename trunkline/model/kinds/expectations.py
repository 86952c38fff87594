"""What must come of a conversation: in a turn, in every reply, and by its end.

Each line holds exactly one check, so that a result has one place in the file. What a mode cannot
evaluate does not apply there; it never counts as passed. How a check is decided is not known here.
"""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    Tag,
    model_validator,
)

from trunkline.model.durations import Duration
from trunkline.model.kinds.base import (
    DescribedPart,
    Name,
    Shape,
    Text,
    VariableName,
    exactly_one,
    refuse,
)
from trunkline.model.kinds.capabilities import FunctionName
from trunkline.model.kinds.matchers import TextMatcher, ValueMatcher
from trunkline.model.limits import LIST_MAX_ITEMS
from trunkline.model.testing.limits import TEST_WAIT_MAX_S, TURNS_MAX


def _bounded(duration: timedelta) -> timedelta:
    if not 0 < duration.total_seconds() <= TEST_WAIT_MAX_S:
        raise refuse("must be longer than nothing and at most 10m")
    return duration


Wait = Annotated[Duration, AfterValidator(_bounded)]
"""How long something may take: never nothing, which would check nothing."""
Percent = Annotated[str, Shape(r"^(100|[0-9]{1,2})(\.[0-9]+)?%$", "a percentage, such as 15%")]
Count = Annotated[StrictInt, Field(ge=0, le=TURNS_MAX)]


def _loudness(bounds: Any) -> Any:
    sound = isinstance(bounds, list | tuple) and len(bounds) == 2  # noqa: PLR2004 - a pair
    if not sound or not all(type(bound) in (int, float) for bound in bounds):
        raise refuse("must be two numbers in LUFS, the quieter first, such as [-26, -16]")
    if bounds[0] >= bounds[1]:
        raise refuse("the quieter number comes first, such as [-26, -16]")
    return bounds


def some_key(part: DescribedPart, what: str) -> None:
    """Raises a pydantic error if a part without a required key is empty and would check nothing."""
    if all(getattr(part, key) is None for key in type(part).model_fields):
        listed = ", ".join(f"`{each.alias}`" for each in type(part).model_fields.values())
        raise refuse(f"{what} needs at least one of {listed}")


class CallExpected(DescribedPart):
    """A call of a tool, by the name the model sees."""

    name: FunctionName
    """The function, as the model sees it."""
    args: Annotated[dict[str, ValueMatcher], Field(max_length=LIST_MAX_ITEMS)] = Field(
        default_factory=dict
    )
    """Arguments that matter, each with what it must be like; others may come too."""


def _call_form(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "=list"
    return "=call" if isinstance(value, dict | CallExpected) else "=name"


_OneCall = Annotated[
    Annotated[FunctionName, Tag("=name")] | Annotated[CallExpected, Tag("=call")],
    Discriminator(_call_form),
]
Calls = Annotated[
    Annotated[FunctionName, Tag("=name")]
    | Annotated[CallExpected, Tag("=call")]
    | Annotated[tuple[_OneCall, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS), Tag("=list")],
    Discriminator(_call_form),
]


class Expectation(DescribedPart):
    """One thing that must, or must not, happen in a turn: exactly one of the checks."""

    says: TextMatcher | None = None
    """What a reply must be like; a bare text is looked for, whatever its case and spacing."""
    calls: Calls | None = None
    """A tool that must be called: its name, `{ name, args }`, or a list of these."""
    no_call: FunctionName | None = None
    """A tool that must not be called in the turn, which lasts at least as long as `for` says."""
    judge: Text | None = None
    """A sentence about the reply that the judge must agree with."""
    stops_within: Wait | None = None
    """How soon the agent must stop speaking when the caller interrupts it."""
    within: Wait | None = None
    """How soon `says` or `calls` must have come true, from the turn's input."""
    watched: Wait | None = Field(None, alias="for")
    """How long `noCall` watches at least, from what is expected before it."""
    order: Literal["any", "listed"] | None = None
    """Whether the calls of a list come as `listed` or in `any` order, which is usual."""
    strict: StrictBool | None = None
    """`true`: no further reply or call in the turn after it."""

    CHECKS: ClassVar[tuple[str, ...]] = ("says", "calls", "no_call", "judge", "stops_within")

    @model_validator(mode="after")
    def _one_check(self) -> "Expectation":
        exactly_one(self, self.CHECKS, "an expectation")
        if self.watched is not None and self.no_call is None:
            raise refuse("`for` belongs to `noCall`", at=("for",), key=True)
        if self.within is not None and self.says is None and self.calls is None:
            raise refuse("`within` belongs to `says` and `calls`", at=("within",), key=True)
        if self.order is not None and not isinstance(self.calls, tuple):
            raise refuse("`order` belongs to a list of `calls`", at=("order",), key=True)
        if self.strict and self.no_call is not None:
            raise refuse("`strict` belongs to something that happens", at=("strict",), key=True)
        return self


class Words(DescribedPart):
    """How many words a reply may have."""

    most: Annotated[StrictInt, Field(ge=1, le=10_000)] = Field(alias="max")
    """The most words of any reply."""


class ReplyTimes(DescribedPart):
    """How soon replies begin, over the whole conversation."""

    p50: Wait | None = None
    """Half of the replies begin within this."""
    p95: Wait | None = None
    """Nineteen of twenty replies begin within this."""
    longest: Wait | None = Field(None, alias="max")
    """Every reply begins within this."""

    @model_validator(mode="after")
    def _ordered(self) -> "ReplyTimes":
        some_key(self, "`repliesWithin`")
        given = [
            (key, bound)
            for key, bound in (("p50", self.p50), ("p95", self.p95), ("max", self.longest))
            if bound is not None
        ]
        for (key, bound), (above, longer) in pairwise(given):
            if bound > longer:
                raise refuse(f"`{key}` cannot be longer than `{above}`", at=(key,))
        return self


class Always(DescribedPart):
    """What holds for every reply of the agent: exactly one check."""

    says: TextMatcher | None = None
    """What every reply must be like; mostly a `not…`."""
    words: Words | None = None
    """How many words any reply may have."""
    replies_within: ReplyTimes | None = None
    """How soon replies begin, from the end of the input before them."""
    no_call: FunctionName | None = None
    """A tool that is never called."""
    judge: Text | None = None
    """A sentence about every reply that the judge must agree with."""

    CHECKS: ClassVar[tuple[str, ...]] = ("says", "words", "replies_within", "no_call", "judge")

    @model_validator(mode="after")
    def _one_check(self) -> "Always":
        exactly_one(self, self.CHECKS, "a line of `always`")
        return self


class Ending(DescribedPart):
    """Who ends the conversation, and within how many turns of the caller."""

    by: Literal["agent", "caller"] | None = None
    """Who ends it: `agent` or `caller`."""
    within_turns: Annotated[StrictInt, Field(ge=1, le=TURNS_MAX)] | None = None
    """The most turns of the caller until then."""

    @model_validator(mode="after")
    def _says_something(self) -> "Ending":
        some_key(self, "`ends`")
        return self


class AudioQuality(DescribedPart):
    """Measured from the agent's audio."""

    agent_overlap_max: Percent | None = None
    """The largest share of the time in which agent and caller speak at once."""
    silence_max: Wait | None = None
    """The longest silence before a reply."""
    loudness_lufs: Annotated[tuple[StrictFloat, StrictFloat], BeforeValidator(_loudness)] | None = (
        None
    )
    """Between which loudnesses the agent speaks, in LUFS, the quieter first."""
    clipping_max: Annotated[StrictInt, Field(ge=0)] | None = None
    """The most samples at full scale."""

    @model_validator(mode="after")
    def _says_something(self) -> "AudioQuality":
        some_key(self, "`audio`")
        return self


class Finally(DescribedPart):
    """What holds for the conversation as a whole: exactly one check."""

    goal: Text | None = None
    """What was achieved, as a sentence that the judge must agree with."""
    calls_total: (
        Annotated[dict[FunctionName, Count], Field(min_length=1, max_length=LIST_MAX_ITEMS)] | None
    ) = None
    """How often each of these tools was called, exactly; 0 is never."""
    ends: Ending | None = None
    """Who ended it, and how soon."""
    variables: (
        Annotated[dict[VariableName, ValueMatcher], Field(min_length=1, max_length=LIST_MAX_ITEMS)]
        | None
    ) = None
    """Variables of the conversation as they are at its end."""
    grounded_in: Name | None = None
    """A knowledge document of the agent: nothing it states may come from elsewhere."""
    says: TextMatcher | None = None
    """What some reply of the conversation must be like; a `not…` must hold for all of them."""
    judge: Text | None = None
    """A sentence about the whole conversation that the judge must agree with."""
    audio: AudioQuality | None = None
    """Measures of the agent's audio."""

    CHECKS: ClassVar[tuple[str, ...]] = (
        "goal",
        "calls_total",
        "ends",
        "variables",
        "grounded_in",
        "says",
        "judge",
        "audio",
    )

    @model_validator(mode="after")
    def _one_check(self) -> "Finally":
        exactly_one(self, self.CHECKS, "a line of `finally`")
        return self
