"""The command ``trunkline``: which verbs there are, and how each of them ends.

Whatever a verb raises becomes one sentence on stderr, one line of what to do, and an exit code of
one table. A trace is printed only for what nobody foresaw.
"""

import io
import os
import sys
from typing import Annotated

import typer

from trunkline.cli.exits import (
    INTERRUPTED,
    ExitCode,
    WrongUsage,
    complain,
    exit_code_of,
)
from trunkline.cli.verbs import fleet, manifests, stack
from trunkline.model.errors import InvalidManifests, TrunklineError

EPILOG = (
    "Exit codes: 0 done, 1 definite failure, 2 changes present (only with --exit-code), "
    "3 could not find out, 4 blocked, 5 timeout, 64 wrong usage."
)
USAGE_ERROR_OF_TYPER = 2

app = typer.Typer(
    name="trunkline",
    help="GitOps for voice agents: what Git wishes for, ElevenLabs and Twilio become.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        stack.version()
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options of the command itself."""


for _verb in (
    manifests.init,
    manifests.validate,
    manifests.render,
    fleet.plan,
    fleet.diff,
    fleet.sync,
    fleet.status,
    fleet.events,
    stack.dev,
    stack.worker,
    stack.serve,
    stack.simulate,
    stack.migrate,
    stack.version,
):
    app.command(_verb.__name__)(_verb)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    _flush()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and answer its exit code."""
    command = typer.main.get_command(app)
    try:
        ended = command.main(
            args=arguments or ["--help"], prog_name="trunkline", standalone_mode=False
        )
    except (typer.TyperException, WrongUsage, TrunklineError) as error:
        return _explain(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return ExitCode.FAILED
    return ended if isinstance(ended, int) else ExitCode.DONE


def _explain(error: typer.TyperException | WrongUsage | TrunklineError) -> ExitCode:
    """Say what was wrong and answer the code that goes with it."""
    if isinstance(error, typer.TyperException):
        command = getattr(getattr(error, "ctx", None), "command_path", "trunkline")
        complain(error.format_message(), f"`{command} --help` says what it takes")
        usage = error.exit_code == USAGE_ERROR_OF_TYPER
        return ExitCode.USAGE if usage else ExitCode.FAILED
    if isinstance(error, InvalidManifests):
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        noun = "problem" if len(error.problems) == 1 else "problems"
        complain(f"{len(error.problems)} {noun} in the manifests")
        return ExitCode.FAILED
    complain(error.message, error.hint)
    return ExitCode.USAGE if isinstance(error, WrongUsage) else exit_code_of(error)


def _flush() -> None:
    """Whoever read our output may have gone (``trunkline status | head``): that is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
