"""The tool gateway answers calls of conversations under test, and nobody else."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.kinds.conversation import Stub
from trunkline.model.testing import limits as testing_limits
from trunkline.model.testing.desks import Desk

TOKEN = "a-token-of-one-conversation"
MINE = {"Authorization": f"Bearer {TOKEN}"}
PROBLEM = "application/problem+json"
STUBS = {
    "book": (
        Stub.model_validate({"when": {"args": {"party": 4}}, "reply": {"time": "10:00"}}),
        Stub.model_validate({"reply": "as you like"}),
    ),
    "slow": (Stub.model_validate({"reply": 1, "after": "300ms"}),),
    "error": (Stub.model_validate({"fail": "error"}),),
    "down": (Stub.model_validate({"fail": "http503"}),),
    "broken": (Stub.model_validate({"fail": "malformed"}),),
    "silent": (Stub.model_validate({"fail": "timeout"}),),
}


def desk(*, seconds: float = 3_600.0) -> Desk:
    return Desk(
        id="one",
        project="acme",
        token_digest=hashlib.sha256(TOKEN.encode()).hexdigest(),
        stubs=STUBS,
        types={"book": {"party": "integer"}},
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )


@pytest.fixture(autouse=True)
async def opened(store: PostgresStore) -> None:
    """A desk is open."""
    await store.open_desk(desk())


async def called(store: PostgresStore) -> list[tuple[str, object]]:
    return [(call.tool, call.arguments) for call in await store.desk_calls("one")]


async def test_a_call_is_answered_from_the_script_and_written_down(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    answer = await http.post("/v1/tools/book", json={"party": 4}, headers=MINE)
    assert (answer.status_code, answer.json()) == (200, {"time": "10:00"})
    other = await http.put("/v1/tools/book", json={"party": 2}, headers=MINE)
    assert other.json() == "as you like"
    assert await called(store) == [("book", {"party": 4}), ("book", {"party": 2})]


async def test_arguments_may_come_in_the_address(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    for method in ("GET", "DELETE"):
        answer = await http.request(method, "/v1/tools/book?party=4&name=Ann", headers=MINE)
        assert answer.json() == {"time": "10:00"}
    assert await called(store) == [("book", {"party": 4, "name": "Ann"})] * 2


async def test_a_form_and_an_empty_body_are_understood(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    form = await http.post("/v1/tools/book", data={"party": "4"}, headers=MINE)
    assert form.json() == {"time": "10:00"}
    assert (await http.post("/v1/tools/book", headers=MINE)).json() == "as you like"
    assert await called(store) == [("book", {"party": 4}), ("book", {})]


async def test_whoever_has_no_token_of_a_conversation_is_refused_without_a_trace(
    http: httpx.AsyncClient, store: PostgresStore, token: Callable[[str], str]
) -> None:
    wrong = (
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        hashlib.sha256(TOKEN.encode()).hexdigest(),
        f"Bearer {token('admin')}",
    )
    tries: list[dict[str, str]] = [{}, {"X-Token": TOKEN}]
    tries += [{"Authorization": value} for value in wrong]
    for headers in tries:
        answer = await http.post("/v1/tools/book", json={"party": 4}, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM), headers
    assert await called(store) == []


async def test_the_token_of_a_conversation_opens_nothing_else(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    assert await store.desk_calls("one") == ()
    answer = await http.get("/v1/projects", headers=MINE)
    assert answer.status_code == 401


async def test_after_the_conversation_the_token_is_worth_nothing(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    await store.close_desk("one")
    answer = await http.post("/v1/tools/book", json={}, headers=MINE)
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    await store.open_desk(desk(seconds=-1))
    assert (await http.post("/v1/tools/book", json={}, headers=MINE)).status_code == 401
    assert await called(store) == []


async def test_faults_are_really_carried_out(http: httpx.AsyncClient, store: PostgresStore) -> None:
    for tool, status, media_type in (
        ("error", 400, "application/json"),
        ("down", 503, "application/json"),
        ("broken", 200, "text/plain; charset=utf-8"),
        ("nobody", 400, "application/json"),
    ):
        answer = await http.post(f"/v1/tools/{tool}", json={}, headers=MINE)
        assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)
        if tool == "broken":
            with pytest.raises(json.JSONDecodeError):
                answer.json()
    calls = await store.desk_calls("one")
    assert [(call.tool, call.stubbed) for call in calls] == [
        ("error", True),
        ("down", True),
        ("broken", True),
        ("nobody", False),
    ]


async def test_a_pause_is_kept(http: httpx.AsyncClient, store: PostgresStore) -> None:
    began_s = asyncio.get_running_loop().time()
    answer = await http.post("/v1/tools/slow", json={}, headers=MINE)
    assert asyncio.get_running_loop().time() - began_s >= 0.3
    assert answer.json() == 1
    assert len(await store.desk_calls("one")) == 1


async def test_a_tool_that_never_answers_is_left_by_the_caller(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    calling = asyncio.create_task(http.post("/v1/tools/silent", json={}, headers=MINE))
    calls = await eventually(lambda: store.desk_calls("one"), what="the call is written down")
    assert [call.fail for call in calls] == ["timeout"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calling, 0.4)
    assert (await http.post("/v1/tools/book", json={}, headers=MINE)).status_code == 200


async def test_what_is_no_arguments_is_refused(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    headers = {**MINE, "Content-Type": "application/json"}
    for content, status in (
        (b"[1, 2]", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (
            b'{"a": '
            + b"[" * testing_limits.TOOL_CALL_DEPTH_MAX
            + b"]" * testing_limits.TOOL_CALL_DEPTH_MAX
            + b"}",
            400,
        ),
        (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", 400),
        (b'{"party": NaN}', 400),
        (b'{"party": -Infinity}', 400),
        (b'{"party": 1e999}', 400),
        (b'{"party": ' + b"9" * 9_000 + b"}", 400),
        (b'{"party": "\xff"}', 400),
        (b" " * (testing_limits.TOOL_CALL_MAX_BYTES + 1), 413),
    ):
        answer = await http.post("/v1/tools/book", content=content, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    for query in (
        "a=" + "x" * testing_limits.TOOL_QUERY_MAX_CHARACTERS,
        "&".join(["a=1"] * (testing_limits.TOOL_QUERY_FIELDS_MAX + 1)),
    ):
        answer = await http.get(f"/v1/tools/book?{query}", headers=MINE)
        assert answer.status_code == 400
    assert await called(store) == []


@pytest.mark.parametrize("party", ["NaN", "1e999", "9" * 400, "9" * 5_000, "[" * 5_000, "\x00"])
async def test_a_number_that_is_none_stays_a_text(
    http: httpx.AsyncClient, store: PostgresStore, party: str
) -> None:
    answer = await http.get("/v1/tools/book", params={"party": party}, headers=MINE)
    assert answer.json() == "as you like"
    assert len(await called(store)) == 1


async def test_other_methods_and_names_that_are_none_reach_nothing(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND"):
        assert (await http.request(method, "/v1/tools/book", headers=MINE)).status_code == 405
    for name, status in (("a%2Fb", 404), ("", 404), ("x" * 65, 422), ("a.b", 422)):
        answer = await http.post(f"/v1/tools/{name}", headers=MINE)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert await called(store) == []


async def status_before_the_end(http: httpx.AsyncClient, token: str, begun: bytes) -> int:
    """What is answered to a body that begins and then never goes on."""
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    try:
        head = (
            "POST /v1/tools/book HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        writer.write(head.encode() + b"%x\r\n%s" % (len(begun), begun))
        async with asyncio.timeout(60):
            line = await reader.readline()
        return int(line.split()[1])
    finally:
        writer.transport.abort()


async def test_a_stranger_is_refused_before_a_word_is_read(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    assert await status_before_the_end(http, "wrong", b"{") == 401
    headers = {"Authorization": "Bearer wrong"}
    broken = await http.post("/v1/tools/book", content=b"{", headers=headers)
    assert broken.status_code == 401
    assert await called(store) == []


@pytest.mark.slow
async def test_whoever_never_ends_is_not_waited_for(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    assert await status_before_the_end(http, TOKEN, b"{") == 408
    assert await called(store) == []


async def test_a_body_without_an_end_is_cut_off(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    begun = b"x" * (testing_limits.TOOL_CALL_MAX_BYTES + 1)
    assert await status_before_the_end(http, TOKEN, begun) == 413
    assert await called(store) == []


async def test_a_token_opens_its_own_desk_and_no_other(
    http: httpx.AsyncClient, store: PostgresStore
) -> None:
    other = desk().model_copy(
        update={
            "id": "two",
            "project": "other",
            "token_digest": hashlib.sha256(b"another").hexdigest(),
            "stubs": {},
        }
    )
    await store.open_desk(other)
    headers = {"Authorization": "Bearer another"}
    answer = await http.post("/v1/tools/book", json={"party": 4}, headers=headers)
    assert answer.status_code == 400, "nothing is prepared at that desk"
    assert await called(store) == []
    assert [call.stubbed for call in await store.desk_calls("two")] == [False]
