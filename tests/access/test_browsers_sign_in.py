"""A person signs in at a provider others wrote, and their browser is who they are until it ends."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.access.browsers import Browser, Place, Serve

pytestmark = pytest.mark.slow
Person = Callable[..., Awaitable[str]]


def own(answer: httpx.Response) -> str:
    """Where an answer came from, without host."""
    return answer.url.path


async def test_a_browser_comes_back_signed_in(browser: Browser, person: Person) -> None:
    ada = await person("ada@example.com", groups=["voice-admins"])
    done = await browser.sign_in(ada)
    assert own(done) == "/v1/me", done.text
    me = done.json()
    assert (me["person"], me["signedInBy"]) == ("ada@example.com", "session")
    assert me["roles"] == [{"role": "admin", "project": None}]
    assert [place["project"] for place in me["projects"]] == ["acme", "beta"]
    assert me["expiresAt"]
    [cookie] = browser.client.cookies.jar
    assert cookie.name == "trunkline-session"
    assert str(cookie.value).startswith("ts_")


async def test_what_leaves_for_the_provider_is_the_code_flow_with_a_challenge(
    browser: Browser, provider_address: str
) -> None:
    begun = await browser.client.get(browser.place.url + "/v1/sign-in?next=/v1/projects")
    address = urlsplit(begun.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}" == provider_address
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == browser.place.url + "/v1/sign-in/callback"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert min(len(asked["state"]), len(asked["nonce"])) >= 43
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "SameSite=lax" in begun.headers["set-cookie"]


async def test_the_browser_goes_where_it_wanted(browser: Browser, person: Person) -> None:
    ada = await person("ada2@example.com", groups=["viewers"])
    done = await browser.sign_in(ada, "/v1/sign-in?next=/v1/projects/acme%3Fa=b")
    assert done.url.raw_path == b"/v1/projects/acme?a=b"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%5Cevil.example", "https://evil.example", "/%09/evil", "", "a"]
)
async def test_it_never_goes_to_another_server(browser: Browser, path: str) -> None:
    refused = await browser.client.get(f"{browser.place.url}/v1/sign-in?next={path}")
    assert refused.status_code == 422


async def test_roles_are_of_projects(browser: Browser, person: Person) -> None:
    grace = await person("grace@example.com", groups=["acme-ops"])
    me = (await browser.sign_in(grace)).json()
    assert me["projects"] == [
        {"project": "acme", "role": "operator"},
        {"project": "beta", "role": "approver"},
    ]
    own_page = {"Origin": browser.place.url}
    in_acme = await browser.write("/v1/projects/acme/sync", **own_page)
    in_beta = await browser.write("/v1/projects/beta/sync", **own_page)
    assert "operator" in in_beta.json()["detail"]
    assert (in_acme.status_code, in_beta.status_code) == (503, 403)
    lists = [await browser.client.get(browser.place.url + p) for p in ("/v1/audit", "/v1/tokens")]
    assert [answer.status_code for answer in lists] == [403, 403]


async def test_an_admin_of_one_project_manages_that_alone(
    browser: Browser, person: Person, admin: httpx.AsyncClient
) -> None:
    for name, project in (("a@example.com", "acme"), ("b@example.com", "beta"), ("c@e.com", None)):
        body = {"person": name, "role": "viewer", "project": project}
        assert (await admin.post("/v1/tokens", json=body)).status_code == 201
    boss = await person("boss@example.com", groups=["acme-admins", "viewers"])
    assert (await browser.sign_in(boss)).status_code == 200
    answer = await browser.client.get(browser.place.url + "/v1/tokens")
    assert answer.status_code == 200, answer.text
    listed = answer.json()["items"]
    assert {row["person"] for row in listed} == {"a@example.com"}
    log = (await browser.client.get(browser.place.url + "/v1/audit")).json()["items"]
    assert {row["project"] for row in log} == {"acme"}
    of_beta = await browser.client.get(browser.place.url + "/v1/audit?project=beta")
    assert of_beta.status_code == 403
    for project, expected in (("acme", 201), ("beta", 403), (None, 400), ("gamma", 404)):
        order = {"person": "n@example.com", "role": "admin", "project": project}
        made = await browser.client.post(
            browser.place.url + "/v1/tokens", json=order, headers={"Origin": browser.place.url}
        )
        assert made.status_code == expected, (project, made.text)


async def test_whoever_has_no_role_stays_outside(browser: Browser, person: Person) -> None:
    stranger = await person("stranger@example.com", groups=["catering"])
    done = await browser.sign_in(stranger)
    assert done.status_code == 403
    assert done.json()["type"] == "urn:trunkline:problem:sign-in-refused"
    assert "has no role here" in done.json()["detail"]
    assert "trunkline-session" not in browser.client.cookies


async def test_a_browser_is_told_on_a_page(browser: Browser, person: Person) -> None:
    name = "<b>@example.com"
    browser.client.headers["Accept"] = "text/html"
    done = await browser.sign_in(await person("shy@example.com", email=name, groups=[]))
    assert done.status_code == 403
    assert done.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in done.headers["content-security-policy"]
    assert "&lt;b&gt;@example.com" in done.text
    assert "<b>@" not in done.text
    assert '<a href="/v1/sign-in">' in done.text


@pytest.mark.parametrize(
    "claims", [{"email_verified": False}, {"email": ""}, {"email_verified": None}]
)
async def test_an_e_mail_nobody_verified_is_nobody(
    browser: Browser, person: Person, claims: dict[str, Any]
) -> None:
    liar = await person("liar@example.com", groups=["voice-admins"], **claims)
    done = await browser.sign_in(liar)
    assert done.status_code == 403
    assert "e-mail" in done.json()["detail"]


async def test_a_person_may_say_no_at_the_provider(browser: Browser) -> None:
    begun = await browser.client.get(browser.place.url + "/v1/sign-in")
    refused = await browser.client.post(begun.headers["location"], data={"action": "deny"})
    back = httpx.URL(urlsplit(begun.headers["location"])._replace(query="").geturl())
    assert back.host == refused.url.host
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    address = f"/v1/sign-in/callback?error=access_denied&state={state}"
    done = await browser.client.get(browser.place.url + address)
    assert (done.status_code, "access_denied" in done.text) == (403, True)


async def test_a_code_is_good_once(browser: Browser, person: Person) -> None:
    ada = await person("ada3@example.com", groups=["voice-admins"])
    answer = await browser.at_provider(ada)
    held = browser.client.cookies["trunkline-sign-in"]
    assert own(await browser.follow(answer)) == "/v1/me"
    back = answer.headers["location"]
    again = await browser.client.get(back)
    assert (again.status_code, again.json()["type"]) == (
        400,
        "urn:trunkline:problem:sign-in-broken",
    )
    browser.client.cookies.set("trunkline-sign-in", held)
    replayed = await browser.client.get(back)
    assert replayed.status_code == 400
    assert "invalid_grant" in replayed.json()["detail"]


async def test_the_answer_to_another_browser_is_not_taken(
    browser: Browser, person: Person, place: Place
) -> None:
    mallory = await person("mallory@example.com", groups=["voice-admins"])
    stolen = (await browser.at_provider(mallory)).headers["location"]
    async with httpx.AsyncClient(timeout=60) as victim:
        bare = await victim.get(stolen)
        await victim.get(place.url + "/v1/sign-in")
        begun = await victim.get(stolen)
    assert (bare.status_code, begun.status_code) == (400, 400)
    assert "another sign-in" in begun.json()["detail"]


async def test_a_sealed_cookie_that_was_changed_is_not_taken(
    browser: Browser, person: Person
) -> None:
    ada = await person("ada4@example.com", groups=["voice-admins"])
    back = (await browser.at_provider(ada)).headers["location"]
    held = browser.client.cookies["trunkline-sign-in"]
    browser.client.cookies.clear()
    for forged in (held[:-2] + "AA", "x", held.replace(".", "", 1), ""):
        headers = {"Cookie": f"trunkline-sign-in={forged}"}
        assert (await browser.client.get(back, headers=headers)).status_code == 400


async def test_whoever_signs_out_is_out(
    browser: Browser, person: Person, admin: httpx.AsyncClient, provider_address: str
) -> None:
    ada = await person("ada5@example.com", groups=["viewers"])
    session = (await browser.sign_in(ada)).json()["id"]
    secret = browser.client.cookies["trunkline-session"]
    done = await browser.write("/v1/sign-out", Origin=browser.place.url)
    assert done.status_code == 200, done.text
    assert done.json()["providerAddress"].startswith(f"{provider_address}/oauth2/end_session?")
    assert "trunkline-session" not in browser.client.cookies
    headers = {"Cookie": f"trunkline-session={secret}"}
    me = await browser.client.get(browser.place.url + "/v1/me", headers=headers)
    assert me.status_code == 401
    rows = (await admin.get(f"/v1/audit?subject={session}")).json()["items"]
    assert [row["action"] for row in rows] == ["session.end", "session.begin"]
    assert rows[1]["after"]["roles"] == ["viewer"]
    assert secret not in str(rows)


async def test_a_token_does_not_sign_out(admin: httpx.AsyncClient) -> None:
    assert (await admin.post("/v1/sign-out")).status_code == 409
    me = (await admin.get("/v1/me")).json()
    assert (me["person"], me["signedInBy"]) == ("admin@example.com", "token")
    assert me["roles"] == [{"role": "admin", "project": None}]


async def test_a_session_is_listed_and_taken_away(
    browser: Browser, person: Person, admin: httpx.AsyncClient
) -> None:
    ada = await person("ada6@example.com", groups=["acme-ops", "viewers"])
    session = (await browser.sign_in(ada)).json()["id"]
    rows = (await admin.get("/v1/tokens")).json()["items"]
    [row] = [row for row in rows if row["id"] == session]
    assert (row["kind"], row["person"]) == ("session", "ada6@example.com")
    assert {"role": "operator", "project": "acme"} in row["grants"]
    assert (await admin.delete(f"/v1/tokens/{session}")).status_code == 200
    assert (await browser.client.get(browser.place.url + "/v1/me")).status_code == 401


async def test_a_session_ends_by_itself(
    serve: Serve, provider_address: str, person: Person
) -> None:
    ada = await person("ada7@example.com", groups=["viewers"])
    age = timedelta(milliseconds=1)
    async with serve(provider_address, age=age) as place, httpx.AsyncClient(timeout=60) as client:
        browser = Browser(place, client)
        answer = await browser.at_provider(ada)
        back = await client.get(answer.headers["location"])
        assert back.status_code == 303
        secret = back.headers["set-cookie"].partition("trunkline-session=")[2].partition(";")[0]
        assert secret.startswith("ts_")
        headers = {"Cookie": f"trunkline-session={secret}"}
        assert (await client.get(place.url + "/v1/me", headers=headers)).status_code == 401
        await place.store.forget_ended_sessions()
        assert not [row for row in await place.store.tokens(limit=10) if row.kind == "session"]


async def test_a_session_is_no_token_and_a_token_no_session(
    browser: Browser, person: Person, place: Place
) -> None:
    ada = await person("ada8@example.com", groups=["viewers"])
    await browser.sign_in(ada)
    secret = browser.client.cookies["trunkline-session"]
    token = (await place.services.access.issue("t@example.com", "admin")).secret
    async with httpx.AsyncClient(base_url=place.url, timeout=60) as client:
        as_token = await client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        as_session = await client.get("/v1/me", headers={"Cookie": f"trunkline-session={token}"})
    assert (as_token.status_code, as_session.status_code) == (401, 401)


async def test_a_token_that_is_shown_counts_before_the_cookie(
    browser: Browser, person: Person, place: Place
) -> None:
    await browser.sign_in(await person("ada9@example.com", groups=["voice-admins"]))
    token = (await place.services.access.issue("t@example.com", "viewer", project="acme")).secret
    for shown, status in ((f"Bearer {token}", 200), ("Bearer tl_wrong", 401), ("Basic eA==", 401)):
        me = await browser.client.get(place.url + "/v1/me", headers={"Authorization": shown})
        assert me.status_code == status
    me = await browser.client.get(
        place.url + "/v1/me", headers={"Authorization": f"Bearer {token}"}
    )
    assert me.json()["person"] == "t@example.com"


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s[:-1] + "!", lambda s: s.lower()])
async def test_a_session_cookie_that_was_changed_is_nobody(
    browser: Browser, person: Person, change: Callable[[str], str]
) -> None:
    await browser.sign_in(await person("ada10@example.com", groups=["voice-admins"]))
    secret = browser.client.cookies["trunkline-session"]
    browser.client.cookies.clear()
    headers = {"Cookie": f"trunkline-session={change(secret)}"}
    me = await browser.client.get(browser.place.url + "/v1/me", headers=headers)
    assert me.status_code == 401


async def test_behind_https_cookies_are_bound_to_the_host(
    serve: Serve, provider_address: str
) -> None:
    public = "https://trunkline.example.com"
    async with (
        serve(provider_address, public_url=public) as place,
        httpx.AsyncClient(timeout=60) as client,
    ):
        begun = await client.get(place.url + "/v1/sign-in")
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("__Host-trunkline-sign-in=")
    for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "trunkline.example.com%2Fv1%2Fsign-in%2Fcallback" in begun.headers["location"]


async def test_a_project_that_is_forgotten_ends_the_sessions_it_gave_roles_to(
    browser: Browser, person: Person, place: Place
) -> None:
    await browser.sign_in(await person("ada11@example.com", groups=["acme-ops"]))
    await place.store.remove("acme")
    assert (await browser.client.get(place.url + "/v1/me")).status_code == 401
