"""Registered projects: which exist for a caller, how their Git is, what waits for a release."""

from dataclasses import dataclass

from activities.types import RefreshRequest
from trunkline.model.base import JsonObject
from trunkline.model.errors import InvalidSettings, NotFound
from trunkline.model.ids import secret_prefix, share_secrets
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.ports import Projects, Wishes
from trunkline.services.access import Principal
from trunkline.services.engine import Engine

WAITING_FOR_RELEASE = "waiting for its first release"


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One environment as the last applied Project manifest describes it."""

    name: str
    source: str
    mode: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A project, how its Git is (None before the first look), and its environments."""

    project: ProjectRecord
    source: SourceState | None
    environments: tuple[EnvironmentState, ...]


class ProjectService:
    """Registered projects."""

    def __init__(self, projects: Projects, wishes: Wishes, engine: Engine) -> None:
        self._projects = projects
        self._wishes = wishes
        self._engine = engine

    async def register(self, project: ProjectRecord) -> None:
        """Insert or update a project and wake its workflow.

        Raises EngineUnavailable, and InvalidSettings for a name beside which a registered project
        could name the other's secrets.
        """
        for other in await self._projects.projects():
            if share_secrets(project.name, other.name):
                raise InvalidSettings(
                    f"project {project.name} cannot stand beside project {other.name}: secrets"
                    f" of one would begin like those of the other, {secret_prefix(other.name)}",
                    hint="choose a name that does not continue the other's after a dash",
                )
        await self._projects.register(project)
        await self._engine.refresh(
            project.name, RefreshRequest(), poll_interval_s=project.poll_interval_s
        )

    async def find(self, principal: Principal, name: str) -> ProjectRecord:
        """The project, if it exists for the caller. Raises NotFound."""
        record = await self._projects.project(name) if principal.reaches(name) else None
        if record is None:
            raise NotFound(
                f"There is no project {name!r}",
                hint="GET /v1/projects lists the projects of this token",
            )
        return record

    async def state(self, principal: Principal, name: str) -> ProjectState:
        """One project with everything known of it. Raises NotFound."""
        return await self._state(await self.find(principal, name))

    async def states(self, principal: Principal) -> tuple[ProjectState, ...]:
        """All projects that exist for the caller, by name."""
        records = [p for p in await self._projects.projects() if principal.reaches(p.name)]
        return tuple([await self._state(record) for record in records])

    async def environments(self, project: str) -> tuple[EnvironmentState, ...]:
        """The environments of the last applied revision; none before the first."""
        manifest = await self._wishes.project_manifest(project)
        found = []
        for described in _environments(manifest or {}):
            name = str(described.get("name", ""))
            source = str(described.get("source") or "head")
            message = ""
            if source == "releases" and not await self._wishes.wishes(project, name, limit=1):
                message = WAITING_FOR_RELEASE
            mode = str(described.get("mode") or "enforce")
            found.append(EnvironmentState(name, source, mode, message))
        return tuple(found)

    async def _state(self, record: ProjectRecord) -> ProjectState:
        source = await self._projects.source(record.name)
        return ProjectState(record, source, await self.environments(record.name))


def _environments(manifest: JsonObject) -> list[JsonObject]:
    spec = manifest.get("spec", manifest)
    listed = spec.get("environments") if isinstance(spec, dict) else None
    if not isinstance(listed, list):
        return []
    return [entry for entry in listed if isinstance(entry, dict)]
