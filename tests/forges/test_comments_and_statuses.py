"""The one comment, the statuses of a commit and what people may do, on both forges."""

from __future__ import annotations

import pytest

from tests.forges.conftest import Clients, Place
from trunkline.adapters.forges import RestForge
from trunkline.model.errors import ForgeCredentialsRejected, ForgeRefused
from trunkline.model.forges import CommitStatus
from trunkline.model.ids import Revision

MARKER = "<!-- trunkline:pull-request -->"


async def test_the_comment_is_edited_in_place(place: Place, forge: RestForge) -> None:
    number = place.propose()
    first = await forge.put_comment(number, f"One\n{MARKER}", marker=MARKER)
    second = await forge.put_comment(number, f"Two\n{MARKER}", marker=MARKER)
    assert (first.id, first.is_own) == (second.id, True)
    kept = place.comments(number)
    assert [(c["author"], c["body"]) for c in kept] == [("trunkline-bot", f"Two\n{MARKER}")]


async def test_the_same_comment_is_not_written_again(place: Place, forge: RestForge) -> None:
    number = place.propose()
    await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    place.forge.http.delete(f"{place.forge.url}/_sim/counters")
    await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    assert place.forge.shown("counters")["writes"] == 0


async def test_a_marker_in_somebody_elses_comment_is_not_ours(
    place: Place, forge: RestForge
) -> None:
    number = place.propose()
    theirs = place.say(number, f"I can write {MARKER}, too")
    ours = await forge.put_comment(number, f"One {MARKER}", marker=MARKER)
    assert ours.id != theirs
    assert place.comments(number)[0]["body"] == f"I can write {MARKER}, too"


async def test_a_comment_whose_words_were_changed_says_so(place: Place, forge: RestForge) -> None:
    number = place.propose()
    said = place.say(number, "looks good")
    assert [comment.was_edited for comment in await forge.comments(number)] == [False]
    place.forge.control("clock", advance_s=5)
    answer = place.forge.http.patch(
        f"{place.forge.api_url}/repos/{place.name}/issues/comments/{said}",
        json={"body": "/trunkline approve"},
        headers={"Authorization": f"Bearer {place.tokens['trunkline-bot']}"},
    )
    assert answer.is_success, answer.text
    (found,) = await forge.comments(number)
    assert (found.author, found.body, found.was_edited) == ("ada", "/trunkline approve", True)


async def test_comments_come_oldest_first_after_an_id(place: Place, forge: RestForge) -> None:
    number = place.propose()
    ids = [place.say(number, f"/trunkline plan {index}") for index in range(3)]
    found = await forge.comments(number, after=ids[0])
    assert [(c.id, c.author, c.body, c.is_own) for c in found] == [
        (ids[1], "ada", "/trunkline plan 1", False),
        (ids[2], "ada", "/trunkline plan 2", False),
    ]


async def test_many_comments_are_read_whole(place: Place, clients: Clients) -> None:
    number = place.propose()
    ids = [place.say(number, f"word {index}") for index in range(9)]
    forge = clients.forge(place, page_size=4)
    assert [comment.id for comment in await forge.comments(number)] == ids


async def test_texts_are_sent_as_they_are(place: Place, forge: RestForge) -> None:
    number = place.propose()
    body = f"{MARKER}\n| a | b |\n|---|---|\n| `x|y` | <b>&amp; ü 🎈 @ada #1 |\n"
    written = await forge.put_comment(number, body, marker=MARKER)
    assert written.body == body
    assert place.comments(number)[0]["body"] == body


async def test_a_comment_no_forge_takes_is_not_sent(place: Place, forge: RestForge) -> None:
    number = place.propose()
    with pytest.raises(ForgeRefused, match="65536"):
        await forge.put_comment(number, MARKER + "x" * 65_536, marker=MARKER)
    with pytest.raises(ForgeRefused, match="marker"):
        await forge.put_comment(number, "no mark", marker=MARKER)
    assert place.comments(number) == []


async def test_a_status_is_said_once(place: Place, forge: RestForge) -> None:
    sha = Revision(place.branch("change"))
    plan = CommitStatus(
        context="trunkline/plan",
        state="pending",
        description="Planning",
        target_url="https://trunkline.example.com/p/1",
    )
    await forge.put_status(sha, plan)
    await forge.put_status(sha, plan)
    await forge.put_status(sha, plan.model_copy(update={"state": "success"}))
    await forge.put_status(sha, plan.model_copy(update={"context": "trunkline/tests/front-desk"}))
    said = [(s["context"], s["state"], s["description"]) for s in place.statuses(sha)]
    assert said == [
        ("trunkline/plan", "pending", "Planning"),
        ("trunkline/plan", "success", "Planning"),
        ("trunkline/tests/front-desk", "pending", "Planning"),
    ]


async def test_long_descriptions_are_cut_and_still_said_once(
    place: Place, forge: RestForge
) -> None:
    sha = Revision(place.branch("change"))
    long = CommitStatus(context="trunkline/plan", state="failure", description="ü" * 200)
    await forge.put_status(sha, long)
    await forge.put_status(sha, long)
    said = [status["description"] for status in place.statuses(sha)]
    assert said == ["ü" * 139 + "…"]


async def test_what_people_may_do(place: Place, forge: RestForge) -> None:
    place.forge.control("users", login="grace")
    place.forge.control("collaborators", repository=place.name, login="grace", permission="admin")
    asked = ("ada", "grace", "acme", "mallory", "nobody-by-this-name")
    found = {login: await forge.permission(login) for login in asked}
    assert found == {
        "ada": "write",
        "grace": "admin",
        "acme": "admin",
        "mallory": "none",
        "nobody-by-this-name": "none",
    }


async def test_who_we_are_there(place: Place, forge: RestForge, clients: Clients) -> None:
    ours = await forge.access()
    adas = await clients.forge(place, by="ada").access()
    assert (ours.repository, ours.login, ours.permission) == (
        "acme/manifests",
        "trunkline-bot",
        "admin",
    )
    assert (adas.login, adas.permission) == ("ada", "write")


async def test_an_unknown_token_is_a_matter_of_credentials(place: Place, clients: Clients) -> None:
    number = place.propose()
    secret = "forge_unknown_token_0123456789"
    with pytest.raises(ForgeCredentialsRejected) as raised:
        await clients.forge(place, token=secret).pull_request(number)
    assert secret not in raised.value.message


async def test_a_token_without_a_right_is_told_from_a_limit(place: Place, clients: Clients) -> None:
    sha = Revision(place.branch("change"))
    right = "statuses" if place.forge.kind == "github" else "contents"
    weak = place.forge.control("users", login="trunkline-bot", denied=[right])["token"]
    status = CommitStatus(context="trunkline/plan", state="success", description="ok")
    with pytest.raises(ForgeCredentialsRejected, match="403") as raised:
        await clients.forge(place, token=weak).put_status(sha, status)
    assert "needs to write" in raised.value.hint
