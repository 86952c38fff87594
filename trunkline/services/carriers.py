"""Agents made for one run of local tests, and gone after it.

Whoever tests a folder wants to know what would come of it, not what it does to agents that callers
reach. So every configuration under test gets an agent of its own for the time of the run: nobody
else's is written, none has to be deployed. Objects that are on the platform already under their
mark are used and stay; what was made here is deleted here, whatever happened in between.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from activities.needs import Needed, needed_objects
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import Conflict, InvalidInput, OutcomeUnknown, TrunklineError
from trunkline.model.ids import (
    Digest,
    ExternalId,
    content_mark,
    owner_tag,
    reference,
    secret_title,
    short_digest,
)
from trunkline.model.ledger import SharedKind
from trunkline.model.testing.rendering import TestRendering
from trunkline.model.writes import resolve_references, unresolved_references
from trunkline.ports import Accounts, VoicePlatform

OWNER: Final = "trunkline-local"
"""Stands where marks name the project, so that no installation takes these objects for its own."""
CARRIERS_MAX: Final = 50
"""Agents one local run makes; more of them are a fleet, and a server's matter."""
LEFTOVER_AGE_S: Final = 3_600
"""What a run that was killed left behind is deleted by the next one after so long."""
LEFTOVERS_MAX: Final = 20
REQUEST_TIMEOUT_S: Final = 20.0
DOCUMENT_TIMEOUT_S: Final = 60.0
"""A file has to travel, and a page has to be fetched meanwhile."""

_DELETED_IN_ORDER: Final[tuple[SharedKind, ...]] = ("tool", "document", "secret")

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Made:
    """What one account was given."""

    voice: VoicePlatform
    agents: list[ExternalId] = field(default_factory=list)
    objects: list[tuple[SharedKind, ExternalId]] = field(default_factory=list)
    bindings: dict[tuple[str, str], ExternalId] = field(default_factory=dict)


class Carriers:
    """Makes agents to talk to and deletes them. Call ``clear`` at the end, whatever happened."""

    def __init__(
        self, accounts: Accounts, contents: Mapping[Digest, bytes], *, person: str
    ) -> None:
        self._accounts = accounts
        self._contents = contents
        self._person = person
        self._made: dict[str, _Made] = {}
        self._creating: set[asyncio.Task[ExternalId]] = set()

    async def make(self, voice: VoicePlatform, rendering: TestRendering) -> ExternalId:
        """An agent with exactly this configuration. One at a time.

        Raises what the platform raises, and InvalidInput for too many of them.
        """
        made = self._made.setdefault(voice.account, _Made(voice))
        if sum(len(each.agents) for each in self._made.values()) >= CARRIERS_MAX:
            raise InvalidInput(
                f"A local run makes at most {CARRIERS_MAX} agents",
                hint="Choose tests by name, --agent or --tag, or let a server run them all",
            )
        desired = rendering.desired
        tag = owner_tag(OWNER, self._person, desired.name)
        await self._delete_leftovers(voice, tag)
        place = f"{desired.project}/{desired.environment}"
        for needed in needed_objects(desired):
            if (place, needed.reference) not in made.bindings:
                bound = await self._object(made, desired, needed)
                made.bindings[place, needed.reference] = bound
        bindings = {name: bound for (where, name), bound in made.bindings.items() if where == place}
        body = {key: resolve_references(value, bindings) for key, value in rendering.body.items()}
        if absent := unresolved_references(body):
            raise InvalidInput(f"{desired.name} refers to {absent[0]}, which is not there")
        name = f"{OWNER}-{self._person}-{short_digest(rendering.digest)}"
        return await self._whole(self._create(made, {**body, "name": name, "tags": [tag]}, tag))

    async def clear(self) -> tuple[str, ...]:
        """Delete everything that was made; in words what could not be."""
        left: list[str] = []
        await asyncio.gather(*self._creating, return_exceptions=True)
        for made in self._made.values():
            for agent_id in made.agents:
                try:
                    await made.voice.delete_agent(agent_id, timeout_s=REQUEST_TIMEOUT_S)
                except TrunklineError as error:
                    left.append(f"agent {agent_id} is still there: {error.message}")
            for kind in _DELETED_IN_ORDER:
                left += await self._delete(made, kind)
        self._made.clear()
        return tuple(left)

    async def _delete(self, made: _Made, kind: SharedKind) -> list[str]:
        left = []
        for found, external_id in made.objects:
            if found != kind:
                continue
            try:
                await made.voice.delete_object(kind, external_id, timeout_s=REQUEST_TIMEOUT_S)
            except Conflict:
                logger.info("%s %s stays: another run uses it", kind, external_id)
            except TrunklineError as error:
                left.append(f"{kind} {external_id} is still there: {error.message}")
        return left

    async def _object(self, made: _Made, desired: DesiredAgent, needed: Needed) -> ExternalId:
        """The object as an installation made it, else one of ours, made now if need be."""
        voice = made.voice
        if there := await voice.find_objects(needed.kind, needed.mark):
            return there[0].external_id
        mark = (
            secret_title(OWNER, self._person, needed.name)
            if needed.kind == "secret"
            else content_mark(OWNER, self._person, needed.name, needed.digest)
        )
        ours = await voice.find_objects(needed.kind, mark)
        if ours:
            made.objects.append((needed.kind, ours[0].external_id))
            return ours[0].external_id
        return await self._whole(self._send(made, desired, needed, mark))

    async def _whole(self, create: Coroutine[Any, Any, ExternalId]) -> ExternalId:
        """Send a create to its end even if nobody waits for it any more: what was made has to be
        known to be deleted.
        """
        task = asyncio.create_task(create)
        self._creating.add(task)
        task.add_done_callback(self._creating.discard)
        return await asyncio.shield(task)

    async def _send(
        self, made: _Made, desired: DesiredAgent, needed: Needed, mark: str
    ) -> ExternalId:
        """Make an object and write it down."""
        if needed.kind == "secret":
            value = self._accounts.secret(desired.project, needed.name)
            created = await made.voice.create_secret(mark, value, timeout_s=REQUEST_TIMEOUT_S)
        elif needed.kind == "tool":
            created = await self._send_tool(made, desired, needed, mark)
        else:
            document = next(each for each in desired.documents if each.digest == needed.digest)
            content = b""
            if document.content_digest is not None:
                content = self._contents[document.content_digest]
            created = await made.voice.create_document(
                document, mark=mark, content=content, timeout_s=DOCUMENT_TIMEOUT_S
            )
        made.objects.append((needed.kind, created))
        return created

    async def _send_tool(
        self, made: _Made, desired: DesiredAgent, needed: Needed, mark: str
    ) -> ExternalId:
        tool = next(each for each in desired.tools if each.digest == needed.digest)
        place = f"{desired.project}/{desired.environment}"
        secret_ids = {
            name: made.bindings[place, reference("secret", name)] for name in tool.secrets()
        }
        return await made.voice.create_tool(
            tool, mark=mark, secret_ids=secret_ids, timeout_s=REQUEST_TIMEOUT_S
        )

    async def _create(self, made: _Made, body: JsonObject, tag: str) -> ExternalId:
        """Create the agent and write it down; after a lost answer, the one with our name."""
        try:
            created = await made.voice.create_agent(body, timeout_s=REQUEST_TIMEOUT_S)
        except OutcomeUnknown:
            there = await made.voice.find_agents(tag)
            found = [each for each in there if each.name == body["name"]]
            if not found:
                raise
            created = found[-1].external_id
        made.agents.append(created)
        return created

    async def _delete_leftovers(self, voice: VoicePlatform, tag: str) -> None:
        oldest_s = time.time() - LEFTOVER_AGE_S
        known = {agent for made in self._made.values() for agent in made.agents}
        left = [
            each
            for each in await voice.find_agents(tag)
            if each.created_at_s < oldest_s and each.external_id not in known
        ]
        for agent in left[:LEFTOVERS_MAX]:
            logger.info("deleting %s, left behind by an earlier run", agent.external_id)
            await voice.delete_agent(agent.external_id, timeout_s=REQUEST_TIMEOUT_S)
