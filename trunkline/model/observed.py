"""What the platforms say: vendor trees as they were read, with ids and versions beside them."""

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.ids import ExternalId


class AgentSummary(Frozen):
    """One line of the platform's agent list; lists may lag behind single reads."""

    external_id: ExternalId
    name: str
    tags: tuple[str, ...]
    created_at_s: int
    updated_at_s: int | None = None
    archived: bool = False


class ObservedAgent(Frozen):
    """An agent read by id. ``body`` is the vendor's tree without read-only expansions."""

    external_id: ExternalId
    name: str
    tags: tuple[str, ...]
    version_id: str
    branch_id: str
    body: JsonObject


class AgentVersion(Frozen):
    """Who committed a version, when, and on top of which one."""

    version_id: str
    parent_id: str | None
    description: str
    author: str
    committed_at_s: int


class ObservedObject(Frozen):
    """A tool, document or secret recognised by its mark."""

    external_id: ExternalId
    mark: str
    created_at_s: int


class ObjectUsage(Frozen):
    """A tool, document or secret read by its id: the mark it carries, and names of its users."""

    mark: str
    users: tuple[str, ...] = ()


class PlatformNumber(Frozen):
    """A phone number as the voice platform holds it. ``branch_id`` is set where calls are pinned to
    one branch of the agent instead of its live ones.
    """

    external_id: ExternalId
    number: str
    label: str
    assigned_agent_id: ExternalId | None
    assigned_agent_name: str = ""
    branch_id: str | None = None
    provider: str = "twilio"


class CarrierNumber(Frozen):
    """A phone number as the telephony account holds it; empty strings are read as None."""

    sid: str
    number: str
    friendly_name: str
    voice_url: str | None
    voice_fallback_url: str | None
    voice_application_sid: str | None
    trunk_sid: str | None
    status_callback: str | None
    capabilities: tuple[str, ...] = ()


class ObservedTool(Frozen):
    """A tool of the account, ours or anybody's. ``config`` is the vendor's tree, ``mocks`` what it
    keeps beside it; ``mark`` is None if nobody marked it.
    """

    external_id: ExternalId
    function: str
    config: JsonObject
    mocks: Json = None
    mark: str | None = None


class ObservedDocument(Frozen):
    """A knowledge document of the account. ``title`` is without the mark; ``kind`` is the
    vendor's word for where its content came from.
    """

    external_id: ExternalId
    title: str
    kind: str
    url: str | None = None
    mark: str | None = None


class ObservedSecret(Frozen):
    """A secret of the account by its name; nobody can read its value."""

    external_id: ExternalId
    name: str
