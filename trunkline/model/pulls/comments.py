"""The one comment of a pull request: what a merge would do, in the order people ask.

Pure, and the same words for the same facts, so that editing it in place is only ever news. Whatever
comes from manifests, transcripts, vendors or the forge is escaped where it is put in; what does not
fit is cut, the bulkiest first, and the comment says what is missing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from trunkline.model.base import Frozen
from trunkline.model.limits import (
    PULL_REQUEST_COMMENT_MAX,
    PULL_REQUEST_PLAN_MAX,
    PULL_REQUEST_ROWS_MAX,
)
from trunkline.model.plan_text import render_plan, summary_line
from trunkline.model.plans import Plan
from trunkline.model.pull_requests import CheckState, PullRequestRecord
from trunkline.model.pulls.behaviour import AgentBehaviour
from trunkline.model.pulls.behaviour_text import behaviour_section
from trunkline.model.pulls.checks import NOT_TRUSTED, Trouble, may_check, plan_key, verdict
from trunkline.model.pulls.commands import MEANINGS, USAGE
from trunkline.model.pulls.escaping import block, code, escaped
from trunkline.model.pulls.readings import Reading
from trunkline.model.records import PlanRecord

LINE_MAX_CHARACTERS: Final = 300
"""Of one line of somebody else's words."""
SIZES: Final = (
    (PULL_REQUEST_PLAN_MAX, PULL_REQUEST_ROWS_MAX),
    (PULL_REQUEST_PLAN_MAX // 3, PULL_REQUEST_ROWS_MAX),
    (PULL_REQUEST_PLAN_MAX // 9, PULL_REQUEST_ROWS_MAX // 2),
    (PULL_REQUEST_PLAN_MAX // 36, PULL_REQUEST_ROWS_MAX // 4),
    (0, PULL_REQUEST_ROWS_MAX // 8),
    (0, 1),
)
"""Characters of a plan and rows of a list, tried from the first until the comment fits."""
SIGNS: Final[dict[CheckState, str]] = {
    "waiting": "waiting",
    "running": "running",
    "passed": "passed",
    "failed": "FAILED",
    "inconclusive": "inconclusive",
    "refused": "NOT VALID",
}
_SIGN: Final = re.compile(r"^(?P<blank> {0,10})(?P<sign>-/\+|[-+~])(?= )")
"""Signs of a plan stand above its texts, which are further in."""


class CommentView(Frozen):
    """Everything the comment is made of. ``reading`` None: nothing was read yet."""

    record: PullRequestRecord
    base_branch: str
    reading: Reading | None = None
    plans: tuple[PlanRecord, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    behaviours: tuple[AgentBehaviour, ...] = ()
    moved_on: bool = False


def comment_marker(project: str, number: int) -> str:
    """What tells our comment from every other; nobody sees it."""
    return f"<!-- trunkline:pull-request/{project}/{number} -->"


def without_secrets(view: CommentView, redact: Callable[[str], str]) -> CommentView:
    """The same facts with every text redacted: before anything is cut or escaped, which would take
    a secret apart so that nobody recognises it, and leave it readable.
    """
    clean: CommentView = _struck(view, redact)
    return clean


def render_comment(view: CommentView) -> str:
    """The comment, below PULL_REQUEST_COMMENT_MAX characters."""
    text = ""
    for plan_max, rows_max in SIZES:
        text = "\n".join(_page(view, plan_max, rows_max)) + "\n"
        if len(text) < PULL_REQUEST_COMMENT_MAX:
            break
    return text


def _struck(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return value.model_copy(
            update={name: _struck(getattr(value, name), redact) for name in names}
        )
    if isinstance(value, tuple | list):
        return type(value)(_struck(each, redact) for each in value)
    if isinstance(value, Mapping):
        return {key: _struck(each, redact) for key, each in value.items()}
    return value


def _page(view: CommentView, plan_max: int, rows_max: int) -> Iterator[str]:
    record, reading = view.record, view.reading
    yield comment_marker(record.project, record.number)
    yield f"### Trunkline: {SIGNS[verdict(record)]}"
    yield ""
    yield from _opening(view)
    if reading is not None and not reading.valid:
        yield from _problems(reading, rows_max)
    elif reading is not None:
        yield from behaviour_section(record.agents, reading, view.behaviours, rows_max)
        yield from _configuration(view, reading, plan_max)
        yield from _listed("Deletions", _deletions(view.plans), rows_max)
        yield from _listed("Tests removed or weakened", _weaker(reading), rows_max)
        yield from _listed("Rules made weaker", map(_line, reading.rules), rows_max)
        yield from _listed("Known only after the merge", map(_line, reading.after_merge), rows_max)
    yield from _listed("Answers", _replies(record), rows_max)
    yield from _commands()


def _opening(view: CommentView) -> Iterator[str]:
    """What was looked at, and the verdict in a sentence."""
    record, reading = view.record, view.reading
    base = f" onto {code(str(record.base)[:12])}" if record.base else ""
    yield (
        f"Project {code(record.project)}, head {code(record.head[:12])}{base} of"
        f" {code(view.base_branch, LINE_MAX_CHARACTERS)}. Nothing live was changed."
    )
    yield ""
    yield f"**{_verdict_words(record, reading)}**"
    yield ""
    if record.state != "open":
        yield f"This pull request is {record.state}; what its checks made is taken away."
        yield ""
    if record.is_fork and not may_check(record) and record.state == "open":
        yield (
            f"It comes from a fork: plans and tests begin once somebody who may push here says"
            f" `/trunkline test {record.head}`. Only this commit is trusted by that."
        )
        yield ""
    if reading is not None and reading.behind:
        yield (
            f"The head is {reading.behind} commits behind; checked is what merging it would leave."
        )
        yield ""
    if view.moved_on:
        yield "The branch has moved on since: `/trunkline plan` plans on its newest commit."
        yield ""
    if reading is not None and reading.signature:
        yield f"Signature: {escaped(reading.signature, LINE_MAX_CHARACTERS)}."
        yield ""


def _verdict_words(record: PullRequestRecord, reading: Reading | None) -> str:
    if reading is None:
        return "This head is being read."
    state = verdict(record)
    failed = [one.agent for one in record.agents if one.state == "failed"]
    if state == "failed" and failed:
        return f"Tests fail: {_names(failed)}."
    words: dict[CheckState, str] = {
        "refused": escaped(reading.message or reading.reason, LINE_MAX_CHARACTERS),
        "failed": "This cannot be planned.",
        "running": "Checks are running.",
        "waiting": f"Valid; {NOT_TRUSTED.split(':', maxsplit=1)[0]}.",
        "inconclusive": "Some of it could not be found out; nothing of that counts as passed.",
        "passed": _passed_words(record, reading),
    }
    return words[state]


def _passed_words(record: PullRequestRecord, reading: Reading) -> str:
    tested = len(record.agents)
    untested = sum(not one.tests for one in reading.agents) + reading.beyond
    words = f"{tested} tested agent{'s' if tested != 1 else ''} passed" if tested else "Planned"
    missing = f"; {untested} changed without tests" if untested else ""
    return f"{words}{missing}."


def _problems(reading: Reading, rows_max: int) -> Iterator[str]:
    yield "#### What is wrong"
    yield ""
    shown = [f"- {code(one, LINE_MAX_CHARACTERS)}" for one in reading.problems[:rows_max]]
    yield from shown
    if len(reading.problems) > len(shown):
        yield f"- and {len(reading.problems) - len(shown)} more"
    yield ""


def _configuration(view: CommentView, reading: Reading, plan_max: int) -> Iterator[str]:
    yield "#### Configuration"
    yield ""
    plans = {one.environment: one for one in view.plans}
    troubles = {one.key: one for one in view.troubles}
    shown = sum(one.plan.steps != () for one in view.plans) or 1
    for environment in reading.environments:
        name = environment.name
        known = plans.get(name)
        trouble = troubles.get(plan_key(view.record, name))
        if known is not None:
            yield from _plan(name, known.plan, plan_max // shown)
        elif trouble is not None:
            words = escaped(f"{trouble.reason}: {trouble.message}", LINE_MAX_CHARACTERS)
            yield f"**{escaped(name)}** could not be planned: {words}"
            yield ""
        elif environment.new:
            yield f"**{escaped(name)}** is new: it is planned once this is merged."
            yield ""
        else:
            yield f"**{escaped(name)}** {_unplanned(view.record)}."
            yield ""
    if reading.removed:
        yield f"No longer named: {_names(reading.removed)}."
        yield ""


def _plan(name: str, plan: Plan, plan_max: int) -> Iterator[str]:
    title = f"{escaped(name)}: {escaped(summary_line(plan))}"
    if plan.empty and not plan.obstacles and not plan.notes and not plan.kept:
        yield f"**{title}**"
        yield ""
        return
    calls = f"{plan.calls} provider call{'s' if plan.calls != 1 else ''}"
    yield f"<details><summary><b>{title}</b> {calls}.</summary>"
    yield ""
    text, cut = block(_as_diff(render_plan(plan)), plan_max, language="diff")
    yield text
    if cut:
        yield f"The plan is longer than fits here: the first {plan_max} characters are shown."
        yield ""
    yield "</details>"
    yield ""


def _unplanned(record: PullRequestRecord) -> str:
    if record.state != "open":
        return "was not planned"
    return "is being planned" if may_check(record) else "is planned once the head is trusted"


def _as_diff(text: str) -> str:
    """The plan with its signs in the first column, where forges colour them."""
    return "\n".join(_SIGN.sub(_moved, line) for line in text.split("\n"))


def _moved(found: re.Match[str]) -> str:
    sign, blank = found["sign"], found["blank"]
    shown = {"~": "!", "-/+": "!"}.get(sign, sign)
    return f"{shown}{blank}{sign if shown == '!' else ''}"


def _deletions(plans: Sequence[PlanRecord]) -> Iterator[str]:
    for one in plans:
        for step in one.plan.steps:
            if step.action == "delete":
                yield f"{step.subject} {code(step.name)} in {code(one.environment)}"


def _weaker(reading: Reading) -> Iterator[str]:
    for one in reading.weakened:
        where = f" ({code(one.position, LINE_MAX_CHARACTERS)})" if one.position else ""
        words = escaped(one.words, LINE_MAX_CHARACTERS)
        yield f"{code(one.test)} of {code(one.agent)}: {words}{where}"


def _replies(record: PullRequestRecord) -> Iterator[str]:
    for one in reversed(record.replies):
        done = "" if one.done else "not done: "
        yield (
            f"{code(one.login)}: {code(one.command, LINE_MAX_CHARACTERS)}:"
            f" {done}{escaped(one.words, LINE_MAX_CHARACTERS)}"
        )


def _line(text: str) -> str:
    return escaped(text, LINE_MAX_CHARACTERS)


def _listed(title: str, lines: Iterable[str], rows_max: int) -> Iterator[str]:
    """A heading and a list that says how much of it is missing; nothing for an empty one."""
    known = list(lines)
    if not known:
        return
    yield f"#### {title}"
    yield ""
    yield from (f"- {line}" for line in known[:rows_max])
    if len(known) > rows_max:
        yield f"- and {len(known) - rows_max} more"
    yield ""


def _names(names: Sequence[str], shown: int = 10) -> str:
    listed = ", ".join(code(name) for name in names[:shown])
    return f"{listed} and {len(names) - shown} more" if len(names) > shown else listed


def _commands() -> Iterator[str]:
    yield "<details><summary>Commands</summary>"
    yield ""
    yield "In the first line of a comment of its own:"
    yield ""
    yield from (f"- `{USAGE[verb]}`: {MEANINGS[verb]}" for verb in USAGE)
    yield ""
    yield "</details>"
