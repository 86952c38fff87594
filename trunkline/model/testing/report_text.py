"""Results of conversation tests in words: one wording for terminals, CI pages and XML.

A failure is read in two looks: the line that says which expectation was not met and where it
stands, and the conversation with that line at the place where it happened. Everything an agent
said is a stranger's text, so nothing of it may drive a terminal, a Markdown page or an XML parser.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from trunkline.model.base import Json
from trunkline.model.testing.results import CheckResult, RunResult, TestResult, TestRunReport
from trunkline.model.testing.transcripts import Line, LineKind

SUMMARY_MAX_BYTES: Final = 900_000
"""GitHub takes a job summary of one mebibyte a step and drops a longer one whole."""
SPARED: Final = frozenset({"NotReached", "NotJudged"})
"""Reasons of checks that were not carried out because the run had failed before."""
JSON_MAX_CHARACTERS: Final = 2_000
"""Of a tool's arguments or answer; longer ones are data to look up and not to read."""

_SPEAKERS: Final[dict[LineKind, str]] = {
    "agentSaid": "agent",
    "agentCorrected": "agent",
    "agentStarted": "agent",
    "agentStopped": "agent",
    "callerSaid": "caller",
    "callerPressed": "caller",
    "callerWaited": "caller",
    "callerHeard": "heard",
    "injected": "told",
    "toolCalled": "calls",
    "toolAnswered": "answer",
    "interrupted": "note",
    "ended": "end",
    "noted": "note",
}
_SIGNS: Final = {"passed": "ok", "failed": "FAILED", "inconclusive": "UNKNOWN"}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]|~#!])")


class Totals(NamedTuple):
    """How many tests of a report came to what. Advisory ones that did not pass stand apart."""

    passed: int
    failed: int
    inconclusive: int
    advisory: int
    flaky: int


def totals(report: TestRunReport) -> Totals:
    """The counts people look for first."""
    required = [test for test in report.tests if test.required or test.outcome == "passed"]
    outcomes = [test.outcome for test in required]
    return Totals(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        inconclusive=outcomes.count("inconclusive"),
        advisory=len(report.tests) - len(required),
        flaky=sum(test.flaky for test in report.tests),
    )


def totals_text(report: TestRunReport) -> str:
    """The counts as one line: ``3 passed, 1 failed, 0 inconclusive``."""
    counts = totals(report)
    parts = [
        f"{counts.passed} passed" + (f" ({counts.flaky} flaky)" if counts.flaky else ""),
        f"{counts.failed} failed",
        f"{counts.inconclusive} inconclusive",
    ]
    if counts.advisory:
        parts.append(f"{counts.advisory} advisory not passed")
    return ", ".join(parts)


def bad_checks(run: RunResult) -> tuple[CheckResult, ...]:
    """Checks of a run that did not pass, failed ones first, without those that others spared."""
    failed = [check for check in run.checks if check.outcome == "failed"]
    unknown = [
        check
        for check in run.checks
        if check.outcome == "inconclusive" and check.reason not in SPARED
    ]
    return (*failed, *unknown)


def run_text(run: RunResult) -> str:
    """Why a run came to what it came to, in one line; empty for one that passed."""
    if run.outcome == "passed":
        return ""
    if run.message:
        return flat(run.message)
    checks = bad_checks(run)
    return check_text(checks[0]) if checks else run.reason


def verdict_text(result: TestResult) -> str:
    """Why a test came to what it came to, in one line; for a flaky one how often it failed."""
    if result.outcome == "passed":
        failed = sum(run.outcome == "failed" for run in result.runs)
        return f"flaky: {failed} of {len(result.runs)} runs failed" if result.flaky else ""
    if result.message:
        return flat(result.message)
    same = [run for run in result.runs if run.outcome == result.outcome]
    return next((text for run in same if (text := run_text(run))), result.reason)


def check_text(check: CheckResult) -> str:
    """What was expected and what was found, in one line."""
    text = f"expected: {check.wanted or check.check}"
    if check.found:
        text += f"; found {check.found}"
    return flat(f"{text} ({check.reason})" if check.reason else text)


def votes_text(check: CheckResult) -> tuple[str, ...]:
    """What the judge said to a check, a line a vote."""
    words = {True: "agrees", False: "disagrees", None: "cannot tell"}
    return tuple(
        flat(f"judge {words[vote.agrees]}: {vote.reason}".rstrip(": ")) for vote in check.votes
    )


def line_text(line: Line) -> str:
    """A line of a transcript: when, who, what."""
    return f"{line.at_ms / 1000:8.2f} s  {_SPEAKERS[line.kind]:<7} {_said(line)}".rstrip()


def transcript_text(run: RunResult, *, every_check: bool = False) -> tuple[str, ...]:
    """The conversation with every check that did not pass below the turn it belongs to.

    With ``every_check`` those that passed and those never reached stand there too. What is about
    the conversation as a whole stands at its end.
    """
    shown = run.checks if every_check else bad_checks(run)
    lines: list[str] = []
    turns = [line.turn for line in run.transcript]
    for number, line in enumerate(run.transcript):
        lines.append(line_text(line))
        if line.turn not in turns[number + 1 :]:
            of_turn = [check for check in shown if check.turn == line.turn]
            lines.extend(text for check in of_turn for text in _marked(check))
    told = set(turns)
    rest = [check for check in shown if check.turn is None or check.turn not in told]
    lines.extend(text for check in rest for text in _marked(check))
    if run.reason and not rest:
        lines.append(f"{'':>11} {run.outcome}: {flat(run.message) or run.reason}")
    return tuple(lines)


def markdown_summary(report: TestRunReport) -> str:
    """A page for people: the counts, a table, and the conversations of what did not pass.

    At most SUMMARY_MAX_BYTES; conversations that do not fit any more are counted.
    """
    outcome = report.outcome or report.state.lower()
    page = [
        f"### Conversation tests: {outcome}",
        "",
        f"{totals_text(report)} · about ${report.cost_usd:.2f} · {_md(report.environment)}",
        "",
    ]
    if report.message:
        page += [_md(report.message), ""]
    if report.tests:
        page += ["| test | agent | gate | outcome | runs | p50 | p95 | message |"]
        page += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
        page += [_row(test) for test in report.tests]
        page.append("")
    text = "\n".join(page) + "\n"
    size = len(text.encode())
    left_out = 0
    for test in report.tests:
        details = _details(test)
        size += len(details.encode())
        if size > SUMMARY_MAX_BYTES:
            size -= len(details.encode())
            left_out += bool(details)
            continue
        text += details
    return text + (f"\n{left_out} conversations are too long for this page.\n" if left_out else "")


def milliseconds(value: int | None) -> str:
    """A time as people read it; empty for none."""
    return "" if value is None else f"{value} ms"


def runs_text(result: TestResult) -> str:
    """``2/3``: how many runs passed of those that were carried out."""
    return f"{sum(run.outcome == 'passed' for run in result.runs)}/{len(result.runs)}"


def needed_text(result: TestResult) -> str:
    """``4/5``: how many runs must pass of those that were planned."""
    return f"{result.runs_needed}/{result.runs_planned}"


def flat(text: str) -> str:
    """The text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _said(line: Line) -> str:
    words = flat(line.text)
    if line.kind == "toolCalled":
        unprepared = "" if line.stubbed else "  (nothing was prepared for this call)"
        return f"{line.tool} {_json(line.arguments or {})}{unprepared}"
    if line.kind == "toolAnswered":
        answer = _json(line.answer) if line.answer is not None else words
        return f"{line.tool} {'failed ' if line.is_error else ''}{answer}".rstrip()
    before = {
        "agentCorrected": "(spoken of it) ",
        "agentStarted": "(begins to speak) ",
        "agentStopped": "(stops speaking) ",
        "callerPressed": "presses ",
        "callerWaited": "is silent ",
        "interrupted": "interrupted ",
        "ended": f"by {line.by or 'nobody'} ",
    }
    return f"{before.get(line.kind, '')}{words}".rstrip()


def _marked(check: CheckResult) -> Iterator[str]:
    sign = "-" if check.reason in SPARED else _SIGNS.get(check.outcome, check.outcome)
    if check.outcome == "passed":
        yield f"{sign:>11} {flat(check.wanted or check.check)}"
    else:
        where = f"  {check.position}" if check.position else ""
        yield f"{sign:>11} {check_text(check)}{where}"
    for vote in votes_text(check):
        yield f"{'':>11} {vote}"


def _json(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return flat(text if len(text) <= JSON_MAX_CHARACTERS else f"{text[:JSON_MAX_CHARACTERS]}…")


def _row(test: TestResult) -> str:
    cells = (
        test.name,
        test.agent,
        "required" if test.required else "advisory",
        test.outcome,
        runs_text(test),
        milliseconds(test.reply_p50_ms),
        milliseconds(test.reply_p95_ms),
        verdict_text(test),
    )
    return f"| {' | '.join(_md(cell) for cell in cells)} |"


def _details(test: TestResult) -> str:
    """The first conversation that shows why the test did not pass, folded; empty if it passed."""
    bad = [run for run in test.runs if run.outcome != "passed"]
    if test.outcome == "passed" or not bad:
        return ""
    run = next((one for one in bad if one.outcome == test.outcome), bad[0])
    text = "\n".join(transcript_text(run))
    fence = "```"
    while fence in text:
        fence += "`"
    title = _md(f"{test.name}, run {run.number}")
    return f"\n<details><summary>{title}</summary>\n\n{fence}\n{text}\n{fence}\n\n</details>\n"


def _md(text: str) -> str:
    """Words that stay words in Markdown, whoever wrote them."""
    plain = flat(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", plain)
