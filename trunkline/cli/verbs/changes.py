"""``create``, and lists of tools, personas and documents: manifests without an editor."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    NoHeaders,
    Output,
    Project,
    Reason,
    Via,
    ViaName,
    group,
)

create = group("New manifests, by a commit or a pull request.")
tools = group("Tools of the manifests repository.")
personas = group("Personas of the manifests repository.")
knowledge = group("Knowledge documents of the manifests repository.")


@create.command("agent")
def create_agent(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    template: Annotated[
        str,
        typer.Option(
            "--from", metavar="TEMPLATE", help="As `trunkline init --list-templates` lists them."
        ),
    ] = "minimal",
    via: Via = ViaName.COMMIT,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Add an agent to the manifests repository, with what it needs.

    Tools, documents and personas of the template are added if no manifest is in their place yet.
    """
    from trunkline.cli import changing
    from trunkline.cli.server import connect

    with connect() as server:
        return changing.create_agent(
            server,
            project,
            name,
            template=template,
            via=via.value,
            reason=reason,
            style=output,
        )


@tools.command("list")
def tools_list(
    *, output: Output = Format.TABLE, no_headers: NoHeaders = False, project: Project = None
) -> int:
    """List the tools, and which agents name them."""
    return _listed("Tool", output, project, headers=not no_headers)


@personas.command("list")
def personas_list(
    *, output: Output = Format.TABLE, no_headers: NoHeaders = False, project: Project = None
) -> int:
    """List the personas, and which agents name them."""
    return _listed("Persona", output, project, headers=not no_headers)


@knowledge.command("list")
def knowledge_list(
    *, output: Output = Format.TABLE, no_headers: NoHeaders = False, project: Project = None
) -> int:
    """List the knowledge documents, and which agents name them."""
    return _listed("KnowledgeDocument", output, project, headers=not no_headers)


def _listed(kind: str, output: Format, project: str | None, *, headers: bool) -> int:
    from trunkline.cli import changing
    from trunkline.cli.server import connect

    with connect() as server:
        return changing.list_manifests(server, project, kind, style=output, headers=headers)


VERBS = ()
GROUPS = {"create": create, "tools": tools, "personas": personas, "knowledge": knowledge}
