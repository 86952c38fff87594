"""What people ask for becomes a commit of theirs that changes what they asked for and no more."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.changes.conftest import AGENT, NUMBER, Manifests
from trunkline.adapters.postgres import PostgresStore

pytestmark = pytest.mark.slow
FILE = "agents/front-desk/agent.yaml"
Speed = Callable[..., dict[str, Any]]


async def test_a_value_is_set_where_it_stands(
    manifests: Manifests,
    operator: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    speed: Speed,
) -> None:
    base = manifests.tip
    order = speed(base, message="Faster", reason="Callers are busy")
    answer = await operator.post("changes", json=order)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert manifests.text(FILE) == AGENT.format(name="front-desk").replace("1.0", "1.1")
    assert body["revision"] == manifests.tip
    assert body["files"] == [{"path": FILE, "change": "modified"}]
    assert "+  voice: { stability: 0.6,   speed: 1.1 }" in body["diff"]
    assert (body["branch"], body["base"], body["rebased"]) == ("main", base, False)
    message = manifests.git("log", "-1", "--format=%an <%ae>%n%B")
    assert message.startswith("operator <op@work.example>\nFaster\n\nCallers are busy\n\n")
    assert f"Trunkline-Change: {project}/{body['id']}" in message
    [row] = await store.audit(project=project, action="change.create", limit=5)
    assert (row.reason, row.before) == ("Callers are busy", {"revision": base, "files": [FILE]})
    assert row.after == {
        "revision": body["revision"],
        "branch": "main",
        "files": {FILE: "modified"},
    }
    assert answer.headers["Location"] == f"/v1/projects/{project}/changes/{body['id']}"
    found = await operator.get(f"changes/{body['id']}")
    assert found.json() == {
        "id": body["id"],
        "state": "committed",
        "branch": "main",
        "revision": body["revision"],
        "pullRequest": None,
    }


async def test_an_agent_is_made_changed_and_deleted(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    order = {
        "name": "day-desk",
        "spec": {"displayName": "Day desk", "language": "no"},
        "prompt": "You answer by day.\n",
        "base": manifests.tip,
    }
    made = await operator.post("agents", json=order)
    assert made.status_code == 202, made.text
    assert manifests.text("agents/day-desk/prompt.md") == "You answer by day.\n"
    written = manifests.text("agents/day-desk/agent.yaml")
    assert 'language: "no"' in written
    assert "prompt: { file: prompt.md }" in written
    patched = await operator.patch(
        "agents/day-desk",
        json={"spec": {"language": None, "voice": {"speed": 0.9}}},
        headers={"If-Match": f'"{manifests.tip}"'},
    )
    assert patched.status_code == 202, patched.text
    text = manifests.text("agents/day-desk/agent.yaml")
    assert "language" not in text
    assert "voice: { speed: 0.9 }" in text
    whole = await operator.put(
        "agents/day-desk",
        json={
            "spec": {"displayName": "By day", "prompt": {"file": "prompt.md"}},
            "labels": {"team": "day"},
            "base": manifests.tip,
        },
    )
    assert whole.status_code == 202, whole.text
    assert "By day" in manifests.text("agents/day-desk/agent.yaml")
    assert "labels: { team: day }" in manifests.text("agents/day-desk/agent.yaml")
    gone = await operator.delete("agents/day-desk", params={"base": manifests.tip})
    assert gone.status_code == 202, gone.text
    assert {(each["path"], each["change"]) for each in gone.json()["files"]} == {
        ("agents/day-desk/agent.yaml", "deleted"),
        ("agents/day-desk/prompt.md", "deleted"),
    }


async def test_a_deleted_agent_takes_its_tests_along_and_nothing_that_needs_it(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    gone = await operator.delete("agents/night-desk", params={"base": manifests.tip})
    assert gone.status_code == 202, gone.text
    assert "night-desk" not in manifests.git("ls-tree", "-r", "--name-only", "main")
    needed = await operator.delete("agents/front-desk", params={"base": manifests.tip})
    assert needed.status_code == 422, needed.text
    [part] = needed.json()["errors"]
    assert (part["file"], part["line"]) == ("numbers/main-line.yaml", 7)
    assert "front-desk" in part["message"]


async def test_a_number_is_given_to_somebody_else_and_to_nobody(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    path = "numbers/%2B15005550006/agent"
    given = await operator.put(path, json={"agent": "night-desk", "base": manifests.tip})
    assert given.status_code == 202, given.text
    assert manifests.text("numbers/main-line.yaml") == NUMBER.replace("front-desk", "night-desk")
    free = await operator.put(
        "numbers/main-line/agent", json={"agent": None, "base": manifests.tip}
    )
    assert free.status_code == 202, free.text
    assert manifests.text("numbers/main-line.yaml") == NUMBER.replace("  agent: front-desk\n", "")
    unknown = await operator.put(path, json={"agent": "nobody", "base": manifests.tip})
    assert unknown.status_code == 404
    fresh = await operator.put(
        "numbers/%2B15005550007/agent",
        json={"agent": "night-desk", "environment": "testing", "base": manifests.tip},
    )
    assert fresh.status_code == 202, fresh.text
    assert '"+15005550007"' in manifests.text("numbers/number-15005550007.yaml")


async def test_files_and_manifests_come_and_go_in_one_commit(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    order = {
        "base": manifests.tip,
        "message": "Opening hours",
        "files": [{"path": "knowledge/hours.md", "content": "Nine to five.\n"}],
        "edits": [
            {
                "kind": "KnowledgeDocument",
                "name": "hours",
                "path": "spec",
                "value": {"title": "Hours", "source": {"file": "hours.md"}},
            },
            {"kind": "Agent", "name": "front-desk", "path": "spec.knowledge[]", "value": "hours"},
            {"kind": "ConversationTest", "name": "greets", "path": "", "value": None},
        ],
    }
    answer = await operator.post("changes", json=order)
    assert answer.status_code == 202, answer.text
    assert {each["change"] for each in answer.json()["files"]} == {"added", "modified", "deleted"}
    assert "  knowledge: [hours]\n" in manifests.text(FILE)
    assert manifests.git("log", "--format=%s", f"{order['base']}..main") == "Opening hours\n"


async def test_what_is_said_already_is_not_committed(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    base = manifests.tip
    answer = await operator.post("changes", json=speed(base, 1))
    assert (answer.status_code, answer.json()["unchanged"]) == (200, True)
    again = await operator.put(
        "numbers/main-line/agent", json={"agent": "front-desk", "base": base}
    )
    assert (again.status_code, again.json()["revision"]) == (200, base)
    assert manifests.tip == base


async def test_a_change_without_a_base_is_asked_for_one(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    order = speed(manifests.tip)
    del order["base"]
    answer = await operator.post("changes", json=order)
    assert answer.status_code == 428
    assert answer.json()["type"] == "urn:trunkline:problem:base-required"


async def test_problems_come_with_their_places_after_the_change(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    base = manifests.tip
    answer = await operator.patch(
        "agents/front-desk", json={"spec": {"dispalyName": "x", "tools": ["none"]}, "base": base}
    )
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["type"] == "urn:trunkline:problem:invalid-manifests"
    assert {(part["file"], part["line"]) for part in body["errors"]} >= {(FILE, 11)}
    assert "did you mean displayName" in body["errors"][0]["message"]
    assert manifests.tip == base


FORBIDDEN = (
    ("releases/production/front-desk.yaml", "kind: Release\n", 409),
    ("Releases/production/front-desk.yaml", "kind: Release\n", 409),
    (".github/workflows/run.yaml", "on: push\n", 409),
    ("agents/../../etc/passwd", "x", 400),
    ("/etc/passwd", "x", 400),
    ("README.md", "Mine.\n", 409),
    ("README.md", None, 409),
    ("Makefile", "all:\n", 409),
    ("agents/front-desk", "x", 400),
    ("agents/front-desk/prompt.md/x.yaml", "x", 400),
    ("linked/x.yaml", "kind: Tool\n", 400),
    ("\u200c.git/x.yaml", "kind: Tool\n", 400),
    ("agents/front\u202edesk/x.yaml", "kind: Tool\n", 400),
    ("agents/x\u2028.yaml", "kind: Tool\n", 400),
    ("git~1/x.yaml", "kind: Tool\n", 409),
    ("agents/x.yaml::$DATA/x.yaml", "kind: Tool\n", 400),
    ("agents/front-desk./x.yaml", "kind: Tool\n", 400),
    ("agents/front-desk /x.yaml", "kind: Tool\n", 400),
    ("agents/front-desk/agent.yaml", "a" * 200_000 + ": [", 422),
)


async def test_what_is_no_manifest_is_not_written(
    manifests: Manifests, operator: httpx.AsyncClient
) -> None:
    tip = manifests.link("linked", "agents")
    for path, content, status in FORBIDDEN:
        order = {"base": tip, "files": [{"path": path, "content": content}]}
        answer = await operator.post("changes", json=order)
        assert answer.status_code == status, (path, answer.text)
    assert manifests.tip == tip


async def test_rules_are_an_admins_to_change(
    manifests: Manifests, operator: httpx.AsyncClient, admin: httpx.AsyncClient, project: str
) -> None:
    edit = {"kind": "Project", "name": project, "path": "spec.environments[0].mode"}
    order = {"base": manifests.tip, "edits": [{**edit, "value": "observe"}]}
    refused = await operator.post("changes", json=order)
    assert refused.status_code == 403, refused.text
    done = await admin.post("changes", json=order)
    assert done.status_code == 202, done.text
    text = manifests.text("trunkline.yaml")
    assert "    - name: testing   # follows the branch\n      mode: observe\n" in text


async def test_viewers_change_nothing(
    manifests: Manifests, viewer: httpx.AsyncClient, speed: Speed
) -> None:
    answer = await viewer.post("changes", json=speed(manifests.tip))
    assert answer.status_code == 403
    assert (await viewer.get("manifests", params={"kind": "Agent"})).status_code == 200


async def test_without_a_forge_there_are_no_pull_requests(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    answer = await operator.post("changes", json=speed(manifests.tip, via="pull-request"))
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "urn:trunkline:problem:not-configured"


async def test_a_broken_tip_is_mended_by_files(
    manifests: Manifests, operator: httpx.AsyncClient, speed: Speed
) -> None:
    sound = manifests.text(FILE)
    tip = manifests.push({FILE: sound.replace("displayName", "dispalyName")})
    blocked = await operator.post("changes", json=speed(tip))
    assert blocked.status_code == 409
    assert "The newest commit is not valid" in blocked.json()["detail"]


async def test_manifests_are_read_as_they_are_written(
    manifests: Manifests, viewer: httpx.AsyncClient
) -> None:
    page = (await viewer.get("manifests", params={"limit": 2})).json()
    assert [(each["kind"], each["name"]) for each in page["items"]] == [
        ("Agent", "front-desk"),
        ("Agent", "night-desk"),
    ]
    assert page["items"][0]["usedBy"] == ["main-line"]
    rest = (await viewer.get("manifests", params={"cursor": page["nextCursor"]})).json()
    assert [each["kind"] for each in rest["items"]] == [
        "ConversationTest",
        "PhoneNumber",
        "Project",
    ]
    one = (await viewer.get("manifests/Agent/front-desk")).json()
    assert one["text"] == AGENT.format(name="front-desk")
    assert one["prompt"] == "You answer the telephone.\n"
    assert one["manifest"]["spec"]["voice"] == {"stability": 0.6, "speed": 1.0}
    assert one["revision"] == manifests.tip
    missing = await viewer.get("manifests/Agent/front-dsk")
    assert missing.status_code == 404
    assert "front-desk" in missing.json()["hint"]
