"""Scripts and transcripts in a few words, and a player that evaluates one against the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from trunkline.model.durations import parse_duration
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.testing.desks import Desk
from trunkline.model.testing.plain_judge import PLAIN_JUDGE, plain_answer
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.scripts import Script, check_paths
from trunkline.model.testing.stubs import Answer, choose
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch
from trunkline.model.testing.verdicts import RunFacts, conclude, limit_exceeded, questions

LONG_AFTER_MS = 600_000
INPUT_LINES = {
    "caller": "callerSaid",
    "pressed": "callerPressed",
    "waited": "callerWaited",
    "injected": "injected",
}
OTHER_LINES = {
    "agent": "agentSaid",
    "corrected": "agentCorrected",
    "heard": "callerHeard",
    "agentStarts": "agentStarted",
    "agentStops": "agentStopped",
    "interrupted": "interrupted",
    "noted": "noted",
}


def _script(spec: Mapping[str, Any], **fields: Any) -> Script:
    test = ConversationTest.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "ConversationTest",
            "metadata": {"name": "example"},
            "spec": {"agent": "front-desk", **spec},
        }
    )
    positions = {path: f"example.yaml:{at}:1" for at, path in enumerate(check_paths(test.spec), 1)}
    given = {"first_message": "Hello.", **fields}
    return Script(test=test, environment="testing", positions=positions, **given)


def _answered(script: Script, entry: Mapping[str, Any], earlier: list[Any]) -> Iterator[Line]:
    """A call, and what the prepared answer makes of it."""
    tool, args = entry["calls"], entry.get("args", {})
    before = [call for name, call in earlier if name == tool]
    answer = choose(script.spec.tools.stubs, before, tool, args)
    if script.spec.tools.live and not answer.stubbed:
        answer = Answer(stubbed=True, answer="from the tool itself")
    earlier.append((tool, args))
    at_ms, turn = entry["at"], entry["turn"]
    call_id = f"call-{len(earlier)}"
    yield Line(
        at_ms=at_ms,
        turn=turn,
        kind="toolCalled",
        tool=tool,
        arguments=args,
        call_id=call_id,
        stubbed=answer.stubbed,
    )
    if answer.stubbed and answer.fail != "timeout":
        yield Line(
            at_ms=at_ms + answer.after_ms,
            turn=turn,
            kind="toolAnswered",
            tool=tool,
            call_id=call_id,
            answer=answer.answer,
            is_error=answer.fail is not None,
        )


def _lines(script: Script, transcript: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    first = script.spec.turns[0] if script.spec.turns else None
    opens = first is not None and not any(getattr(first, name) for name in type(first).INPUTS)
    turn = 0 if opens else -1
    earlier: list[Any] = []
    lines: list[Line] = []
    for written in transcript:
        kind = next(key for key in written if key not in ("at", "turn"))
        turn += kind in INPUT_LINES
        turn = written.get("turn", turn)
        at = written["at"]
        at_ms = at if isinstance(at, int) else round(parse_duration(at).total_seconds() * 1000)
        entry = {**written, "at": at_ms, "turn": max(turn, 0)}
        if kind == "calls":
            lines += _answered(script, entry, earlier)
        elif kind == "ended":
            lines.append(Line(at_ms=at_ms, turn=entry["turn"], kind="ended", by=written["ended"]))
        else:
            told = written[kind] if isinstance(written[kind], str) else ""
            line_kind = {**INPUT_LINES, **OTHER_LINES}[kind]
            lines.append(
                Line.model_validate(
                    {"atMs": at_ms, "turn": entry["turn"], "kind": line_kind, "text": told}
                )
            )
    return tuple(sorted(lines, key=lambda line: line.at_ms))


def _starts(lines: Sequence[Line]) -> dict[int, int]:
    starts: dict[int, int] = {}
    for line in lines:
        if line.kind in INPUT_LINES.values():
            starts.setdefault(line.turn, line.at_ms)
    return starts


def _watched(script: Script, lines: Sequence[Line]) -> tuple[list[Over], RunFacts]:
    """Every turn as a runner would watch it, until one ends the conversation."""
    overs: list[Over] = []
    starts = _starts(lines)
    for index, turn in enumerate(script.spec.turns):
        heard = [line for line in lines if line.turn == index]
        if index not in starts and index and not heard:
            break
        so_far = [line for line in lines if line.turn <= index]
        elapsed_s = (heard[-1].at_ms if heard else 0) / 1000
        limit = limit_exceeded(script, so_far, elapsed_s=elapsed_s, cost_usd=0.003 * len(so_far))
        if limit is not None:
            return overs, RunFacts(limit=limit)
        start_ms = starts.get(index, 0 if not heard else heard[0].at_ms)
        watch = TurnWatch(turn, index, script.spec.mode, 0 if index == 0 else start_ms)
        if turn.as_caller is not None:
            watch.sent(max(line.at_ms for line in heard if line.kind == "callerSaid"))
        for line in heard:
            watch.observe(line)
        over = watch.verdict(LONG_AFTER_MS)
        assert isinstance(over, Over)
        overs.append(over)
        if not over.goes_on:
            break
    return overs, RunFacts()


def _reply_ms(lines: Sequence[Line]) -> tuple[int, ...]:
    starts = _starts(lines)
    firsts: dict[int, int] = {}
    for line in lines:
        if line.kind == "agentSaid":
            firsts.setdefault(line.turn, line.at_ms - starts.get(line.turn, 0))
    return tuple(firsts.values())


@pytest.fixture
def make_script() -> Callable[..., Script]:
    """A script from a spec without its agent."""
    return _script


@pytest.fixture
def make_lines() -> Callable[..., tuple[Line, ...]]:
    """Lines from a transcript in short form, calls answered from the script's stubs."""
    return _lines


@pytest.fixture
def play() -> Callable[..., RunResult]:
    """The result of a transcript, judged by the plain judge."""

    def result(
        spec: Mapping[str, Any],
        transcript: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> RunResult:
        script = Script.model_validate_json(_script(spec, **fields).model_dump_json())
        lines = _lines(script, transcript)
        overs, known = _watched(script, lines)
        update: dict[str, Any] = {"reply_ms": _reply_ms(lines), "judge": PLAIN_JUDGE}
        known = RunFacts.model_validate(
            {**known.model_dump(by_alias=False), **update, **(facts or {})}
        )
        asked = questions(script, lines, overs, known)
        answers = {each.id: [plain_answer(each.question)] for each in asked}
        return conclude(script, lines, overs, answers, known)

    return result


@pytest.fixture
def make_desk() -> Callable[..., Desk]:
    """A desk with stubs as they are written in a test."""

    def desk(stubs: Mapping[str, Any]) -> Desk:
        body = {"id": "desk", "project": "acme", "tokenDigest": "x", "stubs": dict(stubs)}
        return Desk.model_validate({**body, "expiresAt": "2026-06-12T09:00:00Z"})

    return desk
