"""A recipient that takes no messages is named by the project's status until it takes one."""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import psycopg
import pytest

from tests.notifications.worlds import REVISION, project_of
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.kinds.project import Project
from trunkline.model.notifications.groups import REFUSED
from trunkline.model.notifications.quiet import ChapterState
from trunkline.model.notifications.recipients import recipients
from trunkline.model.notifications.records import NotificationRecord
from trunkline.model.records import EventRecord, SourceState

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
SLACK: dict[str, Any] = {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/secret"}
MAIL: dict[str, Any] = {"type": "email", "to": ["ada@example.com"]}
ADVICE = "Correct the address or the secret, then: trunkline notifications test"


async def configure(store: PostgresStore, project: str, *entries: dict[str, Any]) -> Project:
    manifest = project_of(*entries)
    state = SourceState(project=project, applied_revision=REVISION, seen_revision=REVISION)
    await store.store_tree(state, (), {}, manifest.model_dump(mode="json", by_alias=True))
    return manifest


async def tell(store: PostgresStore, project: str, recipient: str) -> int:
    """A message on its way; its event."""
    event = EventRecord(project=project, kind="project", reason="GateFailed", message="1 fails")
    row = NotificationRecord(
        project=project, event_id=0, recipient=recipient, topic="//project/p", state="sending"
    )
    (told,) = await store.put_test(event, [row])
    return told.event_id


async def said(viewer: httpx.AsyncClient) -> list[str]:
    answer = (await viewer.get(str(viewer.base_url).rstrip("/"))).json()
    for condition in answer["conditions"]:
        assert (condition["type"], condition["status"]) == ("Stalled", "True")
        assert condition["reason"] == REFUSED
    return [condition["message"] for condition in answer["conditions"]]


@pytest.mark.parametrize(
    ("state", "words"), [("refused", "are refused"), ("unanswered", "do not arrive")]
)
async def test_what_was_refused_or_given_up_is_said_until_one_arrives(
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    state: ChapterState,
    words: str,
) -> None:
    manifest = await configure(store, project, SLACK, MAIL)
    slack, mail = (each.id for each in recipients(manifest.spec.notifications))
    for recipient, ended in ((slack, state), (slack, state), (mail, "delivered")):
        event_id = await tell(store, project, recipient)
        await store.conclude_notification(project, event_id, recipient, ended, "404 no_service")
    (message,) = await said(viewer)
    assert message.startswith(f"notifications to slack at hooks.slack.com {words} since 20")
    assert message.endswith(f" UTC: 404 no_service. {ADVICE}")
    assert "secret" not in message.removesuffix(ADVICE)
    event_id = await tell(store, project, slack)
    await store.conclude_notification(project, event_id, slack, "delivered", "200 ok")
    assert await said(viewer) == []


async def test_what_is_tried_in_vain_for_long_is_said(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, database_url: str
) -> None:
    manifest = await configure(store, project, SLACK)
    (slack,) = (each.id for each in recipients(manifest.spec.notifications))
    event_id = await tell(store, project, slack)
    await store.note_attempt(project, event_id, slack, "hooks.slack.com answered 503")
    assert await said(viewer) == []
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE notifications SET created_at = created_at - interval '11 minutes'"
        )
    (message,) = await said(viewer)
    assert "do not arrive since" in message
    assert "hooks.slack.com answered 503" in message


async def test_whom_the_manifest_names_no_longer_nobody_misses(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    manifest = await configure(store, project, SLACK)
    (slack,) = (each.id for each in recipients(manifest.spec.notifications))
    event_id = await tell(store, project, slack)
    await store.conclude_notification(project, event_id, slack, "refused", "410 gone")
    assert len(await said(viewer)) == 1
    await configure(store, project, MAIL)
    assert await said(viewer) == []


@pytest.mark.slow
@pytest.mark.usefixtures("fleet")
async def test_the_commands_say_it_as_well(
    command: Command, store: PostgresStore, project: str
) -> None:
    manifest = await configure(store, project, SLACK)
    (slack,) = (each.id for each in recipients(manifest.spec.notifications))
    event_id = await tell(store, project, slack)
    await store.conclude_notification(project, event_id, slack, "refused", "404 no_service")
    words = "notifications to slack at hooks.slack.com are refused since"
    _, _, noted = await command("status")
    assert f"{REFUSED}: {words}" in noted
    _, printed, noted = await command("doctor", who="admin")
    assert words in printed + noted
    assert ADVICE in printed + noted
