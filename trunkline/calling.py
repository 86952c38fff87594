"""Live calls of a server: the hub their news goes through, and the switchboard that carries them.

Part of the server's composition, apart from it because neither HTTP nor Temporal is needed for a
call that goes on; it decides nothing.
"""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp

from activities.clocks import SystemClock
from realtime.hub import Hub
from realtime.media import MediaStreams
from realtime.scripted_calls import ScriptedCalls
from realtime.switchboard import Switchboard, SwitchboardPorts
from trunkline.adapters.accounts import ProjectAccounts
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.call_news import PostgresChannels
from trunkline.adapters.redaction import redactor
from trunkline.bootstrap import judge_of, studio
from trunkline.model.calls.addresses import MEDIA_ROUTE
from trunkline.model.calls.lines import LineFormat
from trunkline.model.testing.talk import Sound
from trunkline.ports.calls import Conversion
from trunkline.ports.talking import Telephone
from trunkline.services.call_scripts import CallScripts, ScriptPorts
from trunkline.services.carrier_requests import CarrierRequests
from trunkline.settings import Settings


@dataclass(frozen=True, slots=True)
class Calling:
    """What a server has of calls."""

    hub: Hub
    board: Switchboard
    media: MediaStreams

    def around(self, http: ASGIApp, *watching: WebSocketRoute) -> ASGIApp:
        """WebSockets of calls and of those who watch them, and ``http`` behind them."""
        sockets = [WebSocketRoute(MEDIA_ROUTE, self.media), *watching]
        return Router(sockets, default=http, redirect_slashes=False)


@asynccontextmanager
async def calling(
    settings: Settings, store: PostgresStore, vendors: ProjectAccounts
) -> AsyncIterator[Calling]:
    """The calls of this process, under a name nobody else has; none is left when the block ends."""
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    async with (
        judge_of(settings, answers=store) as judges,
        Hub(PostgresChannels(settings.database(), store)) as hub,
    ):
        scripts = CallScripts(
            ScriptPorts(store, store, SystemClock(), studio=studio, caller=judges.caller)
        )
        ports = SwitchboardPorts(
            calls=store,
            platforms=vendors,
            hub=hub,
            wishes=store,
            conversions=_Conversions(),
            redact=redactor,
            clock=SystemClock(),
            public_url=settings.public_url or "",
            scripted=ScriptedCalls(scripts, store, hub, _telephone),
        )
        requests = CarrierRequests(
            store, store, store, platforms=vendors, public_url=settings.public_url
        )
        async with Switchboard(ports, holder=holder) as board:
            yield Calling(hub, board, MediaStreams(board, requests.upgrade_signers))


def _telephone(background: Sound | None) -> Telephone:
    """The telephone of a caller who is a script."""
    from trunkline.adapters.speech.telephones import (  # noqa: PLC0415 - it takes memory
        SpokenTelephone,
    )

    return SpokenTelephone(background)


class _Conversions:
    """``ports.Conversions``; a call that both ends code alike needs none."""

    def between(self, source: LineFormat, target: LineFormat) -> Conversion:
        """A conversion for one direction of one call."""
        from trunkline.adapters.speech.converting import (  # noqa: PLC0415 - it takes memory
            SteadyConversions,
        )

        return SteadyConversions().between(source, target)
