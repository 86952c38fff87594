"""Two released versions side by side: a signed release begins it, another one ends it."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from activities.names import WORKFLOW_QUEUE
from tests.workflows.conversation_worlds import AGENT, PROMPT, World, desk, installed
from tests.workflows.retest_worlds import PRODUCTION, Released, files, released
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.errors import Forbidden, NotFound, PromotionRefused, SigningKeyMissing
from trunkline.model.kinds.project import Window
from trunkline.model.promotions.records import PromotionRecord
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.experiments import ExperimentOrder, ExperimentService, ExperimentView

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

OPERATOR = Caller(Principal(person="author", role="operator"), "request")
VIEWER = Caller(Principal(person="viewer", role="viewer"), "request")
IGNORANT = PROMPT.replace("use the tool book_slot", "say that somebody will call back")


def service(stack: Stack, keys: Ed25519Keys) -> ExperimentService:
    """Experiments of an installation."""
    services = build_services(
        stack.store, stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing
    )
    return ExperimentService(
        services.releases,
        stack.store,
        stack.store,
        access=services.access,
        engine=Engine(stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing),
        repositories=stack.ports().repositories,
        keys=keys,
    )


async def two_versions(stack: Stack, keys: Ed25519Keys, world: World, texts: Texts) -> Released:
    """Version 1 books appointments, version 2 does not."""
    found = await released(stack, keys, world)
    await found.release(1)
    edit = {"agents/front-desk.yaml": desk(texts, prompt=IGNORANT)}
    await asyncio.to_thread(stack.push, edit)
    await stack.sync()
    await found.release(2)
    return found


def tags(stack: Stack) -> list[str]:
    """Release tags of the repository."""
    output = subprocess.run(
        ["git", "-C", str(stack.repository), "tag", "--list", "trunkline/*"],
        check=True,
        capture_output=True,
        text=True,
    )
    return output.stdout.split()


async def applied(stack: Stack, version: int) -> None:
    """Wait until a version is what production is brought to."""

    async def look() -> bool:
        standing = await stack.store.standing_of(stack.project, PRODUCTION, AGENT)
        assert standing is not None
        assert standing.reason == "", standing.message
        return standing.applied_version == version

    await stack.until(look)


async def shares(stack: Stack, wanted: dict[str, float]) -> bool:
    """True if branches of production's agent answer these shares of the calls, and no others."""
    entry = await stack.store.entry(stack.project, PRODUCTION, "agent", AGENT)
    assert entry is not None
    path = f"/v1/convai/agents/{entry.external_id}/branches"
    listed = (await stack.elevenlabs.http.get(path)).json()["results"]
    found = {branch["name"]: branch["current_live_percentage"] for branch in listed}
    return {name: share for name, share in found.items() if share} == wanted


async def results(experiments: ExperimentService, stack: Stack) -> ExperimentView:
    """The view once both versions were tested."""

    async def look() -> ExperimentView | None:
        found = await experiments.read(stack.project, AGENT, environment=PRODUCTION)
        return found if found.results is not None else None

    found: ExperimentView = await stack.until(look, timeout_s=120)
    return found


@pytest.mark.slow
async def test_an_experiment_is_a_release_and_its_versions_are_tested_side_by_side(
    make_stack: MakeStack, texts: Texts
) -> None:
    keys = Ed25519Keys(new_private_key())
    stack = await make_stack(files(texts, keys.public_key, runs=3), unhurried=True)
    async with installed(stack) as world, stack.working():
        await two_versions(stack, keys, world, texts)
        experiments = service(stack, keys)
        place = (OPERATOR, stack.project, AGENT)
        begun = ExperimentOrder(against=1, percent=20)
        await experiments.start(*place, begun, environment=PRODUCTION)
        await applied(stack, 3)
        found = await experiments.read(stack.project, AGENT, environment=PRODUCTION)
        assert (found.version, found.base_version) == (3, 2)
        assert found.experiment is not None
        assert (found.experiment.version, found.experiment.percent) == (1, 20)
        assert "trunkline/production/front-desk/v3" in await asyncio.to_thread(tags, stack)
        release = await stack.store.release(stack.project, PRODUCTION, AGENT, 3)
        assert release is not None
        assert release.changes == "Experiment: v1 beside v2 at 20 %"

        await stack.until(lambda: shares(stack, {"trunkline-experiment-v1": 20, "Main": 80}))
        await experiments.start(*place, begun, environment=PRODUCTION)
        assert len(await asyncio.to_thread(tags, stack)) == 3

        await experiments.test(*place, environment=PRODUCTION, tags=("smoke",), repeat=5)
        compared = (await results(experiments, stack)).results
        assert compared is not None
        assert (compared.first.passed, compared.second.passed) == (0, 5)
        assert (compared.word, compared.tests[0].word) == ("better", "better")

        await experiments.stop(*place, environment=PRODUCTION)
        await applied(stack, 4)
        await stack.until(lambda: shares(stack, {"Main": 100}))
        found = await experiments.read(stack.project, AGENT, environment=PRODUCTION)
        assert (found.experiment, found.base_version) == (None, 2)
        release = await stack.store.release(stack.project, PRODUCTION, AGENT, 4)
        assert release is not None
        assert release.changes == "Experiment ended: v1 beside v2"


@pytest.mark.slow
async def test_what_cannot_be_an_experiment_is_refused_with_words(
    make_stack: MakeStack, texts: Texts
) -> None:
    keys = Ed25519Keys(new_private_key())
    stack = await make_stack(files(texts, keys.public_key, runs=3), unhurried=True)
    async with installed(stack) as world, stack.working():
        await two_versions(stack, keys, world, texts)
        experiments = service(stack, keys)
        place = (stack.project, AGENT)
        first = ExperimentOrder(against=1, percent=20)
        with pytest.raises(Forbidden):
            await experiments.start(VIEWER, *place, first, environment=PRODUCTION)
        absent, same = (ExperimentOrder(against=n, percent=20) for n in (9, 2))
        with pytest.raises(NotFound, match="no v9"):
            await experiments.start(OPERATOR, *place, absent, environment=PRODUCTION)
        with pytest.raises(PromotionRefused, match="the same as what production runs"):
            await experiments.start(OPERATOR, *place, same, environment=PRODUCTION)
        with pytest.raises(PromotionRefused, match="follows the branch"):
            await experiments.start(OPERATOR, *place, first, environment="testing")
        with pytest.raises(PromotionRefused, match="has no experiment"):
            await experiments.test(OPERATOR, *place, environment=PRODUCTION)
        unsigned = service(stack, Ed25519Keys())
        with pytest.raises(SigningKeyMissing):
            await unsigned.start(OPERATOR, *place, first, environment=PRODUCTION)
        await close_the_window(stack)
        with pytest.raises(PromotionRefused, match="window of production is closed"):
            await experiments.start(OPERATOR, *place, first, environment=PRODUCTION)
        await close_the_window(stack, closed=False)
        record = PromotionRecord(
            project=stack.project, environment=PRODUCTION, agent=AGENT, number=0
        )
        await stack.store.open_promotion(record)
        with pytest.raises(PromotionRefused, match="is being promoted to production"):
            await experiments.start(OPERATOR, *place, first, environment=PRODUCTION)
        assert len(await asyncio.to_thread(tags, stack)) == 2


async def close_the_window(stack: Stack, *, closed: bool = True) -> None:
    """Let the rules in force close production at all times, or never."""
    rules = await stack.store.rules_in_force(stack.project, PRODUCTION)
    assert rules is not None
    window = Window.model_validate({"deny": "Mon-Sun 00:00-24:00"})
    update = {"windows": (window,) if closed else ()}
    promotion = rules.promotion.model_copy(update=update)
    changed = rules.model_copy(update={"promotion": promotion})
    await stack.store.put_rules(stack.project, PRODUCTION, changed)
