"""Retests and experiments over HTTP and on the command line: who may, what is told and refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.behaviour import behaviour_mark
from trunkline.model.ids import Digest, Revision, retest_id
from trunkline.model.kinds.project import Promotion
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.releases import ReleaseStanding
from trunkline.model.testing.baselines import Baseline, Retest, TestChange, TestCounts
from trunkline.model.testing.experiments import RUN_DETAIL
from trunkline.model.testing.figures import difference_interval
from trunkline.model.testing.results import Outcome, RunResult, TestResult, TestRunReport

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]

AGENT = "front-desk"
FIRST = Digest("sha256:" + "5e" * 32)
SECOND = Digest("sha256:" + "6f" * 32)
RETEST = {"every": "24h", "tags": ["smoke"], "runs": 5}
THEN = TestCounts(name="books", passed=20, runs=20, reply_p95_ms=400)
NOW = TestCounts(name="books", passed=0, runs=5, reply_p95_ms=800)
LAST = Retest(
    run_ids=("one", "two"),
    outcome="worse",
    message="books passes 0 of 5 runs, 20 of 20 before",
    lines=('books.yaml:7:9: expected calls "book_slot"',),
    tests=(
        TestChange(
            name="books",
            change="worse",
            then=THEN,
            now=NOW,
            difference=-1.0,
            interval=difference_interval(0, 5, 20, 20),
        ),
    ),
)


async def release(
    store: PostgresStore, project: str, *, experiment: bool = False, retest: bool = True
) -> None:
    """What a look at Git leaves of a release, and the rules in force."""
    said = {"from": "testing", **({"retest": RETEST} if retest else {})}
    rules = PromotionRules(promotion=Promotion.model_validate(said))
    await store.put_rules(project, "production", rules)
    share = {"version": 6, "revision": "4f" * 20, "digest": SECOND, "percent": 20}
    spec = ReleaseSpec.model_validate(
        {
            "environment": "production",
            "version": 7,
            "revision": "3f" * 20,
            "digest": FIRST,
            "changes": "Shorter greeting",
            "promotedBy": "author",
            "experiment": share if experiment else None,
        }
    )
    standing = ReleaseStanding(
        project=project,
        environment="production",
        agent=AGENT,
        seen=spec,
        applied=spec,
        applied_version=7,
    )
    await store.store_released(project, [standing], [], {}, revision=Revision("a" * 40))


async def mark(store: PostgresStore, project: str) -> None:
    """What a retest leaves that found it worse."""
    baseline = Baseline(
        project=project,
        environment="production",
        agent=AGENT,
        digest=FIRST,
        version=7,
        tests=(THEN,),
        retests=4,
        last=LAST,
    )
    await store.put_baseline(baseline)
    said = behaviour_mark(baseline, LAST, closure=FIRST, version=7, at=datetime.now(UTC))
    await store.put_intervention(said)


async def ran(store: PostgresStore, project: str, side: str, letters: str) -> None:
    """A run of tests of one side of an experiment."""
    words: dict[str, Outcome] = {"p": "passed", "f": "failed"}
    pair = {"first": FIRST, "second": SECOND, "pair": "a", "side": side}
    report = TestRunReport(
        id=f"experiment-a-{side}",
        project=project,
        environment="production",
        agents=(AGENT,),
        details={RUN_DETAIL: pair},
    )
    await store.open_run(report)
    runs = tuple(RunResult(number=n, outcome=words[each]) for n, each in enumerate(letters, 1))
    result = TestResult(
        name="books",
        agent=AGENT,
        environment="production",
        outcome="passed",
        digest="same",
        runs=runs,
    )
    await store.put_result(report.id, result)
    await store.finish_run(report.model_copy(update={"state": "Finished"}))


async def test_what_is_not_released_has_no_behaviour_and_no_experiment(
    viewer: httpx.AsyncClient,
) -> None:
    for path in ("behaviour", "experiment"):
        answer = await viewer.get(f"agents/{AGENT}/{path}", params={"environment": "production"})
        assert answer.status_code == 409, answer.text
        assert "not released to production" in answer.json()["detail"]
        answer = await viewer.get(f"agents/{AGENT}/{path}", params={"environment": "testing"})
        assert answer.status_code == 409
        assert "follows the branch" in answer.json()["detail"]


async def test_a_marked_agent_is_told_with_its_figures(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, command: Command
) -> None:
    await release(store, project)
    await mark(store, project)
    answer = await viewer.get(f"agents/{AGENT}/behaviour")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["drifted"]["lines"] == [*LAST.lines]
    assert found["policy"] == RETEST
    assert (found["baseline"]["retests"], found["last"]["outcome"]) == (4, "worse")
    code, out, _ = await command("drift", AGENT, "--behaviour", "--exit-code", who="viewer")
    assert code == 2
    assert "20/20" in out
    assert "-100%" in out
    assert "books.yaml:7:9" in out
    code, out, _ = await command("drift", AGENT, "--behaviour", "-o", "json", who="viewer")
    assert (code, json.loads(out)["version"]) == (0, 7)


async def test_a_retest_is_started_by_operators_and_written_down(
    admin: httpx.AsyncClient,
    viewer: httpx.AsyncClient,
    store: PostgresStore,
    project: str,
    temporal: Client,
) -> None:
    await release(store, project)
    assert (await viewer.post(f"agents/{AGENT}/retest", json={})).status_code == 403
    answer = await admin.post(f"agents/{AGENT}/retest", json={})
    assert answer.status_code == 202, answer.text

    async def running() -> bool:
        """Temporal has two seconds to say so; whoever looks again is told."""
        found = await viewer.get(f"agents/{AGENT}/behaviour")
        return found.json()["running"] is True

    assert answer.json()["running"] or await eventually(running, what="the retest goes on")
    handle = temporal.get_workflow_handle(f"{retest_id(project, 'production')}/{AGENT}")
    assert (await handle.describe()).workflow_type == "RetestWorkflow"
    await handle.terminate("the test is over")
    row, refused = await store.audit(project=project, limit=5)
    assert refused.action == "denied"
    assert (row.action, row.subject) == ("test.run", AGENT)
    assert row.details == {"environment": "production", "retest": True}


class TestWithoutTemporal:
    @pytest.fixture
    def installation(self, installation_without_temporal: Any) -> Any:
        return installation_without_temporal

    async def test_whether_a_retest_goes_on_is_not_known(
        self, viewer: httpx.AsyncClient, store: PostgresStore, project: str
    ) -> None:
        await release(store, project)
        answer = await viewer.get(f"agents/{AGENT}/behaviour")
        assert (answer.status_code, answer.json()["running"]) == (200, None)


async def test_whoever_waits_for_a_retest_goes_on_while_nobody_knows(command: Command) -> None:
    told = [{"running": False}, {}, {"running": None}, {"running": True}, {"running": None}]
    end = {"running": False, "last": {"outcome": "worse", "message": "it forgets the name"}}
    answers = iter([*told, end])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        await reader.readexactly(int(length[1]) if length else 0)
        body = json.dumps(next(answers)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, out, err = await command(
            *("drift", AGENT, "--behaviour", "--retest"), url=f"http://127.0.0.1:{port}"
        )
    assert code == 1, err
    assert "worse: it forgets the name" in out
    assert next(answers, None) is None


async def test_a_retest_needs_rules_that_say_how(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    await release(store, project, retest=False)
    answer = await admin.post(f"agents/{AGENT}/retest", json={})
    assert answer.status_code == 409
    assert "does not say what is tested again" in answer.json()["detail"]


async def test_an_experiment_is_shown_with_what_tests_say_of_both(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str, command: Command
) -> None:
    await release(store, project, experiment=True)
    before = (await viewer.get(f"agents/{AGENT}/experiment")).json()
    assert (before["experiment"]["percent"], before["results"]) == (20, None)
    await ran(store, project, "first", "fffff")
    assert (await viewer.get(f"agents/{AGENT}/experiment")).json()["results"] is None
    await ran(store, project, "second", "ppppp")
    found = (await viewer.get(f"agents/{AGENT}/experiment")).json()
    assert found["results"]["word"] == "better"
    code, out, _ = await command("experiment", "show", AGENT, who="viewer")
    assert code == 0
    assert "v6 answers 20 % of the calls" in out
    assert "v6 is better, by tests" in out
    assert "+100%" in out


@pytest.mark.parametrize("wrong", [{"percent": 0}, {"percent": 100}, {"against": 0}, {"odd": 1}])
async def test_shares_and_versions_are_bounded(
    admin: httpx.AsyncClient, wrong: dict[str, int]
) -> None:
    order = {"against": 6, "percent": 20, **wrong}
    assert (await admin.post(f"agents/{AGENT}/experiment", json=order)).status_code == 422


async def test_beginning_and_ending_are_for_operators_and_need_what_was_released(
    admin: httpx.AsyncClient, viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    await release(store, project)
    order = {"against": 6, "percent": 20}
    assert (await viewer.post(f"agents/{AGENT}/experiment", json=order)).status_code == 403
    assert (await viewer.delete(f"agents/{AGENT}/experiment")).status_code == 403
    answer = await admin.post(f"agents/{AGENT}/experiment", json=order)
    assert answer.status_code == 404, answer.text
    assert "no v6 of front-desk in production" in answer.json()["detail"]
    answer = await admin.post(f"agents/{AGENT}/experiment/test-runs", json={})
    assert answer.status_code == 409
    assert "has no experiment" in answer.json()["detail"]
