"""The audit log is only ever added to, says what a write changed, and what was refused."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.access.browsers import Place, Serve
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.limits import DENIALS_NOTED_PER_MINUTE
from trunkline.model.records import AuditRecord

pytestmark = pytest.mark.slow
NOBODY = "http://127.0.0.1:1"
"""Where no provider is, nor is asked for."""


def row(**said: object) -> AuditRecord:
    """A row of the log."""
    usual = {
        "actor": "ada",
        "role": "admin",
        "action": "sync.create",
        "project": "acme",
        "subject": "front-desk",
        "request_id": "r-1",
    }
    return AuditRecord.model_validate({**usual, **said})


async def test_postgresql_itself_refuses_to_change_the_log(postgres_url: str) -> None:
    async with PostgresStore(postgres_url) as store:
        await store.add_audit(row())
        async with await psycopg.AsyncConnection.connect(
            postgres_url, autocommit=True
        ) as connection:
            for statement in (
                "UPDATE audit SET actor = 'nobody'",
                "DELETE FROM audit",
                "DELETE FROM audit WHERE id = 1",
                "TRUNCATE audit",
                "TRUNCATE projects, audit CASCADE",
            ):
                with pytest.raises(psycopg.errors.RaiseException, match="only ever added to"):
                    await connection.execute(statement)
        [kept] = await store.audit(limit=10)
        assert kept.actor == "ada"


async def test_what_changed_is_kept_in_its_order(postgres_url: str) -> None:
    async with PostgresStore(postgres_url) as store:
        await store.add_audit(row(before={"b": 1, "a": None}, after={"b": "\0x", "a": [True]}))
        await store.add_audit(row())
        newest, first = await store.audit(limit=10)
        assert (newest.before, newest.after) == (None, None)
        assert list(first.before or {}) == ["b", "a"]
        assert first.after == {"b": "\ufffdx", "a": [True]}


async def test_rows_are_found_by_what_one_knows(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        for n in range(3):
            await place.store.add_audit(row(subject=f"agent-{n}", request_id=f"r-{n}"))
        headers = {"Authorization": f"Bearer {boss.secret}"}
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:

            async def found(**query: str) -> list[str]:
                answer = await client.get("/v1/audit", params=query)
                assert answer.status_code == 200, answer.text
                return [item["subject"] for item in answer.json()["items"]]

            assert await found() == ["agent-2", "agent-1", "agent-0"]
            assert await found(subject="agent-1") == ["agent-1"]
            assert await found(requestId="r-2") == ["agent-2"]
            assert await found(requestId="r-2", subject="agent-1") == []
            rows = (await client.get("/v1/audit")).json()["items"]
            middle = rows[1]["at"]
            assert await found(until=middle) == ["agent-0"]
            assert await found(since=middle) == ["agent-2", "agent-1"]
            later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            assert await found(since=later) == []


async def test_a_refused_write_is_written_down(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        viewer = await place.services.access.issue("eve@example.com", "viewer", project="acme")
        rows = []
        async with httpx.AsyncClient(base_url=place.url, timeout=60) as client:
            theirs = {"Authorization": f"Bearer {viewer.secret}", "X-Request-ID": "r-9"}
            assert (await client.post("/v1/projects/acme/sync", headers=theirs)).status_code == 403
            assert (await client.get("/v1/audit", headers=theirs)).status_code == 403
            assert (await client.post("/v1/projects/beta/sync", headers=theirs)).status_code == 404
            log = await client.get("/v1/audit", headers={"Authorization": f"Bearer {boss.secret}"})
            rows = log.json()["items"]
        [denied] = rows
        assert (denied["actor"], denied["action"], denied["project"]) == (
            "eve@example.com",
            "denied",
            "acme",
        )
        assert (denied["subject"], denied["requestId"]) == ("POST /v1/projects/acme/sync", "r-9")
        assert "operator" in denied["details"]["why"]


async def test_whoever_is_refused_in_a_loop_does_not_fill_the_log(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        tokens = [
            await place.services.access.issue(f"eve{n}@example.com", "viewer") for n in range(2)
        ]
        async with httpx.AsyncClient(base_url=place.url, timeout=60) as client:
            for issued in tokens:
                headers = {"Authorization": f"Bearer {issued.secret}"}
                for _ in range(DENIALS_NOTED_PER_MINUTE + 5):
                    answer = await client.post("/v1/projects/acme/sync", headers=headers)
                    assert answer.status_code == 403
        for issued in tokens:
            rows = await place.store.audit(actor=issued.record.person, limit=100)
            assert len(rows) == DENIALS_NOTED_PER_MINUTE
            assert [one for one in rows if "more" in one.details] == [rows[0]]


async def test_a_write_says_what_it_changed(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        headers = {"Authorization": f"Bearer {boss.secret}"}
        order = {"person": "p@example.com", "role": "viewer", "project": "acme"}
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
            made = (await client.post("/v1/tokens", json=order)).json()
            await client.delete(f"/v1/tokens/{made['id']}")
            done, begun = (await client.get(f"/v1/audit?subject={made['id']}")).json()["items"]
        said = {"person": "p@example.com", "role": "viewer", "project": "acme", "expiresAt": None}
        assert (begun["before"], begun["after"]) == (None, said)
        assert (done["before"], done["after"]) == (said, None)


async def test_nobody_waits_for_the_log_to_be_told_no(place_without_log: Place) -> None:
    viewer = await place_without_log.services.access.issue("eve@example.com", "viewer")
    headers = {"Authorization": f"Bearer {viewer.secret}"}
    url = place_without_log.url
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        assert (await client.post("/v1/projects/acme/sync")).status_code == 403
