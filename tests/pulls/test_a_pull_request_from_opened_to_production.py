"""A pull request's whole life on a forge in a process of its own, in both dialects.

Opened, pushed to, merged, synced, promoted by a pull request of our own, merged again, and in
production: people use Git over HTTP, the forge's REST and our API, and deliveries are signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.pulls.pull_worlds import company, desk, hours
from tests.pulls.whole_accounts import account, as_before
from tests.pulls.whole_lives import ADA, BOT, OP, PLAN, SECRET, an_installation
from tests.workflows.conversation_worlds import PROMPT, conversation_test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.pulls.whole_lives import Installation
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

AGENT = "front-desk"
DESK = "agents/front-desk.yaml"
NINE = f"{PROMPT}\n- The clinic opens at nine on weekdays.\n"
EIGHT = NINE.replace("nine", "eight")
MINUTE_MS = 60_000
"""Agents that think so long are still at it when somebody pushes again."""


@pytest.mark.parametrize("kind", ["github", "gitea"])
async def test_from_opened_to_production(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path, kind: str
) -> None:
    files = company(texts, prompt=NINE, nine=conversation_test("nine", hours("nine")))
    rules = {"approvals": {"count": 1, "roles": ["approver"]}}
    async with an_installation(
        make_stack, postgres_url, files, tmp_path, kind=kind, promotion=rules
    ) as here:
        await here.api()
        here.worker()
        await here.hook()
        await here.synced(AGENT, "night-desk")
        before = await account(here.stack)

        number, first = await here.propose("hours", {DESK: desk(texts, prompt=EIGHT)})
        told = await here.checked(number, first, plan="success", front_desk="failure")
        assert "[-nine-]{+eight+}" in told["body"]
        assert "newly failing" in told["body"]

        older = await _is_tested(here, number, desk(texts, prompt=NINE + "Be brief.\n"))
        newer = await here.push("hours", {DESK: desk(texts, prompt=NINE + "Be kind.\n")})
        await here.stack.elevenlabs.control("talks", {"think_ms": 250})
        edited = await here.checked(number, newer, plan="success", front_desk="success")
        assert edited["id"] == told["id"]
        assert "Be kind." in edited["body"]
        await _is_cancelled(here, older)
        assert await as_before(here.stack, before) == before

        await here.merge(number)
        await here.closed(number, "merged")
        tip = here.remote("refs/heads/main")["refs/heads/main"]
        await _prompted(here, "testing", NINE + "Be kind.\n")
        await here.synced(AGENT, revision=tip)

        released = await _released(here)
        assert await _prompts(here, "production") == [NINE + "Be kind.\n"]
        tag = f"refs/tags/trunkline/production/{AGENT}/v1"
        assert here.remote("refs/tags/*")[f"{tag}^{{}}"] == released["revision"] == tip
        assert here.remote("refs/heads/trunkline/*") == {}
        assert [one["id"] for one in await here.comments(number)] == [told["id"]]
        answered = {row["status"] for row in await here.delivered()}
        assert answered == {202}
        _no_secret_in_logs(here)


async def _is_tested(here: Installation, number: int, text: str) -> str:
    """Push a head whose tests take their time; the run, once it goes on."""
    await here.stack.elevenlabs.control("talks", {"think_ms": MINUTE_MS})
    head = await here.push("hours", {DESK: text})

    async def running() -> str | None:
        row = await here.read(f"/pull-requests/{number}")
        agent = row["agents"][0] if row["agents"] else {}
        if row["head"] != head or agent.get("state") != "running":
            return None
        answer = await here.ask("GET", f"/test-runs/{agent['runId']}")
        return str(agent["runId"]) if answer.is_success else None

    run_id = str(await here.waited(running, "tests of the older head"))
    said = await here.statuses(head)
    assert set(said.values()) <= {"pending", "success"}, said
    return run_id


async def _is_cancelled(here: Installation, run_id: str) -> None:
    async def look() -> bool:
        return bool((await here.read(f"/test-runs/{run_id}"))["state"] == "Cancelled")

    await here.waited(look, "the end of the older run")


async def _released(here: Installation) -> dict[str, Any]:
    """Promote what testing runs, agree to it, and merge what is proposed; the promotion."""
    order = {"stage": "production", "environment": "production", "changes": "Answers kindly"}
    answer = await here.ask("POST", f"/agents/{AGENT}/deploy", **order)
    assert answer.status_code == 202, answer.text
    place = answer.headers["Location"].removeprefix("/v1/projects/acme")

    async def asks() -> dict[str, Any] | None:
        row = await here.read(place)
        assert row["state"] == "Open", (row["reason"], row["message"])
        return row if row["phase"] == "Approval" else None

    await here.waited(asks, "the approval")
    agreed = await here.ask("POST", f"{place}/approve", by="ben", comment="Looks right")
    assert agreed.is_success, agreed.text

    async def proposed() -> dict[str, Any] | None:
        row = await here.read(place)
        assert row["state"] == "Open", (row["reason"], row["message"])
        return row if row["reason"] == "PullRequestOpen" else None

    await here.waited(proposed, "the pull request of the release")
    (pull,) = await here.rest("GET", "/pulls?state=open", by=OP)
    assert pull["user"]["login"] == BOT
    assert pull["title"] == f"Release {AGENT} in production: v1"
    for words in ("Answers kindly", "nine (1/1)", "ben"):
        assert words in pull["body"], pull["body"]
    head = str(pull["head"]["sha"])
    await here.checked(pull["number"], head, plan="success")
    assert await _prompts(here, "production") == []
    assert not [name for name in here.remote("refs/tags/*") if "trunkline/production" in name]
    await here.merge(pull["number"], way="squash")

    async def done() -> dict[str, Any] | None:
        row = await here.read(place)
        assert row["state"] in ("Open", "Done"), (row["reason"], row["message"])
        return row if row["state"] == "Done" else None

    row: dict[str, Any] = await here.waited(done, "the release")
    await here.synced(AGENT, environment="production")
    assert (row["version"], row["pullRequest"]) == (1, pull["number"])
    assert await here.statuses(head) == {PLAN: "success"}
    return row


async def _prompted(here: Installation, environment: str, prompt: str) -> None:
    async def look() -> bool:
        return await _prompts(here, environment) == [prompt]

    await here.waited(look, f"the prompt in {environment}")


async def _prompts(here: Installation, environment: str) -> list[str]:
    """What the agents of an environment are told to be, on the platform."""
    found = []
    for row in await here.stack.elevenlabs.agents():
        body = await here.stack.elevenlabs.agent(row["agent_id"])
        if f"trunkline:acme/{environment}/{AGENT}" in body["tags"]:
            found.append(body["conversation_config"]["agent"]["prompt"]["prompt"] + "\n")
    return found


def _no_secret_in_logs(here: Installation) -> None:
    secrets = (SECRET, here.tokens[BOT], here.tokens[ADA], *here.people.values())
    for log in here.root.glob("*.log"):
        text = log.read_text()
        assert not [secret for secret in secrets if secret in text], log.name
