"""Leaving an environment: what it would mean, and a person's word that it is meant.

From the moment it is said nothing is written there any more; a workflow then takes our marks away.
Nothing that rings or answers is touched, so nobody who calls can tell.
"""

from datetime import UTC, datetime

from activities.types import EjectInput
from trunkline.model.ejection import Belongings, ejected
from trunkline.model.errors import EngineUnavailable, InvalidInput
from trunkline.model.records import OperationRecord
from trunkline.ports import Ejections, Interventions, Operations
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.opening import opened
from trunkline.services.projects import ProjectService


class EjectService:
    """Leaving environments. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        ejections: Ejections,
        interventions: Interventions,
        operations: Operations,
        *,
        projects: ProjectService,
        access: AccessService,
        engine: Engine,
    ) -> None:
        self._ejections = ejections
        self._interventions = interventions
        self._operations = operations
        self._projects = projects
        self._access = access
        self._engine = engine

    async def belongings(self, principal: Principal, project: str, environment: str) -> Belongings:
        """What of an environment would lose its mark. Raises Forbidden, InvalidInput."""
        principal.require("environment.eject")
        await self._projects.require_environment(project, environment, applied=True)
        return await self._ejections.belongings(project, environment)

    async def eject(
        self,
        principal: Principal,
        project: str,
        environment: str,
        *,
        confirmation: str,
        reason: str = "",
        request_id: str,
    ) -> OperationRecord:
        """Leave an environment to itself; its agents and numbers go on.

        Raises Forbidden, InvalidInput unless ``confirmation`` names the environment, and
        EngineUnavailable; from then on nothing is written there, and saying it again goes on.
        """
        principal.require("environment.eject")
        await self._projects.require_environment(project, environment, applied=True)
        if confirmation.strip() != environment:
            raise InvalidInput(
                f"Ejecting {environment} has to be confirmed by its name",
                hint=f'Type "{environment}"; scripts say --yes',
            )
        operation = await opened(self._operations, project, "eject", by=principal.person)
        await self._access.record(
            principal,
            "environment.eject",
            project=project,
            subject=environment,
            request_id=request_id,
            reason=reason,
            details={"operation": operation.id},
            after={"ejected": True},
        )
        await self._interventions.put_intervention(
            ejected(project, environment, by=principal.person, at=datetime.now(UTC), reason=reason)
        )
        request = EjectInput(operation_id=operation.id, project=project, environment=environment)
        try:
            await self._engine.eject(request)
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise
        return await self._operations.operation(operation.id) or operation
