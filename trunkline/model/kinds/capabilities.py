"""Kinds Tool, KnowledgeDocument and Persona: what agents are put together from.

A tool and a document are content: two agents that name the same one share it. A persona is a way
of speaking; it never names a vendor's voice.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    Tag,
    model_validator,
)

from trunkline.model.base import JsonObject
from trunkline.model.durations import Duration
from trunkline.model.kinds.addresses import PageAddress
from trunkline.model.kinds.base import (
    TEXT_OR_SECRET,
    AdoptingMetadata,
    Envelope,
    HttpsAddress,
    Part,
    RelativePath,
    SecretValue,
    Shape,
    Text,
    exactly_one,
    refuse,
)
from trunkline.model.kinds.escape_hatch import check_tool_hatch
from trunkline.model.kinds.parameters import check_address, check_parameters
from trunkline.model.limits import LIST_MAX_ITEMS, PROMPT_MAX_CHARACTERS
from trunkline.model.uploads import BINARY, MEDIA_TYPES, endings, file_type

HeaderName = Annotated[
    str, Shape(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$", "the name of an HTTP header")
]
HeaderText = Annotated[
    str,
    Shape(
        r"^([^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?)?$",
        "a header's value on one line, without spaces around it",
    ),
]
FunctionName = Annotated[
    str,
    Shape(r"^[a-zA-Z0-9_-]{1,64}$", "a function's name: letters, digits, _ and -, at most 64"),
]
Trait = Annotated[StrictFloat, Field(ge=0, le=1)]

_TIMEOUT_BOUNDS_S: Mapping[str, tuple[int, int]] = {"webhook": (5, 300), "client": (1, 120)}


HeaderValue = Annotated[
    Annotated[HeaderText, Tag("=text")] | Annotated[SecretValue, Tag("=secret")],
    TEXT_OR_SECRET,
]


class ToolSpec(Part):
    """Something an agent can do: ask a web service, or the caller's own application."""

    type: Literal["webhook", "client"]
    function: FunctionName
    description: Text
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    url: HttpsAddress | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=LIST_MAX_ITEMS)] = Field(
        default_factory=dict
    )
    timeout: Duration | None = None
    parameters: Annotated[JsonObject, AfterValidator(check_parameters)] = Field(
        default_factory=dict
    )
    elevenlabs: Annotated[JsonObject, AfterValidator(check_tool_hatch)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _fits_type(self) -> "ToolSpec":
        if self.type == "webhook" and self.url is None:
            raise refuse("a webhook tool needs `url`")
        if self.type == "client" and (self.url or self.method or self.headers):
            raise refuse("a client tool has no `url`, `method` or `headers`; the application acts")
        return self

    @model_validator(mode="after")
    def _parameters_fit_the_address(self) -> "ToolSpec":
        if self.url is not None:
            check_address(self.url, self.method or "GET", self.parameters)
        return self

    @model_validator(mode="after")
    def _timeout_bounds(self) -> "ToolSpec":
        if self.timeout is None:
            return self
        seconds = self.timeout.total_seconds()
        shortest, longest = _TIMEOUT_BOUNDS_S[self.type]
        if seconds != int(seconds) or not shortest <= seconds <= longest:
            raise refuse(
                f"`timeout` of a {self.type} tool must be whole seconds from {shortest}s "
                f"to {longest}s",
                at=("timeout",),
            )
        return self


class Tool(Envelope):
    """One tool."""

    kind: Literal["Tool"]
    metadata: AdoptingMetadata
    spec: ToolSpec


class Source(Part):
    """Where a document's content comes from. ``upload`` sends ``file`` as a file, not as text;
    ``url`` is one page, which the platform fetches.
    """

    text: Text | None = None
    file: RelativePath | None = None
    url: PageAddress | None = None
    website: PageAddress | None = None
    upload: StrictBool = False

    @model_validator(mode="after")
    def _one_source(self) -> "Source":
        exactly_one(self, ("text", "file", "url", "website"), "a source")
        if self.upload and self.file is None:
            raise refuse("only a `file` can be uploaded", at=("upload",), key=True)
        return self

    @model_validator(mode="after")
    def _file_is_sent_as_it_can_be(self) -> "Source":
        if self.file is None:
            return self
        kind = file_type(self.file)
        if self.upload and kind not in MEDIA_TYPES:
            raise refuse(f"a file to upload ends in {endings()}", at=("file",))
        if not self.upload and kind in BINARY:
            raise refuse(
                f"a .{kind} file is no text; add `upload: true` to send it as a file", at=("file",)
            )
        return self


class KnowledgeDocumentSpec(Part):
    """A document agents can look things up in; ``prompt`` puts it whole into the prompt."""

    title: Annotated[Text, Shape(r"^(?!.*#trunkline:)[^\x00-\x1f]+$", "a title on one line")]
    source: Source
    usage: Literal["auto", "prompt"] = "auto"


class KnowledgeDocument(Envelope):
    """One document."""

    kind: Literal["KnowledgeDocument"]
    metadata: AdoptingMetadata
    spec: KnowledgeDocumentSpec


class Traits(Part):
    """How somebody is, each from 0 to 1."""

    temper: Trait
    chattiness: Trait
    attachment: Trait


class PersonaSpec(Part):
    """A way of speaking: traits choose the voice, the prompt goes before the agent's own."""

    traits: Traits
    conversation_prompt: Annotated[str, Field(max_length=PROMPT_MAX_CHARACTERS)] = ""


class Persona(Envelope):
    """One persona."""

    kind: Literal["Persona"]
    spec: PersonaSpec
