"""What a workspace's webhooks hear of conversations: when, how often, and with which signature."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from elevenlabs.errors import BadRequestError
from elevenlabs.types import ConvAiWebhooks, WebhookHmacSettings

from tests.simulators.receiving import Service, serving
from tests.simulators.talking import PATIENCE_S, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
NO_RETRY: Any = {"max_retries": 0}
POLL_INTERVAL_S = 0.02


def hook(world: World, service: Service, *events: str) -> tuple[str, str]:
    """A webhook that hears of conversations; its id and its secret."""
    made = world.elevenlabs.webhooks.create(
        settings=WebhookHmacSettings(
            auth_type="hmac",
            name="ours",
            webhook_url=f"{service.url}/news",
            request_headers={"X-Tenant": "acme"},
        ),
        request_options=NO_RETRY,
    )
    webhooks = ConvAiWebhooks(post_call_webhook_id=made.webhook_id, events=list(events))
    world.elevenlabs.conversational_ai.settings.update(webhooks=webhooks, request_options=NO_RETRY)
    world.steer("talks", {"analysis_lag_s": 0})
    return made.webhook_id, str(made.webhook_secret)


def held(world: World, **parts: Any) -> str:
    """A conversation that is over; its agent's id."""
    agent_id = talker(world, **parts)
    with talk(public_url(world, agent_id)) as line:
        line.until("agent_response_complete")
    deadline_s = time.monotonic() + PATIENCE_S
    while "in-progress" in statuses(world, agent_id):
        assert time.monotonic() < deadline_s
        time.sleep(POLL_INTERVAL_S)
    return agent_id


def statuses(world: World, agent_id: str) -> list[str]:
    """How an agent's conversations stand."""
    query = {"agent_id": agent_id}
    listed = world.call("GET", "/v1/convai/conversations", params=query).json()["conversations"]
    return [row["status"] for row in listed]


def delivered(world: World, states: list[str]) -> list[Json]:
    """The deliveries once they are in these states."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        answer = world.http.get(f"{world.running.elevenlabs_url}/_sim/deliveries").json()
        found: list[Json] = answer["deliveries"]
        if [one["state"] for one in found] == states:
            return found
        assert time.monotonic() < deadline_s, found
        time.sleep(POLL_INTERVAL_S)


def attempted(world: World, count: int) -> None:
    """Wait until the only delivery was attempted so often."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        answer = world.http.get(f"{world.running.elevenlabs_url}/_sim/deliveries").json()
        if [len(one["attempts"]) for one in answer["deliveries"]] == [count]:
            return
        assert time.monotonic() < deadline_s, answer
        time.sleep(POLL_INTERVAL_S)


def test_a_transcript_comes_signed_after_a_conversation(world: World) -> None:
    with serving() as service:
        _, secret = hook(world, service, "transcript")
        agent_id = held(world)
        (got,) = service.until(1)
    header = got["headers"]["elevenlabs-signature"]
    assert got["headers"]["x-tenant"] == "acme"
    event = world.elevenlabs.webhooks.construct_event(got["body"], header, secret)
    assert event["type"] == "post_call_transcription"
    data = event["data"]
    assert (data["agent_id"], data["status"]) == (agent_id, "done")
    read = world.call("GET", f"/v1/convai/conversations/{data['conversation_id']}").json()
    assert data == read
    with pytest.raises(BadRequestError):
        world.elevenlabs.webhooks.construct_event(got["body"] + " ", header, secret)


def test_it_comes_when_the_conversation_is_analysed(world: World) -> None:
    with serving() as service:
        hook(world, service, "transcript")
        world.steer("talks", {"analysis_lag_s": 500})
        held(world)
        delivered(world, ["waiting"])
        assert service.asked == []
        world.steer("clock", {"advance_s": 500})
        service.until(1)


def test_a_recording_comes_where_it_is_wanted(world: World) -> None:
    with serving() as service:
        hook(world, service, "audio")
        held(world, conversation={"text_only": False})
        (got,) = service.until(1)
    event = json.loads(got["body"])
    assert event["type"] == "post_call_audio"
    assert set(event["data"]) == {"agent_id", "conversation_id", "full_audio"}


def test_a_server_that_fails_is_asked_again_by_the_clock(world: World) -> None:
    with serving() as service:
        webhook_id, _ = hook(world, service, "transcript")
        service.status = 503
        held(world)
        attempted(world, 1)
        world.steer("clock", {"advance_s": 10})
        attempted(world, 2)
        service.status = 200
        world.steer("clock", {"advance_s": 60})
        service.until(3)
        (one,) = delivered(world, ["delivered"])
    assert [attempt["status"] for attempt in one["attempts"]] == [503, 503, 200]
    assert one["webhook_id"] == webhook_id
    assert len({asked["body"] for asked in service.asked}) == 1


def test_a_refusal_is_final_and_remembered(world: World) -> None:
    with serving() as service:
        webhook_id, _ = hook(world, service, "transcript")
        service.status = 403
        held(world)
        delivered(world, ["failed"])
    listed = world.elevenlabs.webhooks.list(include_usages=True, request_options=NO_RETRY)
    (webhook,) = listed.webhooks
    assert (webhook.webhook_id, webhook.most_recent_failure_error_code) == (webhook_id, 403)
    assert [usage.usage_type for usage in webhook.usage or []] == ["ConvAI Settings"]


def test_without_retries_one_failure_is_the_end(world: World) -> None:
    with serving() as service:
        webhook_id, _ = hook(world, service, "transcript")
        world.elevenlabs.webhooks.update(
            webhook_id,
            is_disabled=False,
            name="ours",
            retry_enabled=False,
            request_options=NO_RETRY,
        )
        service.status = 503
        held(world)
        delivered(world, ["failed"])


def test_only_this_machine_hears_anything(world: World) -> None:
    with serving() as service:
        service.url = "http://192.0.2.1"
        webhook_id, _ = hook(world, service, "transcript")
        update = {"is_disabled": False, "name": "ours", "retry_enabled": False}
        world.call("PATCH", f"/v1/workspace/webhooks/{webhook_id}", json=update)
        held(world)
        (one,) = delivered(world, ["failed"])
    assert [attempt["status"] for attempt in one["attempts"]] == [None]


def test_a_disabled_or_deleted_webhook_hears_nothing(world: World) -> None:
    with serving() as service:
        webhook_id, _ = hook(world, service, "transcript")
        webhooks = world.elevenlabs.webhooks
        webhooks.update(webhook_id, is_disabled=True, name="ours", request_options=NO_RETRY)
        held(world)
        webhooks.update(webhook_id, is_disabled=False, name="ours", request_options=NO_RETRY)
        webhooks.delete(webhook_id, request_options=NO_RETRY)
        held(world)
        delivered(world, [])
        assert webhooks.list(request_options=NO_RETRY).webhooks == []


@pytest.mark.parametrize("seal", ["wrong", "old", "missing"])
def test_a_signature_can_be_spoilt(world: World, seal: str) -> None:
    with serving() as service:
        _, secret = hook(world, service, "transcript")
        world.steer("deliveries", {"signature": seal})
        held(world)
        (got,) = service.until(1)
    header = got["headers"].get("elevenlabs-signature", "")
    with pytest.raises(BadRequestError):
        world.elevenlabs.webhooks.construct_event(got["body"], header, secret)


def test_news_can_come_twice_and_late(world: World) -> None:
    with serving() as service:
        hook(world, service, "transcript")
        world.steer("deliveries", {"copies": 2, "delay_s": 300})
        held(world)
        delivered(world, ["waiting", "waiting"])
        world.steer("clock", {"advance_s": 300})
        first, second = service.until(2)
        assert first["body"] == second["body"]
        delivered(world, ["delivered", "delivered"])


def test_an_agents_own_webhook_wins(world: World) -> None:
    with serving() as ours, serving() as theirs:
        hook(world, ours, "transcript")
        body = {"auth_type": "hmac", "name": "theirs", "webhook_url": theirs.url}
        made = world.call("POST", "/v1/workspace/webhooks", json={"settings": body}).json()
        own = {"post_call_webhook_id": made["webhook_id"], "events": ["transcript"]}
        held(world, platform_settings={"workspace_overrides": {"webhooks": own}})
        theirs.until(1)
        assert ours.asked == []


def test_settings_name_only_webhooks_that_are_there(world: World) -> None:
    body = {"webhooks": {"post_call_webhook_id": "nowhere", "events": ["transcript"]}}
    answer = world.call("PATCH", "/v1/convai/settings", json=body)
    assert (answer.status_code, answer.json()["detail"]["param"]) == (400, "post_call_webhook_id")
    assert world.call("DELETE", "/v1/workspace/webhooks/nowhere").status_code == 404
    shown = world.call("GET", "/v1/convai/settings").json()
    world.check("GET", "/v1/convai/settings", shown)
    assert shown["webhooks"]["post_call_webhook_id"] is None
