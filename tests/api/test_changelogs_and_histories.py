"""Changelog, history and deployment: newest first, as far back as Git goes, page by page."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Revision
from trunkline.model.records import EventRecord
from trunkline.model.releases import ReleaseRecord

Released = Callable[..., Awaitable[ReleaseRecord]]
Command = Callable[..., Awaitable[tuple[int, str, str]]]
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.usefixtures("promotable")
async def test_before_the_first_release_the_changelog_is_empty(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.get("agents/front-desk/changelog")
    assert answer.status_code == 200
    assert answer.json() == {
        "changelog": [],
        "currentVersion": 0,
        "environment": "production",
        "nextCursor": None,
    }
    unknown = await viewer.get("agents/front-dest/changelog")
    assert (unknown.status_code, unknown.json()["hint"]) == (404, "Did you mean front-desk?")
    branch = await viewer.get("agents/front-desk/changelog", params={"environment": "testing"})
    assert branch.status_code == 409


@pytest.mark.usefixtures("promotable")
async def test_changes_come_newest_first_and_in_pages(
    viewer: httpx.AsyncClient, released: Released
) -> None:
    for version in range(1, 6):
        await released(version, DIGEST)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await viewer.get("agents/front-desk/changelog", params={"limit": 2, **cursor})
        body = answer.json()
        assert body["currentVersion"] == 5
        seen += [entry["version"] for entry in body["changelog"]]
        if body["nextCursor"] is None:
            break
        cursor = {"cursor": body["nextCursor"]}
    assert seen == [5, 4, 3, 2, 1]
    first = (await viewer.get("agents/front-desk/changelog")).json()["changelog"][0]
    assert first == {
        "version": 5,
        "changes": "Change number 5",
        "updatedAt": "2026-03-05T09:00:00Z",
        "updatedBy": "author@example.com",
    }
    wrong = await viewer.get("agents/front-desk/changelog", params={"cursor": "bmV4dA"})
    assert wrong.status_code == 400


@pytest.mark.usefixtures("promotable")
async def test_an_agent_says_how_far_it_has_come(
    viewer: httpx.AsyncClient, released: Released
) -> None:
    await released(1, DIGEST)
    await released(2, DIGEST)
    agent = (await viewer.get("agents/front-desk")).json()
    assert (agent["environment"], agent["stage"]) == ("testing", "testing")
    deployment = agent["deployment"]
    assert (deployment["stage"], deployment["version"]) == ("production", 2)
    assert deployment["lastDeployedAt"] == "2026-03-02T09:00:00Z"
    assert deployment["deployedBy"] == "author@example.com"
    assert [entry["version"] for entry in deployment["changelog"]] == [2, 1]


@pytest.mark.usefixtures("promotable")
async def test_history_tells_releases_and_commits_together(
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    released: Released,
    command: Command,
) -> None:
    await released(1, DIGEST, promotion="production.front-desk.1")
    await released(2, DIGEST, restores=1)
    commit = EventRecord(
        project=project,
        environment="testing",
        name="front-desk",
        reason="Updated",
        message="2 attributes",
        revision=Revision("a" * 40),
    )
    await store.add_events([commit])
    items = (await viewer.get("agents/front-desk/history")).json()["items"]
    told = [(each["environment"], each["version"], each["reason"]) for each in items]
    assert told == [
        ("testing", 0, "Updated"),
        ("production", 2, "RolledBack"),
        ("production", 1, "Released"),
    ]
    assert (items[1]["state"], items[1]["restores"]) == ("current", 1)
    assert items[2]["promotion"] == "production.front-desk.1"
    only = await viewer.get("agents/front-desk/history", params={"environment": "testing"})
    assert [each["version"] for each in only.json()["items"]] == [0]
    code, out, err = await command("history", "front-desk", "-e", "production")
    assert code == 0, err
    assert [line.split()[0] for line in out.splitlines()] == ["VERSION", "v2", "v1"]
    assert out.splitlines()[1].endswith("Change number 2")


@pytest.mark.usefixtures("promotable")
async def test_commits_and_releases_go_on_together_page_by_page(
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    released: Released,
    command: Command,
) -> None:
    for version in (1, 2, 3):
        await released(version, DIGEST)
    revisions = [letter * 40 for letter in "abcabd"]
    for revision in revisions:
        told = {"project": project, "environment": "testing", "name": "front-desk"}
        for reason in ("Updated", "Synced"):
            event = {**told, "reason": reason, "message": "x", "revision": revision}
            await store.add_events([EventRecord.model_validate(event)])
    whole = (await viewer.get("agents/front-desk/history", params={"limit": 200})).json()
    assert whole["nextCursor"] is None
    wanted = [(each["version"], each["revision"]) for each in whole["items"]]
    assert [revision for version, revision in wanted if not version] == revisions[::-1]
    assert [version for version, _ in wanted if version] == [3, 2, 1]
    for limit in (1, 2, 4, 9):
        seen: list[tuple[int, str]] = []
        query: dict[str, str | int] = {"limit": limit}
        while True:
            page = (await viewer.get("agents/front-desk/history", params=query)).json()
            assert len(page["items"]) <= limit
            seen += [(each["version"], each["revision"]) for each in page["items"]]
            if page["nextCursor"] is None:
                break
            query["cursor"] = page["nextCursor"]
        assert seen == wanted
    code, out, err = await command("history", "front-desk", "--limit", "8")
    assert code == 0, err
    assert len(out.splitlines()) == 9
    for cursor in ("bmV4dA", "YmVmb3JlOjU", "eC8x"):
        wrong = await viewer.get("agents/front-desk/history", params={"cursor": cursor})
        assert wrong.status_code == 400
