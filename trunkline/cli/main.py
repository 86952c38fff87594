"""The command ``trunkline``: which verbs there are, and how each of them ends.

Whatever a verb raises becomes one sentence on stderr, one line of what to do, and an exit code of
one table. A trace is printed only for what nobody foresaw.
"""

import errno
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
from trunkline.cli.verbs import (
    administration,
    call_records,
    changes,
    control,
    drift,
    experiments,
    fleet,
    imports,
    inspection,
    life,
    live_calls,
    manifests,
    notifications,
    numbers,
    outbound,
    plans,
    promotions,
    protection,
    stack,
    tests,
)
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
NO_COLOR = "--no-color"


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        stack.version()
        raise typer.Exit


def _refuse_colour(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the value
    if wanted:
        os.environ["NO_COLOR"] = "1"


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            NO_COLOR,
            help="Print without colours; may stand after the verb too.",
            is_eager=True,
            callback=_refuse_colour,
        ),
    ] = False,
) -> None:
    """Options of the command itself."""


_MODULES = (
    manifests,
    plans,
    control,
    protection,
    promotions,
    experiments,
    fleet,
    drift,
    tests,
    numbers,
    outbound,
    call_records,
    live_calls,
    changes,
    imports,
    inspection,
    notifications,
    administration,
    life,
    stack,
)
"""Modules with verbs, in the order the help lists them."""
for _module in _MODULES:
    for _verb in _module.VERBS:
        app.command(_verb.__name__.rstrip("_").replace("_", "-"))(_verb)
    for _name, _verb in getattr(_module, "ALIASES", {}).items():
        app.command(_name, help=f"The same as `{_verb.__name__}`.")(_verb)
    for _name, _group in getattr(_module, "GROUPS", {}).items():
        app.add_typer(_group, name=_name)


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
            args=_normal(arguments) or ["--help"], prog_name="trunkline", standalone_mode=False
        )
    except (typer.TyperException, WrongUsage, TrunklineError) as error:
        return _explain(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return ExitCode.FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        complain("what was to be printed could not be written: no space left")
        return ExitCode.FAILED
    return ended if isinstance(ended, int) else ExitCode.DONE


def _normal(arguments: list[str]) -> list[str]:
    """The same command line with the options of the command itself before the verb."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if NO_COLOR not in arguments[:end]:
        return arguments
    kept = [argument for argument in arguments[:end] if argument != NO_COLOR]
    return [NO_COLOR, *(kept or ["--help"]), *arguments[end:]]


def _explain(error: typer.TyperException | WrongUsage | TrunklineError) -> ExitCode:
    """Say what was wrong and answer the code that goes with it."""
    if isinstance(error, typer.TyperException):
        if (words := error.format_message()).startswith("Usage:"):
            sys.stderr.write(f"{words}\n")
            return ExitCode.USAGE
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
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
