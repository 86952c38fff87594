"""What is left of conversations: transcripts, analyses, lists, recordings, and across a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulators.talk_flows import finished
from tests.simulators.talking import public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
CONVERSATIONS = "/v1/convai/conversations"


def held(world: World, agent_id: str, *, words: str = "Thank you, goodbye!", **start: Any) -> str:
    with talk(public_url(world, agent_id), **start) as line:
        line.until("agent_response_complete")
        line.say(words)
        line.end()
    return finished(world, agent_id)


def read(world: World, conversation_id: str) -> Json:
    path = f"{CONVERSATIONS}/{conversation_id}"
    answer = world.call("GET", path)
    assert answer.status_code == 200, answer.text
    content: Json = answer.json()
    world.check("GET", path, content)
    return content


def listed(world: World, **query: Any) -> list[str]:
    answer = world.call("GET", CONVERSATIONS, params=query)
    assert answer.status_code == 200, answer.text
    world.check("GET", CONVERSATIONS, answer.json())
    return [one["conversation_id"] for one in answer.json()["conversations"]]


def test_a_conversation_reads_back_as_it_was(world: World) -> None:
    agent_id = talker(world, "Hello {{name}}.")
    agent = world.read_agent(agent_id)
    variables = {"name": "Ann", "secret__key": "hidden"}
    source = {"source": "python_sdk", "version": "2.78.0"}
    found = read(
        world, held(world, agent_id, dynamic_variables=variables, source_info=source, user_id="u1")
    )
    assert (found["branch_id"], found["version_id"]) == (agent["branch_id"], agent["version_id"])
    lines = [(line["role"], line["message"]) for line in found["transcript"] if line["message"]]
    assert lines[:2] == [("agent", "Hello Ann."), ("user", "Thank you, goodbye!")]
    assert found["metadata"]["termination_reason"] == "end_call tool was called."
    assert found["metadata"]["conversation_initiation_source"] == "python_sdk"
    given = found["conversation_initiation_client_data"]["dynamic_variables"]
    assert given == {"name": "Ann"}
    assert (found["user_id"], found["status"]) == ("u1", "done")


def test_an_analysis_comes_after_a_while(world: World) -> None:
    criteria = [
        {"id": "greets", "name": "Greets", "conversation_goal_prompt": "welcomes the caller"},
        {"id": "prices", "name": "Prices", "conversation_goal_prompt": "names the price of bread"},
    ]
    agent_id = talker(world, platform_settings={"evaluation": {"criteria": criteria}})
    with talk(public_url(world, agent_id)) as line:
        world.steer("talks", {"analysis_lag_s": 600})
        line.say("Thank you, goodbye!")
        line.end()
    conversation_id = listed(world, agent_id=agent_id)[0]
    before = read(world, conversation_id)
    assert (before["status"], before["analysis"]) == ("processing", None)
    world.steer("clock", {"advance_s": 601})
    analysis = read(world, conversation_id)["analysis"]
    results = analysis["evaluation_criteria_results"]
    assert {name: found["result"] for name, found in results.items()} == {
        "greets": "success",
        "prices": "failure",
    }
    assert analysis["call_successful"] == "failure"
    assert listed(world, call_successful="failure") == [conversation_id]
    assert listed(world, call_successful="success") == []


def test_filters_find_what_they_say(world: World) -> None:
    one, other = talker(world), talker(world)
    first, second = held(world, one), held(world, other, words="Goodbye, thank you for the cake!")
    world.steer("conversations", {"agent_id": one, "status": "failed", "seconds_ago": 90_000})
    branch_id = world.read_agent(other)["branch_id"]
    version_id = world.read_agent(other)["version_id"]
    assert listed(world, branch_id=branch_id) == [second]
    assert listed(world, version_id=version_id) == [second]
    assert listed(world, search="cake") == [second]
    assert first in listed(world, text_only="true", agent_id=one)
    assert listed(world, agent_id=one, exclude_statuses="failed") == [first]
    assert listed(world, version_id="agtvrsn_unknown") == []
    ended = "end_call tool was called."
    assert listed(world, agent_id=one, termination_reasons=ended) == [first]
    assert listed(world, agent_id=one, termination_reasons="other") == []
    assert listed(world, agent_id=one, main_languages="en") == [first]
    assert listed(world, agent_id=one, main_languages="de") == []
    assert world.call("GET", CONVERSATIONS, params={"exclude_statuses": "lost"}).status_code == 422


def test_a_conversation_can_be_rated_and_forgotten(world: World) -> None:
    conversation_id = held(world, talker(world))
    path = f"{CONVERSATIONS}/{conversation_id}"
    for feedback, counts in (("like", (1, 0)), ("dislike", (0, 1)), (None, (0, 0))):
        assert world.call("POST", f"{path}/feedback", json={"feedback": feedback}).is_success
        shown = read(world, conversation_id)["metadata"]["feedback"]
        assert (shown["likes"], shown["dislikes"]) == counts
    assert world.call("DELETE", path).status_code == 200
    assert world.call("GET", path).status_code == 404
    assert world.call("DELETE", path).status_code == 404


def test_replies_can_be_rated_while_they_are_given(world: World) -> None:
    agent_id = talker(world)
    with talk(public_url(world, agent_id)) as line:
        line.until("agent_response_complete")
        line.send(type="feedback", score="like", event_id=1)
        line.say("Thank you, goodbye!")
        line.end()
    ratings = [line["feedback"] for line in read(world, finished(world, agent_id))["transcript"]]
    assert [rating["score"] for rating in ratings if rating] == ["like"]


def test_a_recording_is_as_long_as_the_conversation(world: World) -> None:
    agent_id = talker(world)
    body = {"agent_id": agent_id, "duration_s": 36}
    conversation_id = world.steer("conversations", body)["conversation_id"]
    answer = world.call("GET", f"{CONVERSATIONS}/{conversation_id}/audio")
    assert answer.headers["content-type"] == "audio/mpeg"
    frames = answer.content.split(b"\xff\xfb\x18\xc4")[1:]
    assert {len(frame) for frame in frames} == {140}
    assert len(frames) == 1000
    silent = held(world, talker(world))
    assert world.call("GET", f"{CONVERSATIONS}/{silent}/audio").status_code == 404
