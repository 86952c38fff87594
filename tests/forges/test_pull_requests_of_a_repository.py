"""Pull requests as our client reads and writes them, on both forges."""

from __future__ import annotations

import pytest

from tests.forges.conftest import Clients, Place
from trunkline.adapters.forges import RestForge
from trunkline.model.errors import ForgeMissing, ForgeRefused


async def test_a_pull_request_is_read_whole(place: Place, forge: RestForge) -> None:
    number = place.propose("change/greeting", title="Greet", body="Says hello", labels=["voice"])
    found = await forge.pull_request(number)
    head = place.forge.shown("pull-requests")["pull_requests"][0]["head_sha"]
    assert (found.number, found.title, found.body, found.author) == (
        number,
        "Greet",
        "Says hello",
        "ada",
    )
    assert (found.state, found.head, found.head_branch, found.base_branch) == (
        "open",
        head,
        "change/greeting",
        "main",
    )
    assert found.head_ref == f"refs/pull/{number}/head"
    assert found.labels == ("voice",)
    assert not found.is_fork
    assert found.url.startswith(place.forge.url)


async def test_a_merged_one_says_by_whom_and_as_what(place: Place, forge: RestForge) -> None:
    number = place.propose()
    merged = place.forge.control(
        "pull-requests/merge", repository=place.name, number=number, by="ada"
    )
    found = await forge.pull_request(number)
    assert (found.state, found.merged_by) == ("merged", "ada")
    assert found.merged_as == merged["merge_commit_sha"]
    assert found.merged_at is not None


async def test_one_that_was_closed_says_by_whom(place: Place, forge: RestForge) -> None:
    number = place.propose()
    place.forge.control("users", login="ben")
    place.say(number, "/trunkline plan")
    edit = {"repository": place.name, "number": number}
    assert (await forge.pull_request(number)).closed_by == ""
    for by, state in (("ada", "closed"), ("ada", "open"), ("ben", "closed")):
        place.forge.control("pull-requests/edit", **edit, by=by, state=state)
    found = await forge.pull_request(number)
    assert (found.state, found.closed_by) == ("closed", "ben")
    place.forge.control("pull-requests/edit", **edit, by="ada", state="open")
    assert (await forge.pull_request(number)).closed_by == ""


async def test_one_from_a_fork_is_known_as_such(place: Place, forge: RestForge) -> None:
    place.forge.control("collaborators", repository=place.name, login="mallory", permission="read")
    place.forge.control("forks", repository=place.name, owner="mallory")
    files = {"evil.txt": "evil"}
    place.forge.control(
        "commits", repository="mallory/manifests", branch="evil", files=files, by="mallory"
    )
    opened = place.forge.control(
        "pull-requests", repository=place.name, by="mallory", head="mallory:evil"
    )
    found = await forge.pull_request(opened["number"])
    assert found.is_fork
    assert (found.author, found.head_branch) == ("mallory", "evil")


async def test_listings_are_by_state_and_newest_first(place: Place, forge: RestForge) -> None:
    numbers = [place.propose(f"change-{index}") for index in range(3)]
    place.forge.control(
        "pull-requests/edit", repository=place.name, number=numbers[0], by="ada", state="closed"
    )
    place.forge.control("pull-requests/merge", repository=place.name, number=numbers[1], by="ada")
    by_state = {
        state: [pull.number for pull in await forge.pull_requests(state=state)]
        for state in ("open", "closed", "merged", None)
    }
    assert by_state == {
        "open": [numbers[2]],
        "closed": [numbers[0]],
        "merged": [numbers[1]],
        None: numbers[::-1],
    }


async def test_listings_longer_than_a_page_are_read_whole(place: Place, clients: Clients) -> None:
    numbers = [place.propose(f"change-{index}") for index in range(5)]
    found = await clients.forge(place, page_size=2).pull_requests()
    assert [pull.number for pull in found] == numbers[::-1]


async def test_a_proposal_is_opened_once(place: Place, forge: RestForge) -> None:
    place.branch("trunkline/release/production/front-desk/1", by="trunkline-bot")
    texts = {"head_branch": "trunkline/release/production/front-desk/1", "base_branch": "main"}
    first = await forge.open_pull_request(title="Release", body="One", **texts)
    again = await forge.open_pull_request(title="Release", body="One", **texts)
    edited = await forge.open_pull_request(title="Release", body="Two", **texts)
    assert first.number == again.number == edited.number
    assert (first.author, edited.body) == ("trunkline-bot", "Two")
    assert place.forge.made("pulls") == 1


async def test_a_closed_proposal_is_not_taken_for_an_open_one(
    place: Place, forge: RestForge
) -> None:
    place.branch("again", by="trunkline-bot")
    texts = {"title": "T", "body": "B", "head_branch": "again", "base_branch": "main"}
    first = await forge.open_pull_request(**texts)
    await forge.close_pull_request(first.number)
    second = await forge.open_pull_request(**texts)
    assert second.number != first.number
    assert (await forge.pull_request(first.number)).state == "closed"


async def test_a_fork_with_a_branch_of_that_name_is_not_ours(
    place: Place, forge: RestForge
) -> None:
    place.forge.control("collaborators", repository=place.name, login="mallory", permission="read")
    place.forge.control("forks", repository=place.name, owner="mallory")
    place.forge.control(
        "commits",
        repository="mallory/manifests",
        branch="trunkline/adopt/x/y",
        files={"a.txt": "a"},
        by="mallory",
    )
    theirs = place.forge.control(
        "pull-requests", repository=place.name, by="mallory", head="mallory:trunkline/adopt/x/y"
    )
    assert await forge.pull_requests(head_branch="trunkline/adopt/x/y") == ()
    place.branch("trunkline/adopt/x/y", by="trunkline-bot")
    ours = await forge.open_pull_request(
        title="T", body="B", head_branch="trunkline/adopt/x/y", base_branch="main"
    )
    assert ours.number != theirs["number"]
    assert not ours.is_fork


async def test_closing_twice_and_closing_a_merged_one_changes_nothing(
    place: Place, forge: RestForge
) -> None:
    closed, merged = place.propose("one"), place.propose("two")
    place.forge.control("pull-requests/merge", repository=place.name, number=merged, by="ada")
    await forge.close_pull_request(closed)
    place.forge.http.delete(f"{place.forge.url}/_sim/counters")
    await forge.close_pull_request(closed)
    await forge.close_pull_request(merged)
    assert place.forge.shown("counters")["writes"] == 0
    assert (await forge.pull_request(merged)).state == "merged"


async def test_one_that_is_not_there_is_missing(forge: RestForge) -> None:
    with pytest.raises(ForgeMissing):
        await forge.pull_request(404)


async def test_a_stranger_sees_nothing(place: Place, clients: Clients) -> None:
    number = place.propose()
    with pytest.raises(ForgeMissing):
        await clients.forge(place, by="mallory").pull_request(number)


async def test_a_branch_that_is_not_there_cannot_be_proposed(
    place: Place, forge: RestForge
) -> None:
    with pytest.raises((ForgeRefused, ForgeMissing)):
        await forge.open_pull_request(title="T", body="", head_branch="nowhere", base_branch="main")
    assert place.forge.made("pulls") == 0


async def test_texts_no_forge_takes_are_not_sent(place: Place, forge: RestForge) -> None:
    place.branch("long")
    with pytest.raises(ForgeRefused, match="65536"):
        await forge.open_pull_request(
            title="T", body="x" * 65_537, head_branch="long", base_branch="main"
        )
    with pytest.raises(ForgeRefused, match="255"):
        await forge.open_pull_request(
            title="x" * 256, body="", head_branch="long", base_branch="main"
        )
    assert place.forge.made("pulls") == 0
