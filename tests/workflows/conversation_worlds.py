"""Installations in which agents are tested: an API the simulator can call, tests, and counters."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from activities.names import WORKFLOW_QUEUE
from api.app import create_app
from tests.workflows.conftest import ANSWER_TIMEOUT_S
from trunkline.observing import EmbeddedServer
from trunkline.services.catalogue import build_services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.conftest import Texts
    from tests.workflows.conftest import Stack

AGENT = "front-desk"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
BRANCHES = "POST /v1/convai/agents/{agent_id}/branches"
LIVE_WRITES = ("POST /v1/convai/agents/create", "PATCH /v1/convai/agents/{agent_id}")
PROMPT = """\
You are the front desk of Acme Veterinary Clinic.
When the caller wants to book an appointment slot, use the tool book_slot.
We are closed on Sundays.
"""


def desk(texts: Texts, *, prompt: str = PROMPT, greeting: str = "Acme clinic, hello!") -> str:
    """The agent under test, with the tool and the document."""
    manifest = texts.agent(AGENT, greeting=greeting, whole=True)
    return manifest.replace(
        "prompt: { text: You answer the telephone of a small shop. }",
        f"prompt: {{ text: {json.dumps(prompt)} }}",
    )


def conversation_test(name: str, spec: Mapping[str, Any], *, tags: tuple[str, ...] = ()) -> str:
    """A test of the front desk."""
    return json.dumps(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "ConversationTest",
            "metadata": {"name": name, "tags": [*tags]},
            "spec": {"agent": AGENT, **spec},
        }
    )


def opens(**more: Any) -> dict[str, Any]:
    """The agent greets."""
    return {"turns": [{"expect": [{"says": "Acme clinic"}]}], **more}


def hours(word: str, **more: Any) -> dict[str, Any]:
    """The agent tells when the clinic opens; the platform can carry this out, too."""
    asked = {"say": "What time does the clinic open on weekdays?", "expect": [{"says": word}]}
    return {"turns": [asked], **more}


def clinic(texts: Texts, **tests: str) -> dict[str, str]:
    """A project with the agent and these tests."""
    files = {path: text for path, text in texts.whole().items() if "numbers/" not in path}
    return {
        **files,
        "agents/front-desk.yaml": desk(texts),
        **{f"tests/{name}.yaml": text for name, text in tests.items()},
    }


class World:
    """An installation whose API runs, and an operator who asks it."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, port: int, token: str) -> None:
        self.stack = stack
        self.http = http
        self.port = port
        self.token = token

    @property
    def runs(self) -> str:
        """Where runs of tests are."""
        return f"/v1/projects/{self.stack.project}/test-runs"

    async def start(self, **order: Any) -> str:
        """Ask for tests; the id of the run."""
        answer = await self.http.post(self.runs, json=order)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def read(self, run_id: str) -> dict[str, Any]:
        """A run as it is."""
        answer = await self.http.get(f"{self.runs}/{run_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ended(self, run_id: str, *, timeout_s: float = 120.0) -> dict[str, Any]:
        """A run once it is over."""

        async def look() -> dict[str, Any] | None:
            found = await self.read(run_id)
            return found if found["state"] != "Running" else None

        found: dict[str, Any] = await self.stack.until(look, timeout_s=timeout_s)
        return found

    async def tested(self, **order: Any) -> dict[str, Any]:
        """Ask for tests and wait for what they come to."""
        return await self.ended(await self.start(**order))

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``trunkline`` as an operator: how it ended, and what it printed on both ways."""
        done = (
            await self.stack.programs()
            .start(
                *arguments,
                env={
                    **os.environ,
                    "TRUNKLINE_URL": f"http://127.0.0.1:{self.port}",
                    "TRUNKLINE_TOKEN": self.token,
                    "TRUNKLINE_PROJECT": self.stack.project,
                },
            )
            .ended(timeout_s=150)
        )
        return done.code, done.out, done.err

    async def left_behind(self) -> list[str]:
        """Branches and tools of tests that are still there."""
        branches = [branch["name"] for branch in await self.branches()]
        tools = [tool["tool_config"]["api_schema"]["url"] for tool in await self.tools()]
        return [
            *(name for name in branches if name.startswith("trunkline-test-")),
            *(url for url in tools if "/v1/tools/" in url),
        ]

    async def nothing_stays(self) -> None:
        """Nothing of tests is left on the platform, and soon nobody has a place any more."""
        assert await self.left_behind() == []
        account = (await self.stack.accounts.voice(self.stack.project, "testing")).account

        async def all_left() -> bool:
            return await self.stack.store.places_taken(account) == 0

        await self.stack.until(all_left)

    @asynccontextmanager
    async def no_place(self) -> AsyncIterator[None]:
        """Nobody begins a conversation until the block ends."""
        account = (await self.stack.accounts.voice(self.stack.project, "testing")).account
        until = datetime.now(UTC) + timedelta(minutes=5)
        holders = [f"other-{number}" for number in range(9)]
        for holder in holders:
            assert await self.stack.store.take_place(account, holder, 99, until)
        yield
        for holder in holders:
            await self.stack.store.leave_place(account, holder)

    async def record(self, run_id: str, scenario: str) -> None:
        """Keep the history of a run for the replay gate, if this is a recording."""
        handle = self.stack.client.get_workflow_handle(f"test-run/{self.stack.project}/{run_id}")
        await handle.result()
        await self.stack.record(handle, "tests", scenario)

    async def counts(self) -> dict[str, int]:
        """Every write to the voice platform by route."""
        counters = (await self.stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        return {route: count for route, count in counters.items() if route.split()[0] in WRITES}

    async def agent_id(self, name: str = AGENT) -> str:
        """The agent's id on the platform."""
        entry = await self.stack.store.entry(self.stack.project, "testing", "agent", name)
        assert entry is not None
        return str(entry.external_id)

    async def branches(self) -> list[dict[str, Any]]:
        """Branches of the agent that are not archived."""
        path = f"/v1/convai/agents/{await self.agent_id()}/branches"
        listed = (await self.stack.elevenlabs.http.get(path)).json()["results"]
        return [branch for branch in listed if not branch["is_archived"]]

    async def tools(self) -> list[dict[str, Any]]:
        """Every tool of the account."""
        found: list[dict[str, Any]] = (
            await self.stack.elevenlabs.http.get("/v1/convai/tools")
        ).json()["tools"]
        return found


@asynccontextmanager
async def installed(stack: Stack) -> AsyncIterator[World]:
    """The API of the installation, reachable for the simulator; no worker runs yet."""
    services = build_services(
        stack.store, stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing
    )
    token = (await services.access.issue("op@example.com", "operator")).secret
    config = uvicorn.Config(
        create_app(services, version="test"),
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = EmbeddedServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    port = int(server.servers[0].sockets[0].getsockname()[1])
    stack.public_url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(
            base_url=stack.public_url, headers=headers, timeout=ANSWER_TIMEOUT_S
        ) as http:
            yield World(stack, http, port, token)
    finally:
        server.should_exit = True
        await serving


def only(report: dict[str, Any]) -> dict[str, Any]:
    """The one test of a report."""
    assert len(report["tests"]) == 1, report
    found: dict[str, Any] = report["tests"][0]
    return found
