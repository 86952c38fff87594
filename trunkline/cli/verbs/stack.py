"""Verbs that run parts of an installation in this process, and the version."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trunkline import __version__
from trunkline.cli.loading import loading
from trunkline.cli.printing import DocumentFormat, print_document, print_text
from trunkline.cli.verbs.options import DocumentOutput

Port = Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0 picks a free port.")]


def dev(
    *,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65_535,
            metavar="N",
            help="The API's port; 0 picks free ports for everything.",
        ),
    ] = 8080,
    temporal_port: Port = 7233,
    temporal_ui_port: Port = 8233,
    elevenlabs_port: Port = 8811,
    twilio_port: Port = 8812,
    manifests: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A folder to make the manifests repository from.",
            show_default="the sample",
        ),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            envvar="TRUNKLINE_HOME",
            help="Where the state is kept.",
            show_default="a folder of this user",
        ),
    ] = None,
) -> int:
    """Run everything on this machine until interrupted.

    That is a Temporal server, PostgreSQL, the simulators, a worker and the API.
    """
    from trunkline.local.dev import run_dev
    from trunkline.local.ports import StackPorts

    ports = StackPorts(
        api=port,
        temporal=temporal_port,
        temporal_ui=temporal_ui_port,
        elevenlabs=elevenlabs_port,
        twilio=twilio_port,
    )
    return run_dev(ports, manifests=manifests, home=home)


def worker(
    *,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queues", metavar="QUEUE", help="Only these task queues; repeatable."),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            metavar="N",
            envvar="TRUNKLINE_METRICS_PORT",
            help="Serve metrics on this port; 0 picks a free one.",
            show_default="not served",
        ),
    ] = None,
) -> int:
    """Run a worker until interrupted.

    DATABASE_URL and TEMPORAL_ADDRESS say where it works.
    """
    with loading():
        from trunkline.settings import load_settings
        from trunkline.working import run_worker

    named = [name for listed in queues or [] for name in listed.split(",") if name]
    settings = load_settings().model_copy(update={"metrics_port": metrics_port})
    run_worker(settings, queues=named)


def serve(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Port = 8080,
) -> int:
    """Serve the API until interrupted.

    DATABASE_URL and TEMPORAL_ADDRESS say what it stands on.
    """
    with loading():
        from trunkline.serving import run_server
        from trunkline.settings import load_settings

    run_server(load_settings(), host=host, port=port)


def simulate(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    elevenlabs_port: Port = 8811,
    twilio_port: Port = 8812,
    latency_ms: Annotated[
        float, typer.Option(min=0, metavar="N", help="Delay of every answer.")
    ] = 0.0,
    requests_per_second: Annotated[
        float | None, typer.Option(min=0.1, metavar="N", help="Above it a simulator answers 429.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the state in a folder.", show_default="in memory"),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(metavar="E164", help="A number of the Twilio account; repeatable."),
    ] = None,
) -> int:
    """Serve the simulators of ElevenLabs and Twilio alone.

    Their addresses and credentials are printed; it ends when it is interrupted.
    """
    from trunkline.cli.simulating import simulate as serve_simulators

    return serve_simulators(
        host=host,
        elevenlabs_port=elevenlabs_port,
        twilio_port=twilio_port,
        latency_ms=latency_ms,
        requests_per_second=requests_per_second,
        state=state,
        numbers=tuple(number or ()),
    )


def migrate() -> int:
    """Bring the tables of DATABASE_URL up to date."""
    import asyncio

    from trunkline.adapters.postgres.migrating import migrate as bring_up_to_date
    from trunkline.settings import load_settings

    asyncio.run(bring_up_to_date(load_settings().database()))
    print_text("The tables are up to date.")
    return 0


class Shell(StrEnum):
    """Shells that can be taught our verbs."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> int:
    """Print the script that completes commands in a shell.

    It offers verbs, options and names of agents. For bash: source <(trunkline completion bash). For
    zsh: trunkline completion zsh > "${fpath[1]}/_trunkline". For fish: trunkline completion fish |
    source.
    """
    from trunkline.cli.completion import print_script

    print_script(shell.value)
    return 0


def version(output: DocumentOutput = DocumentFormat.TEXT) -> int:
    """Print the version."""
    if output is DocumentFormat.TEXT:
        print_text(f"trunkline {__version__}")
    else:
        print_document({"version": __version__}, output)
    return 0


VERBS = (dev, worker, serve, simulate, migrate, completion, version)
