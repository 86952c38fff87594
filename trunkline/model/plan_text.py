"""A plan in words: what people who know Terraform expect to read before they say yes.

Signs are ``+`` create, ``~`` update in place, ``-/+`` replace and ``-`` destroy, or gone from Git
and kept; a changed prompt is shown word by word; values that come from the platform are ``(known
after apply)``. Values are quoted or stripped of control characters, so that no text on a platform
can drive a reader's terminal. The same plan prints the same text everywhere.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from trunkline.model.base import Json
from trunkline.model.diffs import is_empty
from trunkline.model.ids import REFERENCE_PREFIX
from trunkline.model.plan_json import estimate_s, plan_json, plan_summary
from trunkline.model.plans import SENSITIVE, SET_BY_PLATFORM, Operation, Plan, Step
from trunkline.model.words import Line, changed_lines, is_changed

__all__ = ["plan_json", "plan_markdown", "render_plan", "summary_line"]

KNOWN_AFTER_APPLY: Final = "(known after apply)"
NO_CHANGES: Final = "No changes. The platforms are as Git wants them."
UNQUOTED: Final = frozenset({SENSITIVE, SET_BY_PLATFORM})
"""What a plan says in place of a value, as against a value that happens to be the same words."""
TEXT_MIN_CHARACTERS: Final = 60
"""Shorter strings are readable side by side; longer ones are compared by words."""
LINE_CHARACTERS: Final = 80
"""A list that is longer than this on one line is shown an element a line."""
TEXT_LINES_MAX: Final = 20
"""Lines shown of a new text; the file itself is in the same commit."""
CONTEXT_LINES: Final = 1
"""Unchanged lines around a changed one."""

_REFERENCE: Final = re.compile(re.escape(REFERENCE_PREFIX) + r"[^\]]+")
_HEADINGS: Final = {
    "create": "will be created",
    "update": "will be updated in-place",
    "import": "will be imported",
    "assign": "will be assigned",
    "relink": "will be linked again",
    "unassign": "will be detached",
    "adopt": "will be taken over",
    "delete": "will be destroyed",
    "split": "will be divided",
    "archive": "will be put away",
}
_ORIGINS: Final = {
    "git": "",
    "drift": "  # changed outside of Git",
    "reset": "  # no longer in Git, reset",
}
_COLOURS: Final = {"+": "32", "-": "31", "~": "33", "-/+": "35", "#": "1"}
_OPPOSITE: Final[dict[Operation, Operation]] = {"+": "-", "-": "+", "~": "~"}


def render_plan(plan: Plan, *, colour: bool = False, width: int | None = None) -> str:
    """The plan as text, ending in a newline. ``width`` cuts single-line values to so many
    columns; texts shown word by word are never cut.
    """
    return "\n".join(_Page(colour=colour, width=width).plan(plan)) + "\n"


def plan_markdown(plan: Plan) -> str:
    """The plan for a comment on a change: the summary, and the whole text folded below it."""
    text = render_plan(plan)
    fence = "```"
    while fence in text:
        fence += "`"
    title = summary_line(plan)
    return (
        f"**{title}**\n\n<details><summary>Plan</summary>\n\n{fence}\n{text}{fence}\n\n</details>\n"
    )


def summary_line(plan: Plan) -> str:
    """The one line everybody looks for."""
    if plan.empty and not plan.obstacles:
        return NO_CHANGES
    counts = plan_summary(plan)
    return (
        f"Plan: {counts.add} to add, {counts.change} to change,"
        f" {counts.replace} to replace, {counts.destroy} to destroy."
    )


class _Page:
    """Lines of one plan, in one style."""

    def __init__(self, *, colour: bool, width: int | None) -> None:
        self._colour = colour
        self._width = width

    def plan(self, plan: Plan) -> Iterator[str]:
        yield from self._drift(plan)
        for step in plan.steps:
            yield from self._step(step)
            yield ""
        for item in plan.kept:
            named = f" ({item.external_id})" if item.external_id else ""
            yield self._paint("#", f"  # {item.subject} {_plain(item.name)}{_plain(named)}")
            yield f"  {self._paint('-', '-')} kept ({_plain(item.reason)})"
            yield ""
        for obstacle in plan.obstacles:
            verb = "Waiting" if obstacle.waiting else "Blocked"
            yield f"{verb}: {obstacle.reason}: {_plain(obstacle.message)}"
        for note in plan.notes:
            yield f"Note: {_plain(note)}"
        if plan.obstacles or plan.notes:
            yield ""
        yield self._paint("#", summary_line(plan))
        if plan.steps:
            calls = _counted(plan.calls, "provider call")
            yield f"{calls}, about {estimate_s(plan):g} s one after another."
        if plan.unchanged and plan.steps:
            yield f"{plan.unchanged} unchanged."
        if plan.hidden:
            filled = _counted(plan.hidden, "attribute")
            yield f"({filled} filled in by the platform hidden)"

    def _drift(self, plan: Plan) -> Iterator[str]:
        drifted = [
            (step, changes)
            for step in plan.steps
            if (changes := [change for change in step.changes if change.origin == "drift"])
        ]
        if not drifted:
            return
        yield "Changed outside of Git since the last apply:"
        yield ""
        for step, changes in drifted:
            if step.action in ("create", "import"):
                yield self._paint("#", f"  # {step.subject} {_plain(step.name)} was deleted")
            else:
                yield self._paint("#", f"  # {step.subject} {_plain(step.name)} was changed")
                for change in changes:
                    sign = _OPPOSITE[change.operation]
                    yield from self._change(sign, change.path, change.new, change.old, "")
            yield ""

    def _step(self, step: Step) -> Iterator[str]:
        heading = "must be replaced" if step.replaces else _HEADINGS[step.action]
        sign = _sign(step)
        yield self._paint("#", f"  # {step.subject} {_plain(step.name)} {heading}")
        opening = f"{step.subject} {_quoted(step.name)}"
        yield f"{self._paint(sign, sign.rjust(3))} {opening} {{"
        for change in step.changes:
            origin = _ORIGINS[change.origin] if step.action == "update" else ""
            yield from self._change(change.operation, change.path, change.old, change.new, origin)
        if step.unchanged:
            hidden = _counted(step.unchanged, "unchanged attribute")
            yield f"        ({hidden} hidden)"
        yield "    }"

    def _change(
        self, sign: Operation, path: str, old: Json, new: Json, origin: str
    ) -> Iterator[str]:
        shown = _plain(_REFERENCE.sub(KNOWN_AFTER_APPLY, path))
        head = f"      {self._paint(sign, sign)} {shown}"
        if isinstance(new, str) and _is_text(new) and not _is_reference(new):
            before = old if isinstance(old, str) else ""
            yield f"{head} ={origin}"
            yield from self._text(before, new)
        elif (lists := _long_lists(old, new)) is not None:
            yield f"{head} = [{origin}"
            yield from self._elements(*lists)
            yield "        ]"
        else:
            yield self._cut(f"{head} = {_values(sign, old, new)}{origin}")

    def _elements(self, old: list[Json], new: list[Json]) -> Iterator[str]:
        before, after = [_value(item) for item in old], [_value(item) for item in new]
        signed: list[tuple[Operation, str]] = [("-", v) for v in before if v not in after]
        signed.extend(("+", value) for value in after if value not in before)
        for sign, shown in signed:
            yield self._cut(f"          {self._paint(sign, sign)} {shown}")
        stayed = sum(1 for value in after if value in before)
        if not signed:
            yield "          # another order"
        elif stayed:
            hidden = _counted(stayed, "unchanged element")
            yield f"            ({hidden} hidden)"

    def _text(self, old: str, new: str) -> Iterator[str]:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
        if not old:
            added = new.split("\n")
            for text in added[:TEXT_LINES_MAX]:
                yield f"            {self._paint('+', _plain(text))}".rstrip()
            if len(added) > TEXT_LINES_MAX:
                yield f"            ({_counted(len(added) - TEXT_LINES_MAX, 'more line')})"
            return
        lines = changed_lines(old, new)
        hidden = 0
        near = _near_changes(lines)
        for line, shown in zip(lines, near, strict=True):
            if not shown:
                hidden += 1
                continue
            if hidden:
                yield f"            ({_counted(hidden, 'unchanged line')} hidden)"
                hidden = 0
            yield f"            {self._line(line)}".rstrip()
        if hidden:
            yield f"            ({_counted(hidden, 'unchanged line')} hidden)"

    def _line(self, line: Line) -> str:
        return "".join(self._segment(mark, _plain(text)) for mark, text in line)

    def _segment(self, mark: str, text: str) -> str:
        if mark == "=" or not text:
            return text
        if self._colour:
            return self._paint(mark, text)
        return f"[-{text}-]" if mark == "-" else f"{{+{text}+}}"

    def _paint(self, sign: str, text: str) -> str:
        return f"\x1b[{_COLOURS[sign]}m{text}\x1b[0m" if self._colour else text

    def _cut(self, text: str) -> str:
        if self._width is None:
            return text
        room = self._width + (len(self._paint("+", "")) if self._colour else 0)
        return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _sign(step: Step) -> str:
    if step.replaces:
        return "-/+"
    if step.action in ("delete", "archive"):
        return "-"
    return "+" if step.action in ("create", "import") else "~"


def _long_lists(old: Json, new: Json) -> tuple[list[Json], list[Json]] | None:
    """Two lists to compare element by element, or one that is too long for a line."""
    before = old if isinstance(old, list) else []
    after = new if isinstance(new, list) else []
    if before and after:
        return before, after
    alone = (before or after) and (is_empty(old) or is_empty(new))
    return (before, after) if alone and len(_value([*before, *after])) > LINE_CHARACTERS else None


def _near_changes(lines: tuple[Line, ...]) -> list[bool]:
    changed = [index for index, line in enumerate(lines) if is_changed(line)]
    near = {index + d for index in changed for d in range(-CONTEXT_LINES, CONTEXT_LINES + 1)}
    return [index in near for index in range(len(lines))]


def _values(sign: Operation, old: Json, new: Json) -> str:
    if sign == "+":
        return _value(new)
    if sign == "-":
        return _value(old)
    return f"{_value(old)} -> {_value(new)}"


def _value(value: Json) -> str:
    """A value on one line; strings quoted, ids not known yet in Terraform's words."""
    if _is_reference(value):
        return KNOWN_AFTER_APPLY
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{_quoted(key)}: {_value(item)}" for key, item in value.items())
        return f"{{{inside}}}"
    if isinstance(value, str):
        return value if value in UNQUOTED else _quoted(value)
    return json.dumps(value)


def _is_reference(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(REFERENCE_PREFIX)


def _is_text(value: str) -> bool:
    return "\n" in value or (len(value) > TEXT_MIN_CHARACTERS and " " in value)


def _quoted(text: str) -> str:
    return _plain(json.dumps(text, ensure_ascii=False))


def _plain(text: str) -> str:
    """The text without anything a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in text)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
