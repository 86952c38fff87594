"""``test run|list|show|cancel`` against a server: what its workers find decides how they end."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.schemas import schemas
from trunkline.model.testing.results import (
    CheckResult,
    Outcome,
    RunResult,
    TestResult,
    TestRunReport,
)
from trunkline.model.testing.transcripts import Line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
POSITION = "agents/front-desk/tests/books.yaml:18:9"
WAIT_S = 60.0


class Worker:
    """Writes what workers would write about the next run somebody asks for."""

    def __init__(self, store: PostgresStore, project: str) -> None:
        self._store = store
        self._project = project

    async def asked(self) -> TestRunReport:
        """The newest run, as soon as there is one that goes on."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for report in await self._store.run_reports(self._project, limit=1):
                    if report.state == "Running":
                        return report
                await asyncio.sleep(0.05)

    async def finish(self, *outcomes: Outcome, state: str = "Finished") -> TestRunReport:
        """End it with one test for each outcome; without any it was blocked."""
        report = await self.asked()
        for number, outcome in enumerate(outcomes):
            await self._store.put_result(report.id, a_result(f"test-{number}", outcome))
        worst: Outcome = "passed"
        if "failed" in outcomes:
            worst = "failed"
        elif "inconclusive" in outcomes or not outcomes:
            worst = "inconclusive"
        ended = TestRunReport.model_validate(
            {
                **report.model_dump(by_alias=False),
                "state": state,
                "outcome": worst,
                "expected": len(outcomes),
                "message": "" if outcomes else "the budget of the day is used up",
                "reason": "" if outcomes else "BudgetExhausted",
            }
        )
        await self._store.finish_run(ended)
        return ended


def a_result(name: str, outcome: Outcome) -> TestResult:
    check = CheckResult(
        path="spec.turns[0].expect[0]",
        position=POSITION,
        check="says",
        outcome=outcome,
        wanted='contains "APT-12345"',
        found="" if outcome == "passed" else '"I do not know"',
        reason="" if outcome == "passed" else "NotSaid",
        turn=0,
    )
    said = Line(at_ms=420, turn=0, kind="agentSaid", text="I do not know")
    run = RunResult(number=1, outcome=outcome, checks=(check,), transcript=(said,))
    return TestResult(
        name=name,
        agent="front-desk",
        environment="testing",
        tags=("smoke",),
        position="agents/front-desk/tests/books.yaml:4:9",
        outcome=outcome,
        runs=(run,),
    )


@pytest.fixture
def worker(store: PostgresStore, project: str) -> Worker:
    return Worker(store, project)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (("passed", "passed"), 0),
        (("passed", "failed", "inconclusive"), 1),
        (("passed", "inconclusive"), 3),
    ],
)
async def test_the_worst_required_test_decides_the_exit_code(
    command: Command, worker: Worker, outcomes: tuple[Outcome, ...], code: int, tmp_path: Path
) -> None:
    junit = tmp_path / "report.xml"
    running = asyncio.create_task(
        command("test", "run", "--junit", str(junit), "--github", who="operator")
    )
    report = await worker.finish(*outcomes)
    ended, out, err = await running
    assert ended == code, err
    rows = [line.split()[:4] for line in out.splitlines() if line.startswith("test-")]
    assert rows == [[f"test-{n}", "front-desk", "required", o] for n, o in enumerate(outcomes)]
    assert f"{report.id}: " in err.splitlines()[-1]
    xmlschema.XMLSchema11(Path(__file__).parents[1] / "outputs" / "junit.xsd").validate(str(junit))
    commands = [line for line in out.splitlines() if line.startswith("::")]
    assert len(commands) == sum(outcome != "passed" for outcome in outcomes)
    assert all("books.yaml,line=18,col=9" in each for each in commands)


async def test_what_may_not_be_tested_now_is_4(command: Command, worker: Worker) -> None:
    running = asyncio.create_task(command("test", "run", who="operator"))
    await worker.finish(state="Blocked")
    code, out, err = await running
    assert (code, out) == (4, ""), err
    assert "the budget of the day is used up" in err


async def test_waiting_ends_with_5_and_the_run_goes_on(
    command: Command, worker: Worker, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    code, _, err = await command(
        *("test", "run", "--timeout", "1s", "--json", str(report)), who="operator"
    )
    assert code == 5
    asked = await worker.asked()
    assert f"trunkline test show {asked.id}" in err
    assert json.loads(report.read_text("utf-8"))["state"] == "Running"
    code, out, err = await command("test", "cancel", asked.id, who="operator")
    assert (code, out) == (0, f"{asked.id} will end\n"), err


async def test_an_order_says_what_was_asked_for(
    command: Command, worker: Worker, store: PostgresStore
) -> None:
    code, out, err = await command(
        *("test", "run", "books", "--agent", "front-desk", "--tag", "smoke", "-e", "testing"),
        *("--branch", "better", "--repeat", "5", "--mode", "audio", "--runner", "platform"),
        *("--compare", "production", "--no-wait"),
        who="operator",
    )
    assert code == 0, err
    asked = await worker.asked()
    assert out.strip() == asked.id
    [row] = [row for row in await store.audit(limit=10) if row.action == "test.run"]
    wanted = {
        "tests": ["books"],
        "agents": ["front-desk"],
        "tags": ["smoke"],
        "environment": "testing",
        "branch": "better",
        "repeat": 5,
        "mode": "audio",
        "runner": "platform",
        "compare": "production",
    }
    assert {key: row.details[key] for key in wanted} == wanted


async def test_a_viewer_reads_and_runs_nothing(command: Command, worker: Worker) -> None:
    code, _, err = await command("test", "run")
    assert code == 1
    assert "test.run needs the role" in err
    running = asyncio.create_task(command("test", "run", who="operator"))
    report = await worker.finish("failed", "passed")
    await running
    code, out, err = await command("test", "show", report.id)
    assert code == 0, err
    assert (
        f'FAILED expected: contains "APT-12345"; found "I do not know" (NotSaid)  {POSITION}' in out
    )
    assert "front-desk/test-1: passed" in out
    code, out, _ = await command("test", "show", report.id, "test-1", "-o", "json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schemas()["test-result"]).validate(document)
    assert [test["name"] for test in document["tests"]] == ["test-1"]
    code, _, err = await command("test", "show", report.id, "test-9")
    assert code == 1
    assert "test-9" in err
    code, out, _ = await command("test", "list", "-o", "json")
    listed = json.loads(out)
    jsonschema.Draft202012Validator(schemas()["TestList"]).validate(listed)
    assert [(item["name"], item["lastOutcome"]) for item in listed["items"]] == [
        ("test-0", "failed"),
        ("test-1", "passed"),
    ]
    assert {item["lastRun"] for item in listed["items"]} == {report.id}
