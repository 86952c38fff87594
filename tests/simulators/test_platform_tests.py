"""The platform's own tests: kept, run against versions, branches and what nobody stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.talk_flows import LLM_TEST, NO_CALL, SIMULATION, TOOL_TEST, settled
from tests.simulators.talking import talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
TESTS = "/v1/convai/agent-testing"
BAKERY = "The bakery opens at nine in the morning."
ASKS: Any = [{"role": "user", "message": "When does the bakery open?", "time_in_call_secs": 1}]
WISH = "What the caller wants, in one sentence"
HOURS: Json = {
    "type": "llm",
    "name": "hours",
    "chat_history": ASKS,
    "success_condition": "says that the bakery opens at nine",
}


def made(world: World, body: Json) -> str:
    answer = world.call("POST", f"{TESTS}/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def prompt(text: str, **more: Any) -> Json:
    return {"agent": {"prompt": {"prompt": text, **more}}}


def run(world: World, agent_id: str, *test_ids: str, **body: Any) -> Json:
    content = {"tests": [{"test_id": test_id} for test_id in test_ids], **body}
    answer = world.call("POST", f"/v1/convai/agents/{agent_id}/run-tests", json=content)
    assert answer.status_code == 200, answer.text
    return settled(world, answer.json()["id"])


def outcomes(invocation: Json) -> list[str]:
    return [one["status"] for one in invocation["test_runs"]]


@pytest.mark.parametrize("body", [LLM_TEST, TOOL_TEST, SIMULATION], ids=["llm", "tool", "sim"])
def test_a_test_reads_back_as_it_was_made(world: World, body: Json) -> None:
    path = f"{TESTS}/{made(world, body)}"
    read = world.call("GET", path).json()
    world.check("GET", path, read)
    assert read["name"] == body["name"]
    assert read["chat_history"][:1] != [] or body["type"] == "simulation"


def test_a_test_is_replaced_whole_and_never_patched(world: World) -> None:
    path = f"{TESTS}/{made(world, LLM_TEST)}"
    assert world.call("PATCH", path, json={"name": "other"}).status_code == 405
    assert world.call("PUT", path, json={"type": "llm", "name": "other"}).status_code == 200
    read = world.call("GET", path).json()
    assert (read["name"], read["success_condition"], read["chat_history"]) == ("other", "", [])
    assert world.call("PUT", path, json=SIMULATION).json()["type"] == "simulation"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"type": "llm"}, "name"),
        ({"type": "song", "name": "x"}, "body"),
        ({**LLM_TEST, "chat_history": LLM_TEST["chat_history"] * 201}, "chat_history"),
        ({**LLM_TEST, "success_examples": LLM_TEST["success_examples"] * 6}, "success_examples"),
        ({**SIMULATION, "simulation_max_turns": 51}, "simulation_max_turns"),
        ({**SIMULATION, "success_conditions": ["x"] * 31}, "success_conditions"),
    ],
)
def test_a_test_has_bounds(world: World, body: Json, place: str) -> None:
    answer = world.call("POST", f"{TESTS}/create", json=body)
    assert answer.status_code == 422
    assert place in answer.json()["detail"][0]["loc"]


def test_tests_are_listed_page_by_page_and_summarised(world: World) -> None:
    ids = [made(world, {**LLM_TEST, "name": f"test {number}"}) for number in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = world.call("GET", TESTS, params=query).json()
        world.check("GET", TESTS, page)
        seen += [one["id"] for one in page["tests"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert sorted(seen) == sorted(ids)
    assert len(world.call("GET", TESTS, params={"search": "test 3"}).json()["tests"]) == 1
    assert world.call("GET", TESTS, params={"types": "tool"}).json()["tests"] == []
    asked = {"test_ids": [ids[0], "test_unknown"]}
    assert list(world.call("POST", f"{TESTS}/summaries", json=asked).json()["tests"]) == [ids[0]]


def test_a_deleted_test_is_gone(world: World) -> None:
    test_id, agent_id = made(world, HOURS), talker(world)
    assert world.call("DELETE", f"{TESTS}/{test_id}").status_code == 200
    assert world.call("GET", f"{TESTS}/{test_id}").status_code == 404
    content = {"tests": [{"test_id": test_id}]}
    answer = world.call("POST", f"/v1/convai/agents/{agent_id}/run-tests", json=content)
    assert answer.status_code == 404


def test_a_better_prompt_passes_and_the_version_is_named(world: World) -> None:
    agent_id = world.new_agent(conversation_config=prompt("You answer the phone."))
    test_id = made(world, HOURS)
    before = run(world, agent_id, test_id)
    first = world.read_agent(agent_id)["version_id"]
    second = world.patch_agent(agent_id, {"conversation_config": prompt(BAKERY)})["version_id"]
    after = run(world, agent_id, test_id, repeat_count=3)
    assert outcomes(before) == ["failed"]
    assert outcomes(after) == ["passed"] * 3
    assert (before["version_id"], after["version_id"]) == (first, second)
    assert {one["version_id"] for one in after["test_runs"]} == {second}
    assert [len(group["buckets"]) for group in after["result_groups"]] == [1]


def test_a_branch_and_a_configuration_nobody_stored(world: World) -> None:
    agent_id = world.new_agent(conversation_config=prompt("You answer the phone."))
    main = world.read_agent(agent_id)
    body = {"parent_version_id": main["version_id"], "name": "better", "description": ""}
    created = world.call(
        "POST",
        f"/v1/convai/agents/{agent_id}/branches",
        json={**body, "conversation_config": prompt(BAKERY)},
    ).json()
    test_id = made(world, HOURS)
    counters = f"{world.running.elevenlabs_url}/_sim/counters"
    world.http.delete(counters)
    branched = run(world, agent_id, test_id, branch_id=created["created_branch_id"])
    override = {"conversation_config": prompt(BAKERY), "platform_settings": {}}
    candidate = run(world, agent_id, test_id, agent_config_override=override)
    assert outcomes(branched) == outcomes(candidate) == ["passed"]
    assert branched["version_id"] == created["created_version_id"]
    assert candidate["version_id"] is None
    requests = world.http.get(counters).json()["requests"]
    assert [route for route in requests if not route.startswith("GET")] == [
        "POST /v1/convai/agents/{agent_id}/run-tests"
    ]
    assert world.read_agent(agent_id)["version_id"] == main["version_id"]


def test_examples_decide_before_words_do(world: World) -> None:
    agent_id = world.new_agent(conversation_config=prompt(BAKERY))
    reply = run(world, agent_id, made(world, HOURS))["test_runs"][0]["agent_responses"][-1]
    example = {"type": "failure", "response": reply["message"]}
    disliked = made(world, {**HOURS, "failure_examples": [example]})
    assert outcomes(run(world, agent_id, disliked)) == ["failed"]


def booking_tool(world: World) -> str:
    schema = {
        "type": "object",
        "required": ["wish"],
        "properties": {
            "wish": {"type": "string", "description": "What the caller wants, in one sentence"}
        },
    }
    config = {
        "type": "webhook",
        "name": "book_table",
        "description": "Books a table for a caller.",
        "api_schema": {
            "url": "https://booking.example.com/tables",
            "method": "POST",
            "request_body_schema": schema,
        },
    }
    return str(world.call("POST", "/v1/convai/tools", json={"tool_config": config}).json()["id"])


def test_the_use_of_a_tool_is_looked_at(world: World) -> None:
    tool_id = booking_tool(world)
    text = "When the caller wants a table, call `book_table`."
    agent_id = world.new_agent(conversation_config=prompt(text, tool_ids=[tool_id]))
    wants = [{"role": "user", "message": "I want a table for two.", "time_in_call_secs": 1}]
    tool = {"id": tool_id, "type": "webhook"}

    def result(*parameters: Json, absent: bool = False) -> str:
        rules = {"referenced_tool": tool, "verify_absence": absent, "parameters": parameters}
        body = {"type": "tool", "name": "t", "chat_history": wants, "tool_call_parameters": rules}
        return outcomes(run(world, agent_id, made(world, body)))[0]

    def wish(**rule: str) -> Json:
        return {"path": "wish", "eval": rule}

    assert result() == "passed"
    assert result(absent=True) == "failed"
    assert result(wish(type="anything")) == "passed"
    assert result(wish(type="regex", pattern="(?i)table")) == "passed"
    assert result(wish(type="regex", pattern="(")) == "failed"
    assert result(wish(type="llm", description="a table for two")) == "passed"
    assert result(wish(type="exact", expected_value="a window seat")) == "failed"
    assert result({"path": "who", "eval": {"type": "anything"}}) == "failed"


def test_a_simulation_talks_with_a_scripted_caller_and_mocks(world: World) -> None:
    tool_id = booking_tool(world)
    text = "When the caller wants a table, call `book_table` and tell the caller the confirmation."
    agent_id = world.new_agent(conversation_config=prompt(text, tool_ids=[tool_id]))
    mock = {"parameter_conditions": [], "mock_result": '{"confirmation": "TBL-204"}'}
    body = {
        "type": "simulation",
        "name": "books",
        "simulation_scenario": 'The caller says "I want a table for two."',
        "success_conditions": ["books a table"],
        "tool_mock_config": {"mocking_strategy": "all", "fallback_strategy": "raise_error"},
        "tool_mock_overrides": {tool_id: [mock]},
    }
    lines = run(world, agent_id, made(world, body))["test_runs"][0]["agent_responses"]
    results = [one["result_value"] for line in lines for one in line["tool_results"]]
    assert results == ['{"confirmation": "TBL-204"}']
    assert lines[0]["role"] == "user"
    unmatched = {**body, "tool_mock_overrides": {}}
    lines = run(world, agent_id, made(world, unmatched))["test_runs"][0]["agent_responses"]
    found = [one for line in lines for one in line["tool_results"]]
    assert (found[0]["result_value"], found[0]["is_error"]) == ("no mock matched", True)
    rules = {"mocking_strategy": "selected", "mocked_tool_ids": ["tool_other"]}
    real = {**body, "tool_mock_config": rules}
    lines = run(world, agent_id, made(world, real))["test_runs"][0]["agent_responses"]
    found = [one for line in lines for one in line["tool_results"]]
    assert (found[0]["result_value"], found[0]["is_error"]) == ("could not connect", True)


def test_what_is_pending_can_be_cancelled_and_run_again(world: World) -> None:
    world.steer("talks", {"think_ms": 60_000})
    agent_id, test_id = talker(world), made(world, {**TOOL_TEST, "tool_call_parameters": NO_CALL})
    content = {"tests": [{"test_id": test_id}], "repeat_count": 2}
    path = f"/v1/convai/agents/{agent_id}/run-tests"
    started = world.call("POST", path, json=content).json()
    assert outcomes(started) == ["pending"] * 2
    one = f"/v1/convai/test-invocations/{started['id']}"
    assert world.call("POST", f"{one}/cancel").status_code == 200
    assert outcomes(world.call("GET", one).json()) == ["cancelled"] * 2
    world.steer("talks", {"think_ms": 0})
    run_id = started["test_runs"][0]["test_run_id"]
    again = {"test_run_ids": [run_id], "agent_id": agent_id}
    assert world.call("POST", f"{one}/resubmit", json=again).status_code == 200
    world.steer("clock", {"advance_s": 61})
    assert outcomes(settled(world, started["id"])) == ["passed", "cancelled"]
    listed = world.call("GET", "/v1/convai/test-invocations", params={"agent_id": agent_id}).json()
    assert [(row["passed_count"], row["pending_count"]) for row in listed["results"]] == [(1, 0)]
    assert world.call("GET", "/v1/convai/test-invocations/suite_unknown").status_code == 404
