"""Options that several verbs share, so that they are spelt and explained the same everywhere."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format

Environment = Annotated[
    str | None,
    typer.Option("--environment", "-e", metavar="NAME", help="The environment, such as testing."),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        envvar="TRUNKLINE_PROJECT",
        metavar="NAME",
        help="The project; needed if there are several.",
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]
DocumentOutput = Annotated[
    DocumentFormat, typer.Option("--output", "-o", help="How to print the result.")
]
NoHeaders = Annotated[
    bool, typer.Option("--no-headers", help="Print the rows without the line of column names.")
]
ExitCodeWanted = Annotated[
    bool, typer.Option("--exit-code", help="End with 2 if there are changes.")
]
Timeout = Annotated[
    str,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        help="How long to wait, such as 30s or 5m; then end with 5.",
    ),
]
WatchTimeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        help="With --watch: stop after this long, such as 30s or 5m.",
    ),
]
ManifestsPath = Annotated[
    Path,
    typer.Option(
        "--local", metavar="PATH", help="The folder of the manifests.", show_default="this folder"
    ),
]


def duration(text: str) -> timedelta:
    """The value of ``--timeout``. Raises WrongUsage."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - few verbs take a duration

    from trunkline.model.durations import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        raise WrongUsage(f"--timeout: {error.message()}") from error
