"""Calls asked for by command: followed to their end, talked to, rated afterwards; no means no."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.outbound.reporting import reported_to, reporting_world
from tests.outbound.worlds import AGENT, CALL_PACE, CALLED, DEADLINE_S
from tests.workflows.conftest import MakeStack
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from tests.conftest import Texts

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_a_call_is_started_talked_and_rated_by_command(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    world = await reporting_world(make_stack, texts)
    token = (await AccessService(world.stack.store).issue("ada", "operator")).secret
    settings = {"TRUNKLINE_URL": world.stack.public_url or "", "TRUNKLINE_TOKEN": token}

    async def command(*words: str, code: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trunkline.cli.main", *words),
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, error = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        assert process.returncode == code, error.decode()
        return out.decode() or error.decode()

    async with reported_to(world, postgres_url, CALL_PACE) as (here, _), here.stack.working():
        await here.person("busy")
        started = ("calls", "start", AGENT, "--to", CALLED, "--key", "k1", "--wait")
        unreached = await command(*started, code=1)
        assert "Try 1 of 1: busy" in unreached
        hangs_up = {"wait_for": "speech_end", "timeout_ms": 120_000, "hangup": True}
        await here.person("answered", hangs_up)
        rating = ("--rating", "4", "--status", "passed", "--notes", "clear")
        rated = await command("test", "call", AGENT, "--to", CALLED, *rating)
        assert f"{AGENT} in testing, version 0: passed is written down" in rated
        listed: dict[str, Any] = json.loads(await command("calls", "orders", "-o", "json"))
        assert [row["state"] for row in listed["items"]] == ["Done", "Failed"]
        await command("do-not-call", "add", CALLED, "--reason", "asked us to stop")
        refused = await command("calls", "start", AGENT, "--to", CALLED, code=4)
        assert "asked us to stop" in refused
        assert CALLED in await command("do-not-call", "list")
        await command("do-not-call", "remove", CALLED)
        (result,) = await here.stack.store.manual_results("acme", AGENT, limit=10)
        call = await here.stack.store.call("acme", result.call)
    assert call is not None
    assert (call.state, call.direction) == ("completed", "outbound")
    assert "agent: Hello" in result.transcript
