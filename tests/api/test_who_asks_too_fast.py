"""A token has a pace, an address may be wrong only so often, a process answers only so much."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rates import Buckets, Rates

PER_S = 0.01
"""So slow that nothing is given back while a busy machine asks a dozen times."""
BURST = 12
FAILURES = 6


@pytest.fixture
def rates() -> Rates:
    return Rates(per_s=PER_S, burst=BURST, failures_per_s=0.01, failures_burst=FAILURES)


async def test_a_token_beyond_its_pace_waits_and_others_do_not(
    viewer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    seen = [await viewer.get("agents") for _ in range(BURST)]
    assert {answer.status_code for answer in seen} == {200}
    assert seen[0].headers["RateLimit-Policy"] == f'"token";q={BURST};w=1200'
    assert seen[0].headers["RateLimit"] == f'"token";r={BURST - 1};t=100'

    refused = await viewer.get("agents")
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:trunkline:problem:too-many-requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert refused.headers["RateLimit"].startswith('"token";r=0;t=')
    assert (await admin.get("agents")).status_code == 200


async def test_an_address_that_guesses_is_stopped_and_good_tokens_there_go_on(
    http: httpx.AsyncClient, viewer: httpx.AsyncClient, token: Callable[[str], str]
) -> None:
    assert (await viewer.get("agents")).status_code == 200
    for number in range(FAILURES):
        forged = {"Authorization": f"Bearer tl_{number:043d}"}
        assert (await http.get("/v1/projects", headers=forged)).status_code == 401
    forged = {"Authorization": "Bearer tl_" + "a" * 43}
    for headers in (forged, {}, {"Authorization": f"Bearer {token('operator')}"}):
        stopped = await http.get("/v1/projects", headers=headers)
        assert stopped.status_code == 429
        assert int(stopped.headers["Retry-After"]) > 1
        assert stopped.headers["X-Request-ID"]
    assert (await viewer.get("agents")).status_code == 200
    assert (await http.get("/healthz")).status_code == 200
    signed = await http.post("/v1/webhooks/github", json={})
    assert signed.status_code != 429


class TestBusy:
    @pytest.fixture
    def rates(self) -> Rates:
        return Rates(in_flight_max=1, failures_burst=10_000)

    async def test_a_request_beyond_the_bound_is_told_to_come_again(
        self, http: httpx.AsyncClient, token: Callable[[str], str], project: str
    ) -> None:
        reader, writer = await _half_a_request(http, token("viewer"), project)
        busy = await _until(http, lambda status: status == 503)
        assert busy.json()["type"] == "urn:trunkline:problem:too-busy"
        assert busy.headers["Retry-After"] == "1"
        assert (await http.get("/healthz")).status_code == 200
        writer.close()
        await writer.wait_closed()
        assert reader.at_eof() or not await reader.read()
        await _until(http, lambda status: status == 401)


async def _half_a_request(
    http: httpx.AsyncClient, secret: str, project: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body does not come: it is being answered until its sender hangs up."""
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    lines = (
        f"POST /v1/projects/{project}/plans HTTP/1.1",
        f"Host: {http.base_url.host}",
        f"Authorization: Bearer {secret}",
        "Content-Type: application/json",
        "Content-Length: 100",
        "",
        "",
    )
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    return reader, writer


async def _until(http: httpx.AsyncClient, wanted: Callable[[int], bool]) -> httpx.Response:
    async with asyncio.timeout(60):
        while not wanted((answer := await http.get("/v1/projects")).status_code):
            continue
    return answer


@given(
    per_s=st.floats(0.1, 1_000),
    burst=st.integers(1, 500),
    waits=st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    per_s: float, burst: int, waits: list[float]
) -> None:
    buckets, now_s, given_out = Buckets(per_s, burst), 0.0, 0
    for wait_s in waits:
        now_s += wait_s
        pace = buckets.take("one", now_s)
        given_out += not pace.retry_after_s
        assert given_out <= burst + per_s * (now_s - waits[0]) + 1e-6
        assert 0 <= pace.remaining <= burst
        if pace.retry_after_s:
            later = buckets.look("one", now_s + pace.retry_after_s + 1e-6)
            assert later.retry_after_s < 1e-6
