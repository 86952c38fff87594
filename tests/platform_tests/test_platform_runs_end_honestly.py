"""What runs on the platform came to: passed and failed as it says, and everything else open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from activities.platform_testing import PlatformOrder, batches
from tests.platform_tests.deployment import HOURS, QUICK, Deployment, script, wish
from trunkline.adapters.elevenlabs.platform_tests import InvocationAnswer
from trunkline.adapters.elevenlabs.testing.compiling import compile_test
from trunkline.model.errors import OutcomeUnknown, RemoteMissing
from trunkline.model.ids import ExternalId

if TYPE_CHECKING:
    from tests.platform_tests.conftest import Vendor
    from trunkline.adapters.postgres import PostgresStore
    from trunkline.model.testing.scripts import Script

CREATE_TEST = "POST /v1/convai/agent-testing/create"
RUN_TESTS = "POST /v1/convai/agents/{agent_id}/run-tests"
ORDER = "Can you find my order? Its number is 4711."
IMPROVISED: dict[str, Any] = {
    "turns": [{"asCaller": f'Ask this: "{ORDER}"', "maxTurns": 2}],
    "finally": [{"goal": "never speaks of elephants"}],
}


@pytest.fixture
async def deployed(vendor: Vendor, store: PostgresStore) -> Deployment:
    """The garden centre's agent, live."""
    made = Deployment(vendor, store, await vendor.voice())
    await made.deploy(wish())
    return made


def calls(expected: Any, say: str = ORDER) -> dict[str, Any]:
    return {"turns": [{"say": say, "expect": [expected]}]}


async def test_a_test_is_made_once_and_run_as_often_as_wanted(deployed: Deployment) -> None:
    asked = await deployed.vendor.asked()
    thrice = script(
        turns=[{"say": HOURS, "expect": [{"says": "nine"}]}], repeat={"runs": 3, "pass": 2}
    )
    found = await deployed.run(wish(), thrice)
    assert [run.number for run in found.runs["says-hours"]] == [1, 2, 3]
    assert [run.outcome for run in found.runs["says-hours"]] == ["passed"] * 3
    again = await deployed.run(wish(), thrice)
    assert await deployed.written_since(asked) == {CREATE_TEST: 1, RUN_TESTS: 2}
    first, second = found.runs["says-hours"][0], again.runs["says-hours"][0]
    assert first.conversation_id != second.conversation_id
    assert "nine" in first.transcript[-1].text


async def test_what_is_run_equally_often_is_asked_for_together(deployed: Deployment) -> None:
    asked = await deployed.vendor.asked()
    turns = [{"say": HOURS, "expect": [{"says": "nine"}]}]
    scripts = [
        script(name, turns=turns, repeat={"runs": runs})
        for name, runs in (("a", 1), ("b", 2), ("c", 1))
    ]
    found = await deployed.run(wish(), *scripts)
    assert {name: len(runs) for name, runs in found.runs.items()} == {"a": 1, "b": 2, "c": 1}
    assert all(run.outcome == "passed" for runs in found.runs.values() for run in runs)
    wrote = await deployed.written_since(asked)
    assert wrote == {CREATE_TEST: 1, RUN_TESTS: 2}, "equal tests are one"


def test_one_answer_holds_so_many_runs() -> None:
    def often(name: str, runs: int, *words: str) -> Script:
        expected = [{"says": word} for word in words]
        turns = [{"say": HOURS, "expect": expected}]
        return script(name, turns=turns, repeat={"runs": runs})

    scripts = (
        often("many", 50, "a", "b", "c", "d", "e"),
        often("same", 50, "e", "d", "c", "b", "a"),
        often("more", 50, "f", "g", "h", "i"),
        often("once", 1, "a"),
    )
    order = PlatformOrder(desired=wish(), agent_id=ExternalId("agent_1"), scripts=scripts)
    found = batches(order, {each.name: compile_test(each.test, wish()) for each in scripts})
    assert [(one.times, one.names, len(one.digests)) for one in found] == [
        (1, ("once",), 1),
        (50, ("many", "same"), 5),
        (50, ("more",), 4),
    ]


async def test_a_test_carries_our_mark_in_its_name(deployed: Deployment) -> None:
    await deployed.run(wish(), script())
    listed = deployed.vendor.official.conversational_ai.tests.list()
    names = [test.name for test in listed.tests]
    claims = await deployed.store.claims(
        deployed.voice.account, "acme", "testing", names=["says-hours"]
    )
    mark = f"acme/testing/says-hours@{claims[0].digest.removeprefix('sha256:')[:12]}"
    assert names == [f"says-hours (spec.turns[0].expect[0]) #trunkline:{mark}"]
    usage = await deployed.voice.object_usage("test", claims[0].external_id or ExternalId(""))
    assert usage.mark == mark


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [
        ({"calls": "find_order"}, "passed"),
        ({"calls": {"name": "find_order", "args": {"number": 4711}}}, "passed"),
        ({"calls": {"name": "find_order", "args": {"number": {"matches": "^47"}}}}, "passed"),
        ({"calls": {"name": "find_order", "args": {"number": 4712}}}, "failed"),
        ({"noCall": "find_order"}, "failed"),
    ],
)
async def test_calls_are_judged_by_their_arguments(
    deployed: Deployment, expected: dict[str, Any], outcome: str
) -> None:
    found = await deployed.run(wish(), script("looks-up", **calls(expected)))
    run = found.runs["looks-up"][0]
    assert (run.outcome, run.checks[0].outcome) == (outcome, outcome)
    assert run.checks[0].path == "spec.turns[0].expect[0]"
    assert run.checks[0].found
    assert run.reason == ("" if outcome == "passed" else "PlatformTestFailed")


async def test_a_green_run_that_called_something_unprepared_is_inconclusive(
    deployed: Deployment,
) -> None:
    found = await deployed.run(wish(), script("improvised", **IMPROVISED))
    run = found.runs["improvised"][0]
    assert any(line.kind == "toolCalled" for line in run.transcript)
    assert (run.outcome, run.reason) == ("inconclusive", "NoMockMatched")


async def test_a_prepared_answer_makes_an_improvised_run_count(deployed: Deployment) -> None:
    reply = {"status": "on its way"}
    stubs = {"find_order": [{"when": {"args": {"number": 4711}}, "reply": reply}]}
    found = await deployed.run(wish(), script("improvised", tools=stubs, **IMPROVISED))
    run = found.runs["improvised"][0]
    answers = [line.answer for line in run.transcript if line.kind == "toolAnswered"]
    assert [json.loads(str(answer)) for answer in answers] == [reply]
    assert (run.outcome, run.checks[0].check) == ("passed", "asCaller")


async def test_what_cannot_be_said_there_is_named_and_nothing_is_asked(
    deployed: Deployment,
) -> None:
    asked = await deployed.vendor.asked()
    found = await deployed.run(wish(), script("keys", turns=[{"dtmf": "1#"}]))
    run = found.runs["keys"][0]
    assert (run.outcome, run.reason) == ("inconclusive", "NothingChecked")
    assert found.left_out == ("keys: spec.turns[0].dtmf: keys cannot be pressed",)
    assert run.checks[0].outcome == "notApplicable"
    assert await deployed.written_since(asked) == {}


async def test_a_test_somebody_deleted_is_made_again(deployed: Deployment) -> None:
    await deployed.run(wish(), script())
    official = deployed.vendor.official.conversational_ai.tests
    official.delete(official.list().tests[0].id)
    asked = await deployed.vendor.asked()
    found = await deployed.run(wish(), script())
    assert found.runs["says-hours"][0].outcome == "passed"
    assert (await deployed.written_since(asked))[CREATE_TEST] == 1


async def test_a_create_whose_answer_was_lost_is_not_sent_twice(deployed: Deployment) -> None:
    fault = {
        "kind": "drop-after",
        "method": "POST",
        "route": "/v1/convai/agent-testing/create",
        "times": 1,
    }
    await deployed.vendor.does("faults", {"faults": [fault]})
    asked = await deployed.vendor.asked()
    with pytest.raises(OutcomeUnknown):
        await deployed.run(wish(), script())
    found = await deployed.run(wish(), script())
    assert found.runs["says-hours"][0].outcome == "passed"
    assert (await deployed.written_since(asked))[CREATE_TEST] == 1
    assert len(deployed.vendor.official.conversational_ai.tests.list().tests) == 1


async def test_a_second_try_goes_on_with_what_the_first_one_started(
    deployed: Deployment,
) -> None:
    first = await deployed.run(wish(), script())
    asked = await deployed.vendor.asked()
    found = await deployed.run(wish(), script(), resumed=deployed.place)
    assert found.runs == first.runs
    assert await deployed.written_since(asked) == {}


async def test_runs_without_a_verdict_in_time_are_inconclusive(deployed: Deployment) -> None:
    await deployed.vendor.does("talks", {"think_ms": 60_000})
    hurried = type(QUICK)(first_s=0.01, longest_s=0.02, in_all_s=0.05)
    found = await deployed.run(wish(), script(), pauses=hurried)
    run = found.runs["says-hours"][0]
    assert (run.outcome, run.reason) == ("inconclusive", "PlatformTimeout")
    assert deployed.words == "0 of 1 runs"


async def test_an_agent_that_is_gone_is_said_to_be(deployed: Deployment) -> None:
    deployed.agent_id = ExternalId("agent_nobody")
    with pytest.raises(RemoteMissing):
        await deployed.run(wish(), script())


def verdict(status: str, result: str | None, **more: Any) -> Any:
    condition = {"result": result, "rationale": {"messages": ["m"], "summary": "s"}}
    run = {
        "test_run_id": "trun_1",
        "test_id": "test_1",
        "status": status,
        "condition_result": condition if result else None,
        **more,
    }
    return InvocationAnswer.model_validate({"id": "suite_1", "test_runs": [run]}).invocation()


@pytest.mark.parametrize(
    ("status", "result", "state"),
    [
        ("passed", "success", "passed"),
        ("failed", "failure", "failed"),
        ("passed", "unknown", "unknown"),
        ("failed", "unknown", "unknown"),
        ("passed", "failure", "unknown"),
        ("pending", None, "pending"),
        ("cancelled", None, "cancelled"),
        ("invented-tomorrow", "success", "unknown"),
    ],
)
def test_only_a_clear_verdict_is_one(status: str, result: str | None, state: str) -> None:
    assert verdict(status, result).runs[0].state == state


def test_words_about_a_missing_mock_are_found_wherever_they_stand() -> None:
    calm = verdict("passed", "success")
    assert not calm.runs[0].unmocked
    result = {"tool_name": "t", "request_id": "r", "result_value": "Error: No mock matched."}
    line = {"role": "agent", "message": "Sorry.", "tool_results": [result]}
    assert verdict("passed", "success", agent_responses=[line]).runs[0].unmocked
