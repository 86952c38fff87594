"""What people ask for before Git knows their agents: imports, and taking over what was imported.

An import only reads. Taking over is done by each agent's own workflow, which alone writes it: here
a person's word that it may is written down and the workflows are woken, so that asking twice or
asking while one runs changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from activities.types import ImportInput, RefreshRequest
from trunkline.model import limits
from trunkline.model.base import Json
from trunkline.model.errors import EngineUnavailable, InvalidInput, NotFound
from trunkline.model.imports import ImportedManifest, ImportReport
from trunkline.model.interventions import Intervention
from trunkline.model.records import OperationRecord, WishRecord
from trunkline.ports import Interventions, Ledger, Operations, Wishes
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.opening import opened
from trunkline.services.pages import Page, key_cursor, parse_key
from trunkline.services.projects import ProjectService


class ImportService:
    """Imports and adoptions. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        operations: Operations,
        wishes: Wishes,
        ledger: Ledger,
        interventions: Interventions,
        *,
        projects: ProjectService,
        access: AccessService,
        engine: Engine,
    ) -> None:
        self._operations = operations
        self._wishes = wishes
        self._ledger = ledger
        self._interventions = interventions
        self._projects = projects
        self._access = access
        self._engine = engine

    async def start(
        self,
        principal: Principal,
        project: str,
        environment: str,
        *,
        agent_ids: Sequence[str] = (),
        request_id: str,
    ) -> OperationRecord:
        """Start an import of an environment's account, or of some agents of it.

        Raises Forbidden, InvalidInput, EngineUnavailable.
        """
        principal.require("import.create")
        await self._projects.require_environment(project, environment, applied=True)
        operation = await opened(self._operations, project, "import", by=principal.person)
        details: dict[str, Json] = {"operation": operation.id, "agents": [*agent_ids]}
        await self._audit(principal, project, "import.create", environment, request_id, details)
        request = ImportInput(
            operation_id=operation.id,
            project=project,
            environment=environment,
            agent_ids=tuple(agent_ids),
        )
        try:
            await self._engine.import_account(request)
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise
        return operation

    async def report(self, principal: Principal, project: str, operation_id: str) -> ImportReport:
        """What became of an account. Raises Forbidden, NotFound."""
        principal.require("import.create")
        await self._require_import(project, operation_id)
        report = await self._operations.import_report(operation_id)
        if report is None:
            raise NotFound(
                f"Import {operation_id!r} brought nothing, or a later one took its place",
                hint=f"GET /v1/projects/{project}/operations/{operation_id} says how it ended",
            )
        return report

    async def manifests(
        self,
        principal: Principal,
        project: str,
        operation_id: str,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[ImportedManifest]:
        """Manifests of an import in the order of their paths. Raises Forbidden, NotFound."""
        principal.require("import.create")
        await self._require_import(project, operation_id)
        key = parse_key(cursor)
        if key and not (key.isdecimal() and len(key) < len(str(limits.IMPORT_MAX_BYTES))):
            raise InvalidInput("The cursor is not one of ours")
        after = int(key or 0)
        size = min(limit, limits.IMPORT_PAGE_MAX)
        found = await self._operations.imported_manifests(operation_id, after=after, limit=size)
        last = len(found) < size
        return Page(items=found, cursor=None if last else key_cursor(str(after + len(found))))

    async def adopt(
        self,
        principal: Principal,
        project: str,
        environment: str,
        *,
        names: Sequence[str] = (),
        agents: Mapping[str, str] | None = None,
        allow_changes: bool = False,
        reason: str = "",
        request_id: str,
    ) -> OperationRecord:
        """Let agents be taken over that Git names and nobody manages yet.

        ``agents`` maps ids on the platform to names of agents whose manifests do not say them.
        Raises Forbidden, InvalidInput, NotFound, EngineUnavailable.
        """
        principal.require("adopt.create")
        await self._projects.require_environment(project, environment, applied=True)
        given = {name: external_id for external_id, name in (agents or {}).items()}
        if len(given) != len(agents or {}):
            raise InvalidInput("One agent cannot be two agents of the platform")
        found = await self.candidates(project, environment, names=(*names, *given), given=given)
        operation = await opened(self._operations, project, "adopt", by=principal.person)
        wanted = sorted(found)
        details: dict[str, Json] = {
            "operation": operation.id,
            "names": [*wanted],
            "allowChanges": allow_changes,
        }
        await self._audit(
            principal, project, "adopt.create", environment, request_id, details, reason
        )
        if not wanted:
            message = "Nothing to take over: Git names no agent that nobody manages yet."
            await self._operations.finish_operation(operation.id, "Succeeded", message)
            return await self._read(operation.id)
        now = datetime.now(UTC)
        for name in wanted:
            await self._interventions.put_intervention(
                Intervention(
                    project=project,
                    environment=environment,
                    kind="agent",
                    name=name,
                    verb="adopt",
                    reason=reason,
                    by=principal.person,
                    at=now,
                    expires_at=now + timedelta(seconds=limits.ADOPTION_EXPIRES_S),
                    details={"externalId": found[name], "allowChanges": allow_changes},
                )
            )
        await self._wake(principal, operation, environment, wanted)
        return operation

    async def candidates(
        self,
        project: str,
        environment: str,
        *,
        names: Sequence[str] = (),
        given: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Agents Git wants taken over and that are not yet, with their ids on the platform.

        Raises NotFound for a name Git does not name, InvalidInput for one that cannot be.
        """
        found: dict[str, str] = {}
        if names:
            for name in dict.fromkeys(names):
                wish = await self._wishes.wish(project, environment, "agent", name)
                if wish is None or wish.removed:
                    raise NotFound(
                        f"Git names no agent {name!r} in {environment}",
                        hint="Push its manifest first; adopting takes over what Git names",
                    )
                await self._candidate(wish, found, given or {}, by_name=True)
            return found
        after = ""
        while page := await self._wishes.wishes(
            project, environment, after=after, limit=limits.API_PAGE_MAX
        ):
            for wish in page:
                if wish.kind == "agent" and not wish.removed:
                    await self._candidate(wish, found, {}, by_name=False)
                if len(found) == limits.API_NAMES_MAX:
                    return found
            last = page[-1]
            after = f"{last.environment}/{last.kind}/{last.name}"
        return found

    async def _candidate(
        self, wish: WishRecord, found: dict[str, str], given: Mapping[str, str], *, by_name: bool
    ) -> None:
        said = wish.body.get("adopt")
        external_id = given.get(wish.name) or (said if isinstance(said, str) else "")
        entry = await self._ledger.entry(wish.project, wish.environment, "agent", wish.name)
        known_id = entry.external_id if entry is not None else None
        if known_id is not None:
            if wish.name in given and known_id != given[wish.name]:
                raise InvalidInput(
                    f"Agent {wish.name!r} is {known_id} on the platform already",
                    hint="One agent in Git is one agent on the platform",
                )
        elif external_id:
            found[wish.name] = external_id
        elif by_name:
            raise InvalidInput(
                f"The manifest of {wish.name!r} does not say which agent it is",
                hint=f"Write metadata.adopt, or: trunkline adopt --agent ID={wish.name}",
            )

    async def _wake(
        self,
        principal: Principal,
        operation: OperationRecord,
        environment: str,
        names: Sequence[str],
    ) -> None:
        record = await self._projects.find(principal, operation.project)
        request = RefreshRequest(
            operation_id=operation.id, environment=environment, names=tuple(names)
        )
        try:
            await self._engine.refresh(
                operation.project, request, poll_interval_s=record.poll_interval_s
            )
        except EngineUnavailable as error:
            await self._operations.finish_operation(operation.id, "Error", error.message)
            raise

    async def _read(self, operation_id: str) -> OperationRecord:
        operation = await self._operations.operation(operation_id)
        if operation is None:
            raise NotFound(f"There is no operation {operation_id!r}")
        return operation

    async def _require_import(self, project: str, operation_id: str) -> None:
        operation = await self._operations.operation(operation_id)
        if operation is None or operation.project != project or operation.kind != "import":
            raise NotFound(f"There is no import {operation_id!r} in project {project!r}")

    async def _audit(
        self,
        principal: Principal,
        project: str,
        action: str,
        environment: str,
        request_id: str,
        details: dict[str, Json],
        reason: str = "",
    ) -> None:
        await self._access.record(
            principal,
            action,
            project=project,
            subject=environment,
            request_id=request_id,
            reason=reason,
            details=details,
        )
