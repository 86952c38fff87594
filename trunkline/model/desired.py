"""What Git wants of one agent or number in one environment, with every reference resolved.

A wish is complete: persona, overrides, prompt text, tools and documents are already in it, so
that whoever plans or applies it needs neither Git nor YAML. Secrets appear by name only; the
bytes of documents stay in the content store under their digest.
"""

from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.calls.orders import RetryRule
from trunkline.model.ids import AgentName, Digest, EnvironmentName, ExternalId, ProjectName
from trunkline.model.kinds.project import Window

Lifecycle = Literal["draft", "active", "inactive"]
Direction = Literal["inbound", "outbound", "both"]
Routing = Literal["native", "bridge", "register-call"]


class SecretReference(Frozen):
    """A secret by the name the server's allow-list knows it under; never its value."""

    secret: str


class DesiredTool(Frozen):
    """A tool; immutable on the platform and addressed by ``digest``."""

    name: str
    digest: Digest
    type: Literal["webhook", "client"]
    function: str
    description: str
    method: str | None = None
    url: str | None = None
    headers: dict[str, str | SecretReference] = Field(default_factory=dict)
    timeout_s: float | None = None
    parameters: JsonObject = Field(default_factory=dict)
    elevenlabs: JsonObject = Field(default_factory=dict)
    adopt: ExternalId | None = None
    position: str = ""

    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets its headers need, sorted."""
        named = {v.secret for v in self.headers.values() if isinstance(v, SecretReference)}
        return tuple(sorted(named))


class DesiredDocument(Frozen):
    """A knowledge document; immutable on the platform and addressed by ``digest``.

    ``file_type`` is the ending of an uploaded file's name, which tells the platform how to read it.
    """

    name: str
    digest: Digest
    title: str
    source: Literal["text", "file", "url", "website"]
    content_digest: Digest | None = None
    file_type: str | None = None
    url: str | None = None
    usage: Literal["auto", "prompt"] = "auto"
    adopt: ExternalId | None = None
    position: str = ""


class DesiredModel(Frozen):
    """The language model; None means: not ours to set."""

    name: str | None = None
    temperature: float | None = None


class DesiredVoice(Frozen):
    """The voice; None means: not ours to set. Style and speaker boost come from a persona."""

    id: str | None = None
    stability: float | None = None
    similarity_boost: float | None = None
    speed: float | None = None
    style: float | None = None
    speaker_boost: bool | None = None


class DesiredOutbound(Frozen):
    """From which numbers (names of documents) an agent may call, when, and how often it tries."""

    from_numbers: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    retry: RetryRule = RetryRule()


class DesiredAgent(Frozen):
    """One agent in one environment.

    ``digest`` is the closure's and equal in every environment. ``positions`` maps a manifest path
    (``spec.voice.id``) to ``file:line:col``, so that a vendor's refusal can name the line.
    ``adopt`` is an agent on the platform to be taken over instead of creating one.
    """

    project: ProjectName
    environment: EnvironmentName
    name: AgentName
    digest: Digest
    renamed_from: str | None = None
    adopt: ExternalId | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    display_name: str
    lifecycle: Lifecycle = "active"
    direction: Direction = "inbound"
    outbound: DesiredOutbound | None = None
    prompt: str | None = None
    first_message: str | None = None
    language: str | None = None
    model: DesiredModel = DesiredModel()
    voice: DesiredVoice = DesiredVoice()
    tools: tuple[DesiredTool, ...] = ()
    builtin_tools: tuple[str, ...] = ()
    documents: tuple[DesiredDocument, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    context: dict[str, str] = Field(default_factory=dict)
    max_duration_s: int | None = None
    concurrency: int | None = None
    elevenlabs: JsonObject = Field(default_factory=dict)
    positions: dict[str, str] = Field(default_factory=dict)


class DesiredLine(Frozen):
    """One line of a number's routing table: an agent, and what must hold of a call for it.

    Nothing given: every call. ``timezone`` goes with ``hours``; ``weight`` is in percent.
    """

    agent: AgentName
    hours: str | None = None
    timezone: str = "UTC"
    callers: tuple[str, ...] = ()
    language: str | None = None
    skill: str | None = None
    weight: int | None = None


class DesiredNumber(Frozen):
    """One phone number; ``agent`` is None when it belongs to nobody (its agent is inactive).

    ``lines`` are asked from the first to the last where calls come to us, and the agent of the last
    is ``agent``; a number with one agent has one line without conditions. ``skill`` is what a call
    is about that says nothing of it, ``drain_s`` how long running calls may hold up a move.
    """

    project: ProjectName
    environment: EnvironmentName
    name: str
    digest: Digest
    number: str
    routing: Routing = "native"
    agent: AgentName | None = None
    fallback_number: str | None = None
    takeover: bool = False
    position: str = ""
    lines: tuple[DesiredLine, ...] = ()
    skill: str = ""
    drain_s: float = 0.0
