"""Options that several verbs share, so that they are spelt and explained the same everywhere."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format, PlanFormat


def offered_agents(incomplete: str) -> list[str]:
    """Agents to complete an argument with."""
    from trunkline.cli.completion import agent_names  # noqa: PLC0415 - only the tab key needs it

    return agent_names(incomplete)


def offered_names(incomplete: str) -> list[str]:
    """Agents and numbers to complete an argument with."""
    from trunkline.cli.completion import subject_names  # noqa: PLC0415 - likewise

    return subject_names(incomplete)


def offered_numbers(incomplete: str) -> list[str]:
    """Numbers to complete an argument with."""
    from trunkline.cli.completion import number_names  # noqa: PLC0415 - likewise

    return number_names(incomplete)


def offered_promotions(incomplete: str) -> list[str]:
    """Agents and open promotions to complete an argument with."""
    from trunkline.cli.completion import promotion_names  # noqa: PLC0415 - likewise

    return promotion_names(incomplete)


def offered_projects(incomplete: str) -> list[str]:
    """Projects to complete an argument with."""
    from trunkline.cli.completion import project_names  # noqa: PLC0415 - likewise

    return project_names(incomplete)


def offered_environments(incomplete: str) -> list[str]:
    """Environments to complete an option with."""
    from trunkline.cli.completion import environment_names  # noqa: PLC0415 - likewise

    return environment_names(incomplete)


Environment = Annotated[
    str | None,
    typer.Option(
        "--environment",
        "-e",
        metavar="NAME",
        help="The environment, such as testing.",
        autocompletion=offered_environments,
    ),
]
AgentName = Annotated[
    str, typer.Argument(metavar="AGENT", help="The agent.", autocompletion=offered_agents)
]
AnyAgent = Annotated[
    str | None,
    typer.Argument(
        metavar="AGENT", help="One agent; none means all.", autocompletion=offered_agents
    ),
]
AnyName = Annotated[
    str, typer.Argument(metavar="NAME", help="An agent or a number.", autocompletion=offered_names)
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        envvar="TRUNKLINE_PROJECT",
        metavar="NAME",
        help="The project; needed if there are several.",
        autocompletion=offered_projects,
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]
DocumentOutput = Annotated[
    DocumentFormat, typer.Option("--output", "-o", help="How to print the result.")
]
PlanOutput = Annotated[PlanFormat, typer.Option("--output", "-o", help="How to print the result.")]
NoHeaders = Annotated[
    bool, typer.Option("--no-headers", help="Print the rows without the line of column names.")
]
Selector = Annotated[
    list[str] | None,
    typer.Option(
        "--selector",
        "-l",
        metavar="LABELS",
        help="Only with these labels: key=value, key!=value, key, !key, joined by commas.",
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on and print what changes, until interrupted.")
]
HardRefresh = Annotated[
    bool, typer.Option("--hard-refresh", help="Look at everything again, changed or not.")
]


class ViaName(StrEnum):
    """The value of ``--via``."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"


Via = Annotated[ViaName, typer.Option("--via", help="How it reaches the branch.")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many to print at most.")
]
NeededReason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; everybody sees it.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit log.")]
OverrideWindow = Annotated[
    str,
    typer.Option(
        "--override-window",
        metavar="REASON",
        help="Write although the environment's windows are closed; audited, for an hour.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is meant.")]
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
To = Annotated[
    str, typer.Option("--to", metavar="NUMBER", help="Whom to call, such as +15005550009.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Which phone number to call from; by default the agent's first.",
        autocompletion=offered_numbers,
    ),
]
Context = Annotated[
    list[str] | None,
    typer.Option(
        "--context", metavar="SLOT=VALUE", help="What the agent knows from the start; repeatable."
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


def group(words: str) -> typer.Typer:
    """A verb with verbs of its own, such as ``tokens list``; ``words`` explain it in the help."""
    return typer.Typer(
        help=words,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def duration(text: str, option: str = "--timeout") -> timedelta:
    """The value of ``--timeout``, or of another option. Raises WrongUsage."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - few verbs take a duration

    from trunkline.model.durations import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        raise WrongUsage(f"{option}: {error.message()}") from error


def selector_texts(texts: list[str]) -> list[str]:
    """The values of ``--selector``, checked before anybody is asked. Raises WrongUsage."""
    from trunkline.model.errors import InvalidInput  # noqa: PLC0415 - few verbs take a selector
    from trunkline.model.selectors import parse_selector  # noqa: PLC0415

    try:
        parse_selector(*texts)
    except InvalidInput as error:
        raise WrongUsage(f"--selector: {error.message}", hint=error.hint) from error
    return texts
