"""The stand-in held against GitHub's published description.

githubkit is generated from it, by others: its models refuse an answer or a webhook's payload that
lacks what GitHub promises. Every route and every event of the stand-in is driven with it.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

import pytest
from githubkit import GitHub
from githubkit.exception import RequestFailed
from githubkit.response import Response
from githubkit.webhooks import verify
from githubkit_schemas.v2022_11_28.webhooks import WebhookNamespace

from tests.forges.conftest import Place, Receiver, delivered

Official: TypeAlias = GitHub[Any]
OWNER, NAME = "acme", "manifests"
VERSION: Final = "2022-11-28"
"""Of GitHub's API, as our own client asks for it."""


@pytest.fixture
def official(github_place: Place) -> Official:
    """The client that others wrote, with a maintainer's token."""
    return GitHub(
        github_place.tokens["trunkline-bot"],
        base_url=github_place.forge.api_url,
        auto_retry=False,
        http_cache=False,
    )


async def test_every_read_has_the_published_shape(github_place: Place, official: Official) -> None:
    number = github_place.propose(labels=["voice"])
    github_place.say(number, "hello")
    head = github_place.forge.shown("pull-requests")["pull_requests"][0]["head_sha"]
    rest = official.rest(VERSION)
    await rest.repos.async_create_commit_status(OWNER, NAME, head, state="success", context="c")
    answers: list[Response[Any, Any]] = [
        await rest.users.async_get_authenticated(),
        await rest.repos.async_get(OWNER, NAME),
        await rest.pulls.async_list(OWNER, NAME, state="all"),
        await rest.pulls.async_get(OWNER, NAME, number),
        await rest.issues.async_list_comments(OWNER, NAME, number),
        await rest.issues.async_get(OWNER, NAME, number),
        await rest.issues.async_list_labels_on_issue(OWNER, NAME, number),
        await rest.repos.async_list_commit_statuses_for_ref(OWNER, NAME, head),
        await rest.repos.async_get_combined_status_for_ref(OWNER, NAME, head),
        await rest.repos.async_get_collaborator_permission_level(OWNER, NAME, "ada"),
    ]
    for answer in answers:
        assert answer.parsed_data is not None
        assert answer.headers["x-ratelimit-limit"] == "5000"
    assert answers[3].parsed_data.mergeable is True


async def test_the_whole_life_of_a_pull_request(github_place: Place, official: Official) -> None:
    github_place.branch("change")
    pulls, issues = official.rest(VERSION).pulls, official.rest(VERSION).issues
    opened = (
        await pulls.async_create(OWNER, NAME, title="T", head="change", base="main", body="B")
    ).parsed_data
    edited = (await pulls.async_update(OWNER, NAME, opened.number, title="U")).parsed_data
    said = (await issues.async_create_comment(OWNER, NAME, opened.number, body="x")).parsed_data
    again = (await issues.async_update_comment(OWNER, NAME, said.id, body="y")).parsed_data
    one = (await issues.async_get_comment(OWNER, NAME, said.id)).parsed_data
    await issues.async_delete_comment(OWNER, NAME, said.id)
    merged = (
        await pulls.async_merge(
            OWNER, NAME, opened.number, merge_method="squash", sha=edited.head.sha
        )
    ).parsed_data
    closed = (await pulls.async_get(OWNER, NAME, opened.number)).parsed_data
    assert (edited.title, again.body, one.body) == ("U", "y", "y")
    assert (merged.merged, closed.merged, closed.merge_commit_sha) == (True, True, merged.sha)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_merges_are_real(github_place: Place, official: Official, method: str) -> None:
    number = github_place.propose()
    github_place.branch("main", by="acme")
    merged = github_place.rest("PUT", f"/pulls/{number}/merge", json={"merge_method": method})
    assert merged.status_code == 200
    main = (await official.rest(VERSION).repos.async_get(OWNER, NAME)).parsed_data.default_branch
    tree = github_place.rest("GET", f"/commits/{main}/status").json()
    assert tree["sha"] == merged.json()["sha"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/pulls/99", None, 404, "Not Found"),
        ("POST", "/pulls", {"title": "T", "head": "no", "base": "main"}, 422, "Validation Failed"),
        ("POST", "/statuses/" + "0" * 40, {"state": "success"}, 422, "No commit found for SHA"),
        ("POST", "/pulls", "no json", 400, "Problems parsing JSON"),
        ("GET", "/nothing/at/all", None, 404, "Not Found"),
    ],
)
def test_errors_have_githubs_shape(
    github_place: Place, method: str, path: str, body: object, status: int, words: str
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    answer = github_place.rest(method, path, content=content)
    found = answer.json()
    assert answer.status_code == status
    assert words in found["message"]
    assert (found["status"], "docs.github.com" in found["documentation_url"]) == (str(status), True)


async def test_a_second_proposal_of_a_branch_is_refused(
    github_place: Place,
    official: Official,
) -> None:
    github_place.propose("change")
    with pytest.raises(RequestFailed) as raised:
        await official.rest(VERSION).pulls.async_create(
            OWNER, NAME, title="T", head="change", base="main"
        )
    errors = raised.value.response.json()["errors"]
    assert errors[0]["message"] == "A pull request already exists for acme:change."


def test_a_conflict_cannot_be_merged(github_place: Place) -> None:
    number = github_place.propose("change")
    files = {"change.txt": "something else"}
    github_place.forge.control(
        "commits", repository=github_place.name, branch="main", files=files, by="ada"
    )
    assert github_place.rest("GET", f"/pulls/{number}").json()["mergeable"] is False
    refused = github_place.rest("PUT", f"/pulls/{number}/merge", json={})
    assert refused.status_code == 405
    moved = github_place.rest("PUT", f"/pulls/{number}/merge", json={"sha": "0" * 40})
    assert moved.status_code == 409


@pytest.mark.slow
def test_webhooks_are_signed_and_have_the_published_shape(
    github_place: Place, receiver: Receiver
) -> None:
    forge = github_place.forge
    forge.control(
        "webhooks", repository=github_place.name, url=receiver.url, secret=receiver.secret
    )
    number = github_place.propose(body="Says hello")
    github_place.branch("change", "other")
    github_place.say(number, "/trunkline plan")
    where = {"repository": github_place.name, "number": number, "by": "ada"}
    forge.control("pull-requests/edit", **where, title="Another")
    forge.control("pull-requests/edit", **where, state="closed")
    forge.control("pull-requests/edit", **where, state="open")
    forge.control("pull-requests/merge", **where)
    sent = [(d["event"], d["action"], d["status"]) for d in delivered(forge)]
    assert sent == [
        ("ping", "", 202),
        ("push", "", 202),
        ("pull_request", "opened", 202),
        ("push", "", 202),
        ("pull_request", "synchronize", 202),
        ("issue_comment", "created", 202),
        ("pull_request", "edited", 202),
        ("pull_request", "closed", 202),
        ("pull_request", "reopened", 202),
        ("pull_request", "closed", 202),
        ("push", "", 202),
    ]
    for headers, body in receiver.taken:
        assert verify(receiver.secret, body, headers["x-hub-signature-256"])
        assert headers["x-github-delivery"]
        event = WebhookNamespace.parse(headers["x-github-event"], body)
        assert getattr(event, "sender", None) is not None


def test_a_redelivery_is_the_same_delivery(github_place: Place, receiver: Receiver) -> None:
    forge = github_place.forge
    forge.control(
        "webhooks", repository=github_place.name, url=receiver.url, secret=receiver.secret
    )
    receiver.status = 503
    github_place.propose()
    first = delivered(forge)[-1]
    receiver.status = 202
    forge.control("deliveries/redeliver", id=first["id"])
    again = delivered(forge)[-1]
    assert (first["status"], again["status"], again["redelivery"]) == (503, 202, True)
    assert receiver.taken[-1][1] == receiver.taken[-2][1]
    assert receiver.taken[-1][0]["x-github-delivery"] == first["guid"]


def test_only_this_machine_is_called(github_place: Place) -> None:
    forge = github_place.forge
    forge.control("webhooks", repository=github_place.name, url="https://hooks.example.com/x")
    assert delivered(forge)[-1]["error"] == "this address is not on this machine"
