"""The database is lost and restored: workflows go on, nothing is made and nothing deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from trunkline.adapters.postgres.backups import write_backup
from trunkline.adapters.postgres.restoring import restore_backup

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PRUNING = "      prune: { enabled: true, delay: 0s, maxCount: 5, maxPercent: 100 }\n"


def _quiet(_table: str, _size: int) -> None:
    """Nobody looks."""


async def writes(stack: Stack) -> list[str]:
    """Routes that were written to since the counters were emptied."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return sorted(route for route in counters if not route.startswith("GET"))


def emptied(database_url: str) -> None:
    """Every table gone, as in a new database."""
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")


async def test_a_fleet_goes_on_and_deletes_nothing_until_a_person_says_so(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    files = {**texts.whole(), "agents/old.yaml": texts.agent("old")}
    files["trunkline.yaml"] += PRUNING
    stack = await make_stack(files, unhurried=True)
    file = tmp_path / "backup.zip"
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        await asyncio.to_thread(emptied, postgres_url)
        await asyncio.to_thread(restore_backup, postgres_url, file, _quiet)
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync(hard=True)).state == "Succeeded"
        planned = await stack.plan()
        stored = await stack.store.plan(planned.plan_id or "")
        assert stored is not None
        assert (stored.plan.steps, stored.plan.obstacles) == ((), ())
        stack.push({"agents/old.yaml": None})
        await stack.sync()
        gone = await stack.settled("old", lambda row: "pruning is paused" in row.message)
        assert "restored from a backup" in gone.message
        assert await writes(stack) == []
        assert len(await stack.elevenlabs.agents()) == 3


async def test_what_was_made_after_the_backup_is_found_again(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    file = tmp_path / "backup.zip"
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        stack.push({"agents/late.yaml": texts.agent("late", whole=True)})
        assert (await stack.sync()).state == "Succeeded"
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Good day")})
        assert (await stack.sync()).state == "Succeeded"
        await asyncio.to_thread(emptied, postgres_url)
        await asyncio.to_thread(restore_backup, postgres_url, file, _quiet)
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync(hard=True)).state == "Succeeded"
        made = await writes(stack)
        assert not [route for route in made if route.startswith(("POST", "DELETE"))], made
        planned = await stack.plan()
        stored = await stack.store.plan(planned.plan_id or "")
        assert stored is not None
        assert stored.plan.steps == ()
        assert len(await stack.elevenlabs.agents()) == 3
