"""The agent hangs up: the line takes nothing more before anybody has said that it was the agent."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from realtime.far_sides import FarSide
from realtime.frames import StreamWriter
from realtime.phone_talks import PhoneTalks
from realtime.streams import CarrierStream
from tests.calls.rows import DIGEST
from tests.realtime.callers import DEADLINE_S, STREAM
from tests.realtime.conftest import ENVIRONMENT, PROJECT
from trunkline.adapters.speech.telephones import SpokenTelephone
from trunkline.model.calls.events import NewEvent
from trunkline.model.desired import DesiredNumber
from trunkline.model.ids import EnvironmentName, ProjectName
from trunkline.model.testing.placed import PhonePlan
from trunkline.model.testing.talk import Ended, TalkRequest

if TYPE_CHECKING:
    from starlette.types import Message

    from tests.realtime.conftest import Server

AGENT, TEST = "front-desk", "run-1/asks/0001"


def line(name: str, digits: str) -> DesiredNumber:
    """A number of the project."""
    return DesiredNumber(
        project=ProjectName(PROJECT),
        environment=EnvironmentName(ENVIRONMENT),
        name=name,
        digest=DIGEST,
        number=digits,
        routing="bridge",
    )


PLAN = PhonePlan(
    environment=ENVIRONMENT,
    agent=AGENT,
    digest=DIGEST,
    calling=line("test-line", "+15005550001"),
    called=line("main-line", "+15005550006"),
)


async def test_a_line_that_takes_nothing_more_is_no_answer_to_who_hung_up(server: Server) -> None:
    broken, told = asyncio.Event(), asyncio.Event()
    near = await server.opened(
        id="call_near", direction="outbound", test=TEST, agent="", carrier_call_id="CA1"
    )
    far = await server.opened(id="call_far", digest=DIGEST, carrier_call_id="CA2")

    async def receive() -> Message:
        await told.wait()
        stop = {"event": "stop", "streamSid": STREAM, "stop": {}}
        return {"type": "websocket.receive", "text": json.dumps(stop)}

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            broken.set()
            raise OSError

    talks = PhoneTalks(
        CarrierStream(receive, send),
        StreamWriter(STREAM),
        FarSide(server.store, server.hub, near, PLAN),
        SpokenTelephone,
    )
    async with asyncio.timeout(DEADLINE_S), talks.open(TalkRequest(agent_id="agent_1")) as talk:
        ending = asyncio.ensure_future(anext(talk.events()))
        await broken.wait()
        told.set()
        hung_up = {"by": "agent", "reason": "good bye"}
        closed = NewEvent(name="connection_closed", at=datetime.now(UTC), data=hung_up)
        await server.store.add_call_events(PROJECT, far.id, [closed])
        assert await ending == Ended(by="agent", code=1000, reason="good bye")
