"""The fingerprint of workflow commands: what the code can ask for, and what it was recorded asking.

Written to ``commands.txt`` by ``make workflow-commands`` and compared by a test, so that a change
of commands is a line in a diff and a decision, never something a deploy finds out.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.replay.recordings import recordings

FINGERPRINT = Path(__file__).parent / "commands.txt"
WORKFLOWS = Path(__file__).parents[2] / "workflows"
WAYS = {
    "perform": "perform",
    "workflow.sleep": "timer",
    "workflow.wait_condition": "wait",
    "workflow.continue_as_new": "continue-as-new",
    "workflow.upsert_search_attributes": "attributes",
    "workflow.execute_activity": "activity",
    "workflow.execute_child_workflow": "child",
    "workflow.start_child_workflow": "child",
    "workflow.patched": "patched",
    "show": "show",
    "close_operation": "CLOSE_OPERATIONS/STORE",
}
"""Calls by which a workflow asks the server for something."""


def fingerprint() -> str:
    """Both halves as text, one line each."""
    lines = ["# What the code can ask for, in the order it is written"]
    for path in sorted(WORKFLOWS.glob("*.py")):
        asked = " ".join(_asked(path))
        if asked:
            lines.append(f"{path.stem}: {asked}")
    lines.append("")
    lines.append("# What recorded histories asked for")
    lines.extend(f"{each.name}: {' '.join(_runs(each.commands()))}" for each in recordings())
    return "\n".join(lines) + "\n"


def _asked(path: Path) -> Iterator[str]:
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WAYS
    ]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        way = WAYS[ast.unparse(call.func)]
        if way != "perform":
            timed = any(keyword.arg == "timeout" for keyword in call.keywords)
            yield f"{way}+timer" if timed else way
            continue
        option = next(
            (ast.unparse(word.value) for word in call.keywords if word.arg == "option"), "?"
        )
        yield f"{ast.unparse(call.args[0]).rpartition('.')[2]}/{option}"


def _runs(commands: tuple[str, ...]) -> Iterator[str]:
    """Commands without the word for the most common one, repetitions counted."""
    count, last = 0, ""
    for command in (*commands, ""):
        short = command.removeprefix("activity ")
        if short == last:
            count += 1
            continue
        if last:
            yield last if count == 1 else f"{last}*{count}"
        count, last = 1, short


if __name__ == "__main__":
    FINGERPRINT.write_text(fingerprint(), "utf-8")
