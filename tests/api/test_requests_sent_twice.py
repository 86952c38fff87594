"""A POST with an Idempotency-Key is carried out once, whoever repeats it and however often."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore, StoreBounds
from trunkline.model.idempotency import Claim, HeldRequest, SealedAnswer
from trunkline.model.limits import IDEMPOTENCY_CLAIM_MAX_S, IDEMPOTENCY_KEPT_S

PLAN = {"environment": "testing"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as held:
        yield held


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


@pytest.mark.usefixtures("fleet")
class TestOneRequest:
    async def test_its_answer_is_repeated_word_for_word(self, viewer: httpx.AsyncClient) -> None:
        once = key()
        first = await viewer.post("plans", json=PLAN, headers=once)
        again = await viewer.post("plans", json=PLAN, headers=once)
        assert first.status_code == again.status_code == 202
        assert first.content == again.content
        assert first.headers["Location"] == again.headers["Location"]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]

    async def test_without_a_key_or_with_another_it_is_carried_out_anew(
        self, viewer: httpx.AsyncClient
    ) -> None:
        asked = [{}, {}, key(), key()]
        ids = {(await viewer.post("plans", json=PLAN, headers=h)).json()["id"] for h in asked}
        assert len(ids) == 4

    async def test_a_key_of_another_request_is_refused(self, operator: httpx.AsyncClient) -> None:
        once = key()
        await operator.post("plans", json=PLAN, headers=once)
        for path, body in (
            ("plans", {"environment": "production"}),
            ("agents/front-desk/sync", PLAN),
            ("plans?x=1", PLAN),
        ):
            other = await operator.post(path, json=body, headers=once)
            assert other.status_code == 422, path
            assert other.json()["type"] == "urn:trunkline:problem:idempotency-key-reused"

    async def test_two_at_once_are_carried_out_once(self, operator: httpx.AsyncClient) -> None:
        once = key()
        answers = await asyncio.gather(
            *(operator.post("sync", json={}, headers=once) for _ in range(8))
        )
        done = [answer for answer in answers if answer.status_code == 202]
        waiting = [answer for answer in answers if answer.status_code == 409]
        assert len(done) + len(waiting) == 8
        assert len({answer.json()["id"] for answer in done}) == 1
        for answer in waiting:
            assert answer.json()["type"] == "urn:trunkline:problem:idempotency-key-in-use"
            assert int(answer.headers["Retry-After"]) >= 1

    async def test_a_refusal_is_repeated_too(self, viewer: httpx.AsyncClient) -> None:
        once = key()
        unknown = {"environment": "no-such-place"}
        first = await viewer.post("plans", json=unknown, headers=once)
        again = await viewer.post("plans", json=unknown, headers=once)
        assert first.status_code == again.status_code == 400
        assert again.headers["content-type"] == "application/problem+json"
        assert again.headers["Idempotent-Replayed"] == "true"

    async def test_keys_of_two_tokens_are_two_keys(
        self, viewer: httpx.AsyncClient, operator: httpx.AsyncClient
    ) -> None:
        once = key()
        mine = await viewer.post("plans", json=PLAN, headers=once)
        theirs = await operator.post("plans", json=PLAN, headers=once)
        assert mine.json()["id"] != theirs.json()["id"]

    @pytest.mark.parametrize("bad", ["", "a b", "x" * 256, '"open', "a\tb"])
    async def test_what_is_no_key_is_refused(self, viewer: httpx.AsyncClient, bad: str) -> None:
        answer = await viewer.post("plans", json=PLAN, headers={"Idempotency-Key": bad})
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:trunkline:problem:invalid-input"

    async def test_a_key_means_the_same_with_and_without_quotes(
        self, viewer: httpx.AsyncClient
    ) -> None:
        bare = str(uuid.uuid4())
        first = await viewer.post("plans", json=PLAN, headers={"Idempotency-Key": bare})
        again = await viewer.post("plans", json=PLAN, headers={"Idempotency-Key": f'"{bare}"'})
        assert first.content == again.content


@pytest.mark.usefixtures("fleet")
async def test_a_wrong_token_gets_no_answer_of_another(
    http: httpx.AsyncClient, viewer: httpx.AsyncClient, project: str
) -> None:
    once = key()
    await viewer.post("plans", json=PLAN, headers=once)
    path = f"/v1/projects/{project}/plans"
    assert (await http.post(path, json=PLAN, headers=once)).status_code == 401


async def test_a_secret_is_repeated_to_its_owner_and_stored_nowhere_in_clear(
    http: httpx.AsyncClient,
    token: Callable[[str], str],
    database: psycopg.AsyncConnection[Any],
) -> None:
    asked = {**key(), "Authorization": f"Bearer {token('admin')}"}
    body = {"person": "new@example.com", "role": "viewer"}
    first = await http.post("/v1/tokens", json=body, headers=asked)
    again = await http.post("/v1/tokens", json=body, headers=asked)
    assert first.status_code == again.status_code == 201
    assert first.json()["secret"] == again.json()["secret"]
    cursor = await database.execute(
        "SELECT body FROM idempotent_requests WHERE key = %s", (asked["Idempotency-Key"],)
    )
    [(stored,)] = await cursor.fetchall()
    for part in (first.json()["secret"], "new@example.com", "prefix"):
        assert part.encode() not in stored


class TestRows:
    """What the store does about requests that were lost, old, or too many."""

    async def test_a_claim_lost_with_its_process_is_given_again(
        self, store: PostgresStore, database: psycopg.AsyncConnection[Any]
    ) -> None:
        token_id, name = f"token-{uuid.uuid4().hex}", "k"
        lost = await store.claim_request(token_id, name, "d1")
        assert isinstance(lost, Claim)
        assert await store.claim_request(token_id, name, "d1") == HeldRequest(request_digest="d1")
        await _age(database, token_id, IDEMPOTENCY_CLAIM_MAX_S + 1)
        taken = await store.claim_request(token_id, name, "d2")
        assert isinstance(taken, Claim)
        await store.keep_answer(lost, SealedAnswer(status=200, headers={}, body=b"late"))
        await store.release_claim(lost)
        held = await store.claim_request(token_id, name, "d2")
        assert held == HeldRequest(request_digest="d2")

    async def test_an_answer_is_kept_for_a_day(
        self, store: PostgresStore, database: psycopg.AsyncConnection[Any]
    ) -> None:
        token_id = f"token-{uuid.uuid4().hex}"
        claim = await store.claim_request(token_id, "k", "d")
        assert isinstance(claim, Claim)
        answer = SealedAnswer(status=202, headers={"location": "/x"}, body=b"\x00sealed")
        await store.keep_answer(claim, answer)
        await _age(database, token_id, IDEMPOTENCY_KEPT_S - 60)
        held = await store.claim_request(token_id, "k", "d")
        assert held == HeldRequest(request_digest="d", answer=answer)
        await _age(database, token_id, 120)
        assert isinstance(await store.claim_request(token_id, "k", "d"), Claim)

    async def test_a_request_that_was_let_go_may_come_again(self, store: PostgresStore) -> None:
        token_id = f"token-{uuid.uuid4().hex}"
        claim = await store.claim_request(token_id, "k", "d")
        assert isinstance(claim, Claim)
        await store.release_claim(claim)
        assert isinstance(await store.claim_request(token_id, "k", "other"), Claim)

    async def test_old_rows_and_too_many_of_one_token_go(
        self, store: PostgresStore, database: psycopg.AsyncConnection[Any]
    ) -> None:
        busy, old = f"token-{uuid.uuid4().hex}", f"token-{uuid.uuid4().hex}"
        await database.execute(
            "INSERT INTO idempotent_requests (token_id, key, request_digest, status, created_at)"
            " SELECT %s, 'k' || n, 'd', 200, now() - n * interval '1 second'"
            " FROM generate_series(1, 10050) AS n",
            (busy,),
        )
        await database.execute(
            "INSERT INTO idempotent_requests (token_id, key, request_digest, created_at)"
            " SELECT %s, 'k' || n, 'd', %s FROM generate_series(1, 50) AS n",
            (old, datetime.now(UTC) - timedelta(days=2)),
        )
        assert isinstance(await store.claim_request(busy, "new", "d"), Claim)
        assert await _count(database, busy) == 10_000
        assert await _count(database, old) == 0
        cursor = await database.execute(
            "SELECT count(*) FROM idempotent_requests WHERE token_id = %s AND key = 'k1'", (busy,)
        )
        assert await cursor.fetchone() == (1,)


async def test_many_at_once_wait_for_nobody(database_url: str) -> None:
    """They share a few connections, and a slow machine may take its time with each."""
    token_id = f"token-{uuid.uuid4().hex}"
    keys = [f"k{number}" for number in range(30)]
    bounds = StoreBounds(wait_timeout_s=60, call_timeout_s=60)
    async with PostgresStore(database_url, bounds) as store:
        for name in keys:
            await store.claim_request(token_id, name, "d")
        asked = [store.claim_request(token_id, name, "d") for name in [*keys, *reversed(keys)] * 3]
        found = await asyncio.gather(*asked)
    assert set(found) == {HeldRequest(request_digest="d")}


async def test_what_failed_on_our_side_is_tried_again(
    installation_without_temporal: Any,
) -> None:
    held = installation_without_temporal
    async with httpx.AsyncClient(
        base_url=f"{held.url}/v1/projects/{held.project}/",
        headers={"Authorization": f"Bearer {held.tokens['operator']}", **key()},
        timeout=60,
    ) as client:
        for _ in range(2):
            answer = await client.post("sync", json={})
            assert answer.status_code == 503
            assert "Idempotent-Replayed" not in answer.headers


async def _age(database: psycopg.AsyncConnection[Any], token_id: str, by_s: float) -> None:
    await database.execute(
        "UPDATE idempotent_requests SET created_at = created_at - %s WHERE token_id = %s",
        (timedelta(seconds=by_s), token_id),
    )


async def _count(database: psycopg.AsyncConnection[Any], token_id: str) -> int:
    cursor = await database.execute(
        "SELECT count(*) FROM idempotent_requests WHERE token_id = %s", (token_id,)
    )
    [(count,)] = await cursor.fetchall()
    return int(count)
