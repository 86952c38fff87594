"""The WebSockets for people who watch and hear calls, put together for whoever serves them."""

from collections.abc import Sequence

from starlette.routing import WebSocketRoute

from realtime.doors import Door, Refusal
from realtime.events import EventStreams
from realtime.feeds import ProjectFeeds
from realtime.hub import Hub
from realtime.listening import ListeningStreams
from trunkline.model.calls.limits import STREAM_HEARTBEAT_S, STREAM_SEND_MAX_S
from trunkline.ports.calls import Calls, Happenings
from trunkline.services.catalogue import Services

PROJECT = "/v1/projects/{project}"


def watching_routes(
    services: Services,
    hub: Hub,
    *,
    calls: Calls,
    happenings: Happenings,
    refusal: Refusal,
    public_url: str,
    origins: Sequence[str] = (),
    heartbeat_s: float = STREAM_HEARTBEAT_S,
    send_max_s: float = STREAM_SEND_MAX_S,
) -> tuple[WebSocketRoute, ...]:
    """Routes to add to an application; ``refusal`` answers errors before a stream is accepted.

    A stream on which nothing happens says so every ``heartbeat_s``, and looks that often whether
    its visitor may stay. Who takes nothing for ``send_max_s`` is let go.
    """
    door = Door(
        services,
        refusal=refusal,
        public_url=public_url,
        origins=origins,
        heartbeat_s=heartbeat_s,
        send_max_s=send_max_s,
    )
    feeds = ProjectFeeds(happenings, hub)
    events = EventStreams(door, feeds, calls)
    listening = ListeningStreams(door, hub, calls, services.call_control)
    return (
        WebSocketRoute(f"{PROJECT}/events", events.open, name="watch_project"),
        WebSocketRoute(f"{PROJECT}/calls/{{call}}/listen", listening.open, name="listen_to_call"),
    )
