"""What people did can be found by project, person, action and time, page by page."""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import AuditRecord

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
Token = Callable[[str], str]


@pytest.fixture
async def deeds(store: PostgresStore, project: str, foreign_project: str) -> None:
    """Seven rows: four syncs and two suspensions of one project, one sync of another."""
    for number in range(6):
        await store.add_audit(
            AuditRecord(
                actor="ann@example.com" if number % 2 else "bob@example.com",
                role="operator",
                action="agent.suspend" if number > 3 else "sync.create",
                project=project,
                subject=f"agent-{number}",
                request_id=f"request-{number}",
                reason=f"reason {number}",
            )
        )
    await store.add_audit(
        AuditRecord(
            actor="ann@example.com",
            role="admin",
            action="sync.create",
            project=foreign_project,
            subject="elsewhere",
            request_id="request-6",
        )
    )


@pytest.mark.slow
@pytest.mark.usefixtures("deeds")
async def test_every_filter_narrows(command: Command, project: str) -> None:
    async def found(*options: str) -> list[str]:
        code, out, err = await command("audit", "-o", "json", *options, who="admin")
        assert code == 0, err
        return [row["subject"] for row in json.loads(out)["items"]]

    assert await found() == ["elsewhere", *(f"agent-{number}" for number in (5, 4, 3, 2, 1, 0))]
    assert await found("--project", project, "--actor", "ann@example.com") == [
        *("agent-5", "agent-3", "agent-1")
    ]
    assert await found("--action", "agent.suspend") == ["agent-5", "agent-4"]
    assert await found("--since", "1h", "--limit", "2") == ["elsewhere", "agent-5"]
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await found("--since", ahead) == []


@pytest.mark.usefixtures("deeds")
async def test_pages_follow_each_other_within_a_filter(
    http: httpx.AsyncClient, token: Token, project: str
) -> None:
    headers = {"Authorization": f"Bearer {token('admin')}"}
    seen: list[str] = []
    query: dict[str, str | int] = {"project": project, "limit": 4}
    for _ in range(3):
        page = (await http.get("/v1/audit", params=query, headers=headers)).json()
        seen += [row["subject"] for row in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == [f"agent-{number}" for number in (5, 4, 3, 2, 1, 0)]


@pytest.mark.usefixtures("deeds")
async def test_an_admin_of_one_project_sees_that_project(
    http: httpx.AsyncClient, token: Token, project: str
) -> None:
    headers = {"Authorization": f"Bearer {token('foreign_admin')}"}
    rows = (await http.get("/v1/audit", headers=headers)).json()["items"]
    assert [row["subject"] for row in rows] == ["elsewhere"]
    other = await http.get("/v1/audit", params={"project": project}, headers=headers)
    assert other.json()["items"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("deeds")
async def test_the_table_and_what_is_said_of_nothing(command: Command) -> None:
    code, out, _ = await command("audit", "--limit", "1", who="admin")
    header, row = out.splitlines()
    assert code == 0
    assert header.split() == ["AGE", "ACTOR", "ACTION", "PROJECT", "SUBJECT", "REASON"]
    assert row.split()[1:3] == ["ann@example.com", "sync.create"]
    code, out, err = await command("audit", "--actor", "nobody", who="admin")
    assert (code, out) == (0, "")
    assert "Nothing like that" in err
    code, _, err = await command("audit", "--since", "yesterday", who="admin")
    assert code == 64
    assert "2h" in err
