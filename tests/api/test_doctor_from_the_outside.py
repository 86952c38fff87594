"""``trunkline doctor``: what it prints, how it ends, and what it says when the server cannot."""

import json
from collections.abc import Callable, Coroutine

import psycopg
import pytest

from tests.held_ports import held_port
from tests.notifications.worlds import eventually

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]


async def test_what_is_wrong_is_printed_with_what_to_do(command: Command) -> None:
    code, out, _ = await command("doctor", who="operator")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].split() == ["CHECK", "STATE", "FOUND"]
    states = {line.split()[0]: line.split()[1] for line in lines[1 : lines.index("")]}
    assert states["local.server"] == states["local.token"] == states["local.clock"] == "ok"
    assert states["postgresql.writable"] == "ok"
    assert states["server.public-url"] == "failed"
    advice = lines[lines.index("") + 1 :]
    assert any(line.startswith("server.public-url: Serve it by https") for line in advice)
    code, out, _ = await command("doctor", "--server", "-o", "json", who="admin")
    document = json.loads(out)
    assert (code, document["kind"]) == (1, "DoctorReport")
    assert not any(item["name"].startswith("local.") for item in document["items"])


async def test_who_may_not_ask_sees_their_own_side(command: Command) -> None:
    code, out, _ = await command("doctor", "-o", "json")
    found = {item["name"]: item for item in json.loads(out)["items"]}
    assert code == 0
    assert found["server"]["state"] == "skipped"
    assert "operator" in found["server"]["advice"]
    assert found["local.token"]["state"] == "ok"


async def test_a_server_that_does_not_answer_is_no_finding_about_it(command: Command) -> None:
    with held_port() as port:
        code, out, _ = await command("doctor", "-o", "json", url=f"http://127.0.0.1:{port}")
    found = {item["name"]: item for item in json.loads(out)["items"]}
    assert code == 3
    assert found["local.server"]["state"] == "failed"
    assert "TRUNKLINE_URL" in found["local.server"]["advice"]


async def test_a_token_nobody_knows(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    code, out, _ = await command("doctor", "--local", "-o", "json", who="unknown")
    found = {item["name"]: item for item in json.loads(out)["items"]}
    assert code == 1
    assert found["local.token"]["state"] == "failed"
    assert "TRUNKLINE_TOKEN" in found["local.token"]["advice"]


async def test_a_database_that_lost_its_tables_is_named_by_the_probe(
    command: Command, database_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("DROP SCHEMA public CASCADE")

    async def temporal_is_reached() -> bool:
        """A probe gives it two seconds; one that is slow is found failed, and soon is not."""
        code, out, _ = await command("doctor", "-o", "json", who="operator")
        found = {item["name"]: item for item in json.loads(out)["items"]}
        assert code == 1
        assert found["postgresql.reachable"]["state"] == "failed"
        assert "migrate" in found["postgresql.reachable"]["found"]
        return bool(found["temporal.reachable"]["state"] == "ok")

    await eventually(temporal_is_reached, what="PostgreSQL alone is named")
