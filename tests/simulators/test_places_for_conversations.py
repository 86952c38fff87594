"""How many conversations may go on at once, for the account and for one agent."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.simulators.talk_flows import finished
from tests.simulators.talking import line, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

NOT_BURSTING: Any = {"call_limits": {"bursting_enabled": False}}


def test_an_account_has_so_many_places(world: World) -> None:
    world.steer("talks", {"concurrency": 2})
    url = public_url(world, talker(world, platform_settings=NOT_BURSTING))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(talk(url)).reply()
        with pytest.raises(InvalidStatus) as refused, line(url):
            raise AssertionError("accepted")
        answer = refused.value.response
        assert answer.status_code == 429
        assert answer.headers["current-concurrent-requests"] == "2"
        assert answer.headers["maximum-concurrent-requests"] == "2"
        assert b"concurrent_limit_exceeded" in (answer.body or b"")


def test_bursting_takes_more_places_and_is_counted(world: World) -> None:
    world.steer("talks", {"concurrency": 1})
    url = public_url(world, talker(world))
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(talk(url)).reply()
        with pytest.raises(InvalidStatus), line(url):
            raise AssertionError("accepted")
    shown = world.http.get(f"{world.running.elevenlabs_url}/_sim/talks").json()
    assert (shown["bursts"], shown["most_in_progress"]) == (2, 3)


def test_an_agent_has_a_limit_of_its_own(world: World) -> None:
    limits = {"call_limits": {"agent_concurrency_limit": 1}}
    url = public_url(world, talker(world, platform_settings=limits))
    with talk(url) as found:
        found.reply()
        with pytest.raises(InvalidStatus), line(url):
            raise AssertionError("accepted")


def test_places_come_free_and_are_told_with_a_signed_url(world: World) -> None:
    world.steer("talks", {"concurrency": 7})
    agent_id = talker(world)
    path = "/v1/convai/conversation/get-signed-url"

    def taken() -> tuple[str, str]:
        headers = world.call("GET", path, params={"agent_id": agent_id}).headers
        names = ("current-concurrent-requests", "maximum-concurrent-requests")
        return headers[names[0]], headers[names[1]]

    with talk(public_url(world, agent_id)) as found:
        found.reply()
        assert taken() == ("1", "7")
    finished(world, agent_id)
    assert taken() == ("0", "7")


def test_a_conversation_that_goes_on_is_in_the_list(world: World) -> None:
    agent_id = talker(world)
    query: Any = {"agent_id": agent_id, "exclude_statuses": ["done", "failed", "processing"]}
    with talk(public_url(world, agent_id)) as found:
        found.reply()
        listed = world.call("GET", "/v1/convai/conversations", params=query).json()
        assert [one["status"] for one in listed["conversations"]] == ["in-progress"]
        path = f"/v1/convai/conversations/{listed['conversations'][0]['conversation_id']}"
        lines = world.call("GET", path).json()["transcript"]
        assert [entry["message"] for entry in lines] == ["Welcome."]
    finished(world, agent_id)
    assert world.call("GET", "/v1/convai/conversations", params=query).json()["conversations"] == []
