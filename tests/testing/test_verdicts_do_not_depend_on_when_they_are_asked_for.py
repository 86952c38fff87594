"""A turn's verdict follows from its lines and the time, however they were put in."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.kinds.conversation import Turn
from trunkline.model.testing.results import CheckResult
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch, Waiting

TOOLS = ("find_slots", "book_slot")
WORDS = ("Hello.", "Tuesday at nine?", "Your code is BLC-204.", "One moment.", "Goodbye now.")

EXPECTATIONS = st.lists(
    st.one_of(
        st.sampled_from(WORDS).map(lambda text: {"says": text.rstrip(".?")}),
        st.sampled_from(["500ms", "2s", "9s"]).map(lambda w: {"says": "Hello", "within": w}),
        st.sampled_from(["moment", "Goodbye"]).map(lambda t: {"says": {"notContains": t}}),
        st.sampled_from(TOOLS).map(lambda tool: {"calls": tool}),
        st.sampled_from(["any", "listed"]).map(lambda o: {"calls": [*TOOLS], "order": o}),
        st.sampled_from(["1s", "3s"]).map(lambda w: {"noCall": "book_slot", "for": w}),
        st.just({"judge": "offers a day"}),
        st.just({"says": "BLC-204", "strict": True}),
    ),
    max_size=4,
)
INPUTS = st.sampled_from([{"say": "Hi."}, {"silence": "2s"}, {"inject": {"context": "Closed."}}])


def _line(kind: str, at_ms: int, word: str, tool: str) -> Line:
    body: dict[str, Any] = {"atMs": at_ms, "turn": 0, "kind": kind}
    if kind in ("toolCalled", "toolAnswered"):
        body |= {"tool": tool, "arguments": {}}
    elif kind == "ended":
        body |= {"by": "agent"}
    else:
        body |= {"text": word}
    return Line.model_validate(body)


KINDS = ("agentSaid", "agentSaid", "agentSaid", "toolCalled", "toolAnswered", "agentCorrected")
TRANSCRIPTS = st.lists(
    st.builds(
        _line,
        st.sampled_from((*KINDS, "noted", "callerHeard", "ended")),
        st.integers(0, 20_000),
        st.sampled_from(WORDS),
        st.sampled_from(TOOLS),
    ),
    max_size=8,
).map(lambda lines: sorted(lines, key=lambda line: line.at_ms))


def _watch(turn: dict[str, Any], expect: list[dict[str, Any]]) -> TurnWatch:
    return TurnWatch(Turn.model_validate({**turn, "expect": expect}), 0, "text", 0)


def _whole(watch: TurnWatch, lines: list[Line]) -> Over:
    for line in lines:
        watch.observe(line)
    over = watch.verdict(10**9)
    assert isinstance(over, Over)
    return over


def _by_steps(watch: TurnWatch, lines: list[Line]) -> Over:
    """As a runner does: asks at every line and at every moment it was told to ask again."""
    for line in lines:
        verdict = watch.verdict(0)
        while isinstance(verdict, Waiting) and verdict.until_ms <= line.at_ms:
            verdict = watch.verdict(verdict.until_ms)
        if isinstance(verdict, Over):
            return verdict
        watch.observe(line)
    verdict = watch.verdict(0)
    while isinstance(verdict, Waiting):
        verdict = watch.verdict(verdict.until_ms)
    return verdict


@given(INPUTS, EXPECTATIONS, TRANSCRIPTS)
def test_in_one_go_and_step_by_step_are_the_same(
    turn: dict[str, Any], expect: list[dict[str, Any]], lines: list[Line]
) -> None:
    assert _by_steps(_watch(turn, expect), lines) == _whole(_watch(turn, expect), lines)


@given(INPUTS, EXPECTATIONS, TRANSCRIPTS, st.integers(0, 30_000), st.integers(0, 30_000))
def test_time_only_moves_forward(
    turn: dict[str, Any],
    expect: list[dict[str, Any]],
    lines: list[Line],
    one_ms: int,
    other_ms: int,
) -> None:
    watch = _watch(turn, expect)
    for line in lines:
        watch.observe(line)
    newest = max([0, *(line.at_ms for line in lines)])
    earlier, later = sorted((one_ms, other_ms))
    first, second = watch.verdict(earlier), watch.verdict(later)
    if isinstance(first, Over):
        assert second == first
        assert first.at_ms <= max(earlier, newest)
    else:
        assert first.until_ms > max(earlier, newest)
        if isinstance(second, Over):
            assert second.at_ms == first.until_ms
        else:
            assert second == first


@given(INPUTS, EXPECTATIONS, TRANSCRIPTS)
def test_a_turn_says_something_about_every_expectation(
    turn: dict[str, Any], expect: list[dict[str, Any]], lines: list[Line]
) -> None:
    over = _whole(_watch(turn, expect), lines)
    paths = [check.path for check in over.checks if ".expect" in check.path]
    assert paths == [f"spec.turns[0].expect[{number}]" for number in range(len(expect))]
    pending = {asked.path for asked in over.questions}
    assert {check.path for check in over.checks if check.reason == "NotJudged"} == pending


def _outcomes(checks: tuple[CheckResult, ...]) -> list[str]:
    return [check.outcome for check in checks]


UNRELATED = st.lists(
    st.builds(
        _line,
        st.sampled_from(["noted", "callerHeard", "injected", "agentSaid"]),
        st.integers(0, 20_000),
        st.just("By the way."),
        st.just(""),
    ),
    max_size=4,
)


@given(EXPECTATIONS, TRANSCRIPTS, UNRELATED)
def test_what_has_nothing_to_do_with_a_turn_never_fails_it(
    expect: list[dict[str, Any]], lines: list[Line], more: list[Line]
) -> None:
    expect = [{k: v for k, v in each.items() if k != "strict"} for each in expect]
    alone = _whole(_watch({"say": "Hi."}, expect), lines)
    if any(check.outcome == "failed" or check.reason == "AgentSilent" for check in alone.checks):
        return
    heard = [line for line in lines if line.at_ms <= alone.at_ms]
    within = [line for line in more if line.at_ms < alone.at_ms]
    mixed = sorted([*heard, *within], key=lambda line: line.at_ms)
    assert "failed" not in _outcomes(_whole(_watch({"say": "Hi."}, expect), mixed).checks)
