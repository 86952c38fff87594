"""Kind Agent: one voice agent, and how environments differ.

An override is the same content as the agent's own, laid over it: objects merge by key, lists and
one-of choices replace. What a persona, prompt file or tool turns into is resolved elsewhere.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    StrictFloat,
    StrictInt,
    Tag,
    model_validator,
)

from trunkline.model.base import JsonObject
from trunkline.model.calls.orders import RetriedState
from trunkline.model.durations import Duration, parse_duration
from trunkline.model.kinds.base import (
    AdoptingMetadata,
    Envelope,
    LanguageCode,
    Name,
    Part,
    RelativePath,
    Shape,
    Text,
    VariableName,
    exactly_one,
    refuse,
)
from trunkline.model.kinds.escape_hatch import check_escape_hatch
from trunkline.model.kinds.project import Window
from trunkline.model.limits import (
    CALL_TRIES_MAX,
    LABELS_MAX,
    LIST_MAX_ITEMS,
    PROMPT_MAX_CHARACTERS,
    TEXT_FIELD_MAX_CHARACTERS,
)

BUILTIN_TOOLS = (
    "end_call",
    "language_detection",
    "play_keypad_touch_tone",
    "skip_turn",
    "voicemail_detection",
)

Share = Annotated[StrictFloat, Field(ge=0, le=1)]
VendorWord = Annotated[str, Shape(r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$", "an id without spaces")]
VariableValue = Annotated[str, Field(max_length=PROMPT_MAX_CHARACTERS)]
Variables = Annotated[dict[VariableName, VariableValue], Field(max_length=LABELS_MAX)]


class AgentMetadata(AdoptingMetadata):
    """``renamed_from`` is the name the agent had before."""

    renamed_from: Name | None = None


def _reasonable_pause(pause: Any) -> Any:
    if not 1 <= pause.total_seconds() <= 86_400:  # noqa: PLR2004 - a day
        raise refuse("must be between 1s and 24h")
    return pause


class Retry(Part):
    """How often a call is tried in all, how long after the last try, and after which ends."""

    tries: Annotated[StrictInt, Field(ge=1, le=CALL_TRIES_MAX)] = 1
    pause: Annotated[Duration, AfterValidator(_reasonable_pause)] = Field(
        default=parse_duration("10m")
    )
    after: Annotated[tuple[RetriedState, ...], Field(min_length=1)] = ("busy", "no-answer")


class Outbound(Part):
    """Numbers the agent may call from, by the names of their PhoneNumber documents; when it may
    call, and how often a call is tried for which whoever asks says nothing else.
    """

    from_numbers: Annotated[tuple[Name, ...], Field(alias="from", max_length=LIST_MAX_ITEMS)]
    windows: Annotated[tuple[Window, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    retry: Retry = Retry()


class Prompt(Part):
    """The system prompt, here or in a file beside the manifest."""

    file: RelativePath | None = None
    text: Annotated[str, Field(max_length=PROMPT_MAX_CHARACTERS)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Prompt":
        exactly_one(self, ("file", "text"), "a prompt")
        if self.text is not None and not self.text.strip():
            raise refuse(
                "the prompt is empty; leave `prompt` out if it is not yours to set", at=("text",)
            )
        return self


class Model(Part):
    """The language model."""

    name: VendorWord | None = None
    temperature: Annotated[StrictFloat, Field(ge=0, le=2)] | None = None


class Voice(Part):
    """The voice; what is set here wins over the persona."""

    id: VendorWord | None = None
    stability: Share | None = None
    similarity_boost: Share | None = None
    speed: Annotated[StrictFloat, Field(ge=0.7, le=1.2)] | None = None


def _check_builtin(name: str) -> str:
    if name in ("transfer_to_agent", "transfer_to_number"):
        raise refuse(
            f"{name} needs parameters; write it below `elevenlabs` as "
            f"conversation_config.agent.prompt.built_in_tools.{name}"
        )
    return name


class BuiltinTool(Part):
    """A tool the platform brings along."""

    builtin: Annotated[
        Literal[
            "end_call",
            "language_detection",
            "play_keypad_touch_tone",
            "skip_turn",
            "voicemail_detection",
            "transfer_to_agent",
            "transfer_to_number",
        ],
        AfterValidator(_check_builtin),
    ]


def _tool_form(value: Any) -> str:
    return "=builtin" if isinstance(value, dict | BuiltinTool) else "=name"


def _check_tool_name(name: Any) -> Any:
    if name in BUILTIN_TOOLS:
        raise refuse(f"`{name}` is a tool of the platform", f"{{ builtin: {name} }}")
    return name


ToolUse = Annotated[
    Annotated[Name, BeforeValidator(_check_tool_name), Tag("=name")]
    | Annotated[BuiltinTool, Tag("=builtin")],
    Discriminator(_tool_form),
]


def _whole_seconds(duration: Any) -> Any:
    seconds = duration.total_seconds()
    if seconds != int(seconds) or not 1 <= seconds <= 86_400:  # noqa: PLR2004 - a day
        raise refuse("must be whole seconds between 1s and 24h")
    return duration


class Limits(Part):
    """Bounds of a call and of calls at once."""

    max_duration: Annotated[Duration, AfterValidator(_whole_seconds)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None


class AgentContent(Part):
    """What can differ between environments; None means: not ours to set."""

    display_name: Text | None = None
    lifecycle: Literal["draft", "active", "inactive"] = "active"
    direction: Literal["inbound", "outbound", "both"] = "inbound"
    outbound: Outbound | None = None
    persona: Name | None = None
    prompt: Prompt | None = None
    first_message: Annotated[str, Field(max_length=TEXT_FIELD_MAX_CHARACTERS)] | None = None
    language: LanguageCode | None = None
    model: Model = Model()
    voice: Voice = Voice()
    tools: Annotated[tuple[ToolUse, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    knowledge: Annotated[tuple[Name, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    variables: Variables = Field(default_factory=dict)
    context: Variables = Field(default_factory=dict)
    limits: Limits = Limits()
    elevenlabs: Annotated[JsonObject, AfterValidator(check_escape_hatch)] = Field(
        default_factory=dict
    )

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Tools that are documents of this repository."""
        return tuple(use for use in self.tools if isinstance(use, str))

    @property
    def builtin_names(self) -> tuple[str, ...]:
        """Tools the platform brings along."""
        return tuple(use.builtin for use in self.tools if isinstance(use, BuiltinTool))


class AgentSpec(AgentContent):
    """The agent, and by environment what differs there."""

    overrides: dict[Name, AgentContent] = Field(default_factory=dict)

    _contents: dict[str, AgentContent] = PrivateAttr(default_factory=dict)

    def content(self, environment: str) -> AgentContent:
        """What the agent is in an environment. Raises pydantic's ValidationError."""
        override = self.overrides.get(environment)
        if override is None:
            return self
        kept = self._contents.get(environment)
        if kept is None:
            own = self.model_dump(mode="json", exclude_unset=True, exclude={"overrides"})
            over = override.model_dump(mode="json", exclude_unset=True)
            kept = AgentContent.model_validate(merge(own, over, whole=_WHOLE))
            self._contents[environment] = kept
        return kept


class Agent(Envelope):
    """One voice agent."""

    kind: Literal["Agent"]
    metadata: AgentMetadata
    spec: AgentSpec


_WHOLE = frozenset({"prompt"})


def merge(base: JsonObject, over: JsonObject, *, whole: frozenset[str] = frozenset()) -> JsonObject:
    """``over`` laid over ``base``: objects by key, everything else and ``whole`` keys replaced."""
    merged: JsonObject = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and key not in whole:
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged
