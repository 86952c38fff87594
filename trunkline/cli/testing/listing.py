"""Which conversation tests there are, and what came of them last."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, project_path
from trunkline.cli.testing.reports import read_report
from trunkline.manifests import DirectoryTree, load
from trunkline.model.base import Frozen, JsonObject
from trunkline.model.kinds.conversation import Mode
from trunkline.model.testing.results import Outcome, TestResult, TestRunReport

RUNS_LOOKED_AT = 50
"""Runs of the past that last outcomes are read from."""

TESTS = Listing(
    kind="TestList",
    columns=(
        Column("NAME", member("name")),
        Column("AGENT", member("agent")),
        Column("GATE", member("gate")),
        Column("MODE", member("mode")),
        Column("TURNS", member("turns")),
        Column("RUNS", member("runs"), wide=True),
        Column("TAGS", member("tags")),
        Column("LAST", member("lastOutcome")),
        Column("AGE", since("lastAt")),
        Column("RUN", member("lastRun"), wide=True),
        Column("WHY", member("why"), wide=True),
    ),
    name=member("name"),
    empty="No such test here. `trunkline test run` runs them; --local PATH lists a folder's.",
)


class ListedTest(Frozen):
    """One test: what ``test list -o json`` lists. ``turns`` is null where only results are known,
    ``lastOutcome`` where there are none.
    """

    name: str
    agent: str
    gate: Literal["required", "advisory"]
    mode: Mode
    tags: tuple[str, ...] = ()
    turns: int | None = None
    runs: int = 1
    why: str = ""
    last_outcome: Outcome | None = None
    last_at: datetime | None = None
    last_run: str = ""


def tests_of_folder(path: str) -> list[ListedTest]:
    """Every test of a folder of manifests. Raises InvalidManifests."""
    found = []
    for loaded in load(DirectoryTree(Path(path))).tests.values():
        test = loaded.manifest
        found.append(
            ListedTest(
                name=test.metadata.name,
                agent=test.spec.agent,
                gate="required" if test.spec.required else "advisory",
                mode=test.spec.mode,
                tags=test.metadata.tags,
                turns=len(test.spec.turns),
                runs=test.spec.repeat.runs,
                why=test.metadata.why or "",
            )
        )
    return found


def with_last_outcomes(
    tests: Sequence[ListedTest], outcomes: Sequence[ListedTest]
) -> list[ListedTest]:
    """The same tests with what a server says came of them last."""
    last = {(test.agent, test.name): test for test in outcomes}
    found = []
    for test in tests:
        known = last.get((test.agent, test.name))
        keys = ("last_outcome", "last_at", "last_run")
        update = {key: getattr(known, key) for key in keys} if known else {}
        found.append(test.model_copy(update=update))
    return found


def chosen_tests(
    tests: Sequence[ListedTest], *, agents: Sequence[str], tags: Sequence[str]
) -> list[ListedTest]:
    """Those of any of the agents and with any of the tags asked for, by agent and name."""
    kept = [
        test
        for test in tests
        if (not agents or test.agent in agents) and (not tags or set(tags) & set(test.tags))
    ]
    return sorted(kept, key=lambda test: (test.agent, test.name))


def print_tests(tests: Sequence[ListedTest], style: Format, *, headers: bool) -> ExitCode:
    """The list of tests."""
    rows: list[JsonObject] = [test.model_dump(mode="json") for test in tests]
    print_listing(TESTS, rows, style, headers=headers)
    return ExitCode.DONE


def last_outcomes(server: Server, project: str | None) -> list[ListedTest]:
    """Every test that recent runs of the server were about, with its last outcome."""
    found: dict[tuple[str, str], ListedTest] = {}
    for report in _recent(server, project_path(server, project)):
        for test in report.tests:
            found.setdefault((test.agent, test.name), _last(report, test))
    return list(found.values())


def _recent(server: Server, path: str) -> Iterator[TestRunReport]:
    left = RUNS_LOOKED_AT
    for page in server.pages(f"{path}/test-runs", {"limit": RUNS_LOOKED_AT}):
        for row in page[:left]:
            yield read_report(row)
        left -= len(page)
        if left <= 0:
            return


def _last(report: TestRunReport, test: TestResult) -> ListedTest:
    return ListedTest(
        name=test.name,
        agent=test.agent,
        gate="required" if test.required else "advisory",
        mode=test.mode,
        tags=test.tags,
        runs=test.runs_planned,
        why=test.why,
        last_outcome=test.outcome,
        last_at=report.finished_at or report.created_at,
        last_run=report.id,
    )
