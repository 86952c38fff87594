"""Who checks the checker: what must never be is made by hand, and each time it is said."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.workflows.live_histories import LivePlatform
from tests.workflows.promotion_crowds import AGENTS, BEN, PATIENCE_S, Crowd, crowd
from tests.workflows.promotion_invariants import ENVIRONMENT, PROJECT, Invariants
from tests.workflows.released_histories import TRUNKLINE, HistoryReader, file_of
from trunkline.adapters.git.seed import Author
from trunkline.model.ids import release_tag

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

AGENT = AGENTS[0]


async def _said(here: Crowd, folder: Path) -> str:
    """What somebody says who has seen nothing of it yet."""
    reader = HistoryReader(here.stack.repository, folder)
    platform = LivePlatform(here.stack.elevenlabs.http)
    return "\n".join(await Invariants(reader, platform, here.stack.store).problems())


def _tag(here: Crowd, *words: str) -> None:
    people = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com")
    git = ("git", "-C", str(here.stack.repository), "-c", "safe.directory=*", *people, "tag")
    subprocess.run((*git, *words), check=True, capture_output=True)


async def test_versions_bodies_commits_and_approvals_that_must_not_be(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    async with crowd(make_stack, texts, postgres_url, tmp_path, agents=(AGENT,)) as here:
        await here.stack.sync(timeout_s=PATIENCE_S)
        record = await here.promote(AGENT, "Greets callers by name")
        await here.until(record, lambda now: now.phase == "Approval" or not now.is_open)
        await here.approve(record, BEN)
        over = await here.until(record, lambda now: not now.is_open)
        assert (over.state, over.version) == ("Done", 1), over.message
        await here.settled(AGENT)
        here.worker.stop()
        assert await _said(here, tmp_path / "well") == ""

        tag = release_tag(ENVIRONMENT, AGENT, 3)
        _tag(here, "-a", "-m", "three", tag, str(over.revision))
        said = await _said(here, tmp_path / "gap")
        assert f"{AGENT} has the versions [1, 3]" in said
        assert f"{AGENT} v3 has a tag and no commit of ours" in said
        _tag(here, "-d", tag)

        entry = await here.stack.store.entry(PROJECT, ENVIRONMENT, "agent", AGENT)
        assert entry is not None
        untested = {"conversation_config": {"agent": {"first_message": "Nobody tested this."}}}
        path = f"/v1/convai/agents/{entry.external_id}"
        await here.stack.elevenlabs.http.patch(path, json=untested)
        said = await _said(here, tmp_path / "untested")
        assert f"{AGENT}: callers met what was never released" in said
        assert "Nobody tested this." in (await here.invariants.unsettled(AGENT))[0]

        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
            await database.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_appended_to")
            await database.execute("DELETE FROM audit WHERE action = 'promotion.approve'")
        said = await _said(here, tmp_path / "unapproved")
        assert "0 of 1 approvals" in said
        assert "approvals nobody gave: ['ben']" in said

        forged = (await here.release_text(AGENT)).replace("version: 1\n", "version: 2\n", 1)
        await here.push({file_of(AGENT): forged}, Author("Trunkline", TRUNKLINE))
        said = await _said(here, tmp_path / "forged")
        assert "its signature is not over what it says" in said
        assert "has the trailers ()" in said
        here.worker.start()
