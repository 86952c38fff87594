"""Whatever a judge says: it cannot make a run better than it is by itself."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.model.kinds.conversation import CallExpected
from trunkline.model.testing.calling import first_calls, fitting
from trunkline.model.testing.hearing import Call
from trunkline.model.testing.judging import JudgeAnswer
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch
from trunkline.model.testing.verdicts import RunFacts, conclude

EXPECT = st.lists(
    st.sampled_from(
        [
            {"says": "hello"},
            {"says": {"notContains": "price"}},
            {"judge": "is polite"},
            {"says": {"judge": "is polite"}},
            {"noCall": "pay"},
            {"stopsWithin": "1s"},
        ]
    ),
    max_size=3,
)
ALWAYS = st.lists(
    st.sampled_from([{"judge": "is short"}, {"words": {"max": 2}}, {"noCall": "pay"}]), max_size=2
)
FINALLY = st.lists(
    st.sampled_from([{"goal": "done"}, {"callsTotal": {"pay": 0}}, {"says": "bye"}]), max_size=2
)
REPLIES = st.lists(st.sampled_from(["Hello.", "The price is ten.", "Bye now."]), max_size=3)
ANSWERS = st.lists(st.sampled_from([True, False, None]), max_size=3)


def _result(script: Script, said: list[str], votes: list[bool | None], facts: RunFacts) -> Any:
    lines = [Line(at_ms=0, turn=0, kind="callerSaid", text="Hi.")]
    lines += [
        Line(at_ms=100 * at, turn=0, kind="agentSaid", text=text)
        for at, text in enumerate(said, start=1)
    ]
    watch = TurnWatch(script.spec.turns[0], 0, "text", 0)
    for line in lines:
        watch.observe(line)
    over = watch.verdict(60_000)
    assert isinstance(over, Over)
    given_votes = [JudgeAnswer(agrees=vote, reason="so") for vote in votes]
    paths = [check.path for check in over.checks] + [
        *(f"spec.always[{at}]" for at in range(3)),
        *(f"spec.finally[{at}]" for at in range(3)),
    ]
    answers = {f"{path}#{number}": given_votes for path in paths for number in range(4)}
    return conclude(script, lines, [over], answers, facts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(EXPECT, ALWAYS, FINALLY, REPLIES, ANSWERS, st.sampled_from(["", "ConversationLost"]))
def test_no_answer_makes_a_run_better(
    make_script: Callable[..., Script],
    expect: list[Any],
    always: list[Any],
    at_end: list[Any],
    said: list[str],
    votes: list[bool | None],
    lost: str,
) -> None:
    turns = [{"say": "Hi.", "expect": expect}]
    script = make_script({"turns": turns, "always": always, "finally": at_end})
    facts = RunFacts(lost=lost)
    agreeing = _result(script, said, [True], facts)
    voted = _result(script, said, votes, facts)
    best = {"failed": 0, "inconclusive": 1, "passed": 2}
    assert best[voted.outcome] <= best[agreeing.outcome]
    outcomes = {check.outcome for check in voted.checks}
    if voted.outcome == "passed":
        assert "passed" in outcomes
        assert outcomes <= {"passed", "notApplicable"}
        assert not lost
    if "failed" in outcomes:
        assert voted.outcome == "failed"
    if lost and voted.outcome == "failed":
        assert agreeing.outcome == "failed"


CALLS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=5)
WANTED = st.lists(
    st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 2)), min_size=1, max_size=3
)


@given(WANTED, CALLS)
def test_calls_in_any_order_are_found_as_soon_as_they_can_be(
    wanted: list[tuple[str, int | None]], made: list[tuple[str, int]]
) -> None:
    expected = [
        CallExpected.model_validate({"name": name, "args": {} if n is None else {"n": n}})
        for name, n in wanted
    ]
    calls = [Call(at, at, name, {"n": n}, stubbed=True) for at, (name, n) in enumerate(made)]

    def complete(count: int) -> bool:
        return any(
            all(fitting(each, call) is not None for each, call in zip(expected, some, strict=True))
            for some in permutations(calls[:count], len(expected))
        )

    first = next((count for count in range(len(calls) + 1) if complete(count)), None)
    found = first_calls(expected, calls)
    assert (found is None) is (first is None)
    if found is not None and first is not None:
        assert max(call.index for call, _ in found) == first - 1
        assert len({call.index for call, _ in found}) == len(expected)
