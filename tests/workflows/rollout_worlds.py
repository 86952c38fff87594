"""Releases made by hand in the store, as a look at Git would leave them, and what becomes of them.

Whether a release counts is tested elsewhere; here its wish and its standing are simply put there,
and the agent's own rounds are told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from temporalio.api.enums.v1 import EventType

from activities.names import AGENT_WORKFLOW, DECLARE_SIGNAL, WORKFLOW_QUEUE
from activities.types import AgentInput, WakeReason, Wish
from trunkline.adapters.git import GitSource
from trunkline.model.closures import Shared
from trunkline.model.ids import Revision, agent_workflow_id
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.kinds.project import Promotion, Rollout, Verification
from trunkline.model.kinds.release import Experiment, ReleaseSpec
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.releases import ReleaseStanding, RolloutState
from trunkline.model.resolution import agent_record, released_agent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

PROJECT = "acme"
ENVIRONMENT = "testing"
AGENT = "front-desk"
AGENTS = "/v1/convai/agents"
DEPLOY = "POST /v1/convai/agents/{agent_id}/deployments"
CREATE_BRANCH = "POST /v1/convai/agents/{agent_id}/branches"
PATCH_BRANCH = "PATCH /v1/convai/agents/{agent_id}/branches/{branch_id}"
PATCH_AGENT = "PATCH /v1/convai/agents/{agent_id}"
WRITES = (CREATE_BRANCH, DEPLOY, PATCH_AGENT, PATCH_BRANCH)
Split = dict[str, float]
IDLE = (
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
)
"""What the history of a workflow ends with that waits to be woken."""


@dataclass
class MovedClock:
    """The time of day as a test says, going on as it does."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Now, as far ahead as was said."""
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """One released agent, and what the platform says of it."""

    stack: Stack
    texts: Texts
    clock: MovedClock
    specs: dict[int, ReleaseSpec] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Have the project read once, with nothing released."""
        await self.stack.sync()

    async def release(
        self,
        version: int,
        text: str = "",
        *,
        steps: tuple[int, ...] = (),
        every_s: float = 0.05,
        experiment: tuple[int, int] | None = None,
        restores: int | None = None,
        files: Mapping[str, str | None] | None = None,
        tell: bool = True,
    ) -> ReleaseSpec:
        """Release what the agent greets with; a restored version's text and commit are its own."""
        if restores is not None:
            revision = self.specs[restores].revision
        else:
            body = self.texts.agent(AGENT, greeting=text or f"This is version {version}.")
            edits = {f"agents/{AGENT}.yaml": body} if files is None else files
            revision = await asyncio.to_thread(self.stack.push, edits)
        return await self.release_at(
            version,
            revision,
            steps=steps,
            every_s=every_s,
            experiment=experiment,
            restores=restores,
            tell=tell,
        )

    async def release_at(
        self,
        version: int,
        revision: str,
        *,
        steps: tuple[int, ...] = (),
        every_s: float = 0.05,
        experiment: tuple[int, int] | None = None,
        restores: int | None = None,
        tell: bool = True,
    ) -> ReleaseSpec:
        """Put the wish of a commit and the standing of its release into the store."""
        stack = self.stack
        source = GitSource(str(stack.repository), "main", cache=stack.cache, allow_local=True)
        await source.head(known=None)
        manifests = await source.manifests(Revision(revision))
        project = manifests.project.manifest
        (environment,) = project.spec.environments
        wish = released_agent(Shared(manifests), project, environment, AGENT)
        assert wish is not None
        spec = ReleaseSpec(
            environment=ENVIRONMENT,
            version=version,
            revision=revision,
            digest=wish.digest,
            changes=f"Version {version}",
            promotedBy="author@example.com",
            restores=restores,
            rollout=Rollout(steps=steps, every=timedelta(seconds=every_s)) if steps else None,
            experiment=self._experiment(experiment),
        )
        self.specs[version] = spec
        standing = ReleaseStanding(
            project=PROJECT,
            environment=ENVIRONMENT,
            agent=AGENT,
            seen=spec,
            applied=spec,
            applied_version=version,
        )
        record = agent_record(wish, Revision(revision))
        contents = {str(digest): held for digest, held in Shared(manifests).contents().items()}
        await stack.store.store_released(
            PROJECT, [standing], [record], contents, revision=Revision(revision)
        )
        if tell:
            await self.tell()
        return spec

    def _experiment(self, wanted: tuple[int, int] | None) -> Experiment | None:
        if wanted is None:
            return None
        version, percent = wanted
        spec = self.specs[version]
        return Experiment(
            version=version, revision=spec.revision, digest=spec.digest, percent=percent
        )

    async def tell(self, reason: WakeReason = "git") -> None:
        """Wake the agent's workflow, starting it if need be."""
        await self.stack.client.start_workflow(
            AGENT_WORKFLOW,
            AgentInput(
                project=PROJECT, environment=ENVIRONMENT, name=AGENT, timing=self.stack.timing
            ),
            id=agent_workflow_id(PROJECT, ENVIRONMENT, AGENT),
            task_queue=WORKFLOW_QUEUE,
            start_signal=DECLARE_SIGNAL,
            start_signal_args=[Wish(reason=reason)],
        )

    async def verify(self) -> None:
        """From now on every step has to be checked."""
        promotion = Promotion.model_validate(
            {"from": "elsewhere", "verify": Verification(tags=("smoke",))}
        )
        await self.stack.store.put_rules(PROJECT, ENVIRONMENT, PromotionRules(promotion=promotion))

    async def check(self, version: int, step: int) -> None:
        """A promotion found a step good."""
        await self.stack.store.check_rollout(PROJECT, ENVIRONMENT, AGENT, version, step)
        await self.tell("dependency")

    async def abort(self, version: int, reason: str) -> None:
        """A promotion wants the calls back."""
        await self.stack.store.abort_rollout(PROJECT, ENVIRONMENT, AGENT, version, reason)
        await self.tell("dependency")

    async def say(self, verb: InterventionVerb) -> None:
        """A person decides something about the agent."""
        decided = Intervention(
            project=PROJECT,
            environment=ENVIRONMENT,
            kind="agent",
            name=AGENT,
            verb=verb,
            reason="fire",
            by="ada",
            at=datetime.now(UTC),
        )
        await self.stack.store.put_intervention(decided)
        await self.tell("control")

    async def unsay(self, verb: InterventionVerb) -> None:
        """A decision is taken back."""
        await self.stack.store.lift_intervention(PROJECT, ENVIRONMENT, "agent", AGENT, verb)
        await self.tell("control")

    async def lose_row(self, database_url: str) -> None:
        """The store forgets how far the release is."""
        async with await psycopg.AsyncConnection.connect(
            database_url, autocommit=True
        ) as connection:
            await connection.execute("DELETE FROM rollouts")

    async def told(self) -> None:
        """Once the agent's workflow has nothing left to look at."""
        handle = self.stack.agent_handle(AGENT)

        async def idle() -> bool:
            history = await handle.fetch_history()
            return history.events[-1].event_type in IDLE

        await self.stack.until(idle)

    async def heard(self, reason: str) -> str:
        """What the newest event with a reason says, once there is one."""

        async def look() -> str | None:
            found = await self.stack.events(reason, AGENT)
            return found[0].message if found else None

        message: str = await self.stack.until(look)
        return message

    async def row(self) -> RolloutState | None:
        """The rollout as the store has it."""
        return await self.stack.store.rollout(PROJECT, ENVIRONMENT, AGENT)

    async def reached(self, phase: str, version: int = 0) -> RolloutState:
        """The rollout once it is in a phase."""

        async def look() -> RolloutState | None:
            row = await self.row()
            fits = row is not None and row.phase == phase and version in (0, row.version)
            return row if fits else None

        found: RolloutState = await self.stack.until(look)
        return found

    async def at_step(self, step: int) -> RolloutState:
        """The rollout once the platform was seen to have the share of a step."""

        async def look() -> RolloutState | None:
            row = await self.row()
            there = row is not None and row.step == step and row.step_began_at is not None
            return row if there else None

        found: RolloutState = await self.stack.until(look)
        return found

    async def settled(self) -> None:
        """Once the agent is as its release wants it."""
        await self.stack.settled(AGENT, lambda row: row.sync == "Synced")

    async def agent_id(self) -> str:
        """The agent's id on the platform."""
        row = await self.stack.status(AGENT)
        assert row is not None
        assert row.external_id is not None
        return str(row.external_id)

    async def branches(self, *, archived: bool = False) -> dict[str, dict[str, Any]]:
        """Branches by name."""
        path = f"{AGENTS}/{await self.agent_id()}/branches"
        params = {"include_archived": str(archived).lower()}
        listed = (await self.stack.elevenlabs.http.get(path, params=params)).json()
        return {branch["name"]: branch for branch in listed["results"]}

    async def shares(self) -> Split:
        """Shares of the calls by branch, those with none left out."""
        return {
            name: branch["current_live_percentage"]
            for name, branch in (await self.branches()).items()
            if branch["current_live_percentage"]
        }

    async def splits(self) -> list[Split]:
        """Every division of the calls there ever was, oldest first."""
        agent_id = await self.agent_id()
        names = {b["id"]: name for name, b in (await self.branches(archived=True)).items()}
        answer = await self.stack.elevenlabs.http.get(f"{AGENTS}/{agent_id}/deployments")
        return [
            {
                names[branch_id].partition("~")[0]: share
                for branch_id, share in one["traffic_percentage_branch_id_map"].items()
                if share
            }
            for one in reversed(answer.json()["results"])
        ]

    async def greeting(self, branch: str = "") -> str:
        """What the agent says first, on Main or on a branch."""
        params = {"branch_id": (await self.branches())[branch]["id"]} if branch else {}
        path = f"{AGENTS}/{await self.agent_id()}"
        body = (await self.stack.elevenlabs.http.get(path, params=params)).json()
        return str(body["conversation_config"]["agent"]["first_message"])

    async def writes(self) -> dict[str, int]:
        """How often each kind of write was asked for."""
        return {route: await self.stack.elevenlabs.count(route) for route in WRITES}

    async def edit(self, body: Mapping[str, Any], *, branch: str = "") -> None:
        """Somebody changes the agent by hand."""
        request: dict[str, Any] = {"agent_id": await self.agent_id(), "body": body}
        if branch:
            request["branch_id"] = (await self.branches())[branch]["id"]
        await self.stack.elevenlabs.control("edit", request)

    async def branch_by_hand(self, name: str) -> None:
        """Somebody makes a branch of their own off Main."""
        agent_id = await self.agent_id()
        parent = (await self.stack.elevenlabs.agent(agent_id))["version_id"]
        answer = await self.stack.elevenlabs.http.post(
            f"{AGENTS}/{agent_id}/branches",
            json={"parent_version_id": parent, "name": name, "description": ""},
        )
        assert answer.status_code == 200, answer.text

    async def split(self, **shares: float) -> None:
        """Somebody divides the calls by hand; ``_`` in a name stands for a dash."""
        branches = await self.branches()
        requests = [
            {
                "branch_id": branches[name.replace("_", "-")]["id"],
                "deployment_strategy": {"type": "percentage", "traffic_percentage": share},
            }
            for name, share in shares.items()
        ]
        answer = await self.stack.elevenlabs.http.post(
            f"{AGENTS}/{await self.agent_id()}/deployments",
            json={"deployment_request": {"requests": requests}},
        )
        assert answer.status_code == 200, answer.text


async def released_world(
    make_stack: MakeStack,
    texts: Texts,
    *,
    drift: str = "heal",
    windows: str = "",
    **stack: Any,
) -> World:
    """An installation with one environment that follows releases; no worker runs yet."""
    project = texts.project(drift=drift).replace("source: head", "source: releases")
    files = {"trunkline.yaml": project + windows, f"agents/{AGENT}.yaml": texts.agent(AGENT)}
    clock = MovedClock()
    made = await make_stack(files, **stack)
    made.clock = clock
    return World(made, texts, clock)
