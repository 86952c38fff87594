"""The command reference, generated from the commands themselves so that it cannot be wrong.

It knows the commands and not where the page is kept: ``make docs`` writes it.
"""

from collections.abc import Iterator

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

Results go to stdout, progress, complaints and what to do about them to stderr. Lists are printed
with `-o table|wide|json|yaml|name`, documents with `-o text|json|yaml`, plans with `-o markdown`
too. JSON keeps its keys: `formatVersion` changes only if one of them goes away or changes its
meaning, and [schemas](schemas) say what is in it. There is no colour without a terminal, with
`NO_COLOR` set, or with `--no-color`. Commands that ask about a running installation
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
    pages += _verbs(command, context)
    return "\n".join(pages)


def _verbs(command: object, parent: typer.Context) -> Iterator[str]:
    """A section for every verb, those of groups right after their group."""
    for name, verb in getattr(command, "commands", {}).items():
        context = typer.Context(
            verb,
            info_name=name,
            parent=parent,
            terminal_width=WIDTH,
            max_content_width=WIDTH,
        )
        yield f"## {context.command_path}\n\n```text\n{verb.get_help(context).rstrip()}\n```\n"
        yield from _verbs(verb, context)
