"""Lost answers, failures, limits and garbage: nothing is written twice, all are told apart."""

from __future__ import annotations

import asyncio

import pytest

from tests.forges.conftest import DEADLINE_S, Clients, Place
from trunkline.adapters.forges import RestForge
from trunkline.model.errors import (
    ForgeCredentialsRejected,
    ForgeLimited,
    ForgeRefused,
    ForgeUnavailable,
)
from trunkline.model.forges import CommitStatus
from trunkline.model.ids import Revision

MARKER = "<!-- trunkline:pull-request -->"
PLAN = CommitStatus(context="trunkline/plan", state="success", description="ok")
LOST = ("drop-after", "status-after", "malformed")
UNSENT = ("drop-before", "status-before")


@pytest.mark.parametrize("kind", LOST)
async def test_a_comment_whose_answer_is_lost_is_found(
    place: Place, forge: RestForge, kind: str
) -> None:
    number = place.propose()
    place.forge.fault(kind, method="POST", times=1)
    written = await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    assert [c["id"] for c in place.comments(number)] == [written.id]


@pytest.mark.parametrize("kind", LOST)
async def test_an_edit_whose_answer_is_lost_is_found(
    place: Place, forge: RestForge, kind: str
) -> None:
    number = place.propose()
    await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    place.forge.fault(kind, method="PATCH", times=1)
    edited = await forge.put_comment(number, f"Two {MARKER}", marker=MARKER)
    assert edited.body == f"Two {MARKER}"
    assert [c["body"] for c in place.comments(number)] == [f"Two {MARKER}"]


@pytest.mark.parametrize("kind", LOST)
async def test_a_proposal_whose_answer_is_lost_is_found(
    place: Place, forge: RestForge, kind: str
) -> None:
    place.branch("trunkline/change/1")
    place.forge.fault(kind, method="POST", times=1)
    opened = await forge.open_pull_request(
        title="T", body="B", head_branch="trunkline/change/1", base_branch="main"
    )
    assert (opened.title, opened.body) == ("T", "B")
    assert place.forge.made("pulls") == 1


@pytest.mark.parametrize("kind", LOST)
async def test_a_status_whose_answer_is_lost_is_found(
    place: Place, forge: RestForge, kind: str
) -> None:
    sha = Revision(place.branch("change"))
    place.forge.fault(kind, method="POST", times=1)
    await forge.put_status(sha, PLAN)
    assert len(place.statuses(sha)) == 1


@pytest.mark.parametrize("kind", UNSENT)
async def test_a_write_that_had_no_effect_fails_and_may_be_made_again(
    place: Place, forge: RestForge, kind: str
) -> None:
    number = place.propose()
    place.forge.fault(kind, method="POST", times=1)
    with pytest.raises(ForgeUnavailable):
        await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    assert place.comments(number) == []
    await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    assert len(place.comments(number)) == 1


@pytest.mark.parametrize("kind", [*LOST, *UNSENT])
async def test_a_read_is_asked_again(place: Place, forge: RestForge, kind: str) -> None:
    number = place.propose()
    place.forge.fault(kind, method="GET", times=1)
    assert (await forge.pull_request(number)).number == number


async def test_a_forge_that_stays_away_is_unavailable(place: Place, forge: RestForge) -> None:
    number = place.propose()
    place.forge.fault("status-before", status=502)
    with pytest.raises(ForgeUnavailable):
        await forge.pull_request(number)
    with pytest.raises(ForgeUnavailable):
        await forge.permission("ada")


async def test_nobody_at_the_address_is_unavailable(place: Place, clients: Clients) -> None:
    forge = clients.forge(place)
    place.forge.fault("drop-before")
    with pytest.raises(ForgeUnavailable, match="not answered"):
        await forge.pull_request(1)


async def test_a_secondary_limit_says_when_to_come_back(place: Place, forge: RestForge) -> None:
    number = place.propose()
    place.forge.fault(
        "status-before",
        status=403,
        body={"message": "You have exceeded a secondary rate limit."},
        headers={"Retry-After": "7"},
        times=1,
    )
    with pytest.raises(ForgeLimited) as raised:
        await forge.pull_request(number)
    assert raised.value.retry_after_s == 7


async def test_a_secondary_limit_without_a_time_waits_a_minute(
    place: Place, forge: RestForge
) -> None:
    number = place.propose()
    body = {"message": "You have exceeded a secondary rate limit."}
    place.forge.fault("status-before", status=429, body=body, times=1)
    with pytest.raises(ForgeLimited) as raised:
        await forge.pull_request(number)
    assert raised.value.retry_after_s == 60


async def test_a_limited_forge_is_left_alone(place: Place, forge: RestForge) -> None:
    number = place.propose()
    headers = {"Retry-After": "120"}
    place.forge.fault("status-before", status=429, headers=headers, body={}, times=1)
    with pytest.raises(ForgeLimited):
        await forge.pull_request(number)
    place.forge.http.delete(f"{place.forge.url}/_sim/counters")
    with pytest.raises(ForgeLimited) as raised:
        await forge.pull_request(number)
    assert raised.value.retry_after_s > 0
    assert place.forge.shown("counters")["total"] == 0


async def test_a_limited_write_is_not_looked_up(place: Place, forge: RestForge) -> None:
    number = place.propose()
    headers = {"Retry-After": "5"}
    place.forge.fault("status-before", method="POST", status=403, headers=headers, body={})
    with pytest.raises(ForgeLimited):
        await forge.put_comment(number, MARKER, marker=MARKER)
    assert place.comments(number) == []


async def test_a_moved_repository_is_not_followed(place: Place, forge: RestForge) -> None:
    headers = {"Location": "https://elsewhere.example.com/repositories/1"}
    place.forge.fault(
        "status-before", status=301, body={"message": "Moved Permanently"}, headers=headers
    )
    with pytest.raises(ForgeRefused) as raised:
        await forge.pull_request(1)
    assert "new address" in raised.value.hint


async def test_a_forbidden_read_is_a_matter_of_credentials(place: Place, forge: RestForge) -> None:
    body = {"message": "Resource not accessible by personal access token"}
    place.forge.fault("status-before", status=403, body=body, times=1)
    with pytest.raises(ForgeCredentialsRejected, match="not accessible"):
        await forge.pull_request(1)


async def test_an_answer_of_another_shape_is_no_answer(place: Place, forge: RestForge) -> None:
    place.forge.fault("status-before", status=200, body={"number": "one"})
    with pytest.raises(ForgeUnavailable, match="no usable"):
        await forge.pull_request(1)
    with pytest.raises(ForgeUnavailable, match="something else than rows"):
        await forge.pull_requests()


async def test_an_app_that_may_not_ask_who_it_is_knows_its_own_comment(
    place: Place, forge: RestForge
) -> None:
    number = place.propose()
    body = {"message": "Resource not accessible by integration"}
    place.forge.fault("status-before", method="GET", route="/api/v3/user", status=403, body=body)
    place.forge.fault("status-before", method="GET", route="/api/v1/user", status=403, body=body)
    first = await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    second = await forge.put_comment(number, f"Two {MARKER}", marker=MARKER)
    assert first.id == second.id
    assert (await forge.access()).permission == "admin"


async def test_the_quota_of_the_hour_ends_at_its_reset(
    github_place: Place, clients: Clients
) -> None:
    number = github_place.propose()
    github_place.forge.control("quota", remaining=0)
    with pytest.raises(ForgeLimited) as raised:
        await clients.forge(github_place).pull_request(number)
    assert 0 < raised.value.retry_after_s <= 3_600


async def test_what_did_not_change_counts_against_no_quota(
    github_place: Place, clients: Clients
) -> None:
    number = github_place.propose()
    forge = clients.forge(github_place)
    first = await forge.pull_request(number)
    again = await forge.pull_request(number)
    assert again == first
    assert github_place.forge.shown("counters")["statuses"]["304"] == 1
    pushed = github_place.branch("change", "another text")
    assert (await forge.pull_request(number)).head == pushed


async def test_a_forge_that_hangs_is_given_up_on(place: Place, forge: RestForge) -> None:
    place.forge.fault("hang-before", method="GET", seconds=0.3, times=1)
    number = place.propose()
    async with asyncio.timeout(DEADLINE_S):
        assert (await forge.pull_request(number)).number == number
