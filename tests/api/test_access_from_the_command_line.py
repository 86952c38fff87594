"""Tokens are rotated and the log is read and exported with the command line."""

import json
from collections.abc import Callable, Coroutine

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.services.access import AccessService

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
pytestmark = pytest.mark.slow


async def test_a_token_is_rotated(command: Command, store: PostgresStore, project: str) -> None:
    old = await AccessService(store).issue("ci@example.com", "operator", project=project)
    code, out, err = await command("tokens", "rotate", old.record.id, "--grace", "48h", who="admin")
    assert code == 0, err
    assert out.startswith("tl_")
    assert out.count("\n") == 1
    assert "shown once" in err
    assert f"{old.record.id} goes on for 2d" in err
    code, _, err = await command("tokens", "rotate", "token-0", who="admin")
    assert (code, "There is no token" in err) == (1, True)
    code, out, _ = await command("tokens", "list", "-o", "wide", who="admin")
    assert out.splitlines()[0].split()[-2:] == ["EXPIRES-IN", "LAST-USED"]
    assert sum("ci@example.com" in line for line in out.splitlines()) == 2


async def test_the_log_is_searched_and_exported(
    command: Command, http: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    access = AccessService(store)
    boss = (await access.issue("boss@example.com", "admin")).secret
    for name in ("a@example.com", "b@example.com"):
        order = {"person": name, "role": "viewer", "project": project}
        headers = {"Authorization": f"Bearer {boss}", "X-Request-ID": f"r-{name[0]}"}
        made = await http.post("/v1/tokens", json=order, headers=headers)
        assert made.status_code == 201
    code, out, err = await command("audit", "--request", "r-a", "-o", "wide", who="admin")
    assert code == 0, err
    head, row = out.splitlines()
    assert {"BEFORE", "AFTER"} <= set(head.split())
    assert "person=a@example.com" in row
    code, out, _ = await command("audit", "--export", "--action", "token.create", who="admin")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [one["after"]["person"] for one in rows] == ["b@example.com", "a@example.com"]
    code, out, _ = await command(
        "audit", "--subject", rows[0]["subject"], "-o", "json", who="admin"
    )
    assert [one["requestId"] for one in json.loads(out)["items"]] == ["r-b"]
    code, out, err = await command("audit", "--until", "1h", who="admin")
    assert (code, out) == (0, "")
