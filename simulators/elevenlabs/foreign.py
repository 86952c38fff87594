"""What other people do in the account, now or just before someone's next write.

A dashboard user, a script or another operator changes or deletes an object between a client's read
and its write: the race every reconciler has to survive. The control plane scripts it here; the
parts of the look-alike carry it out like any change, and only its author differs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.elevenlabs.agents import Agents
from simulators.elevenlabs.calls import Person, checked
from simulators.elevenlabs.errors import Refused
from simulators.elevenlabs.knowledge import Knowledge
from simulators.elevenlabs.phone_numbers import PhoneNumbers
from simulators.elevenlabs.tools import Tools
from simulators.limits import MAX_QUEUED_EDITS
from simulators.wire import Json

KINDS = ("agent_id", "tool_id", "document_id", "phone_number_id")
# Where a path names a document it says "documentation".
PATH_NAMES = {name: name for name in KINDS} | {"document_id": "documentation_id"}
METHODS = {"before-next-patch": ("PATCH",), "before-next-write": ("PATCH", "POST", "DELETE")}


class EditRequest(BaseModel):
    """Body of ``POST /_sim/edit``: someone else's change of one object, or its deletion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent_id: str | None = None
    tool_id: str | None = None
    document_id: str | None = None
    phone_number_id: str | None = None
    body: Json = Field(default_factory=dict)
    delete: bool = False
    when: Literal["now", "before-next-patch", "before-next-write"] = "now"
    times: Annotated[int, Field(ge=1, le=MAX_QUEUED_EDITS)] = 1
    branch_id: str | None = None
    name: str = "Dashboard User"
    email: str = "dashboard.user@example.com"

    @model_validator(mode="after")
    def _one_object(self) -> Self:
        if len(self._given()) > 1:
            raise ValueError(f"give one of {', '.join(KINDS)}")
        if self.when == "now" and not self._given():
            raise ValueError("an edit now needs the id of an object")
        if self.delete == bool(self.body):
            raise ValueError("give a body, or delete")
        return self

    def _given(self) -> list[str]:
        return [name for name in KINDS if getattr(self, name) is not None]

    @property
    def kind(self) -> str:
        """Which of the ids is given; any agent when none is."""
        return next(iter(self._given()), "agent_id")

    @property
    def object_id(self) -> str | None:
        """The id, or None for any object of the kind."""
        found: str | None = getattr(self, self.kind)
        return found

    def precedes(self, method: str, path_values: Mapping[str, str]) -> bool:
        """True if this edit waits for such a write."""
        written_id = path_values.get(PATH_NAMES[self.kind])
        return (
            method in METHODS.get(self.when, ())
            and written_id is not None
            and self.object_id in (None, written_id)
        )


class ForeignEdits:
    """Carries out other people's edits at once, or keeps them until their moment."""

    def __init__(
        self, agents: Agents, tools: Tools, knowledge: Knowledge, numbers: PhoneNumbers
    ) -> None:
        self._agents = agents
        self._tools = tools
        self._knowledge = knowledge
        self._numbers = numbers
        self._queue: deque[EditRequest] = deque()

    def clear(self) -> None:
        """Nobody has anything in mind any more."""
        self._queue.clear()

    def queue(self, request: EditRequest) -> int:
        """Keep an edit for its moment; how many wait now. Raises ValueError beyond the bound."""
        if len(self._queue) + request.times > MAX_QUEUED_EDITS:
            raise ValueError("too many edits are queued")
        self._queue.extend([request] * request.times)
        return len(self._queue)

    async def happen_before(self, method: str, path_values: Mapping[str, str]) -> bool:
        """The first edit that waits for such a write; one the vendor refuses changes nothing."""
        for request in self._queue:
            if request.precedes(method, path_values):
                self._queue.remove(request)
                try:
                    await self.make(request, path_values[PATH_NAMES[request.kind]])
                except Refused:
                    return False
                return True
        return False

    async def make(self, request: EditRequest, object_id: str) -> Json:
        """Change or delete the object. Raises Refused as the vendor would."""
        person = Person(request.name, request.email)
        if request.kind == "agent_id":
            agent = self._agents.known(object_id)
            if request.delete:
                self._agents.remove(agent)
                return {"agent_id": object_id}
            version_id = self._agents.edit_branch(agent, request.branch_id, request.body, person)
            return {"agent_id": object_id, "version_id": version_id}
        if request.kind == "phone_number_id":
            await self._make_on_number(request, object_id)
        elif request.kind == "tool_id":
            self._make_on_tool(request, object_id)
        else:
            self._make_on_document(request, object_id)
        return {request.kind: object_id}

    async def _make_on_number(self, request: EditRequest, object_id: str) -> None:
        number = self._numbers.known(object_id)
        if request.delete:
            await self._numbers.remove(number)
        else:
            body = checked("NumberPatch", request.body, partial=True)
            await self._numbers.edit(number, body)

    def _make_on_tool(self, request: EditRequest, object_id: str) -> None:
        tool = self._tools.known(object_id)
        if request.delete:
            self._tools.remove(tool)
        else:
            self._tools.edit(tool, checked("Tool", request.body))

    def _make_on_document(self, request: EditRequest, object_id: str) -> None:
        document = self._knowledge.known(object_id)
        if request.delete:
            self._knowledge.remove(document)
        else:
            self._knowledge.edit(document, checked("DocumentPatch", request.body))
