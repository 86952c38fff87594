"""``calls context|note|hangup|transfer|listen|watch``: calls that go on, watched and steered."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.calls import calls
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    NoHeaders,
    Output,
    Project,
    duration,
    offered_agents,
)


def offered_calls(incomplete: str) -> list[str]:
    """Calls that go on, to complete an argument with."""
    from trunkline.cli.completion import call_ids

    return call_ids(incomplete)


CallId = Annotated[
    str, typer.Argument(metavar="CALL", help="A call's id.", autocompletion=offered_calls)
]


@calls.command("context")
def calls_context(
    call: CallId,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="SLOT=VALUE", help="What the agent is to know from now on."),
    ] = None,
    *,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="SLOT", help="Take a slot away; repeatable."),
    ] = None,
    expires_in: Annotated[
        str | None,
        typer.Option(
            "--expires-in", metavar="DURATION", help="The new values are void after that long."
        ),
    ] = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show or change what the agent of a call is told beside what is said.

    Ends with 5 if the agent was not told within ten seconds, 4 if the call cannot be steered.
    """
    from trunkline.cli import call_control
    from trunkline.cli.server import connect

    if expires_in is not None:
        duration(expires_in, "--expires-in")
    with connect() as server:
        return call_control.context(
            server,
            project,
            call,
            changes=changes or (),
            remove=remove or (),
            expires_in=expires_in,
            style=output,
            headers=not no_headers,
        )


@calls.command("note")
def calls_note(
    call: CallId,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What the agent is to know.")],
    *,
    output: Output = Format.TABLE,
    project: Project = None,
) -> int:
    """Tell the agent of a call something once."""
    from trunkline.cli import call_control
    from trunkline.cli.server import connect

    with connect() as server:
        return call_control.tell(server, project, call, "note", {"text": words}, style=output)


@calls.command("hangup")
def calls_hangup(call: CallId, *, output: Output = Format.TABLE, project: Project = None) -> int:
    """End a call."""
    from trunkline.cli import call_control
    from trunkline.cli.server import connect

    with connect() as server:
        return call_control.tell(server, project, call, "hangup", {}, style=output)


@calls.command("transfer")
def calls_transfer(
    call: CallId,
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="NUMBER", help="Who takes over, such as +15005550009.")
    ],
    summary: Annotated[
        str, typer.Option("--summary", metavar="TEXT", help="What whoever takes over hears first.")
    ],
    sentence: Annotated[
        str,
        typer.Option("--sentence", metavar="TEXT", help="What the caller is told before it rings."),
    ] = "",
    output: Output = Format.TABLE,
    project: Project = None,
) -> int:
    """Hand the caller to a person."""
    from trunkline.cli import call_control
    from trunkline.cli.server import connect

    body = {"to": to, "summary": summary, "sentence": sentence}
    with connect() as server:
        return call_control.tell(server, project, call, "transfer", {**body}, style=output)


@calls.command("listen")
def calls_listen(
    call: CallId,
    *,
    wav: Annotated[
        str,
        typer.Option("--wav", metavar="FILE", help="Where the sound goes; - is stdout."),
    ] = "-",
    project: Project = None,
) -> int:
    """Hear a call that goes on: a WAV file, the caller left and the agent right.

    It is written in the audit log who listened.
    """
    from trunkline.cli import call_sound
    from trunkline.cli.server import connect

    with connect() as server:
        return call_sound.listen(server, project, call, wav=wav)


@calls.command("watch")
def calls_watch(
    call: Annotated[
        str | None,
        typer.Argument(
            metavar="CALL", help="One call; none means all.", autocompletion=offered_calls
        ),
    ] = None,
    *,
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            "-a",
            metavar="AGENT",
            help="Only this agent.",
            autocompletion=offered_agents,
        ),
    ] = None,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Print what is said in calls, as it is said.

    One call is shown from its beginning to its end; without one, everything from now on until
    Ctrl-C.
    """
    from trunkline.cli import call_watch
    from trunkline.cli.server import connect

    with connect() as server:
        return call_watch.watch(
            server, project, call, agent=agent, environment=environment, style=output
        )


VERBS = ()
