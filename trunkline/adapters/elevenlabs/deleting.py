"""Who still uses an object of an account, and deleting it.

Everything asked here is asked about one id. That an answer could not be had is never "nobody uses
it": a failed question raises. No deletion is ever forced.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from trunkline.adapters.elevenlabs.answers import Answered, DocumentLine, SecretLine, ToolLine
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.model.errors import RemoteMissing
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import SharedKind
from trunkline.model.limits import LIVE_CALL_MAX_S, PRUNE_QUIET_S
from trunkline.model.observed import ObjectUsage, ObservedObject

AGENT = "/v1/convai/agents/"
CONVERSATIONS = "/v1/convai/conversations"
OBJECTS: dict[str, str] = {
    "tool": "/v1/convai/tools/",
    "document": "/v1/convai/knowledge-base/",
    "secret": "/v1/convai/secrets/",
}
UNFORCED = (("force", "false"),)
LIVE = frozenset({"initiated", "in-progress"})
"""States of a conversation that has not ended."""


class NumberOfAgent(Answered):
    """A phone number an agent answers."""

    phone_number: str


class AgentUses(Answered):
    """The part of an agent's answer that says which numbers ring it."""

    phone_numbers: tuple[NumberOfAgent, ...] = ()


class ConversationLine(Answered):
    """One conversation in the list."""

    start_time_unix_secs: int
    status: str


class Dependent(Answered):
    """Somebody who uses an object; one we may not see has no name."""

    id: str = ""
    name: str = ""


class SecretUses(Answered):
    """Who uses a secret."""

    tools: tuple[Dependent, ...] = ()
    agents: tuple[Dependent, ...] = ()
    phone_numbers: tuple[Dependent, ...] = ()
    mcp_servers: tuple[Dependent, ...] = ()
    others: tuple[object, ...] = ()


class SecretAnswer(SecretLine):
    """One secret and who uses it."""

    used_by: SecretUses = Field(default_factory=SecretUses)


CONVERSATION_LINES = TypeAdapter(tuple[ConversationLine, ...]).validate_python
DEPENDENTS = TypeAdapter(tuple[Dependent, ...]).validate_python


async def agent_uses(
    client: ElevenLabsClient, external_id: ExternalId, now: datetime
) -> tuple[str, ...]:
    """In words, who needs the agent: numbers that ring it, calls under way or just ended.

    Raises RemoteMissing.
    """
    answer = await client.read(AgentUses.model_validate, AGENT + _quoted(external_id))
    uses = [f"number {one.phone_number} is assigned to it" for one in answer.phone_numbers]
    since = int((now - timedelta(seconds=LIVE_CALL_MAX_S)).timestamp())
    quiet = int((now - timedelta(seconds=PRUNE_QUIET_S)).timestamp())
    calls = 0
    params = [("agent_id", external_id), ("call_start_after_unix", str(since))]
    async for page in client.pages(CONVERSATION_LINES, CONVERSATIONS, "conversations", params):
        calls += sum(
            1 for call in page if call.status in LIVE or call.start_time_unix_secs >= quiet
        )
    if calls:
        uses.append("it has a call" if calls == 1 else f"it has {calls} calls")
    return tuple(uses)


async def object_usage(
    client: ElevenLabsClient, kind: SharedKind, external_id: ExternalId
) -> ObjectUsage:
    """The mark an object carries and who uses it. Raises RemoteMissing."""
    path = OBJECTS[kind] + _quoted(external_id)
    if kind == "secret":
        secret = await client.read(SecretAnswer.model_validate, path)
        used = secret.used_by
        named = (*used.tools, *used.agents, *used.phone_numbers, *used.mcp_servers)
        others = ("others",) if used.others else ()
        return ObjectUsage(mark=secret.name, users=(*map(_name, named), *others))
    observed = await client.read(_read_tool if kind == "tool" else _read_document, path)
    users: list[str] = []
    async for page in client.pages(DEPENDENTS, f"{path}/dependent-agents", "agents"):
        users.extend(map(_name, page))
    return ObjectUsage(mark=observed.mark if observed is not None else "", users=tuple(users))


async def delete_agent(
    client: ElevenLabsClient, external_id: ExternalId, *, timeout_s: float
) -> None:
    """Delete an agent; one that is gone is deleted."""
    await _delete(client, AGENT + _quoted(external_id), (), timeout_s)


async def delete_object(
    client: ElevenLabsClient, kind: SharedKind, external_id: ExternalId, *, timeout_s: float
) -> None:
    """Delete an object nobody uses; one that is gone is deleted. Raises Conflict."""
    params = () if kind == "secret" else UNFORCED
    await _delete(client, OBJECTS[kind] + _quoted(external_id), params, timeout_s)


async def _delete(
    client: ElevenLabsClient, path: str, params: tuple[tuple[str, str], ...], timeout_s: float
) -> None:
    try:
        await client.delete(path, params, timeout_s=timeout_s)
    except RemoteMissing:
        return


def _read_tool(answered: object) -> ObservedObject | None:
    return ToolLine.model_validate(answered).observed()


def _read_document(answered: object) -> ObservedObject | None:
    return DocumentLine.model_validate(answered).observed()


def _quoted(external_id: ExternalId) -> str:
    return quote(external_id, safe="")


def _name(dependent: Dependent) -> str:
    return dependent.name or dependent.id or "somebody we may not see"
