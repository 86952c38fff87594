"""An API at the public address of an installation, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from activities.call_types import CallPace
from tests.outbound.worlds import (
    OutboundWorld,
    outbound_files,
    outbound_service,
    outbound_world,
)
from tests.workflows.conftest import MakeStack
from tests.workflows.own_processes import process, ready
from trunkline.local.ports import free_port

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.killable_processes import OwnProcess


@asynccontextmanager
async def reported_to(
    world: OutboundWorld, database_url: str, pace: CallPace
) -> AsyncIterator[tuple[OutboundWorld, OwnProcess]]:
    """The world with an API at its public address, and that API's process."""
    address = world.stack.public_url or ""
    port = address.rpartition(":")[2]
    with process(world.stack, database_url, "serve", "--port", port) as api:
        async with httpx.AsyncClient(base_url=address) as http:
            await ready(http)
        yield replace(world, outbound=outbound_service(world.stack, pace)), api


async def reporting_world(make_stack: MakeStack, texts: Texts) -> OutboundWorld:
    """An installation whose public address is free yet."""
    address = f"http://127.0.0.1:{free_port()}"
    return await outbound_world(make_stack, outbound_files(texts), public_url=address)
