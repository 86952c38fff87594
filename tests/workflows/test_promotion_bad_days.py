"""Bad days of promotions: weaker rules in one's own commit, lost databases, evidence of before."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.workflows.conversation_worlds import AGENT, conversation_test
from tests.workflows.lost_stores import start_anew
from tests.workflows.promotion_worlds import (
    GREETS,
    PRODUCTION,
    Promotions,
    project_manifest,
    promoting,
)
from tests.workflows.released_worlds import Releasing, greeting, look, manifest, runs, stalled
from trunkline.model.ids import release_path

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
FILE = release_path(PRODUCTION, AGENT)
HOURS = "knowledge/opening-hours.yaml"
SUITE = {
    "greets": conversation_test("greets", GREETS),
    "smoke": conversation_test("smoke", GREETS, tags=("smoke",)),
}


def _git(stack: Stack, *words: str) -> str:
    git = ("git", "-C", str(stack.repository), "-c", "safe.directory=*")
    return subprocess.run((*git, *words), capture_output=True, text=True, check=True).stdout


def _hold(here: Promotions, hold: dict[str, str] | None) -> None:
    """Put a hold into the release by a plain commit, or lift it."""
    document: dict[str, Any] = yaml.safe_load(_git(here.stack, "show", f"main:{FILE}"))
    document["spec"].pop("hold", None)
    if hold is not None:
        document["spec"]["hold"] = hold
    here.push({FILE: yaml.safe_dump(document, sort_keys=False)})


async def test_rules_weakened_in_the_candidates_own_commit_do_not_count_for_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    asked = {"approvals": {"count": 1}}
    async with promoting(make_stack, texts, asked, unhurried=True) as here, here.stack.working():
        await here.stack.sync()
        weaker = project_manifest(here.stack.keys.public_key, {"approvals": {"count": 0}})
        here.push({"trunkline.yaml": weaker}, greeting="Acme clinic, let me in!")
        await here.stack.sync()
        started = await here.start("Lets itself in")
        waiting = await here.phase(started, "Approval")
        assert (waiting.phase, waiting.approvals_needed) == ("Approval", 1), waiting.message
        await here.stack.sync()
        assert (await here.read(started)).phase == "Approval"
        assert await here.tags() == {}
        await here.approve(started)
        done = await here.ended(started)
        assert (done.state, [given.person for given in done.approvals]) == ("Done", ["ben"])


async def test_a_database_lost_after_the_release_makes_no_second_one(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    rules = {"approvals": {"count": 1}, "verify": {"tags": ["smoke"]}}
    async with (
        promoting(make_stack, texts, rules, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        started = await here.start()
        await here.phase(started, "Approval")
        async with here.world.no_place():
            await here.approve(started)
            verifying = await here.until(started, lambda now: now.phase == "Verifying")
            agents = {agent["agent_id"] for agent in await here.stack.elevenlabs.agents()}
            await start_anew(here.stack, postgres_url)
        await here.stack.sync(hard=True)
        handle = here.stack.client.get_workflow_handle(
            f"promotion/acme/{PRODUCTION}/{AGENT}/{started.number}"
        )
        await handle.signal("wake", {"reason": "look"})

        async def back() -> bool:
            return await here.stack.store.promotion("acme", started.id) is not None

        await here.stack.until(back)
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
        assert done.release_commit == verifying.release_commit
        assert await here.tags() == {1: done.revision}
        assert {agent["agent_id"] for agent in await here.stack.elevenlabs.agents()} == agents


async def test_a_hold_survives_a_lost_database(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    async with (
        promoting(make_stack, texts, {"automatic": True}, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()

        async def released() -> bool:
            return await here.greeting() == "Acme clinic, hello!"

        await here.stack.until(released)
        await asyncio.to_thread(_hold, here, {"reason": "the fair is on", "by": "op@example.com"})
        await here.stack.sync()
        await start_anew(here.stack, postgres_url)
        here.push(greeting="Acme clinic, welcome!")
        await here.stack.sync(hard=True)
        await here.stack.sync()
        standing = await here.stack.store.standing_of("acme", PRODUCTION, AGENT)
        assert standing is not None
        assert (standing.held, standing.applied_version) == (True, 1)
        assert await here.stack.store.promotions("acme", limit=10) == ()
        assert sorted(await here.tags()) == [1]
        await asyncio.to_thread(_hold, here, None)
        await here.stack.sync()

        async def newer() -> bool:
            return await here.greeting() == "Acme clinic, welcome!"

        await here.stack.until(newer)
        assert sorted(await here.tags()) == [1, 2]


async def test_evidence_that_is_old_changes_nothing_in_production(
    make_stack: MakeStack, texts: Texts
) -> None:
    """Expired when it was issued, and replayed for other knowledge than was tested."""
    releasing = Releasing()
    files = {
        **texts.whole(),
        "trunkline.yaml": releasing.project(texts),
    }
    files.pop("numbers/main-line.yaml")
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await look(stack)
        state = await stack.store.source("acme")
        assert state is not None
        first = await releasing.spec(stack, AGENT, 1, str(state.applied_revision))
        await releasing.push(stack, AGENT, first)
        await look(stack)
        row = await runs(stack, AGENT, 1)
        revision = stack.push({HOURS: files[HOURS].replace("nine to five", "eight to noon")})
        await look(stack)
        await stack.elevenlabs.http.delete("/_sim/counters")
        replayed = releasing.signed("acme", AGENT, 2, revision, first.digest)
        await releasing.push(stack, AGENT, replayed)
        await look(stack)
        refused = await stalled(stack, AGENT, "EvidenceInvalid")
        assert "what was tested is not what it pins" in refused.message
        copied = first.model_copy(update={"version": 2, "revision": revision})
        stack.push({FILE: manifest(AGENT, copied)})
        await look(stack)
        refused = await stalled(stack, AGENT, "EvidenceInvalid")
        then = datetime.now(UTC) - timedelta(hours=1)
        expired = await releasing.spec(stack, AGENT, 3, revision, expiresAt=then)
        await releasing.push(stack, AGENT, expired)
        await look(stack)
        refused = await stalled(stack, AGENT, "EvidenceInvalid")
        assert "expired" in refused.message
        assert refused.version == 1
        assert await stack.elevenlabs.count("PATCH /v1/convai/agents/{agent_id}") == 0
        assert await greeting(stack, row) == "Hello"
