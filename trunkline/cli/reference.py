"""The command reference, generated from the commands themselves so that it cannot be wrong.

It knows the commands and not where the page is kept: ``make docs`` writes it.
"""

import typer

from trunkline.cli.exits import ExitCode
from trunkline.cli.main import app

WIDTH = 100

_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "definite failure: invalid, refused, not there, something failed",
    ExitCode.CHANGES: "changes present, only with `--exit-code`",
    ExitCode.UNKNOWN: "could not find out: unreachable, inconclusive; try again",
    ExitCode.BLOCKED: "blocked by a window, approval, hold, budget or mode",
    ExitCode.TIMEOUT: "waited as long as was allowed; it goes on without the command",
    ExitCode.USAGE: "wrong usage of the command line or its environment",
}

_HEAD = """\
# Command line

Generated from the commands; `make docs` writes it anew.

Results go to stdout, progress and complaints to stderr. `-o json` keeps its keys. There is no
colour without a terminal, or with `NO_COLOR` set. Commands that ask about a running installation
talk HTTP to `TRUNKLINE_URL` (`http://127.0.0.1:8080` if it is not set) with the token in
`TRUNKLINE_TOKEN`; `TRUNKLINE_PROJECT` names the project where there are several.

## Exit codes

| code | meaning |
| --- | --- |
"""


def reference() -> str:
    """The whole page as Markdown."""
    command = typer.main.get_command(app)
    codes = "".join(f"| {code.value} | {meaning} |\n" for code, meaning in _MEANINGS.items())
    pages = [_HEAD + codes]
    context = typer.Context(command, info_name="trunkline", max_content_width=WIDTH)
    for name, verb in getattr(command, "commands", {}).items():
        inner = typer.Context(
            verb,
            info_name=name,
            parent=context,
            terminal_width=WIDTH,
            max_content_width=WIDTH,
        )
        pages.append(f"## trunkline {name}\n\n```text\n{verb.get_help(inner).rstrip()}\n```\n")
    return "\n".join(pages)
