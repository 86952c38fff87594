"""Long lists come page by page, filtered by environment and label, nothing lost or repeated."""

from collections.abc import Callable

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import EventRecord, StatusRecord


@pytest.fixture
async def many(store: PostgresStore, project: str) -> list[str]:
    names = [f"agent-{number:03}" for number in range(23)]
    for number, name in enumerate(names):
        for environment in ("testing", "production") if number % 2 else ("testing",):
            status = StatusRecord(
                project=project,
                environment=environment,
                kind="agent",
                name=name,
                labels={"team": "even" if number % 2 == 0 else "odd", "tier": "one"},
            )
            await store.put_status(status, [])
    return names


async def read(client: httpx.AsyncClient, query: str, size: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    cursor = ""
    while True:
        answer = await client.get(f"agents?limit={size}{query}{cursor}")
        page = answer.json()
        assert len(page["items"]) <= size
        found += [(item["name"], item["environment"]) for item in page["items"]]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


async def test_pages_join_to_the_whole(viewer: httpx.AsyncClient, many: list[str]) -> None:
    for size in (1, 7, 34, 200):
        found = await read(viewer, "", size)
        assert len(found) == len(set(found)) == 34
        assert sorted({name for name, _ in found}) == many
        assert found == sorted(found)


async def test_filters(viewer: httpx.AsyncClient, many: list[str]) -> None:
    released = await read(viewer, "&environment=production", 5)
    assert [name for name, _ in released] == many[1::2]
    even = await read(viewer, "&label=team%3Deven&label=tier%3Done", 5)
    assert [name for name, _ in even] == many[::2]
    assert await read(viewer, "&label=team%3Dnone", 5) == []


@pytest.mark.usefixtures("many")
async def test_an_agent_in_two_environments_needs_to_be_told_apart(
    viewer: httpx.AsyncClient,
) -> None:
    unclear = await viewer.get("agents/agent-001")
    assert unclear.status_code == 400
    assert "production, testing" in unclear.json()["detail"]
    clear = await viewer.get("agents/agent-001?environment=production")
    assert clear.json()["environment"] == "production"
    only = await viewer.get("agents/agent-002")
    assert only.json()["environment"] == "testing"


@pytest.mark.usefixtures("fleet")
async def test_numbers_say_which_they_are(viewer: httpx.AsyncClient) -> None:
    [number] = (await viewer.get("numbers")).json()["items"]
    assert (number["name"], number["number"]) == ("main-line", "+15005550006")
    assert (number["sync"], number["message"]) == ("OutOfSync", "taken")


@pytest.mark.usefixtures("fleet")
async def test_a_project_says_which_environment_waits_for_a_release(
    http: httpx.AsyncClient, token: Callable[[str], str], project: str
) -> None:
    headers = {"Authorization": f"Bearer {token('viewer')}"}
    answer = (await http.get(f"/v1/projects/{project}", headers=headers)).json()
    words = {found["name"]: found["message"] for found in answer["environments"]}
    assert words == {"testing": "", "production": "waiting for its first release"}


async def test_events_are_paged_backwards_and_followed_forwards(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    def event(number: int, name: str) -> EventRecord:
        return EventRecord(
            project=project, environment="testing", name=name, reason="Made", message=f"{number}"
        )

    await store.add_events([event(number, f"a-{number % 2}") for number in range(7)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await viewer.get(f"events?limit=3{cursor}")).json()
        seen += [item["message"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    one = (await viewer.get("agents/a-1/events")).json()["items"]
    assert [item["message"] for item in one] == ["5", "3", "1"]
    last = (await viewer.get("events?limit=1")).json()["items"][0]["id"]
    await store.add_events([event(7, "a-1"), event(8, "a-0")])
    later = (await viewer.get(f"events?after={last}")).json()["items"]
    assert [item["message"] for item in later] == ["7", "8"]
    mine = (await viewer.get(f"agents/a-0/events?after={last}")).json()["items"]
    assert [item["message"] for item in mine] == ["8"]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("path", ["agents", "numbers", "events", "events?after=0"])
async def test_an_environment_that_is_not_there_is_no_empty_one(
    viewer: httpx.AsyncClient, path: str
) -> None:
    answer = await viewer.get(f"{path}{'&' if '?' in path else '?'}environment=tesitng")
    assert answer.status_code == 400
    problem = answer.json()
    assert "has no environment 'tesitng'" in problem["detail"]
    assert "testing, production" in problem["hint"]
    known = await viewer.get(f"{path}{'&' if '?' in path else '?'}environment=production")
    assert (known.status_code, known.json()["items"]) == (200, [])


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    "path", ["agents/front-dest", "agents/front-dest/events", "agents/front-dest/why"]
)
async def test_a_mistyped_name_is_answered_with_the_nearest_one(
    viewer: httpx.AsyncClient, path: str
) -> None:
    answer = await viewer.get(path)
    assert answer.status_code == 404
    assert answer.json()["hint"] == "Did you mean front-desk?"


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("page", ["", "/why", "/events"])
async def test_a_name_that_another_environment_has_is_answered_with_where(
    viewer: httpx.AsyncClient, page: str
) -> None:
    answer = await viewer.get(f"agents/front-desk{page}", params={"environment": "production"})
    assert answer.status_code == 404
    assert answer.json()["hint"].startswith("It is in testing. An environment of releases ")
