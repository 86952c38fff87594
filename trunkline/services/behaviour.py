"""How a released agent behaves beside how it did, and testing it again when somebody asks."""

from dataclasses import dataclass

from activities.retests import retest_policy
from activities.testing_types import RetestInput
from trunkline.model.behaviour import behaviour_drift
from trunkline.model.errors import PromotionRefused
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Retest as RetestPolicy
from trunkline.model.releases import ReleaseStanding
from trunkline.model.testing.baselines import Baseline
from trunkline.ports import Interventions, Wishes
from trunkline.ports.releasing import ReleaseRecords
from trunkline.ports.testing import Baselines
from trunkline.services.access import AccessService
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.releases import ReleaseService


@dataclass(frozen=True, slots=True)
class BehaviourView:
    """What is known of an agent's behaviour. ``mark`` is there while it is worse than it was;
    ``running`` says that somebody's retest goes on, None that nobody knows; ``said`` what their
    last one came to.
    """

    environment: str
    agent: str
    version: int
    policy: RetestPolicy | None
    baseline: Baseline | None
    mark: Intervention | None
    running: bool | None = False
    said: str = ""


class BehaviourService:
    """Behaviour of released agents. Every method takes a project found for the caller."""

    def __init__(
        self,
        baselines: Baselines,
        records: ReleaseRecords,
        interventions: Interventions,
        wishes: Wishes,
        *,
        releases: ReleaseService,
        access: AccessService,
        engine: Engine,
    ) -> None:
        self._baselines = baselines
        self._records = records
        self._interventions = interventions
        self._wishes = wishes
        self._releases = releases
        self._access = access
        self._engine = engine

    async def read(self, project: str, agent: str, *, environment: str | None) -> BehaviourView:
        """Baseline, last retest and mark. Raises PromotionRefused for what is not released."""
        where = (await self._releases.place(project, environment)).environment
        standing = await self._standing(project, where, agent)
        closure = standing.applied.digest if standing.applied is not None else None
        decided = await self._interventions.interventions(project, where)
        running, said = await self._engine.retest_state(project, where, agent)
        return BehaviourView(
            environment=where,
            agent=agent,
            version=standing.applied_version,
            policy=await retest_policy(self._records, self._wishes, project, where),
            baseline=await self._baselines.baseline(project, where, agent),
            mark=behaviour_drift(decided, where, agent, closure=closure),
            running=running,
            said=said,
        )

    async def retest(
        self, caller: Caller, project: str, agent: str, *, environment: str | None
    ) -> BehaviourView:
        """Test it again now. Raises Forbidden, PromotionRefused, EngineUnavailable."""
        caller.principal.require("test.run")
        found = await self.read(project, agent, environment=environment)
        if found.policy is None:
            raise PromotionRefused(
                f"{found.environment} does not say what is tested again",
                hint="Give its promotion a `retest: { tags: [smoke] }` in trunkline.yaml",
            )
        await self._engine.retest(
            RetestInput(
                project=project,
                environment=found.environment,
                agents=(agent,),
                requested_by=caller.principal.person,
                request_id=caller.request_id,
            )
        )
        await self._access.record(
            caller.principal,
            "test.run",
            project=project,
            subject=agent,
            request_id=caller.request_id,
            details={"environment": found.environment, "retest": True},
        )
        return await self.read(project, agent, environment=found.environment)

    async def _standing(self, project: str, environment: str, agent: str) -> ReleaseStanding:
        standing = await self._releases.standing(project, environment, agent)
        if standing is None or standing.removed or standing.applied is None:
            raise PromotionRefused(
                f"{agent} is not released to {environment}",
                hint=f"Promote it first: trunkline promote {agent} -e {environment}",
            )
        return standing
