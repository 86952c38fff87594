"""From an event in the store to a message that arrived, whatever happens on the way."""

import asyncio
from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.notifications.receivers import Answer, HookServer
from tests.notifications.worlds import PROJECT, SECRET, World, eventually
from trunkline.model.errors import EngineUnavailable
from trunkline.model.notifications.groups import ACCEPTED, REFUSED
from trunkline.model.records import StatusRecord

pytestmark = pytest.mark.slow
SIGNED = {"secret": "TRUNKLINE_SECRET_ACME_HOOK"}


async def test_an_event_arrives_signed(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": f"{hooks.url}/in", "secret": SIGNED})
    async with world.delivering(), world.telling():
        await world.happen("GateFailed", message="1 line fails")
        (row,) = await world.settled(1)
    (request,) = hooks.received
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert row.state == "delivered"
    assert body["id"] == request.headers["webhook-id"]
    assert (body["type"], body["project"], body["data"]["message"]) == (
        "promotion.gate-failed",
        PROJECT,
        "1 line fails",
    )
    await world.record(row, "delivered")


async def test_a_server_that_fails_is_tried_until_it_takes_it(
    world: World, hooks: HookServer
) -> None:
    hooks.answers = [Answer(500), Answer(503), Answer(429, headers={"Retry-After": "0.2"})]
    await world.configure({"type": "slack", "url": hooks.url})
    async with world.delivering(), world.telling():
        await world.happen("GateFailed")
        (row,) = await world.settled(1)
    assert (row.state, len(hooks.received)) == ("delivered", 4)
    await world.record(row, "tried-again")


async def test_a_refusal_ends_it_and_is_told_to_others_once(
    world: World, hooks: HookServer
) -> None:
    async def told(*reasons: str) -> bool:
        found = await world.store.events(PROJECT, kind="project", limit=10)
        return [event.reason for event in found] == list(reasons)

    hooks.answers = [Answer(410, "no_service")]
    await world.configure({"type": "slack", "url": f"{hooks.url}/gone"})
    async with world.delivering(), world.telling():
        await world.happen("GateFailed", name="first")
        (row,) = await world.settled(1)
        assert (row.state, "410: no_service" in row.message) == ("refused", True)
        await eventually(lambda: told(REFUSED), what="an event about the recipient")
        hooks.answers = [Answer(404, "no_service")]
        await world.happen("GateFailed", name="second")
        await world.settled(2)
        await world.happen("GateFailed", name="third")
        await world.settled(3)
        await eventually(lambda: told(ACCEPTED, REFUSED), what="two events about the recipient")
    assert [request.path for request in hooks.received] == ["/gone"] * 3
    await world.record(row, "refused")


async def test_a_message_nobody_takes_is_given_up(world: World, hooks: HookServer) -> None:
    too_late = Answer(500, headers={"Retry-After": str(10 * int(world.patience.lifetime_s))})
    hooks.answers = [Answer(500), too_late]
    await world.configure({"type": "slack", "url": hooks.url})
    async with world.delivering(), world.telling():
        await world.happen("GateFailed")
        (row,) = await world.settled(1)
    assert (row.state, "answered 500" in row.message) == ("unanswered", True)
    assert len(hooks.received) == 2
    await world.record(row, "given-up")


async def test_a_flapping_agent_is_two_messages(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    async with world.delivering():
        teller = world.teller()
        for _ in range(4):
            await world.happen("CredentialsRejected")
            await teller.look(PROJECT)
            await world.happen("AsWished", good=True)
            await teller.look(PROJECT)
        await world.settled(1)
        world.clock.ahead = timedelta(minutes=11)
        await teller.look(PROJECT)
        await world.settled(2)
        await teller.look(PROJECT)
    first, second = hooks.bodies()
    assert first["data"]["reason"] == "CredentialsRejected"
    assert (second["data"]["reason"], second["data"]["changes"]) == ("AsWished", 7)
    assert second["data"]["title"].endswith("now AsWished")


async def test_a_recovery_is_told_once_it_lasts(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url, "minimum": "Warning"})
    async with world.delivering():
        teller = world.teller()
        await world.happen("CredentialsRejected")
        await world.happen("AsWished", good=True)
        await teller.look(PROJECT)
        await world.settled(1)
        world.clock.ahead = timedelta(seconds=61)
        await teller.look(PROJECT)
        await world.settled(2)
    assert [body["data"]["reason"] for body in hooks.bodies()] == [
        "CredentialsRejected",
        "AsWished",
    ]


async def test_two_tellers_tell_once(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    async with world.delivering(), world.telling(), world.telling():
        for index in range(12):
            await world.happen("GateFailed", name=f"agent-{index}")
        await world.settled(12)
    ids = [request.headers["webhook-id"] for request in hooks.received]
    assert (len(ids), len(set(ids))) == (12, 12)


async def test_a_flood_is_summed_up(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    for index in range(300):
        await world.happen("RateLimited", name=f"agent-{index}")
    async with world.delivering():
        teller = world.teller()
        await teller.look(PROJECT)
        world.clock.ahead = timedelta(minutes=3)
        await teller.look(PROJECT)
        await world.settled(21)
    summary = next(b for b in hooks.bodies() if b["type"] == "notification.summary")
    assert (summary["data"]["changes"], summary["data"]["reasons"]) == (280, {"RateLimited": 280})
    assert len(hooks.received) == 21


async def test_what_happened_while_nobody_looked_is_told(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    await world.happen("GateFailed")
    async with world.telling():

        async def waits() -> object:
            return await world.messages("sending")

        await eventually(waits, what="a message is on its way")
    async with world.delivering():
        await world.settled(1)
    assert len(hooks.received) == 1


async def test_a_delivery_that_was_never_started_is_started_later(
    world: World, hooks: HookServer
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    await world.happen("GateFailed")
    reachable, world.client = world.client, await nobody()
    with pytest.raises(EngineUnavailable):
        await world.teller().look(PROJECT)
    world.client = reachable
    async with world.delivering():
        await world.teller(again_s=0.0).look(PROJECT)
        await world.settled(1)
    assert len(hooks.received) == 1


async def nobody() -> Client:
    """A client of a Temporal server that is not there."""
    return await Client.connect("127.0.0.1:1", lazy=True, data_converter=pydantic_data_converter)


async def test_two_tellers_tell_a_summary_once(world: World, hooks: HookServer) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    async with world.delivering():
        teller = world.teller()
        for _ in range(2):
            await world.happen("CredentialsRejected")
            await world.happen("AsWished", good=True)
        await teller.look(PROJECT)
        await world.settled(1)
        world.clock.ahead = timedelta(minutes=11)
        await asyncio.gather(*(world.teller().look(PROJECT) for _ in range(4)))
        await world.settled(2)
    assert [body["data"]["changes"] for body in hooks.bodies()] == [1, 3]


async def test_labels_choose_whose_news_it_is(world: World, hooks: HookServer) -> None:
    for name, team in (("front-desk", "reception"), ("sales-desk", "sales")):
        status = StatusRecord(
            project=PROJECT, environment="testing", kind="agent", name=name, labels={"team": team}
        )
        await world.store.put_status(status, ())
    await world.configure({"type": "webhook", "url": hooks.url, "labels": {"team": "sales"}})
    async with world.delivering():
        await world.happen("GateFailed")
        await world.happen("GateFailed", name="sales-desk")
        await world.teller().look(PROJECT)
        await world.settled(1)
    assert [body["data"]["name"] for body in hooks.bodies()] == ["sales-desk"]
    assert len(await world.store.notifications(PROJECT, limit=10)) == 1


async def test_a_recipient_that_left_the_manifest_is_sent_nothing(
    world: World, hooks: HookServer
) -> None:
    await world.configure({"type": "webhook", "url": hooks.url})
    await world.happen("GateFailed")
    await world.teller().look(PROJECT)
    await world.configure({"type": "email", "to": ["ada@example.com"]})
    async with world.delivering():
        (row,) = await world.settled(1)
    assert (row.state, hooks.received) == ("refused", [])
    assert "no longer" in row.message
