"""``promote``, ``approve``, ``reject``, ``abort``, ``rollback``, ``promotions`` and ``wait``."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, Revision
from trunkline.model.promotions.records import PhaseEntry, PromotionRecord, TestsRun
from trunkline.model.releases import ReleaseRecord

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Released = Callable[..., Awaitable[ReleaseRecord]]
ID = "production.front-desk.1"
pytestmark = pytest.mark.slow
CHANGES = "Asks for the name of the caller first"


async def opened(store: PostgresStore, project: str) -> PromotionRecord:
    """The promotion as soon as it is there."""
    async with asyncio.timeout(60):
        while True:
            record = await store.promotion(project, ID)
            if record is not None:
                return record
            await asyncio.sleep(0.05)


async def becomes(store: PostgresStore, project: str, **values: Any) -> PromotionRecord:
    """What the promotion's activities would write."""
    record = await store.promotion(project, ID)
    assert record is not None
    return await store.put_promotion(record.model_copy(update=values))


@pytest.mark.usefixtures("promotable")
async def test_promoting_prints_the_id_and_what_to_type_next(
    command: Command, store: PostgresStore, project: str
) -> None:
    code, out, err = await command("promote", "front-desk", "-m", CHANGES, who="operator")
    assert (code, out) == (0, f"{ID}\n"), err
    assert err == f"next: trunkline wait {ID}\n"
    code, out, err = await command("deploy", "front-desk", "-m", CHANGES, who="operator")
    assert (code, out) == (1, "")
    assert f"{ID} of front-desk to production is open" in err
    await becomes(store, project, phase="Approval", approvals_needed=1)
    code, out, err = await command("wait", "front-desk", "--promotion", "--timeout", "1s")
    assert code == 4, err
    assert out.startswith("front-desk to production: Approval\n")
    assert "next: trunkline approve front-desk -e production" in err
    code, out, err = await command("promotions", "list", "-o", "name")
    assert (code, out) == (0, f"{ID}\n"), err


@pytest.mark.usefixtures("promotable")
async def test_refusals_end_with_one_and_say_what_to_do(command: Command) -> None:
    code, out, err = await command("promote", "front-desk", "-m", "changes", who="operator")
    assert (code, out) == (1, "")
    code, out, err = await command("promote", "front-desk", "-m", CHANGES, who="viewer")
    assert (code, out) == (1, "")
    assert "promotion.start needs the role operator or admin" in err
    code, _, err = await command("promote", "front-desk", who="operator")
    assert code == 64
    code, _, err = await command("approve", "front-desk", who="approver")
    assert code == 1
    assert "There is no promotion of 'front-desk'" in err
    code, _, err = await command("hold", "front-desk", who="operator")
    assert code == 64
    code, _, err = await command("wait", "front-desk", "--promotion", "--sync")
    assert code == 64
    code, _, err = await command(
        "rollback", "front-desk", "--reason", "wrong prices", who="operator"
    )
    assert code == 1
    assert "was never released to production" in err


@pytest.mark.usefixtures("promotable")
async def test_waiting_follows_to_the_end(
    command: Command, store: PostgresStore, project: str
) -> None:
    waiting = asyncio.ensure_future(
        command("promote", "front-desk", "-m", CHANGES, "--wait", who="operator")
    )
    record = await opened(store, project)
    run = TestsRun(run_id="run-7", outcome="failed", lines=("desk.yaml:9:5: wanted Biscuit",))
    assert record.created_at is not None
    story = (PhaseEntry(phase="Gate", began_at=record.created_at, ended_at=record.created_at),)
    await becomes(
        store,
        project,
        phase="Ended",
        state="Failed",
        reason="TestsFailed",
        message="1 of 3 tests failed",
        gate=run,
        timeline=story,
    )
    code, out, err = await waiting
    assert code == 1, err
    assert out.splitlines()[0].endswith("was not released: TestsFailed: 1 of 3 tests failed")
    assert "desk.yaml:9:5: wanted Biscuit" in out
    assert "next: trunkline test show run-7" in err
    code, out, _ = await command("wait", ID)
    assert code == 1


@pytest.mark.usefixtures("promotable")
async def test_people_decide_by_agent_or_by_id(
    command: Command, store: PostgresStore, project: str
) -> None:
    await command("promote", "front-desk", "-m", CHANGES, who="operator")
    await becomes(
        store,
        project,
        phase="Approval",
        digest=Digest("sha256:" + "5e" * 32),
        suite_digest="sha256:" + "a1" * 32,
        revision=Revision("3f0c" * 10),
    )
    said = ("--comment", "Two calls, fine")
    code, out, err = await command(
        "approve", "front-desk", "-e", "production", *said, who="approver"
    )
    assert (code, out) == (0, f"{ID}: approved\n"), err
    code, out, err = await command("reject", ID, "--reason", "too long", who="approver")
    assert (code, out) == (0, f"{ID}: rejected\n"), err
    code, out, err = await command("abort", ID, "--reason", "enough", "-o", "json", who="operator")
    assert code == 0, err
    document = json.loads(out)
    assert (document["rejectedBy"], document["abortReason"]) == ("approver@example.com", "enough")
    actions = [row.action for row in await store.audit(project=project, limit=4)]
    assert actions == [
        *("promotion.abort", "promotion.reject"),
        *("promotion.approve", "promotion.start"),
    ]
    code, out, err = await command("promotions", "show", "front-desk")
    assert code == 0, err
    for words in ("front-desk to production: Approval", CHANGES, "Phases:", "operator@example.com"):
        assert words in out


@pytest.mark.usefixtures("promotable")
async def test_a_rollback_is_followed_to_its_end(
    command: Command, store: PostgresStore, project: str, released: Released
) -> None:
    await released(1, "sha256:" + "1" * 64)
    await released(2, "sha256:" + "2" * 64)
    code, out, err = await command(
        *("rollback", "front-desk", "--reason", "wrong prices", "--to", "1"), who="operator"
    )
    assert (code, out) == (0, f"{ID}\n"), err
    await becomes(store, project, phase="Ended", state="Done", version=3)
    code, out, err = await command("wait", ID, "--timeout", "5s")
    assert code == 0, err
    assert out.splitlines()[0] == "front-desk runs v1 again in production, as v3"
