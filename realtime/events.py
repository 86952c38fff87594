"""WebSocket ``P/events``: what happens in a project and in its calls, from a number on.

Rows first and then whatever follows, in one order, without a gap and without anything twice; so a
client that lost its connection resumes from the last ``id`` it saw.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket

from realtime.doors import Door, Visit
from realtime.feeds import Follower, ProjectFeeds
from realtime.messages import Heartbeat, StreamBegun, happened
from realtime.one_way import Closing, OneWay
from trunkline.model.base import Frozen
from trunkline.model.calls.happenings import CallHappening, Happening
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.ids import NAME_PATTERN
from trunkline.ports.calls import Calls

_CALL_PATTERN = r"^[A-Za-z0-9._-]{1,128}$"


class StreamQuestion(Frozen):
    """What a client wants to see. ``after`` is the id it knows everything up to; without one a
    stream of a ``call`` begins with the call, and any other now.
    """

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**62)] | None = None
    call: Annotated[str, Field(pattern=_CALL_PATTERN)] | None = None
    agent: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    environment: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None

    def wants(self, happening: Happening) -> bool:
        """True for what is to be sent."""
        if self.environment is not None and happening.environment != self.environment:
            return False
        if isinstance(happening, CallHappening):
            return self.call in (None, happening.call) and self.agent in (None, happening.agent)
        if self.call is not None:
            return False
        return self.agent is None or (happening.kind, happening.name) == ("agent", self.agent)

    @property
    def start(self) -> int | None:
        """Where to begin."""
        return 0 if self.after is None and self.call is not None else self.after


@dataclass(frozen=True, slots=True)
class EventStreams:
    """The endpoint."""

    door: Door
    feeds: ProjectFeeds
    calls: Calls

    async def open(self, websocket: WebSocket) -> None:
        """Serve one client."""

        async def serve(visit: Visit) -> None:
            question = _question(websocket)
            await self._require_call(visit.project, question)
            with self.door.place(visit):
                async with self.feeds.follow(
                    visit.project, after=question.start, call=question.call or ""
                ) as follower:
                    await self._serve(OneWay(websocket, visit, self.door), question, follower)

        await self.door.admit(websocket, serve)

    async def _serve(self, stream: OneWay, question: StreamQuestion, follower: Follower) -> None:
        async def work() -> Closing:
            begun = StreamBegun(
                project=stream.visit.project, id=follower.seen, heartbeat_s=self.door.heartbeat_s
            )
            await stream.send(begun.document())
            while True:
                found = await follower.more(within_s=self.door.heartbeat_s)
                for happening in found:
                    if question.wants(happening):
                        await stream.send(happened(happening).document())
                if not found:
                    await stream.send(Heartbeat(id=follower.seen).document())
                if closing := await stream.checked(_stays):
                    return closing

        await stream.run(work)

    async def _require_call(self, project: str, question: StreamQuestion) -> None:
        """Raises NotFound for a call the project does not have: it would be waited for."""
        if question.call and await self.calls.call(project, question.call) is None:
            raise NotFound(f"There is no call {question.call!r} in project {project!r}")


async def _stays(_visit: Visit) -> None:
    """Whoever may read the project may follow it."""


def _question(websocket: WebSocket) -> StreamQuestion:
    try:
        return StreamQuestion.model_validate(dict(websocket.query_params))
    except ValidationError as error:
        parts = "; ".join(f"{part['loc'][0]}: {part['msg']}" for part in error.errors())
        raise InvalidInput(f"The query cannot be used: {parts}") from error
