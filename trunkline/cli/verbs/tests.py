"""``test``: conversations with an agent, by script and by hand."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    AgentName,
    Context,
    DocumentOutput,
    Environment,
    From,
    NoHeaders,
    Output,
    Project,
    Timeout,
    To,
    duration,
    group,
    offered_agents,
    offered_environments,
)

if TYPE_CHECKING:
    from trunkline.cli.testing.reports import Outputs, Printed
    from trunkline.cli.testing.runs import Wanted


class ModeName(StrEnum):
    """The value of ``--mode``."""

    TEXT = "text"
    AUDIO = "audio"
    PHONE = "phone"


class RunnerName(StrEnum):
    """The value of ``--runner``."""

    CONVERSATIONS = "conversations"
    PLATFORM = "platform"


class StatusName(StrEnum):
    """The value of ``--status``."""

    PASSED = "passed"
    FAILED = "failed"
    NEEDS_IMPROVEMENT = "needs_improvement"


Agents = Annotated[
    list[str] | None,
    typer.Option(
        "--agent",
        "-a",
        metavar="AGENT",
        help="Only tests of this agent; repeatable.",
        autocompletion=offered_agents,
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", metavar="TAG", help="Only tests with this tag; repeatable, one is enough."
    ),
]
TestNames = Annotated[
    list[str] | None, typer.Argument(metavar="TEST", help="Tests; none means all.")
]

Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="As this branch of the manifests says."),
]
Local = Annotated[
    str | None,
    typer.Option("--local", metavar="PATH", help="Test this folder of manifests without a server."),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url", metavar="URL", help="With --local: where the platform reaches this machine."
    ),
]
GatewayPort = Annotated[
    int,
    typer.Option(
        "--gateway-port",
        metavar="N",
        min=0,
        max=65_535,
        help="With --local: where tools of the tests are answered; 0 is any free port.",
    ),
]
JUnitFile = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")
]
GitHub = Annotated[bool, typer.Option("--github", help="Print annotations; write a job summary.")]
Repeat = Annotated[
    int | None,
    typer.Option(
        "--repeat", metavar="N", min=1, max=50, help="Run each test so often; all must pass."
    ),
]
Compare = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="ENVIRONMENT",
        help="Compare with what runs there.",
        autocompletion=offered_environments,
    ),
]
ModeWanted = Annotated[
    ModeName | None, typer.Option("--mode", help="In this mode, whatever the tests say.")
]
Runner = Annotated[RunnerName, typer.Option("--runner", help="Who carries the tests out.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the run's id and do not wait.")]

test = group("Conversation tests: run, read, write down your own.")


@test.command("run")
def run_tests(
    names: TestNames = None,
    *,
    agent: Agents = None,
    tag: Tags = None,
    environment: Environment = None,
    branch: Branch = None,
    local: Local = None,
    public_url: PublicUrl = None,
    gateway_port: GatewayPort = 0,
    junit: JUnitFile = None,
    json_file: JsonFile = None,
    github: GitHub = False,
    repeat: Repeat = None,
    compare: Compare = None,
    mode: ModeWanted = None,
    runner: Runner = RunnerName.CONVERSATIONS,
    no_wait: NoWait = False,
    timeout: Timeout = "30m",
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Have conversations with agents and check them.

    Ends with 0 if everything required passed, 1 if something failed, 3 if it could not be found
    out, 4 if it may not be tested now, 5 after --timeout. With --local, the tests are read from a
    folder and the agents are called from here; no server of Trunkline is needed.
    """
    from trunkline.cli.testing.reports import Outputs, Printed, folder_in_repository
    from trunkline.cli.testing.runs import Wanted

    wanted = Wanted(
        names=tuple(names or ()),
        agents=tuple(agent or ()),
        tags=tuple(tag or ()),
        environment=environment,
        branch=branch,
        repeat=repeat,
        mode=None if mode is None else mode.value,
        compare=compare,
        runner=runner.value,
    )
    folder = folder_in_repository(local) if local is not None else ""
    outputs = Outputs(junit=junit, json=json_file, github=github, folder=folder)
    printed = Printed(output, headers=not no_headers)
    limit = duration(timeout)
    if local is None:
        if public_url is not None or gateway_port:
            raise WrongUsage("--public-url and --gateway-port belong to --local")
        return _on_server(project, wanted, outputs, printed, wait=not no_wait, timeout=limit)
    if runner is RunnerName.PLATFORM or mode is ModeName.PHONE or no_wait or branch or compare:
        raise WrongUsage(
            "--runner platform, --mode phone, --no-wait, --branch and --compare need a server"
        )
    from trunkline.cli.local_tests import Gateway, run_locally

    gateway = Gateway(public_url=public_url, port=gateway_port)
    return run_locally(local, wanted, outputs, printed, gateway=gateway, timeout=limit)


def _on_server(
    project: str | None,
    wanted: "Wanted",
    outputs: "Outputs",
    printed: "Printed",
    *,
    wait: bool,
    timeout: timedelta,
) -> int:
    from trunkline.cli.server import connect
    from trunkline.cli.testing.runs import run_on_server

    with connect() as server:
        return run_on_server(server, project, wanted, outputs, printed, wait=wait, timeout=timeout)


@test.command("list")
def list_tests(
    *,
    agent: Agents = None,
    tag: Tags = None,
    local: Annotated[
        str | None,
        typer.Option("--local", metavar="PATH", help="The tests of this folder of manifests."),
    ] = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List tests and what came of them last.

    Without --local: the tests that the server's recent runs were about. With it: every test of the
    folder, with last outcomes if TRUNKLINE_TOKEN is set.
    """
    from trunkline.cli.server import connect, held_token
    from trunkline.cli.testing import listing

    tests = listing.tests_of_folder(local) if local is not None else None
    if tests is None or held_token():
        with connect() as server:
            outcomes = listing.last_outcomes(server, project)
        tests = outcomes if tests is None else listing.with_last_outcomes(tests, outcomes)
    chosen = listing.chosen_tests(tests, agents=agent or (), tags=tag or ())
    return listing.print_tests(chosen, output, headers=not no_headers)


@test.command("show")
def show_run(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A test run's id, or a file that --json wrote.")
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="TEST", help="One test, with every check.")
    ] = None,
    *,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show the conversations of a test run.

    What was not met stands below the turn in which it was expected, with its place in the
    manifests. Conversations that passed are shown when a test is named.
    """
    from trunkline.cli.server import connect
    from trunkline.cli.testing import showing

    if showing.is_report_file(run):
        return showing.show(None, project, run=run, test=name, style=output)
    with connect() as server:
        return showing.show(server, project, run=run, test=name, style=output)


@test.command("cancel")
def cancel_run(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A test run's id.")],
    *,
    project: Project = None,
) -> int:
    """End a test run.

    What was found out stays; what it made on the platform is put away.
    """
    from trunkline.cli.server import connect
    from trunkline.cli.testing import runs

    with connect() as server:
        return runs.cancel(server, project, run)


@test.command("record")
def record_result(
    agent: AgentName,
    *,
    status: Annotated[StatusName, typer.Option("--status", help="What you make of it.")],
    rating: Annotated[
        int, typer.Option("--rating", metavar="N", min=1, max=5, help="1 is bad, 5 is good.")
    ],
    call_duration: Annotated[
        str, typer.Option("--duration", metavar="DURATION", help="How long the call was: 94s, 3m.")
    ],
    environment: Environment = None,
    notes: Annotated[
        str, typer.Option("--notes", metavar="TEXT", help="What others should know.")
    ] = "",
    transcript: Annotated[
        Path | None, typer.Option("--transcript", metavar="FILE", help="What was said.")
    ] = None,
    good: Annotated[
        list[str] | None,
        typer.Option(
            "--good",
            metavar="ITEM",
            help="Was fine: greeting, understanding, tools, knowledge, tone, ending; repeatable.",
        ),
    ] = None,
    bad: Annotated[
        list[str] | None,
        typer.Option("--bad", metavar="ITEM", help="Was not fine; repeatable."),
    ] = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Write down a call that you made yourself.

    It is kept with the stage and version the agent has now, your name and the time.
    """
    from trunkline.cli import manual_results
    from trunkline.cli.server import connect

    with connect() as server:
        return manual_results.record(
            server,
            project,
            agent,
            environment=environment,
            status=status.value,
            rating=rating,
            duration=duration(call_duration, "--duration"),
            notes=notes,
            transcript=transcript,
            good=good or (),
            bad=bad or (),
            style=output,
        )


@test.command("call")
def call_yourself(
    agent: AgentName,
    *,
    to: To,
    from_: From = None,
    context: Context = None,
    rating: Annotated[
        int | None,
        typer.Option("--rating", metavar="N", min=1, max=5, help="1 is bad; not asked then."),
    ] = None,
    status: Annotated[
        StatusName | None, typer.Option("--status", help="What you make of it; not asked then.")
    ] = None,
    notes: Annotated[
        str | None,
        typer.Option("--notes", metavar="TEXT", help="What others should know; not asked then."),
    ] = None,
    timeout: Timeout = "30m",
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let an agent call your own telephone, and write down what it was like.

    Afterwards you are asked for a rating; it is kept with what was said and the version that
    called. Ends with 0 if it passed, 1 if not or nobody picked up.
    """
    from trunkline.cli.outbound import CallAsked
    from trunkline.cli.server import connect
    from trunkline.cli.testing.calling import Verdict, call_and_rate

    asked = CallAsked(
        agent=agent,
        to=to,
        from_name=from_,
        environment=environment,
        context=context or (),
        rated=True,
    )
    verdict = Verdict(rating, status.value if status else None, notes)
    with connect() as server:
        return call_and_rate(
            server, project, asked, verdict, timeout=duration(timeout), style=output
        )


@test.command("results")
def list_results(
    agent: AgentName,
    *,
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=1, max=1_000, help="How many to print at most."),
    ] = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List what people wrote down about an agent, newest first."""
    from trunkline.cli import manual_results
    from trunkline.cli.server import connect

    with connect() as server:
        return manual_results.list_results(
            server, project, agent, limit=limit, style=output, headers=not no_headers
        )


VERBS = ()
GROUPS = {"test": test}
