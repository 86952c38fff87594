"""Kind ConversationTest: a conversation as a caller would have it, and what must come of it.

One file serves text, audio and placed calls. Every turn has at most one input; everything expected
is a list in the order it should arrive in, and other events may come between. What a mode cannot
evaluate does not apply there; it never counts as passed.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from trunkline.model.base import Json
from trunkline.model.kinds.base import (
    DescribedPart,
    Envelope,
    LanguageCode,
    Metadata,
    Name,
    RelativePath,
    Shape,
    Text,
    VariableName,
    exactly_one,
    refuse,
)
from trunkline.model.kinds.expectations import (
    Always,
    AudioQuality,
    CallExpected,
    Calls,
    Count,
    Ending,
    Expectation,
    Finally,
    Percent,
    ReplyTimes,
    Wait,
    Words,
    some_key,
)
from trunkline.model.kinds.stubs import Stub, Stubs, TestTools, When
from trunkline.model.limits import LIST_MAX_ITEMS
from trunkline.model.testing.limits import (
    EXPECTATIONS_MAX,
    HISTORY_TURNS_MAX,
    JUDGE_VOTES_MAX,
    TEST_RUNS_MAX,
    TURNS_MAX,
)

__all__ = [
    "FRAGMENT_SUFFIXES",
    "SOUND_ONLY",
    "Always",
    "AudioQuality",
    "CallExpected",
    "Caller",
    "Calls",
    "Comparison",
    "ConversationTest",
    "ConversationTestSpec",
    "Count",
    "Ending",
    "Expectation",
    "Finally",
    "Fragment",
    "Injection",
    "Interruption",
    "JudgeSpec",
    "Keys",
    "Mode",
    "Noise",
    "NotWorse",
    "Percent",
    "Phone",
    "Repeat",
    "ReplyTimes",
    "Said",
    "Share",
    "Stub",
    "Stubs",
    "TestLimits",
    "TestMetadata",
    "TestTools",
    "Turn",
    "Wait",
    "When",
    "Words",
]

FRAGMENT_SUFFIXES: Final = (".fragment.yaml", ".fragment.yml")
"""How the name of a file ends that tests include and that is no manifest itself."""
SOUND_ONLY: Final = frozenset({"dtmf", "audioFile", "interrupt", "stopsWithin", "audio"})
"""Keys that mean nothing where nobody is heard: in ``mode: text``. A turn whose input is one of
them is left out there, with everything it expects."""


def _keys(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise refuse(
            f'must be keys of a telephone in quotes, such as "1#"; found the number {value}'
        )
    return value


def _instant(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or "T" not in value:
        raise refuse('must be a time in quotes, such as "2026-06-12T09:00:00+01:00"')
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise refuse(f'"{value}" is no time; write it like "2026-06-12T09:00:00+01:00"') from None
    if instant.tzinfo is None:
        raise refuse("must say its offset from UTC at the end, such as +01:00 or Z")
    return instant


def _recording(path: str) -> str:
    if not path.lower().endswith(".wav"):
        raise refuse("must be a WAV file, with a name that ends in .wav")
    return path


def _fragment(path: str) -> str:
    if not path.endswith(FRAGMENT_SUFFIXES):
        raise refuse("only fragments are included; their names end in .fragment.yaml")
    return path


def _one_file(path: str) -> str:
    if any(letter in path for letter in "*?["):
        raise refuse("must be one file; name each file by itself, without * or ?")
    return path


def _each_once(paths: tuple[str, ...]) -> tuple[str, ...]:
    for index, path in enumerate(paths):
        if path in paths[:index]:
            raise refuse(f"`{path}` is included twice", at=(str(index),))
    return paths


Mode = Literal["text", "audio", "phone"]
Keys = Annotated[
    str,
    BeforeValidator(_keys),
    Shape(r"^[0-9*#]{1,32}$", 'keys of a telephone in quotes, such as "1#"'),
]
Share = Annotated[StrictFloat, Field(ge=0, le=1)]
Clock = Annotated[AwareDatetime, BeforeValidator(_instant)]
Recording = Annotated[RelativePath, AfterValidator(_recording)]
FragmentPath = Annotated[RelativePath, AfterValidator(_fragment)]
SamplePath = Annotated[RelativePath, AfterValidator(_one_file)]


class Repeat(DescribedPart):
    """How often it runs and how many runs must pass."""

    runs: Annotated[StrictInt, Field(ge=1, le=TEST_RUNS_MAX)]
    """How many conversations there are at most; it stops as soon as the verdict is decided."""
    needed: Annotated[StrictInt, Field(ge=1, le=TEST_RUNS_MAX)] | None = Field(None, alias="pass")
    """How many of them must pass; all of them if it is left out."""

    @model_validator(mode="after")
    def _fits(self) -> "Repeat":
        if self.needed is not None and self.needed > self.runs:
            raise refuse("`pass` cannot be more than `runs`", at=("pass",))
        return self

    @property
    def must_pass(self) -> int:
        """Runs that must pass."""
        return self.runs if self.needed is None else self.needed


class TestLimits(DescribedPart):
    """What a run may take; beyond turns or seconds it fails, beyond the money it is stopped."""

    __test__ = False

    turns: Annotated[StrictInt, Field(ge=1, le=TURNS_MAX)] | None = None
    """The most turns of the caller; one more fails the run."""
    seconds: Annotated[StrictFloat, Field(gt=0, le=3600)] | None = None
    """The longest the conversation may last; beyond it the run fails."""
    cost_usd: Annotated[StrictFloat, Field(gt=0, le=1000)] | None = None
    """The most a run may cost in US dollars; beyond it the run is stopped and inconclusive."""


class Said(DescribedPart):
    """Something that was said before the conversation starts."""

    agent: Text | None = None
    """Said by the agent."""
    caller: Text | None = None
    """Said by the caller."""

    @model_validator(mode="after")
    def _one_speaker(self) -> "Said":
        exactly_one(self, ("agent", "caller"), "a line of `history`")
        return self


class Interruption(DescribedPart):
    """Speak while the agent speaks."""

    after: Literal["agent_starts"] = "agent_starts"
    """What it waits for: the agent has begun to speak."""
    by: Wait
    """How long after that the caller begins."""


class Injection(DescribedPart):
    """Something the agent is told in the middle of the conversation."""

    context: Text
    """What it is told; the caller says nothing."""


class Turn(DescribedPart):
    """At most one input of the caller, and what must come of it. Without input the agent begins."""

    say: Text | None = None
    """What the caller says."""
    dtmf: Keys | None = None
    """Keys the caller presses, in quotes, such as `"1#"`."""
    silence: Wait | None = None
    """How long the caller says nothing."""
    audio_file: Recording | None = None
    """A WAV file that is played to the agent, beside or below this file."""
    inject: Injection | None = None
    """Something the agent is told while it talks."""
    as_caller: Text | None = None
    """What a caller played by a model wants; such a test advises unless `gate` says otherwise."""
    interrupt: Interruption | None = None
    """Speak `say` or `audioFile` while the agent still speaks."""
    max_turns: Annotated[StrictInt, Field(ge=1, le=TURNS_MAX)] | None = None
    """How often the caller played by a model speaks in this turn; once if it is left out."""
    expect: Annotated[tuple[Expectation, ...], Field(max_length=EXPECTATIONS_MAX)] = ()
    """What must come of it, in order; other events may come between."""

    INPUTS: ClassVar[tuple[str, ...]] = (
        "say",
        "dtmf",
        "silence",
        "audio_file",
        "inject",
        "as_caller",
    )

    @property
    def needs_sound(self) -> bool:
        """True if the input cannot be given in text."""
        return self.dtmf is not None or self.audio_file is not None

    @model_validator(mode="after")
    def _one_input(self) -> "Turn":
        fields = type(self).model_fields
        given = [str(fields[name].alias) for name in self.INPUTS if getattr(self, name) is not None]
        if len(given) > 1:
            found = " and ".join(f"`{name}`" for name in given)
            raise refuse(f"a turn has one input; found {found}", at=(given[1],), key=True)
        if not given and not self.expect:
            raise refuse("a turn needs an input or something to `expect`")
        if self.max_turns is not None and self.as_caller is None:
            raise refuse("`maxTurns` belongs to `asCaller`", at=("maxTurns",), key=True)
        if self.interrupt is not None and self.say is None and self.audio_file is None:
            raise refuse(
                "`interrupt` belongs to `say` and `audioFile`", at=("interrupt",), key=True
            )
        return self


class Noise(DescribedPart):
    """Background noise of the caller's line."""

    profile: Literal["cafe", "street", "car", "white"]
    """What is heard behind the caller."""
    snr_db: Annotated[StrictFloat, Field(ge=-10, le=60)]
    """How much louder than the noise the caller is, in decibels."""


class Caller(DescribedPart):
    """Who calls: for improvised turns, and how spoken ones sound."""

    persona: Text | None = None
    """Who a model plays in `asCaller` turns."""
    voice: Annotated[str, StringConstraints(pattern=r"^[a-z0-9+-]{1,40}$")] | None = None
    """The voice the caller speaks with."""
    language: LanguageCode | None = None
    """The language the caller speaks; the agent's if it is left out."""
    noise: Noise | None = None
    """What is heard behind the caller."""


class NotWorse(DescribedPart):
    """By how much it may be worse than what it is compared with."""

    pass_rate: Share | None = None
    """By which share of 1 the pass rate may be lower."""
    reply_p95: Percent | None = None
    """By what percentage nineteen of twenty replies may begin later."""

    @model_validator(mode="after")
    def _says_something(self) -> "NotWorse":
        some_key(self, "`notWorseBy`")
        return self


class Comparison(DescribedPart):
    """Compare with what another environment runs now."""

    to: Name
    """The other environment."""
    not_worse_by: NotWorse
    """By how much it may be worse."""


class JudgeSpec(DescribedPart):
    """Who judges, and what it must get right first."""

    model: Text | None = None
    """The model that judges; the server's if it is left out."""
    votes: Annotated[StrictInt, Field(ge=1, le=JUDGE_VOTES_MAX)] = 1
    """How often it is asked; the majority counts, so the number is odd."""
    calibrate: Annotated[tuple[SamplePath, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    """Files with transcripts whose verdict is known; a judge that gets one wrong does not count."""

    @model_validator(mode="after")
    def _odd(self) -> "JudgeSpec":
        if self.votes % 2 == 0:
            raise refuse("`votes` must be odd, so that there is a majority", at=("votes",))
        return self


class Phone(DescribedPart):
    """Between which numbers the call of `mode: phone` is placed, by the names of PhoneNumbers."""

    calling: Name | None = Field(None, alias="from")
    """The number that dials, one of `spec.calls.testNumbers` of the Project; the first of them
    that is another than the one that is dialled if it is left out."""
    called: Name | None = Field(None, alias="to")
    """The number that is dialled; the first bridged one that leads to the agent if it is left out.
    """


class Fragment(DescribedPart):
    """What tests can share: a file of its own, named by ``include``, and part of every test."""

    limits: TestLimits = TestLimits()
    """What a run may take."""
    clock: Clock | None = None
    """What time it is in the conversation, in quotes and with its offset from UTC."""
    variables: Annotated[dict[VariableName, Json], Field(max_length=LIST_MAX_ITEMS)] = Field(
        default_factory=dict
    )
    """Variables the conversation starts with."""
    history: Annotated[tuple[Said, ...], Field(max_length=HISTORY_TURNS_MAX)] = ()
    """What was said before it starts."""
    tools: TestTools = TestTools()
    """What tools answer; a call of one without an answer fails the run."""
    caller: Caller = Caller()
    """Who calls."""
    turns: Annotated[tuple[Turn, ...], Field(max_length=TURNS_MAX)] = ()
    """The script: inputs of the caller and what must come of them."""
    always: Annotated[tuple[Always, ...], Field(max_length=EXPECTATIONS_MAX)] = ()
    """What holds for every reply."""
    at_end: Annotated[tuple[Finally, ...], Field(max_length=EXPECTATIONS_MAX)] = Field(
        (), alias="finally"
    )
    """What holds for the conversation as a whole."""
    judge: JudgeSpec = JudgeSpec()
    """Who judges."""


class ConversationTestSpec(Fragment):
    """The whole script."""

    agent: Name
    """The agent under test."""
    mode: Mode = "text"
    """How it is talked to: in writing, in speech over the same line, or by a call that is placed to
    a number of the agent, which reaches what is deployed and nothing else."""
    phone: Phone = Phone()
    """Between which numbers the call is placed."""
    gate: Literal["required", "advisory"] | None = None
    """Whether a failure stops a promotion: scripted tests do unless they say `advisory`."""
    repeat: Repeat = Repeat(runs=1)
    """How often it runs and how many runs must pass."""
    compare: Comparison | None = None
    """What it must not be worse than."""
    include: Annotated[
        tuple[FragmentPath, ...], Field(max_length=LIST_MAX_ITEMS), AfterValidator(_each_once)
    ] = ()
    """Fragments, beside or below this file. Their lists come first; the test's own keys win."""

    @property
    def improvised(self) -> bool:
        """True if a model plays the caller in some turn."""
        return any(turn.as_caller is not None for turn in self.turns)

    @property
    def required(self) -> bool:
        """True if it gates: scripted tests do unless they say otherwise, improvised ones advise."""
        if self.gate is not None:
            return self.gate == "required"
        return not self.improvised


class TestMetadata(Metadata):
    """``tags`` select tests, ``why`` says what made somebody write this one."""

    __test__ = False

    tags: Annotated[tuple[Name, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    why: Text | None = None


class ConversationTest(Envelope):
    """One scripted conversation."""

    __test__ = False

    kind: Literal["ConversationTest"]
    metadata: TestMetadata
    spec: ConversationTestSpec
