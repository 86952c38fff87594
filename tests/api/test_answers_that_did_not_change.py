"""A JSON answer has a tag; whoever shows the tag again gets 304 and no body until it changes."""

import gzip

import httpx
import pytest

from api.etags import entity_tag, matches
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import EventRecord


@pytest.mark.usefixtures("fleet")
async def test_an_answer_comes_again_only_when_it_is_another(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    first = await viewer.get("events")
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"

    same = await viewer.get("events", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == tag
    assert same.headers["X-Request-ID"]
    assert "content-type" not in same.headers

    event = EventRecord(
        project=project, environment="testing", name="front-desk", reason="Synced", message=""
    )
    await store.add_events([event])
    changed = await viewer.get("events", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


@pytest.mark.usefixtures("fleet")
async def test_every_way_to_name_a_tag_is_understood(viewer: httpx.AsyncClient) -> None:
    tag = (await viewer.get("agents")).headers["ETag"]
    for shown in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await viewer.get("agents", headers={"If-None-Match": shown})
        assert again.status_code == 304, shown
    lines = [("If-None-Match", '"other"'), ("If-None-Match", f"W/{tag}")]
    assert (await viewer.get("agents", headers=lines)).status_code == 304
    for shown in ('"other"', tag.strip('"'), ""):
        again = await viewer.get("agents", headers={"If-None-Match": shown})
        assert again.status_code == 200, shown


@pytest.mark.usefixtures("fleet")
async def test_only_answers_that_can_be_kept_have_a_tag(viewer: httpx.AsyncClient) -> None:
    missing = await viewer.get("agents/nobody")
    assert missing.status_code == 404
    made = await viewer.post("plans", json={"environment": "testing"})
    assert made.status_code == 202
    for answer in (missing, made):
        assert "ETag" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    origin = str(viewer.base_url.copy_with(path="/"))
    for probe in ("healthz", "readyz", "metrics"):
        assert "ETag" not in (await viewer.get(origin + probe)).headers
    assert "ETag" in (await viewer.get(origin + "openapi.json")).headers


async def test_a_tag_shown_without_a_token_opens_nothing(
    http: httpx.AsyncClient, project: str
) -> None:
    answer = await http.get(f"/v1/projects/{project}/agents", headers={"If-None-Match": "*"})
    assert answer.status_code == 401


def test_a_tag_stands_for_the_bytes() -> None:
    assert entity_tag(b"{}") == entity_tag(b"{}") != entity_tag(gzip.compress(b"{}"))
    assert matches('"a", "b"', '"b"')
    assert not matches('"a", "b"', '"c"')
