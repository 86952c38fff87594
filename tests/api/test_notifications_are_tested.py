"""Who was told of what is listed, and a test goes to everybody who is told."""

import asyncio
import json
from collections.abc import Callable, Coroutine

import httpx
import jsonschema
import pytest

from tests.notifications.worlds import REVISION, eventually, project_of
from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.schemas import schemas
from trunkline.model.notifications.quiet import ChapterState
from trunkline.model.notifications.records import NotificationRecord
from trunkline.model.records import SourceState

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
ENTRIES = (
    {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/secret"},
    {"type": "email", "to": ["ada@example.com"]},
)


@pytest.fixture
async def told(store: PostgresStore, project: str) -> str:
    """A project that tells two; the path of its messages."""
    manifest = project_of(*ENTRIES).model_dump(mode="json", by_alias=True)
    state = SourceState(project=project, applied_revision=REVISION, seen_revision=REVISION)
    await store.store_tree(state, (), {}, manifest)
    return "/notifications"


async def conclude(store: PostgresStore, project: str, *states: ChapterState) -> None:
    """End messages as soon as there are so many on their way."""

    async def sent() -> tuple[NotificationRecord, ...] | None:
        rows = await store.notifications(project, limit=10)
        return rows if len(rows) >= len(states) else None

    rows = await eventually(sent, what="messages are on their way")
    for row, state in zip(rows, states, strict=True):
        await store.conclude_notification(project, row.event_id, row.recipient, state, "as said")


async def test_a_test_goes_to_everybody_and_is_audited(
    operator: httpx.AsyncClient, store: PostgresStore, told: str, project: str
) -> None:
    sent = await operator.post(f"{told}/test", json={})
    assert sent.status_code == 202, sent.text
    answer = sent.json()
    assert [(item["to"], item["kind"], item["state"]) for item in answer["items"]] == [
        ("slack at hooks.slack.com", "test", "sending"),
        ("e-mail to ada@example.com", "test", "sending"),
    ]
    assert "secret" not in sent.text
    await conclude(store, project, "delivered", "refused")
    listed = (await operator.get(told, params={"event": answer["event"]})).json()["items"]
    assert sorted(item["state"] for item in listed) == ["delivered", "refused"]
    (row,) = await store.audit(project=project, action="notification.test", limit=5)
    assert row.details["recipients"] == ["slack at hooks.slack.com", "e-mail to ada@example.com"]


async def test_only_operators_send_a_test(viewer: httpx.AsyncClient, told: str) -> None:
    assert (await viewer.post(f"{told}/test", json={})).status_code == 403
    assert (await viewer.get(told)).json() == {"items": [], "nextCursor": None}


async def test_a_project_that_tells_nobody_has_nothing_to_test(
    operator: httpx.AsyncClient,
) -> None:
    answer = await operator.post("/notifications/test", json={})
    assert answer.status_code == 409


async def test_pages_follow_each_other(operator: httpx.AsyncClient, told: str) -> None:
    for _ in range(2):
        await operator.post(f"{told}/test", json={})
    found, cursor = [], None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await operator.get(told, params=params)).json()
        found += [(item["event"], item["recipient"]) for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert (len(found), len(set(found))) == (4, 4)
    assert found == sorted(found, reverse=True)
    assert (await operator.get(told, params={"cursor": "bm9uc2Vuc2U"})).status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("states", "code"), [(("delivered", "delivered"), 0), (("delivered", "refused"), 1)]
)
async def test_the_command_ends_as_the_messages_do(
    command: Command,
    store: PostgresStore,
    told: str,
    project: str,
    states: tuple[ChapterState, ...],
    code: int,
) -> None:
    assert told
    running = asyncio.create_task(command("notifications", "test", "-o", "json", who="operator"))
    await conclude(store, project, *states)
    ended, printed, _ = await running
    assert ended == code
    document = json.loads(printed)
    jsonschema.validate(document, schemas()["NotificationList"])
    assert sorted(item["state"] for item in document["items"]) == sorted(states)
    code, printed, _ = await command("notifications", "list")
    assert code == 0
    assert "slack at hooks.slack.com" in printed
