"""Runs of tests are kept whole and listed short; what they cost counts against the day."""

from datetime import UTC, datetime, timedelta

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.ids import reference
from trunkline.model.testing.results import CheckResult, RunResult, TestResult, TestRunReport
from trunkline.model.testing.runs import TestPart
from trunkline.model.testing.transcripts import Line

AN_HOUR = timedelta(hours=1)


def report(run_id: str, **more: object) -> TestRunReport:
    return TestRunReport.model_validate(
        {"id": run_id, "project": "acme", "environment": "testing", **more}
    )


def result(name: str, *, outcome: str = "passed", text: str = "Hello") -> TestResult:
    said = Line(at_ms=10, turn=0, kind="agentSaid", text=text)
    check = CheckResult(path="spec", position="a:1:1", check="says", outcome="passed", wanted="x")
    run = RunResult(number=1, outcome="passed", checks=(check,), transcript=(said,))
    return TestResult.model_validate(
        {
            "name": name,
            "agent": "front-desk",
            "environment": "testing",
            "outcome": outcome,
            "runs": [run.model_dump()],
        }
    )


async def test_a_run_comes_back_with_every_word_and_its_results_by_name(
    store: PostgresStore,
) -> None:
    await store.open_run(report("one"))
    for name in ("opens", "books"):
        await store.put_result("one", result(name, text="Nul \0 and \ud800"))
    await store.put_result("one", result("books", outcome="failed"))
    found = await store.run_report("one")
    assert found is not None
    assert [(test.name, test.outcome) for test in found.tests] == [
        ("books", "failed"),
        ("opens", "passed"),
    ]
    assert found.tests[1].runs[0].transcript[0].text == "Nul � and ?"
    assert found.created_at is not None
    assert found.finished_at is None


async def test_a_run_that_is_opened_again_keeps_what_it_has(store: PostgresStore) -> None:
    await store.open_run(report("one", message="first"))
    await store.put_result("one", result("books"))
    await store.open_run(report("one", message="second"))
    found = await store.run_report("one")
    assert found is not None
    assert (found.message, len(found.tests)) == ("first", 1)


async def test_an_ended_run_is_not_described_or_ended_again(store: PostgresStore) -> None:
    await store.open_run(report("one"))
    await store.finish_run(report("one", state="Finished", outcome="passed"))
    await store.finish_run(report("one", state="Cancelled"))
    await store.describe_run(report("one", message="late"))
    found = await store.run_report("one")
    assert found is not None
    assert (found.state, found.outcome, found.message) == ("Finished", "passed", "")
    assert found.finished_at is not None


async def test_a_list_is_newest_first_in_pages_without_transcripts(store: PostgresStore) -> None:
    for number in range(5):
        agents = ["front-desk"] if number % 2 else ["other"]
        await store.open_run(report(f"run-{number}", agents=agents))
        await store.put_result(f"run-{number}", result("books"))
    first = await store.run_reports("acme", limit=2)
    rest = await store.run_reports("acme", after=first[-1].id, limit=10)
    assert [run.id for run in (*first, *rest)] == [f"run-{n}" for n in (4, 3, 2, 1, 0)]
    assert first[0].tests[0].runs[0].transcript == ()
    assert first[0].tests[0].runs[0].number == 1
    only = await store.run_reports("acme", agent="front-desk", limit=10)
    assert [run.id for run in only] == ["run-3", "run-1"]
    assert await store.run_reports("another", limit=10) == ()


async def test_a_running_run_counts_as_estimated_and_an_ended_one_as_it_was(
    store: PostgresStore,
) -> None:
    since = datetime.now(UTC) - AN_HOUR
    await store.open_run(report("running", estimated_usd=2.0))
    await store.open_run(report("ended", estimated_usd=9.0))
    await store.spend("acme", "running", 0.5)
    await store.spend("acme", "ended", 0.25)
    await store.finish_run(report("ended", state="Finished", estimated_usd=9.0))
    assert await store.spent_usd("acme", since) == 2.25
    await store.spend("acme", "running", 4.0)
    assert await store.spent_usd("acme", since) == 4.75
    assert await store.spent_usd("acme", datetime.now(UTC) + AN_HOUR) == 0.0
    assert await store.spent_usd("another", since) == 0.0


async def test_parts_of_a_run_go_when_it_ends(store: PostgresStore) -> None:
    await store.open_run(report("one"))
    for number in (1, 2):
        part = TestPart(kind="conversation", key=f"books/{number}", body={"z": 1, "a": None})
        await store.put_part("one", part)
    await store.put_part("one", TestPart(kind="script", key="books", body={"b": 1}))
    found = await store.parts("one", "conversation", below="books/")
    assert [part.key for part in found] == ["books/1", "books/2"]
    assert await store.part("one", "script", "books") is not None
    assert await store.part("one", "rendering", "books") is None
    await store.finish_run(report("one", state="Finished"))
    assert await store.parts("one", "conversation", below="") == ()


async def test_a_part_of_no_run_is_not_kept(store: PostgresStore) -> None:
    await store.put_part("none", TestPart(kind="script", key="books", body={}))
    assert await store.part("none", "script", "books") is None


async def test_what_a_running_test_speaks_to_is_referred_to_until_it_ends(
    store: PostgresStore,
) -> None:
    await store.open_run(report("one"))
    document = {"name": "prices", "digest": "sha256:" + "ab" * 32}
    desired = {"environment": "testing", "tools": [], "documents": [document]}
    body: JsonObject = {"rendering": {"desired": desired}}  # type: ignore[dict-item]
    await store.put_part("one", TestPart(kind="rendering", key="desk/stubs", body=body))
    wanted = reference("document", "prices@abababababab")
    assert wanted in await store.references("acme", "testing")
    assert wanted not in await store.references("acme", "production")
    await store.finish_run(report("one", state="Finished"))
    assert await store.references("acme", "testing") == frozenset()
