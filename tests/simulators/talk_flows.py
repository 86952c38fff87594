"""Walks over conversations and the platform's own tests, for checks against what is published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.simulators.talking import talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
NO_RETRY: Any = {"max_retries": 0}
PATIENCE_S = 60.0
POLL_INTERVAL_S = 0.02
HISTORY: Any = [{"role": "user", "message": "Good morning.", "time_in_call_secs": 1}]
NO_CALL: Any = {"referenced_tool": {"id": "end_call", "type": "system"}, "verify_absence": True}
LLM_TEST: Json = {
    "type": "llm",
    "name": "greets",
    "chat_history": HISTORY,
    "success_condition": "greets the caller",
    "success_examples": [{"type": "success", "response": "Good morning, how can I help?"}],
    "failure_examples": [{"type": "failure", "response": "What do you want?"}],
}
TOOL_TEST: Json = {
    "type": "tool",
    "name": "does not hang up",
    "chat_history": HISTORY,
    "tool_call_parameters": NO_CALL,
}
SIMULATION: Json = {
    "type": "simulation",
    "name": "says goodbye",
    "simulation_scenario": 'The caller says "Good morning."',
    "success_conditions": ["welcomes the caller"],
    "simulation_max_turns": 3,
}


def walk_conversations(world: World) -> None:
    """A conversation that is held, and everything that can be asked about it."""
    agent_id = talker(world)
    conversations = world.elevenlabs.conversational_ai.conversations
    signed = conversations.get_signed_url(agent_id=agent_id, request_options=NO_RETRY)
    conversations.get_webrtc_token(agent_id=agent_id, request_options=NO_RETRY)
    with talk(signed.signed_url) as line:
        line.reply()
        line.say("Good morning.")
        line.reply()
    conversation_id = finished(world, agent_id)
    conversations.get(conversation_id, request_options=NO_RETRY)
    conversations.list(
        agent_id=agent_id,
        exclude_statuses=["failed"],
        text_only=True,
        summary_mode="include",
        request_options=NO_RETRY,
    )
    conversations.feedback.create(conversation_id, feedback="like", request_options=NO_RETRY)
    loud = world.steer("conversations", {"agent_id": agent_id, "duration_s": 2})
    assert b"".join(conversations.audio.get(loud["conversation_id"], request_options=NO_RETRY))
    conversations.delete(conversation_id, request_options=NO_RETRY)


def finished(world: World, agent_id: str) -> str:
    """Wait until the newest conversation of an agent is over and analysed; its id."""
    world.steer("talks", {"analysis_lag_s": 0})
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        path = "/v1/convai/conversations"
        found = world.call("GET", path, params={"agent_id": agent_id}).json()["conversations"]
        if found and found[0]["status"] in ("done", "failed"):
            return str(found[0]["conversation_id"])
        world.steer("clock", {"advance_s": 1})
        time.sleep(POLL_INTERVAL_S)
    raise AssertionError("the conversation did not come to an end")


def walk_tests(world: World) -> None:
    """Every kind of test from its making to its runs."""
    tests = world.elevenlabs.conversational_ai.tests
    bodies: Any = (LLM_TEST, TOOL_TEST, SIMULATION)
    made = [tests.create(request=body, request_options=NO_RETRY) for body in bodies]
    test_ids = [test.id for test in made]
    for test_id in test_ids:
        tests.get(test_id, request_options=NO_RETRY)
    tests.update(test_ids[0], request=bodies[0], request_options=NO_RETRY)
    tests.list(page_size=2, types=["llm", "tool"], request_options=NO_RETRY)
    tests.summaries(test_ids=test_ids, request_options=NO_RETRY)
    agent_id = talker(world)
    agents = world.elevenlabs.conversational_ai.agents
    wanted: Any = [{"test_id": test_id} for test_id in test_ids]
    started = agents.run_tests(agent_id, tests=wanted, repeat_count=2, request_options=NO_RETRY)
    invocation_id = started.id
    runs = settled(world, invocation_id)["test_runs"]
    tests.invocations.get(invocation_id, request_options=NO_RETRY)
    tests.invocations.list(agent_id=agent_id, request_options=NO_RETRY)
    tests.invocations.resubmit(
        invocation_id,
        test_run_ids=[runs[0]["test_run_id"]],
        agent_id=agent_id,
        request_options=NO_RETRY,
    )
    settled(world, invocation_id)
    tests.invocations.cancel(invocation_id, request_options=NO_RETRY)
    world.call(
        "POST",
        f"/v1/convai/agents/{agent_id}/run-tests",
        json={
            "tests": wanted[:1],
            "agent_config_override": {"conversation_config": {}, "platform_settings": {}},
        },
    )
    for test_id in test_ids:
        tests.delete(test_id, request_options=NO_RETRY)


def settled(world: World, invocation_id: str) -> Json:
    """Wait until no run of an invocation is pending; the invocation."""
    path = f"/v1/convai/test-invocations/{invocation_id}"
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        invocation: Json = world.call("GET", path).json()
        if all(run["status"] != "pending" for run in invocation["test_runs"]):
            world.check("GET", path, invocation)
            return invocation
        time.sleep(POLL_INTERVAL_S)
    raise AssertionError("the tests did not come to an end")


def walk_deployments(world: World) -> None:
    """How the traffic of an agent is divided, and was."""
    agent_id = talker(world)
    main_id = world.read_agent(agent_id)["main_branch_id"]
    share: Any = {"type": "percentage", "traffic_percentage": 100}
    request: Any = {"requests": [{"branch_id": main_id, "deployment_strategy": share}]}
    deployments = world.elevenlabs.conversational_ai.agents.deployments
    deployments.create(agent_id, deployment_request=request, request_options=NO_RETRY)
    listed = deployments.list(agent_id, request_options=NO_RETRY)
    assert [one.is_active for one in listed.results] == [True, False]
