"""Who is tested again and who is not, what is written down of it, and what an empty store knows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clocks import SystemClock
from activities.retests import RetestActivities, RetestPorts
from activities.testing_types import (
    RetestBatch,
    RetestInput,
    RetestJudgement,
    RetestJudgementRequest,
    RetestTarget,
)
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Project, Promotion
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import SourceState, StatusRecord
from trunkline.model.releases import ReleaseStanding, RolloutState
from trunkline.model.testing.baselines import Retest
from trunkline.model.testing.results import Outcome, RunResult, TestResult, TestRunReport

CLOSURE = Digest("sha256:" + "5e" * 32)
RENDERED = "sha256:" + "aa" * 32
REVISION = Revision("3f" * 20)
PLACE = ("acme", "production")
AGENT = "front-desk"
EVIDENCE = {
    "renderedDigest": RENDERED,
    "suiteDigest": "sha256:" + "ab" * 32,
    "tests": [{"name": "books", "passed": 5, "runs": 5}],
}


class Room:
    """The activities over a store in which one agent is released and runs."""

    def __init__(self, store: PostgresStore) -> None:
        self.store = store
        self.activities = RetestActivities(
            RetestPorts(
                baselines=store,
                reports=store,
                promotions=store,
                releases=store,
                interventions=store,
                statuses=store,
                wishes=store,
                clock=SystemClock(),
            )
        )

    async def fill(self) -> None:
        """As a look at Git and the agent's rounds leave it."""
        await self.rules({"every": "24h", "tags": ["smoke"], "runs": 5})
        await self.standing(CLOSURE)
        await self.status()

    async def rules(self, retest: object) -> None:
        """Rules of promotion in force."""
        said = {"from": "testing", **({"retest": retest} if retest else {})}
        rules = PromotionRules(promotion=Promotion.model_validate(said))
        await self.store.put_rules(*PLACE, rules)

    async def standing(self, digest: str, *, version: int = 7) -> None:
        """What is released."""
        spec = ReleaseSpec.model_validate(
            {
                "environment": "production",
                "version": version,
                "revision": REVISION,
                "digest": digest,
                "changes": "Shorter greeting",
                "promotedBy": "author",
                "evidence": EVIDENCE,
            }
        )
        standing = ReleaseStanding(
            project=PLACE[0],
            environment=PLACE[1],
            agent=AGENT,
            seen=spec,
            applied=spec,
            applied_version=version,
        )
        await self.store.store_released(PLACE[0], [standing], [], {}, revision=Revision("a" * 40))

    async def status(self, **more: Any) -> None:
        """How it is."""
        said = {"sync": "Synced", "health": "Healthy", "digest": CLOSURE}
        await self.store.put_status(
            StatusRecord(
                project=PLACE[0],
                environment=PLACE[1],
                kind="agent",
                name=AGENT,
                external_id=ExternalId("agent_1"),
                **{**said, **more},
            ),
            (),
        )

    async def choose(self, *agents: str) -> RetestBatch:
        """Whom the schedule, or somebody who asks, would have tested."""
        request = RetestInput(project=PLACE[0], environment=PLACE[1], agents=agents)
        found: RetestBatch = await ActivityEnvironment().run(
            self.activities.choose_retests, request
        )
        return found

    async def judge(self, *letters: str, digest: str = CLOSURE, at: str = "x") -> RetestJudgement:
        """What runs of the one test come to, given as letters: p, f or i."""
        words: dict[str, Outcome] = {"p": "passed", "f": "failed", "i": "inconclusive"}
        run_ids = tuple(f"retest-{at}-{number}" for number in range(len(letters)))
        for run_id, said in zip(run_ids, letters, strict=True):
            report = TestRunReport(id=run_id, project=PLACE[0], environment=PLACE[1])
            await self.store.open_run(report)
            result = TestResult(
                name="books",
                agent=AGENT,
                environment=PLACE[1],
                outcome="passed",
                agent_digest=digest,
                rendered_digest=RENDERED,
                runs=tuple(
                    RunResult(number=n, outcome=words[each]) for n, each in enumerate(said, 1)
                ),
            )
            await self.store.put_result(run_id, result)
            await self.store.finish_run(report.model_copy(update={"state": "Finished"}))
        target = RetestTarget(
            agent=AGENT,
            version=7,
            revision=REVISION,
            digest=CLOSURE,
            tags=("smoke",),
            runs=5,
            run_ids=("a", "b"),
        )
        request = RetestJudgementRequest(
            project=PLACE[0], environment=PLACE[1], target=target, run_ids=run_ids
        )
        found: RetestJudgement = await ActivityEnvironment().run(
            self.activities.judge_retest, request
        )
        return found

    async def told(self) -> list[str]:
        """Reasons of events, oldest first."""
        rows = await self.store.events(PLACE[0], limit=50)
        return [row.reason for row in reversed(rows)]

    async def is_marked(self) -> bool:
        """True if the mark is in force."""
        decided = await self.store.interventions(*PLACE)
        return any(one.verb == "behaviour-drifted" for one in decided)


@pytest.fixture
async def room(postgres_url: str) -> AsyncIterator[Room]:
    """An open store on tables of its own."""
    async with PostgresStore(postgres_url) as store:
        found = Room(store)
        await found.fill()
        yield found


async def test_what_runs_as_released_is_tested_by_the_rules_in_force(room: Room) -> None:
    (target,) = (await room.choose()).targets
    assert (target.agent, target.version, target.digest) == (AGENT, 7, CLOSURE)
    assert (target.tags, target.runs, target.revision) == (("smoke",), 5, REVISION)
    assert len(set(target.run_ids)) == 2


async def test_nobody_is_tested_where_the_rules_do_not_say_so(room: Room) -> None:
    await room.rules(None)
    assert (await room.choose(AGENT)).targets == ()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"sync": "OutOfSync"}, "not synced"),
        ({"digest": Digest("sha256:" + "00" * 32)}, "not synced"),
        ({"external_id": None}, "not on the platform"),
    ],
)
async def test_what_is_on_its_way_is_left_alone(
    room: Room, status: dict[str, Any], words: str
) -> None:
    external_id = status.pop("external_id", "agent_1")
    record = StatusRecord.model_validate(
        {
            "project": PLACE[0],
            "environment": PLACE[1],
            "kind": "agent",
            "name": AGENT,
            "sync": "Synced",
            "digest": CLOSURE,
            "external_id": external_id,
            **status,
        }
    )
    await room.store.put_status(record, ())
    batch = await room.choose()
    assert (batch.targets, batch.skipped) == ((), 1)
    assert words in batch.details


async def test_what_is_promoted_or_rolled_out_right_now_is_left_alone(room: Room) -> None:
    state = {"project": PLACE[0], "environment": PLACE[1], "agent": AGENT, "version": 7}
    rolling = RolloutState.model_validate({**state, "phase": "Shifting", "percent": 10})
    await room.store.put_rollout(rolling)
    assert "rolled out" in (await room.choose()).details
    await room.store.put_rollout(rolling.model_copy(update={"phase": "Done"}))
    assert len((await room.choose()).targets) == 1
    await room.store.open_promotion(
        PromotionRecord(project=PLACE[0], environment=PLACE[1], agent=AGENT, number=0)
    )
    assert "being promoted" in (await room.choose()).details


@pytest.mark.parametrize("verb", ["suspend", "disable"])
async def test_what_a_person_holds_back_is_left_alone(room: Room, verb: Any) -> None:
    decided = Intervention(
        project=PLACE[0],
        environment=PLACE[1],
        verb=verb,
        reason="looking at it",
        by="op@example.com",
        at=datetime.now(UTC),
    )
    await room.store.put_intervention(decided)
    assert verb in (await room.choose(AGENT)).details


async def test_a_spent_budget_stops_everybody(room: Room) -> None:
    project = Project.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": "acme"},
            "spec": {
                "environments": [{"name": "testing"}],
                "budgets": {"testsPerDay": {"usd": 1.0}},
            },
        }
    )
    state = SourceState(project=PLACE[0], seen_revision=REVISION, applied_revision=REVISION)
    manifest = project.model_dump(mode="json")
    await room.store.store_tree(state, (), {}, manifest, released=("production",))
    assert len((await room.choose()).targets) == 1
    await room.store.spend(PLACE[0], "tests-1", 1.5)
    batch = await room.choose()
    assert batch.targets == ()
    assert "budget is 1.00 USD" in batch.details


async def test_nobody_is_tested_twice_in_one_interval_unless_somebody_asks(room: Room) -> None:
    await room.judge("ppppp")
    assert (await room.choose()).targets == ()
    assert len((await room.choose(AGENT)).targets) == 1
    known = await room.store.baseline(*PLACE, AGENT)
    assert known is not None
    assert known.last is not None
    before = datetime.now(UTC) - timedelta(hours=23)
    last = known.last.model_copy(update={"at": before})
    await room.store.put_baseline(known.model_copy(update={"last": last}))
    assert len((await room.choose()).targets) == 1


async def test_a_lost_baseline_begins_again_with_what_evidence_names(room: Room) -> None:
    assert (await room.judge("ppppp")).outcome == "unchanged"
    known = await room.store.baseline(*PLACE, AGENT)
    assert known is not None
    assert (known.tests[0].passed, known.tests[0].runs, known.retests) == (10, 10, 1)


async def test_a_worsening_needs_a_second_run_before_anybody_is_told(room: Room) -> None:
    first = await room.judge("fffff")
    assert (first.outcome, first.again) == ("worse", True)
    assert await room.told() == []
    assert await room.store.baseline(*PLACE, AGENT) is None
    assert (await room.judge("fffff", "ppppp")).outcome == "inconclusive"
    assert not await room.is_marked()
    assert (await room.judge("fffff", "fffff", at="y")).outcome == "worse"
    assert await room.is_marked()
    assert await room.told() == ["BehaviourDrifted"]


async def test_a_judgement_that_is_tried_again_counts_and_tells_once(room: Room) -> None:
    for _ in range(2):
        await room.judge("ppppp", at="good")
        known = await room.store.baseline(*PLACE, AGENT)
        assert known is not None
        assert known.retests == 1
    for _ in range(2):
        await room.judge("fffff", "fffff", at="bad")
    assert await room.told() == ["BehaviourDrifted"]


async def test_what_nobody_could_find_out_neither_marks_nor_clears(room: Room) -> None:
    assert (await room.judge("iiiii")).outcome == "inconclusive"
    assert not await room.is_marked()
    await room.judge("fffff", "fffff", at="bad")
    await room.judge("iiiii", at="unclear")
    assert await room.is_marked()
    await room.judge("ppppp", at="good")
    assert not await room.is_marked()
    assert await room.told() == ["BehaviourDrifted", "BehaviourRecovered"]


async def test_what_was_released_meanwhile_is_not_judged_by_the_old_runs(room: Room) -> None:
    await room.standing("sha256:" + "77" * 32, version=8)
    assert (await room.judge("fffff", "fffff")).outcome == "discarded"
    assert not await room.is_marked()


async def test_runs_that_spoke_to_something_else_are_not_judged(room: Room) -> None:
    other = "sha256:" + "77" * 32
    assert (await room.judge("fffff", "fffff", digest=other)).outcome == "discarded"


async def test_a_newer_release_ends_the_mark_of_the_one_before(room: Room) -> None:
    mark = Intervention(
        project=PLACE[0],
        environment=PLACE[1],
        kind="agent",
        name=AGENT,
        verb="behaviour-drifted",
        reason="books passes 0 of 5",
        by="trunkline",
        at=datetime.now(UTC),
        details={"digest": "sha256:" + "77" * 32, "version": 6},
    )
    await room.store.put_intervention(mark)
    assert (await room.judge("ppppp")).outcome == "unchanged"
    assert not await room.is_marked()
    assert await room.told() == ["BehaviourRecovered"]


async def test_a_run_that_is_not_there_is_inconclusive(room: Room) -> None:
    assert (await room.judge("")).outcome == "inconclusive"
    known = await room.store.baseline(*PLACE, AGENT)
    assert known is not None
    assert isinstance(known.last, Retest)
    assert known.retests == 0
