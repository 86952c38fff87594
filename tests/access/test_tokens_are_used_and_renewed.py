"""When a token was last used is known to the minute, and a new one takes the place of an old."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.access.browsers import Place, Serve
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import InvalidInput, Unauthenticated
from trunkline.model.records import TokenRecord
from trunkline.services.access import AccessService
from trunkline.services.tokens import bounded_end

pytestmark = pytest.mark.slow
NOBODY = "http://127.0.0.1:1"
"""Where no provider is, nor is asked for."""


async def used(place: Place, token_id: str) -> TokenRecord:
    """The token, once its use is noted."""
    deadline_s = time.monotonic() + 60
    while True:
        record = await place.store.token_by_id(token_id)
        assert record is not None
        if record.last_used_at is not None:
            return record
        assert time.monotonic() < deadline_s, "its use is not noted"
        await asyncio.sleep(0.01)


async def test_a_use_is_noted_once_a_minute(serve: Serve, postgres_url: str) -> None:
    async with serve(NOBODY) as place:
        issued = await place.services.access.issue("a@example.com", "admin")
        headers = {"Authorization": f"Bearer {issued.secret}"}
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
            assert (await client.get("/v1/me")).status_code == 200
            first = await used(place, issued.record.id)
            listed = (await client.get("/v1/tokens")).json()["items"][0]
            assert datetime.fromisoformat(listed["lastUsedAt"]) == first.last_used_at
            await place.store.note_use(issued.record.id)
            again = await place.store.token_by_id(issued.record.id)
            assert again == first
            async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
                await connection.execute(
                    "UPDATE tokens SET last_used_at = now() - interval '61 seconds'"
                )
            await place.store.note_use(issued.record.id)
            later = await place.store.token_by_id(issued.record.id)
            assert later is not None
            assert later.last_used_at is not None
            assert later.last_used_at > datetime.now(UTC) - timedelta(seconds=30)


async def test_a_use_that_cannot_be_noted_hinders_nobody(
    postgres_url: str,
) -> None:
    async with PostgresStore(postgres_url) as store:
        access = AccessService(store)
        issued = await access.issue("a@example.com", "viewer")
        async with await psycopg.AsyncConnection.connect(postgres_url) as holder:
            await holder.execute("SELECT FROM tokens FOR UPDATE")
            found = await asyncio.wait_for(access.authenticate(issued.secret), 60)
            assert found.person == "a@example.com"


async def test_a_rotated_token_goes_on_for_a_while(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        in_a_week = datetime.now(UTC) + timedelta(days=7)
        old = await place.services.access.issue(
            "ci@example.com", "operator", project="acme", expires_at=in_a_week
        )
        headers = {"Authorization": f"Bearer {boss.secret}"}
        path = f"/v1/tokens/{old.record.id}/rotate"
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
            made = await client.post(path, json={"graceS": 3600, "reason": "a year is over"})
            assert made.status_code == 201, made.text
            new = made.json()
            assert (new["person"], new["role"], new["project"]) == (
                "ci@example.com",
                "operator",
                "acme",
            )
            assert abs(datetime.fromisoformat(new["expiresAt"]) - in_a_week) < timedelta(hours=1)
            for secret in (old.secret, new["secret"]):
                assert (await place.services.access.authenticate(secret)).project == "acme"
            record = await place.store.token_by_id(old.record.id)
            assert record is not None
            assert record.expires_at is not None
            assert record.expires_at < datetime.now(UTC) + timedelta(hours=1, seconds=5)
            [row] = (await client.get("/v1/audit?action=token.rotate")).json()["items"]
            assert row["before"]["expiresAt"] != row["after"]["expiresAt"]
            assert row["after"]["successor"] == new["id"]
            assert (row["subject"], row["reason"]) == (old.record.id, "a year is over")
            assert new["secret"] not in str(row)
            at_once = await client.post(path, json={"graceS": 0})
            assert at_once.status_code == 201
            with pytest.raises(Unauthenticated):
                await place.services.access.authenticate(old.secret)
            assert (await client.post(path)).status_code == 409
            too_long = await client.post(path, json={"graceS": 10_000_000})
            assert too_long.status_code == 422


async def test_the_last_admin_can_be_rotated_and_not_revoked(serve: Serve) -> None:
    async with serve(NOBODY) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        headers = {"Authorization": f"Bearer {boss.secret}"}
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
            assert (await client.delete(f"/v1/tokens/{boss.record.id}")).status_code == 409
            made = await client.post(f"/v1/tokens/{boss.record.id}/rotate", json={"graceS": 60})
            assert made.status_code == 201
            assert (await client.delete(f"/v1/tokens/{boss.record.id}")).status_code == 200


async def test_no_token_lasts_longer_than_the_settings_say(serve: Serve) -> None:
    async with serve(NOBODY, token_age_max=timedelta(days=90)) as place:
        boss = await place.services.access.issue("boss@example.com", "admin")
        headers = {"Authorization": f"Bearer {boss.secret}"}
        order = {"person": "p@example.com", "role": "viewer", "project": "acme"}
        async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
            made = (await client.post("/v1/tokens", json=order)).json()
            left = datetime.fromisoformat(made["expiresAt"]) - datetime.now(UTC)
            assert timedelta(days=89) < left <= timedelta(days=90)
            far = (datetime.now(UTC) + timedelta(days=91)).isoformat()
            refused = await client.post("/v1/tokens", json={**order, "expiresAt": far})
            assert (refused.status_code, "90 days" in refused.text) == (400, True)
            turned = await client.post(f"/v1/tokens/{boss.record.id}/rotate")
            assert turned.json()["expiresAt"] is not None


def test_a_bound_is_no_bound_for_less() -> None:
    now = datetime.now(UTC)
    soon = now + timedelta(hours=1)
    assert bounded_end(soon, now, None) == bounded_end(soon, now, timedelta(days=1)) == soon
    assert bounded_end(None, now, None) is None
    with pytest.raises(InvalidInput, match="24 hours at most"):
        bounded_end(now + timedelta(days=2), now, timedelta(days=1))
