"""Installations whose manifests repository is on a forge: people propose, comment, push, merge."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from activities.names import PULL_REQUEST_WORKFLOW, WAKE_SIGNAL, WORKFLOW_QUEUE
from activities.pull_request_types import PullRequestInput, PullRequestPace, PullRequestWake
from simulators.forges.server import ForgeOptions, serve_forge
from tests.workflows.conftest import eventually
from tests.workflows.conversation_worlds import (
    World,
    clinic,
    conversation_test,
    desk,
    hours,
    installed,
    opens,
)
from trunkline.forges import project_forges
from trunkline.model.ids import pull_request_workflow_id
from trunkline.model.pull_requests import PullRequestRecord
from trunkline.model.pulls.checks import ENDED, verdict
from trunkline.model.pulls.comments import comment_marker
from trunkline.model.records import ProjectRecord
from trunkline.reviewing import comment_decisions
from trunkline.settings import Settings
from trunkline.worker import build_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.conftest import Texts
    from tests.workflows.conftest import Stack
    from trunkline.model.pulls.commands import ForgePerson

REPOSITORY = "acme/manifests"
BOT, MAINTAINER, STRANGER = "trunkline-bot", "maintainer", "stranger"
PACE = PullRequestPace(comment_interval_s=0.3, look_interval_s=600)
LIVE = (
    "POST /v1/convai/agents/create",
    "PATCH /v1/convai/agents/{agent_id}",
    "DELETE /v1/convai/agents/{agent_id}",
    "POST /v1/convai/agents/{agent_id}/deployments",
    "PATCH /v1/convai/phone-numbers/{phone_number_id}",
    "POST /v1/convai/phone-numbers",
)
"""Writes by which something callers reach would change."""
PATIENCE_S = 150.0
ANSWER_TIMEOUT_S = 60.0
"""How long the forge may take for one answer: it runs Git."""


class PullWorld:
    """Somebody on the forge, and what the installation makes of it."""

    def __init__(
        self, world: World, forge: httpx.AsyncClient, place: tuple[str, str], bot: str
    ) -> None:
        self.world = world
        self.stack = world.stack
        self.forge = forge
        self.address, self.api_url = place
        self.bot = bot
        self.before: dict[str, int] = {}

    async def control(self, path: str, **body: Any) -> Any:
        """Tell the forge what somebody does."""
        answer = await self.forge.post(f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def push(
        self, branch: str, files: Mapping[str, str | None], *, by: str = MAINTAINER, fork: str = ""
    ) -> str:
        """One commit on a branch; answers it."""
        done = await self.control(
            "commits",
            repository=f"{fork}/manifests" if fork else REPOSITORY,
            branch=branch,
            files=dict(files),
            by=by,
        )
        return str(done["sha"])

    async def propose(
        self, branch: str, files: Mapping[str, str | None], *, by: str = MAINTAINER
    ) -> int:
        """Push a branch and open a pull request of it; its number."""
        fork = ""
        if by == STRANGER:
            await self.control("forks", repository=REPOSITORY, owner=STRANGER)
            fork = STRANGER
        await self.push(branch, files, by=by, fork=fork)
        opened = await self.control(
            "pull-requests",
            repository=REPOSITORY,
            by=by,
            head=f"{fork}:{branch}" if fork else branch,
            title="Open earlier @everybody",
        )
        return int(opened["number"])

    async def say(self, number: int, body: str, *, by: str = MAINTAINER) -> None:
        """Write a comment."""
        await self.control("comments", repository=REPOSITORY, number=number, by=by, body=body)

    async def merge(self, number: int) -> None:
        """Merge it as the maintainer."""
        await self.control(
            "pull-requests/merge", repository=REPOSITORY, number=number, by=MAINTAINER
        )

    async def close(self, number: int) -> None:
        """Close it unmerged."""
        await self.control(
            "pull-requests/edit",
            repository=REPOSITORY,
            number=number,
            by=MAINTAINER,
            state="closed",
        )

    async def look(self, number: int) -> None:
        """Announce the pull request, as a delivery does."""
        await self.stack.client.start_workflow(
            PULL_REQUEST_WORKFLOW,
            PullRequestInput(
                project=self.stack.project, number=number, timing=self.stack.timing, pace=PACE
            ),
            id=pull_request_workflow_id(self.stack.project, number),
            task_queue=WORKFLOW_QUEUE,
            start_signal=WAKE_SIGNAL,
            start_signal_args=[PullRequestWake(reason="a test")],
        )

    async def comments(self, number: int, *, ours: bool = True) -> list[str]:
        """Texts of comments; ``ours`` only those with our marker."""
        listed = (await self.forge.get("/_sim/comments")).json()["comments"]
        marker = comment_marker(self.stack.project, number)
        texts = [one["body"] for one in listed if one["number"] == number]
        return [text for text in texts if (marker in text) is ours]

    async def statuses(self, sha: str) -> dict[str, str]:
        """The newest state of each context of a commit."""
        listed = (await self.forge.get("/_sim/statuses")).json()["statuses"]
        return {one["context"]: one["state"] for one in listed if one["sha"] == sha}

    async def record(self, number: int) -> PullRequestRecord | None:
        """The row."""
        return await self.stack.store.pull_request_record(self.stack.project, number)

    async def checked(
        self, number: int, head: str = "", *, timeout_s: float = PATIENCE_S
    ) -> PullRequestRecord:
        """The row once all checks of this head have ended and the forge was told of each: what
        failed is told before the others have ended.
        """

        async def look() -> PullRequestRecord | None:
            found = await self.record(number)
            if found is None or not found.verdict or (head and found.head != head):
                return None
            states = {found.plan, *(one.state for one in found.agents)}
            if found.verdict != f"{found.head}/{verdict(found)}" or not states <= ENDED:
                return None
            told = await self.statuses(found.head)
            return found if "pending" not in told.values() else None

        found: PullRequestRecord = await eventually(look, timeout_s=timeout_s, what="checks")
        return found

    async def ended(self, number: int, *, timeout_s: float = PATIENCE_S) -> str:
        """How the workflow of a pull request ended."""
        handle = self.stack.client.get_workflow_handle(
            pull_request_workflow_id(self.stack.project, number)
        )

        async def look() -> bool:
            return (await handle.describe()).close_time is not None

        await eventually(look, timeout_s=timeout_s, what="the end")
        return str(await handle.result())

    async def keep(self, number: int, scenario: str) -> None:
        """Keep the history for the replay gate, if this run is a recording."""
        place = pull_request_workflow_id(self.stack.project, number)
        handle = self.stack.client.get_workflow_handle(place)
        await self.stack.record(handle, "pull-request", scenario)

    @asynccontextmanager
    async def deciding(self, **people: ForgePerson) -> AsyncIterator[None]:
        """Workers that know these logins as people, until the block ends."""
        stack = self.stack
        ports = replace(
            stack.ports(),
            forge_people=people,
            decisions=comment_decisions(stack.store, stack.client, stack.keys),
        )
        async with AsyncExitStack() as running:
            for worker in build_workers(stack.client, ports):
                await running.enter_async_context(worker)
            yield

    async def remember(self) -> None:
        """Count from here."""
        self.before = await self.world.counts()

    async def writes(self) -> dict[str, int]:
        """Writes to the voice platform since ``remember``."""
        now = await self.world.counts()
        made = {route: now[route] - self.before.get(route, 0) for route in now}
        return {route: count for route, count in made.items() if count}

    async def left(self) -> list[str]:
        """Everything on the platform that was made for a pull request."""
        agents = [one["name"] for one in await self.stack.elevenlabs.agents()]
        listed = await self.stack.elevenlabs.http.get("/v1/convai/agent-testing")
        tests = [one["name"] for one in listed.json()["tests"]]
        documents = await self.stack.elevenlabs.http.get("/v1/convai/knowledge-base")
        names = [one["name"] for one in documents.json()["documents"]]
        branches = [one["name"] for one in await self.world.branches()]
        return [
            name
            for name in (*agents, *tests, *names, *branches, *await self.world.left_behind())
            if "trunkline-pr-" in name or "/v1/tools/" in name or "trunkline-test-" in name
        ]

    async def nothing_left(self) -> None:
        """Wait until everything that was made for pull requests is gone."""

        async def look() -> bool:
            return not await self.left()

        try:
            await eventually(look, timeout_s=PATIENCE_S, what="the end of what was made for it")
        except BaseException as error:
            error.add_note(", ".join(await self.left()))
            raise


@asynccontextmanager
async def proposing(
    stack: Stack, files: Mapping[str, str], kind: Any = "github"
) -> AsyncIterator[PullWorld]:
    """The installation with its repository on a forge; no worker runs yet."""
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="forge-")))
        running = await parts.enter_async_context(serve_forge(ForgeOptions(root=folder, kind=kind)))
        http = await parts.enter_async_context(
            httpx.AsyncClient(base_url=running.url, timeout=ANSWER_TIMEOUT_S)
        )
        tokens: dict[str, str] = {}
        for login in (BOT, MAINTAINER, STRANGER):
            answer = await http.post("/_sim/users", json={"login": login})
            tokens[login] = answer.json()["token"]
        made = await http.post(
            "/_sim/repositories",
            json={
                "owner": "acme",
                "name": "manifests",
                "files": dict(files),
                "collaborators": {BOT: "admin", MAINTAINER: "write"},
            },
        )
        assert made.status_code == 200, made.text
        address = made.json()["clone_url"]
        await stack.store.register(ProjectRecord(name=stack.project, repository=address))
        settings = Settings(
            TRUNKLINE_PROJECT=stack.project,
            TRUNKLINE_REPOSITORY=address,
            TRUNKLINE_FORGE_URL=running.api_url,
            TRUNKLINE_FORGE_TOKEN=tokens[BOT],
        )
        forges = await parts.enter_async_context(project_forges(settings, stack.store))
        world = await parts.enter_async_context(installed(replace(stack, forges=forges)))
        yield PullWorld(world, http, (address, running.api_url), tokens[BOT])


def company(texts: Texts, *, prompt: str, **tests: str) -> dict[str, str]:
    """The clinic with a prompt and tests."""
    return {**clinic(texts, **tests), "agents/front-desk.yaml": desk(texts, prompt=prompt)}


__all__ = ["clinic", "conversation_test", "desk", "hours", "opens"]
