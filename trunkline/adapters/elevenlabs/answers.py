"""The few fields of ElevenLabs' answers we rely on; every other field may come and go.

The vendor adds fields every few weeks, so unknown ones are ignored here, while a missing or
mistyped one we need makes the answer as good as lost. Nothing here decides anything.
"""

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from trunkline.model.base import JsonObject
from trunkline.model.ids import TOOL_OWNER_VARIABLE, ExternalId, document_mark
from trunkline.model.observed import (
    AgentSummary,
    AgentVersion,
    ObservedAgent,
    ObservedObject,
    PlatformNumber,
)

TREE: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)
READ_ONLY = frozenset(
    {
        "agent_id",
        "metadata",
        "access_info",
        "version_id",
        "branch_id",
        "main_branch_id",
        "phone_numbers",
        "whatsapp_accounts",
        "default_hold_audio_url",
    }
)
"""Top-level keys of an agent that no update accepts."""


class Answered(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class UserAnswer(Answered):
    """Who a key belongs to. Agents belong to a workspace; older answers name only the user."""

    user_id: str = Field(min_length=1)
    workspace_id: str = ""

    @property
    def owner(self) -> str:
        """What every key of the same account has in common."""
        return self.workspace_id or self.user_id


class CreatedAgent(Answered):
    """A new agent."""

    agent_id: ExternalId = Field(min_length=1)


class CreatedObject(Answered):
    """A new tool or document."""

    id: ExternalId = Field(min_length=1)


class CreatedSecret(Answered):
    """A new or changed secret."""

    secret_id: ExternalId = Field(min_length=1)


class CreatedNumber(Answered):
    """An imported number."""

    phone_number_id: ExternalId = Field(min_length=1)


class AgentLine(Answered):
    """One agent in the list."""

    agent_id: ExternalId
    name: str
    tags: tuple[str, ...] = ()
    created_at_unix_secs: int
    updated_at_unix_secs: int | None = None
    archived: bool = False

    def summary(self) -> AgentSummary:
        """The line in our words."""
        return AgentSummary(
            external_id=self.agent_id,
            name=self.name,
            tags=self.tags,
            created_at_s=self.created_at_unix_secs,
            updated_at_s=self.updated_at_unix_secs,
            archived=self.archived,
        )


class AgentAnswer(Answered):
    """The identity of an agent; its tree is kept as it came."""

    agent_id: ExternalId
    name: str
    tags: tuple[str, ...] | None = None
    version_id: str
    branch_id: str
    conversation_config: dict[str, object]


def observed_agent(answered: object) -> ObservedAgent:
    """An agent's answer in our words. Raises ValidationError."""
    answer = AgentAnswer.model_validate(answered)
    tree = TREE.validate_python(answered)
    return ObservedAgent(
        external_id=answer.agent_id,
        name=answer.name,
        tags=answer.tags or (),
        version_id=answer.version_id,
        branch_id=answer.branch_id,
        body=without_expansions(tree),
    )


def without_expansions(tree: JsonObject) -> JsonObject:
    """The tree without what reads add and writes refuse; the given tree is not changed."""
    body = {key: value for key, value in tree.items() if key not in READ_ONLY}
    settings = body.get("platform_settings")
    if isinstance(settings, dict):
        body["platform_settings"] = {k: v for k, v in settings.items() if k != "safety"}
    conversation = body.get("conversation_config")
    agent = conversation.get("agent") if isinstance(conversation, dict) else None
    prompt = agent.get("prompt") if isinstance(agent, dict) else None
    if isinstance(conversation, dict) and isinstance(agent, dict) and isinstance(prompt, dict):
        kept = {key: value for key, value in prompt.items() if key != "tools"}
        body["conversation_config"] = {**conversation, "agent": {**agent, "prompt": kept}}
    return body


class Access(Answered):
    """Who made something."""

    creator_name: str = ""
    creator_email: str = ""

    def person(self) -> str:
        """``Name <email>``, or whichever of the two is known."""
        if self.creator_name and self.creator_email:
            return f"{self.creator_name} <{self.creator_email}>"
        return self.creator_name or self.creator_email


class Parents(Answered):
    """What a version was committed on top of."""

    in_branch_parent_id: str | None = None


class VersionAnswer(Answered):
    """Metadata of one version."""

    id: str
    version_description: str
    time_committed_secs: int
    parents: Parents
    access_info: Access | None = None

    def version(self) -> AgentVersion:
        """The metadata in our words."""
        return AgentVersion(
            version_id=self.id,
            parent_id=self.parents.in_branch_parent_id,
            description=self.version_description,
            author=self.access_info.person() if self.access_info else "",
            committed_at_s=self.time_committed_secs,
        )


class Placeholders(Answered):
    """Values of dynamic variables; ours among them says whose a tool is."""

    dynamic_variable_placeholders: JsonObject = Field(default_factory=dict)


class ToolConfig(Answered):
    """The part of a tool that carries our mark."""

    dynamic_variables: Placeholders | None = None


class ToolLine(Answered):
    """One tool in the list."""

    id: ExternalId
    tool_config: ToolConfig
    created_at_unix_secs: int = 0

    def observed(self) -> ObservedObject | None:
        """The tool if it carries a mark."""
        variables = self.tool_config.dynamic_variables
        values = variables.dynamic_variable_placeholders if variables else {}
        return _marked(self.id, values.get(TOOL_OWNER_VARIABLE), self.created_at_unix_secs)


class DocumentMetadata(Answered):
    """When a document was made."""

    created_at_unix_secs: int = 0


class DocumentLine(Answered):
    """One document in the list."""

    id: ExternalId
    name: str
    metadata: DocumentMetadata = DocumentMetadata()

    def observed(self) -> ObservedObject | None:
        """The document if it carries a mark."""
        return _marked(self.id, document_mark(self.name), self.metadata.created_at_unix_secs)


class SecretLine(Answered):
    """One secret in the list; its name is its mark."""

    secret_id: ExternalId
    name: str

    def observed(self) -> ObservedObject | None:
        """The secret under its whole name."""
        return _marked(self.secret_id, self.name, 0)


def _marked(external_id: ExternalId, mark: object, created_at_s: int) -> ObservedObject | None:
    if not isinstance(mark, str) or not mark:
        return None
    return ObservedObject(external_id=external_id, mark=mark, created_at_s=created_at_s)


class AssignedAgent(Answered):
    """The agent a number rings, and the branch of it that it is pinned to."""

    agent_id: ExternalId
    agent_name: str = ""
    branch_id: str | None = None


class NumberAnswer(Answered):
    """One phone number; it is written flat and read nested."""

    phone_number: str
    label: str = ""
    phone_number_id: ExternalId
    assigned_agent: AssignedAgent | None = None
    provider: str = "twilio"

    def number(self) -> PlatformNumber:
        """The number in our words."""
        agent = self.assigned_agent
        return PlatformNumber(
            external_id=self.phone_number_id,
            number=self.phone_number,
            label=self.label,
            assigned_agent_id=agent.agent_id if agent else None,
            assigned_agent_name=agent.agent_name if agent else "",
            branch_id=(agent.branch_id or None) if agent else None,
            provider=self.provider,
        )
