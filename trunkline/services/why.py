"""Collecting what ``why`` needs: rows, decisions, and the workflow's own word on its next look.

Every fact is asked for by itself, and one that cannot be had is left out, because this is read when
something is wrong.
"""

from datetime import UTC, datetime

from activities.clocks import SystemClock
from activities.policies import Standings
from activities.promotion_rules import pending_words
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.gates import Standing
from trunkline.model.ids import agent_workflow_id, number_workflow_id
from trunkline.model.limits import API_PAGE_MAX
from trunkline.model.promotions.why_links import promotion_link
from trunkline.model.records import ProjectRecord, RecordKind, StatusRow
from trunkline.model.why import Explanation, Facts, Link, explain
from trunkline.ports import Clock, Interventions, Operations, Projects, Statuses, Wishes
from trunkline.ports.releasing import Promotions, ReleaseRecords
from trunkline.services.absent_names import absent
from trunkline.services.engine import Engine


class WhyService:
    """The chain from commit to vendor, for one agent or number."""

    def __init__(
        self,
        projects: Projects,
        wishes: Wishes,
        statuses: Statuses,
        operations: Operations,
        interventions: Interventions,
        promotions: Promotions,
        releases: ReleaseRecords,
        *,
        engine: Engine,
        live: bool,
        clock: Clock | None = None,
    ) -> None:
        self._projects = projects
        self._wishes = wishes
        self._statuses = statuses
        self._promotions = promotions
        self._releases = releases
        self._engine = engine
        self._standings = Standings(
            wishes, interventions, operations, clock or SystemClock(), live=live
        )

    async def why(self, project: str, name: str, *, environment: str | None) -> Explanation:
        """The explanation; the environment may be left out if only one has the name.

        Raises NotFound, or InvalidInput naming the environments to choose from.
        """
        record = await self._projects.project(project)
        where, kind = await self._place(project, name, environment)
        wish = await self._wishes.wish(project, where, kind, name)
        workflow_id = await self._workflow_id(project, where, kind, name)
        said = await self._engine.conclusion(workflow_id) if workflow_id else None
        looks_at_s = said.next_look_at_s if said is not None else None
        return explain(
            Facts(
                project=project,
                environment=where,
                kind=kind,
                name=name,
                poll_interval_s=_poll_interval_s(record),
                source=await self._projects.source(project),
                wish=wish,
                standing=await self._standing(project, where),
                status=await self._statuses.status(project, where, kind, name),
                environment_row=await self._statuses.status(project, where, "environment", where),
                accounts=await self._accounts(project, where),
                answers=said is not None,
                next_look_at=(
                    None if looks_at_s is None else datetime.fromtimestamp(looks_at_s, UTC)
                ),
                rules_pending=pending_words(
                    where, await self._releases.rules_in_force(project, where)
                ),
                further=await self._promotion(project, where, name) if kind == "agent" else (),
            )
        )

    async def _promotion(self, project: str, environment: str, agent: str) -> tuple[Link, ...]:
        """The promotion into the environment, else one that leaves it and goes on."""
        record = await self._promotions.last_promotion_of(project, environment, agent)
        if record is None:
            found = await self._promotions.promotions(
                project, agent=agent, open_only=True, limit=API_PAGE_MAX
            )
            record = next((each for each in found if each.origin == environment), None)
        if record is None:
            return ()
        standing = await self._releases.standing_of(project, environment, agent)
        hold = standing.seen.hold if standing is not None and standing.seen is not None else None
        return (promotion_link(record, environment, hold=hold.reason if hold else ""),)

    async def _place(
        self, project: str, name: str, environment: str | None
    ) -> tuple[str, RecordKind]:
        kinds: tuple[RecordKind, ...] = ("agent", "number")
        for kind in kinds:
            found = await self._environments(project, kind, name, environment)
            if len(found) > 1:
                raise InvalidInput(
                    f"{name!r} is in several environments: {', '.join(found)}",
                    hint="Say which: ?environment=",
                )
            if found:
                return found[0], kind
        raise await absent(self._statuses, project, name, environment, what="agent or number")

    async def _environments(
        self, project: str, kind: RecordKind, name: str, environment: str | None
    ) -> list[str]:
        if environment is not None:
            wish = await self._wishes.wish(project, environment, kind, name)
            row = await self._statuses.status(project, environment, kind, name)
            promoted = kind == "agent" and await self._promotions.last_promotion_of(
                project, environment, name
            )
            return [environment] if wish is not None or row is not None or promoted else []
        rows = await self._statuses.statuses(
            project, kind=kind, after=f"{kind}/{name}/", limit=API_PAGE_MAX
        )
        return [row.environment for row in rows if row.name == name]

    async def _workflow_id(
        self, project: str, environment: str, kind: RecordKind, name: str
    ) -> str | None:
        if kind == "agent":
            return agent_workflow_id(project, environment, name)
        owned = await self._wishes.numbers_owned(project, environment, name)
        return number_workflow_id(owned[0].account, owned[0].number) if owned else None

    async def _standing(self, project: str, environment: str) -> Standing | None:
        try:
            return await self._standings.standing(project, environment)
        except (NotFound, InvalidInput):
            return None

    async def _accounts(self, project: str, environment: str) -> tuple[StatusRow, ...]:
        return await self._statuses.statuses(
            project, environment=environment, kind="account", limit=API_PAGE_MAX
        )


def _poll_interval_s(record: ProjectRecord | None) -> float:
    return record.poll_interval_s if record is not None else 60.0
