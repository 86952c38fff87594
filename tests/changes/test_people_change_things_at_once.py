"""Others push in between: elsewhere it is made way for, in the same file it is told."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.changes.conftest import Manifests

pytestmark = pytest.mark.slow
FILE = "agents/front-desk/agent.yaml"
Speed = Callable[..., dict[str, Any]]


async def test_two_agents_are_changed_at_once(
    manifests: Manifests, operator: httpx.AsyncClient, admin: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    answers = await asyncio.gather(
        operator.post("changes", json=speed(base)),
        admin.post("changes", json=speed(base, 0.8, "night-desk")),
    )
    assert [answer.status_code for answer in answers] == [202, 202], [a.text for a in answers]
    assert "speed: 1.1" in manifests.text(FILE)
    assert "speed: 0.8" in manifests.text("agents/night-desk/agent.yaml")
    assert sorted(answer.json()["rebased"] for answer in answers) == [False, True]
    assert len(manifests.git("rev-list", f"{base}..main").split()) == 2


async def test_of_two_changes_of_one_file_one_is_shown_the_other(
    manifests: Manifests, operator: httpx.AsyncClient, admin: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    answers = await asyncio.gather(
        operator.post("changes", json=speed(base)),
        admin.patch("agents/front-desk", json={"spec": {"firstMessage": "Hi"}, "base": base}),
    )
    [made, told] = sorted(answers, key=lambda answer: answer.status_code)
    assert (made.status_code, told.status_code) == (202, 409), [a.text for a in answers]
    problem = told.json()
    assert problem["type"] == "urn:trunkline:problem:change-conflict"
    assert problem["current"] == manifests.tip == made.json()["revision"]
    assert problem["diff"] == made.json()["diff"]
    assert len(manifests.git("rev-list", f"{base}..main").split()) == 1


async def test_many_pushes_elsewhere_are_made_way_for(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    for count in range(3):
        manifests.push({f"notes/{count}.md": "x"})
    answer = await operator.post("changes", json=speed(base))
    assert answer.status_code == 202, answer.text
    assert (answer.json()["rebased"], answer.json()["base"]) == (
        True,
        manifests.git("rev-parse", "main~1").strip(),
    )


async def test_an_agent_somebody_deleted_is_a_conflict(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    files = manifests.git("ls-tree", "-r", "--name-only", "main", "agents/night-desk").split()
    manifests.push(dict.fromkeys(files))
    answer = await operator.post("changes", json=speed(base, agent="night-desk"))
    assert answer.status_code == 409, answer.text
    assert "--- a/agents/night-desk/agent.yaml\n+++ /dev/null\n" in answer.json()["diff"]


async def test_a_base_that_is_not_of_the_branch_is_a_conflict(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    answer = await operator.post("changes", json=speed("0" * 40))
    assert answer.status_code == 409, answer.text
    assert answer.json()["current"] == manifests.tip


async def test_the_same_change_sent_again_makes_one_commit(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    first = await operator.post("changes", json=speed(base))
    again = await operator.post("changes", json=speed(base))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["revision"] == first.json()["revision"] == manifests.tip
    manifests.push({FILE: manifests.text(FILE, base)}, "Take it back")
    undone = await operator.post("changes", json=speed(base))
    assert undone.status_code == 409
    assert "took it back" in undone.json()["detail"]
    keyed = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    order = speed(manifests.tip, 0.9)
    answers = [await operator.post("changes", json=order, headers=keyed) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
