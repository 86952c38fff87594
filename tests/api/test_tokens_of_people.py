"""Tokens are made, listed and revoked by admins within their reach; the last admin's stays."""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.services.access import AccessService

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
Token = Callable[[str], str]


def person(token: Token, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(who)}"}


async def test_a_secret_is_shown_once_and_works_until_it_is_revoked(
    http: httpx.AsyncClient, token: Token, project: str
) -> None:
    admin = person(token, "admin")
    body = {"person": "new@example.com", "role": "operator", "project": project}
    made = (await http.post("/v1/tokens", json=body, headers=admin)).json()
    theirs = {"Authorization": f"Bearer {made['secret']}"}
    assert (await http.post(f"/v1/projects/{project}/sync", headers=theirs)).status_code == 202
    listed = await http.get("/v1/tokens", headers=admin)
    assert made["secret"] not in listed.text
    assert "hash" not in listed.text
    [row] = [row for row in listed.json()["items"] if row["id"] == made["id"]]
    assert (row["person"], row["role"], row["project"]) == ("new@example.com", "operator", project)
    gone = await http.delete(f"/v1/tokens/{made['id']}?reason=left", headers=admin)
    assert gone.status_code == 200
    assert (await http.get("/v1/projects", headers=theirs)).status_code == 401
    rows = (await http.get("/v1/audit?action=token.revoke", headers=admin)).json()["items"]
    assert [(r["subject"], r["reason"]) for r in rows] == [(made["id"], "left")]
    assert made["secret"] not in (await http.get("/v1/audit", headers=admin)).text


async def test_a_token_ends_when_it_says(
    http: httpx.AsyncClient, token: Token, store: PostgresStore
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    body = {"person": "a@example.com", "role": "viewer", "expiresAt": past.isoformat()}
    refused = await http.post("/v1/tokens", json=body, headers=person(token, "admin"))
    assert refused.status_code == 400
    assert "over already" in refused.json()["detail"]
    naive = await http.post(
        "/v1/tokens",
        json={**body, "expiresAt": "2099-01-01T00:00:00"},
        headers=person(token, "admin"),
    )
    assert naive.status_code == 422
    over = await AccessService(store).issue("b@example.com", "admin", expires_at=past)
    answer = await http.get("/v1/projects", headers={"Authorization": f"Bearer {over.secret}"})
    assert answer.status_code == 401


async def test_the_last_admin_of_every_project_cannot_lock_everybody_out(
    http: httpx.AsyncClient, token: Token, command: Command
) -> None:
    admin = person(token, "admin")
    body = {"person": "second@example.com", "role": "admin"}
    second = (await http.post("/v1/tokens", json=body, headers=admin)).json()
    listed = (await http.get("/v1/tokens", headers=admin)).json()["items"]
    [first] = [row["id"] for row in listed if row["person"] == "admin@example.com"]
    assert (await http.delete(f"/v1/tokens/{second['id']}", headers=admin)).status_code == 200
    refused = await http.delete(f"/v1/tokens/{first}", headers=admin)
    assert refused.status_code == 409
    assert "last token of an admin" in refused.json()["detail"]
    code, _, err = await command("tokens", "revoke", first, who="admin")
    assert code == 4
    assert "trunkline tokens create PERSON --role admin" in err
    assert (await http.get("/v1/tokens", headers=admin)).status_code == 200


async def test_an_admin_of_one_project_manages_that_projects_tokens_only(
    http: httpx.AsyncClient, token: Token, project: str, foreign_project: str
) -> None:
    foreign = person(token, "foreign_admin")
    body = {"person": "c@example.com", "role": "viewer"}
    everywhere = await http.post("/v1/tokens", json=body, headers=foreign)
    elsewhere = await http.post("/v1/tokens", json={**body, "project": project}, headers=foreign)
    own = await http.post("/v1/tokens", json={**body, "project": foreign_project}, headers=foreign)
    assert (everywhere.status_code, elsewhere.status_code, own.status_code) == (400, 404, 201)
    seen = (await http.get("/v1/tokens", headers=foreign)).json()["items"]
    assert {row["project"] for row in seen} == {foreign_project}
    everybody = (await http.get("/v1/tokens", headers=person(token, "admin"))).json()["items"]
    [hidden] = [row["id"] for row in everybody if row["person"] == "viewer@example.com"]
    assert (await http.delete(f"/v1/tokens/{hidden}", headers=foreign)).status_code == 404


@pytest.mark.parametrize("who", ["viewer", "operator", "approver"])
async def test_nobody_else_touches_tokens(http: httpx.AsyncClient, token: Token, who: str) -> None:
    headers = person(token, who)
    body = {"person": "d@example.com", "role": "viewer"}
    asked = (
        await http.get("/v1/tokens", headers=headers),
        await http.post("/v1/tokens", json=body, headers=headers),
        await http.delete("/v1/tokens/token-000000000000", headers=headers),
    )
    assert [answer.status_code for answer in asked] == [403, 403, 403]


@pytest.mark.slow
async def test_the_command_prints_the_secret_alone(command: Command, project: str) -> None:
    code, out, err = await command(
        *("tokens", "create", "e@example.com", "--role", "approver", "--project", project),
        *("--expires", "48h"),
        who="admin",
    )
    assert code == 0, err
    assert out.startswith("tl_")
    assert out.count("\n") == 1
    assert "approver" in err
    assert "shown once" in err
    code, out, _ = await command("tokens", "list", who="admin")
    [row] = [line.split() for line in out.splitlines() if "e@example.com" in line]
    assert row[1:4] == ["e@example.com", "approver", project]
    assert row[5] in {"47h", "48h"}
    _, as_json, _ = await command("tokens", "list", "-o", "json", who="admin")
    document = json.loads(as_json)
    assert (document["formatVersion"], document["kind"]) == ("1", "TokenList")
    code, _, err = await command("tokens", "create", "f@example.com", who="admin")
    assert code == 64
    assert "--all-projects" in err


async def test_the_first_token_needs_no_server(
    command: Command, database_url: str, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    code, out, err = await command(
        *("tokens", "create", "root@example.com", "--role", "admin", "--all-projects"),
        *("--database", "--reason", "the first one"),
        url="http://127.0.0.1:1",
    )
    assert code == 0, err
    headers = {"Authorization": f"Bearer {out.strip()}"}
    rows = (await http.get("/v1/audit", headers=headers)).json()["items"]
    assert (rows[0]["actor"], rows[0]["reason"]) == ("DATABASE_URL", "the first one")
