"""What people type where something holds the reconciler back, and the codes it ends with."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn

from api.app import create_app
from trunkline.services.catalogue import build_services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@asynccontextmanager
async def served(stack: Stack) -> AsyncIterator[Callable[..., Awaitable[tuple[int, str, str]]]]:
    """The API of an installation; answers how to run a command against it as an approver."""
    services = build_services(stack.store, stack.client, timing=stack.timing)
    token = await services.access.issue("ann@example.com", "admin")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(services, version="0"), log_config=None, lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))

    async def command(*arguments: str) -> tuple[int, str, str]:
        done = (
            await stack.programs()
            .start(
                *arguments,
                env={
                    **os.environ,
                    "TRUNKLINE_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
                    "TRUNKLINE_TOKEN": token.secret,
                },
            )
            .ended(timeout_s=150)
        )
        return done.code, done.out, done.err

    yield command
    server.should_exit = True
    await running


async def test_approving_from_a_terminal(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(
        {**texts.fleet(1), "trunkline.yaml": texts.project(mode="approve")}, unhurried=True
    )
    async with stack.working(), served(stack) as command:
        code, out, err = await command("sync", "-e", "testing")
        assert code == 4, err
        assert "ApprovalNeeded" in out or "mode is approve" in out
        code, out, err = await command("apply", "-e", "testing", "--yes")
        assert code == 0, err
        assert "Succeeded" in out
        code, out, err = await command("apply", "-e", "testing", "--yes")
        assert (code, out) == (0, "Nothing to apply: everything is as Git wants.\n"), err
        code, out, err = await command("apply", "-e", "testing", "--yes", "-o", "json")
        assert code == 0, err
        assert json.loads(out)["empty"] is True
        code, _, err = await command("wait", "--timeout", "5m")
        assert code == 0, err
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Bye")})
        plan = await stack.plan()
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Later")})
        code, _, err = await command("apply", str(plan.plan_id), "-e", "production", "--yes")
        assert code == 64
        assert "is one of testing, not of production" in err
        code, out, err = await command("apply", str(plan.plan_id), "--yes")
        assert code == 4, err
        assert "first_message changed meanwhile" in out
        code, out, err = await command("apply", "-e", "testing", "--enforce", "--confirm", "x")
        assert code == 4
        assert "Enforcing testing on " in err
        assert "  agent agent-0000" in err
        assert "nothing to confirm" in err


async def test_a_window_is_overridden_with_a_reason(make_stack: MakeStack, texts: Texts) -> None:
    files = texts.fleet(1)
    files["trunkline.yaml"] += '      windows: [ { deny: "Mon-Sun 00:00-24:00" } ]\n'
    stack = await make_stack(files, unhurried=True)
    async with stack.working(), served(stack) as command:
        code, out, err = await command("sync")
        assert code == 4, err
        assert "frozen by `deny: Mon-Sun 00:00-24:00`" in out
        code, out, err = await command("apply", "-e", "testing", "--yes")
        assert code == 4
        assert "OutsideWindow" in err
        code, out, err = await command(
            "apply", "-e", "testing", "--yes", "--override-window", "hotfix"
        )
        assert code == 0, err
        (audited,) = [r for r in await stack.store.audit(limit=9) if r.action == "window.override"]
        assert (audited.actor, audited.reason) == ("ann@example.com", "hotfix")
