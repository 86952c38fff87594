"""A hold and a stage become commits with the person as author; asked twice, nothing is added."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest

from trunkline.adapters.git.seed import commit, seed
from trunkline.adapters.postgres import PostgresStore
from trunkline.manifests.release_files import release_text
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.records import ProjectRecord

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: {{ name: {name} }}
spec:
  people: [ {{ name: operator, emails: [op@work.example, operator@example.com] }} ]
  environments:
    - name: testing
    - name: production
      source: releases
      promotion: {{ from: testing }}
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }
spec:
  displayName: Front desk   # as callers hear it
  prompt: { text: "You answer the telephone." }
"""
RELEASED = "releases/production/front-desk.yaml"
AGENT_FILE = "agents/front-desk.yaml"
SPEC = ReleaseSpec.model_validate(
    {
        "environment": "production",
        "version": 1,
        "revision": "3f0c" * 10,
        "digest": "sha256:" + "5e" * 32,
        "changes": "First release",
        "promotedBy": "operator@example.com",
        "evidence": {"keyId": "k1"},
    }
)


@pytest.fixture
async def bare(tmp_path: Path, store: PostgresStore, project: str, promotable: None) -> Path:
    """The project's repository, on this machine's disk."""
    assert promotable is None
    folder, repository = tmp_path / "manifests", tmp_path / "manifests.git"
    for name, text in (
        ("trunkline.yaml", PROJECT.format(name=project)),
        (AGENT_FILE, AGENT),
        (RELEASED, release_text("front-desk", SPEC)),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    seed(repository, folder)
    await store.register(ProjectRecord(name=project, repository=str(repository)))
    return repository


def git(bare: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(bare), *arguments], capture_output=True, check=True, text=True
    )
    return done.stdout


async def test_a_hold_is_a_commit_that_changes_nothing_else(
    bare: Path, operator: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    before = git(bare, "show", f"main:{RELEASED}")
    answer = await operator.post("agents/front-desk/hold", json={"reason": "the fair is on"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["environment"], body["held"]) == ("production", True)
    assert body["commit"] == git(bare, "rev-parse", "main").strip()
    text = git(bare, "show", f"main:{RELEASED}")
    added = [line for line in text.splitlines() if line not in before.splitlines()]
    assert added == ['  hold: { reason: the fair is on, by: "operator@example.com" }']
    assert git(bare, "log", "-1", "--format=%an <%ae>").strip() == "operator <operator@example.com>"
    assert git(bare, "tag") == ""
    again = await operator.post("agents/front-desk/hold", json={"reason": "the fair is on"})
    assert (again.status_code, again.json()["commit"]) == (200, None)
    lifted = await operator.delete("agents/front-desk/hold", params={"reason": "it is over"})
    assert (lifted.status_code, lifted.json()["held"]) == (200, False)
    assert git(bare, "show", f"main:{RELEASED}") == before
    rows = await store.audit(project=project, action="promotion.hold", limit=5)
    assert [(row.reason, row.details["lifted"]) for row in rows] == [
        ("it is over", True),
        ("the fair is on", False),
        ("the fair is on", False),
    ]


async def test_what_is_not_released_cannot_be_held(bare: Path, operator: httpx.AsyncClient) -> None:
    commit(bare, {RELEASED: None}, message="Undeploy")
    answer = await operator.post("agents/front-desk/hold", json={"reason": "the fair is on"})
    assert answer.status_code == 409
    assert "front-desk is not released to production" in answer.json()["detail"]


async def test_draft_and_testing_are_commits_on_the_lifecycle(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    order = {"stage": "draft", "changes": "The clinic moves house"}
    answer = await operator.post("agents/front-desk/deploy", json=order)
    assert answer.status_code == 202, answer.text
    assert answer.json()["commit"] == git(bare, "rev-parse", "main").strip()
    assert answer.json()["deployment"]["version"] == 0
    draft = git(bare, "show", f"main:{AGENT_FILE}")
    assert draft == AGENT.replace("spec:\n", "spec:\n  lifecycle: draft\n")
    assert "The clinic moves house" in git(bare, "log", "-1", "--format=%B")
    again = await operator.post("agents/front-desk/deploy", json=order)
    assert (again.status_code, again.json()["commit"]) == (200, None)
    back = await operator.post("agents/front-desk/deploy", json={"status": "testing"})
    assert back.status_code == 202
    assert git(bare, "show", f"main:{AGENT_FILE}") == draft.replace("draft", "active")
    unknown = await operator.post("agents/night-desk/deploy", json={"stage": "draft"})
    assert unknown.status_code == 404


async def test_a_lifecycle_of_one_environment_is_not_passed_over_in_silence(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    text = f"{AGENT}  overrides:\n    testing: {{ lifecycle: inactive }}\n"
    tip = commit(bare, {AGENT_FILE: text}, message="Off while the clinic moves")
    for stage, lifecycle in (("testing", "active"), ("draft", "draft")):
        answer = await operator.post("agents/front-desk/deploy", json={"stage": stage})
        assert answer.status_code == 409, answer.text
        problem = answer.json()
        assert "`lifecycle: inactive` of its own in testing" in problem["detail"]
        assert f"({AGENT_FILE}:8)" in problem["detail"]
        assert f"set it to {lifecycle}" in problem["hint"]
    assert git(bare, "rev-parse", "main").strip() == tip
    commit(bare, {AGENT_FILE: text.replace("inactive", "draft")}, message="Draft")
    draft = await operator.post("agents/front-desk/deploy", json={"stage": "draft"})
    assert draft.status_code == 202, draft.text
    assert "\n  lifecycle: draft\n" in git(bare, "show", f"main:{AGENT_FILE}")


async def test_a_lifecycle_of_what_is_promoted_to_is_left_alone(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    text = f"{AGENT}  overrides:\n    production: {{ lifecycle: inactive }}\n"
    commit(bare, {AGENT_FILE: text}, message="Not for callers yet")
    answer = await operator.post("agents/front-desk/deploy", json={"stage": "draft"})
    assert answer.status_code == 202, answer.text
    assert "production: { lifecycle: inactive }" in git(bare, "show", f"main:{AGENT_FILE}")


async def test_nothing_is_changed_on_top_of_a_tree_with_problems(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    commit(bare, {AGENT_FILE: AGENT.replace("displayName", "dispalyName")}, message="Break it")
    answer = await operator.post("agents/front-desk/deploy", json={"stage": "draft"})
    assert answer.status_code == 409
    assert "The newest commit is not valid" in answer.json()["detail"]
    held = await operator.post("agents/front-desk/hold", json={"reason": "until it is mended"})
    assert held.status_code == 200, held.text


async def test_a_branch_that_takes_no_push_of_ours_is_said(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    git(bare, "config", "receive.hideRefs", "refs/heads/main")
    answer = await operator.post("agents/front-desk/hold", json={"reason": "the fair is on"})
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:trunkline:problem:push-refused"
    assert "hidden ref" in answer.json()["detail"]
    assert answer.json()["hint"]


async def test_a_repository_that_is_gone_is_no_failure_of_ours(
    bare: Path, operator: httpx.AsyncClient
) -> None:
    await asyncio.to_thread(bare.rename, bare.with_name("elsewhere.git"))
    answer = await operator.post("agents/front-desk/hold", json={"reason": "the fair is on"})
    assert answer.status_code == 503, answer.text
