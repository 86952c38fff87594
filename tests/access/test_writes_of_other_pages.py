"""A signed-in browser writes from our own pages only; a token is shown on purpose."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.access.browsers import Browser

pytestmark = pytest.mark.slow
Person = Callable[..., Awaitable[str]]

FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
)


async def test_a_page_of_somebody_else_changes_nothing(
    browser: Browser, person: Person, admin: httpx.AsyncClient
) -> None:
    own = browser.place.url
    await browser.sign_in(await person("eva@example.com", groups=["voice-admins"]))
    wrong = [*FOREIGN, {"Origin": own + ".evil.example"}, {"Origin": own.replace("http", "https")}]
    wrong.append({"Origin": own, "Sec-Fetch-Site": "cross-site"})
    for headers in wrong:
        for path in ("/v1/sign-out", "/v1/tokens", "/v1/projects/acme/sync"):
            refused = await browser.write(path, **headers)
            assert refused.status_code == 403, (headers, path, refused.text)
            assert refused.json()["type"] == "urn:trunkline:problem:cross-site-request"
    assert (await browser.client.get(own + "/v1/me", headers=FOREIGN[1])).status_code == 200
    tokens = (await admin.get("/v1/tokens")).json()["items"]
    assert {row["kind"] for row in tokens} == {"session", "token"}
    assert len(tokens) == 2
    log = (await admin.get("/v1/audit?action=denied")).json()["items"]
    assert log
    assert all("signed-in browser" in row["details"]["why"] for row in log)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "own"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "own", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_a_page_of_ours_may(
    browser: Browser, person: Person, headers: dict[str, str]
) -> None:
    await browser.sign_in(await person("eva2@example.com", groups=["viewers"]))
    said = {name: browser.place.url if value == "own" else value for name, value in headers.items()}
    assert (await browser.write("/v1/sign-out", **said)).status_code == 200


async def test_a_token_needs_no_page(admin: httpx.AsyncClient) -> None:
    order = {"person": "p@example.com", "role": "viewer", "project": "acme"}
    made = await admin.post("/v1/tokens", json=order, headers={"Origin": "https://evil.example"})
    assert made.status_code == 201
