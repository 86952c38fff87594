"""Verbs about a folder of manifests; they need no server, no account and no network."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import DocumentOutput, ManifestsPath, Output


def init(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A folder to create or fill.", show_default="this folder"
        ),
    ] = Path(),
    *,
    template: Annotated[
        str, typer.Option("--template", metavar="NAME", help="What to begin with.")
    ] = "front-desk",
    list_templates: Annotated[
        bool, typer.Option("--list-templates", help="Print what there is to begin with.")
    ] = False,
    output: Output = Format.TABLE,
) -> int:
    """Write a small working manifests repository.

    Nothing that exists is overwritten.
    """
    from trunkline.cli import authoring

    if list_templates:
        return authoring.list_templates(output)
    return authoring.init(path, template)


def validate(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="The folder of the manifests.", show_default="this folder"
        ),
    ] = Path(),
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Check a folder of manifests.

    Every problem is printed with its place. Warnings are printed too and fail nothing.
    """
    from trunkline.cli import authoring

    return authoring.validate(path, style=output)


def render(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent.")],
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", metavar="NAME", help="The environment, such as testing."
        ),
    ],
    local: ManifestsPath = Path(),
    output: DocumentOutput = DocumentFormat.JSON,
) -> int:
    """Print exactly what the platform would be sent."""
    from trunkline.cli import authoring

    return authoring.render(local, agent, environment, style=output)


VERBS = (init, validate, render)
