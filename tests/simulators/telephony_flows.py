"""A walk over the calls of the Twilio simulator with the vendor's own client."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twilio.base.exceptions import TwilioRestException
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.simulators.talk_flows import PATIENCE_S, POLL_INTERVAL_S

if TYPE_CHECKING:
    from tests.simulators.conftest import World

CALLER, NUMBER = "+14155550100", "+15005550006"


@contextlib.contextmanager
def _ear() -> Iterator[str]:
    """The address of a server that listens to streams."""

    def listen(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for _ in connection:
                continue

    with serve(listen, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"wss://127.0.0.1:{server.socket.getsockname()[1]}/ear"
        finally:
            server.shutdown()
            thread.join()


def walk_telephony(world: World) -> None:
    """Every route of calls, and what they refuse."""
    calls = world.twilio.calls
    call = calls.create(
        to=CALLER,
        from_=NUMBER,
        twiml="<Response><Pause length='60'/></Response>",
        status_callback="https://shop.example.com/status",
        status_callback_event=["initiated", "answered"],
        timeout=20,
        time_limit=600,
        send_digits="1w2",
        machine_detection="Enable",
    )
    _wait_for(world, call.sid, "in-progress")
    with _ear() as url:
        stream = call.streams.create(url=url, track="both_tracks")
        calls(call.sid).streams(stream.sid).update(status="stopped")
    for refused in (
        lambda: call.update(status="canceled"),
        call.delete,
        lambda: calls.create(to="call me", from_=NUMBER, url="https://a.example.com"),
    ):
        with contextlib.suppress(TwilioRestException):
            refused()
    call.update(twiml="<Response><Pause length='60'/></Response>")
    call.update(status="completed")
    _wait_for(world, call.sid, "completed")
    calls.list(status="completed", to=CALLER, page_size=1)
    call.delete()


def _wait_for(world: World, sid: str, status: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while world.twilio.calls(sid).fetch().status != status:
        assert time.monotonic() < deadline_s
        time.sleep(POLL_INTERVAL_S)
