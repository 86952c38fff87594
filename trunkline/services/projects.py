"""Registered projects: which exist for a caller, how their Git is, what waits for a release."""

from dataclasses import dataclass, replace

from activities.promotion_rules import pending_words
from activities.types import RefreshRequest
from trunkline.model.base import Json, JsonObject
from trunkline.model.conditions import Conditions
from trunkline.model.errors import (
    Blocked,
    InvalidInput,
    InvalidSettings,
    NotConfigured,
    NotFound,
)
from trunkline.model.ids import Revision, secret_prefix, share_secrets
from trunkline.model.policies import default_mode
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.model.released import WAITING_FOR_RELEASE
from trunkline.model.roles import Action
from trunkline.ports import Projects, Sources, Wishes
from trunkline.ports.notifying import Notifications
from trunkline.ports.releasing import ReleaseRecords
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.notifications import unreached_conditions
from trunkline.services.pages import Page, key_cursor, parse_key


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One environment as the last applied Project manifest describes it; ``message`` is what it
    waits for, where a whole project is looked at.
    """

    name: str
    source: str
    mode: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A project, how its Git is (None before the first look), and its environments; ``conditions``
    are of what belongs to none of them.
    """

    project: ProjectRecord
    source: SourceState | None
    environments: tuple[EnvironmentState, ...]
    conditions: Conditions = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """What a removal left behind: objects that go on without us, workflows that were ended."""

    name: str
    objects_kept: int
    workflows_ended: int


def reached(principal: Principal, name: str, record: ProjectRecord | None) -> ProjectRecord:
    """A project that was looked up by its name. Raises NotFound unless it is there for the
    caller.
    """
    if record is None or not principal.reaches(name):
        raise NotFound(
            f"There is no project {name!r}",
            hint="`trunkline projects list` shows those your token reaches",
        )
    return record


class ProjectService:
    """Registered projects."""

    def __init__(
        self,
        projects: Projects,
        wishes: Wishes,
        releases: ReleaseRecords,
        *,
        access: AccessService,
        engine: Engine,
        sources: Sources | None = None,
        notifications: Notifications | None = None,
        live: bool = False,
    ) -> None:
        self._projects = projects
        self._wishes = wishes
        self._releases = releases
        self._access = access
        self._engine = engine
        self._sources = sources
        self._notifications = notifications
        self._live = live

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

    async def add(
        self, principal: Principal, project: ProjectRecord, *, reason: str, request_id: str
    ) -> ProjectState:
        """Register a further repository on a person's word; the same one twice changes nothing.

        Raises Forbidden, NotConfigured, Blocked if the name is taken by another repository, and
        what ``register`` raises.
        """
        principal.require("project.add")
        principal.require_every_project("Registering a project")
        if self._sources is None:
            raise NotConfigured("This server reads no repositories, so it can register none")
        self._sources.require_allowed(project)
        known = await self._projects.project(project.name)
        if known is not None and known.repository != project.repository:
            raise Blocked(
                f"There is a project {project.name} with the repository {known.repository}",
                hint=f"Choose another name, or: trunkline projects remove {project.name}",
            )
        await self.register(project)
        await self._record(
            principal,
            "project.add",
            project.name,
            reason,
            request_id,
            before=None if known is None else _said(known),
            after=_said(project),
        )
        return await self._state(project)

    async def remove(
        self,
        principal: Principal,
        name: str,
        *,
        keep_objects: bool,
        reason: str,
        request_id: str,
    ) -> Removal:
        """End a project's workflows and forget it. Nothing on a platform is touched.

        Raises Forbidden, NotFound, EngineUnavailable, and Blocked while the project owns objects
        on a platform, unless they are to be left to themselves by ``keep_objects``.
        """
        principal.require("project.remove")
        principal.require_every_project("Removing a project")
        record = await self.find(principal, name)
        owned = await self._projects.owned(name)
        if owned and not keep_objects:
            raise Blocked(
                f"Project {name} still owns {owned} object{'' if owned == 1 else 's'} on the"
                " platforms",
                hint="Empty its manifests and sync, or leave them running without Trunkline:"
                f" trunkline projects remove {name} --keep-objects",
            )
        environments = [found.name for found in await self.environments(name)]
        ended = await self._engine.end_project(name, environments)
        await self._projects.remove(name)
        await self._record(
            principal,
            "project.remove",
            name,
            reason,
            request_id,
            details={"repository": record.repository, "objectsKept": owned},
            before=_said(record),
        )
        return Removal(name=name, objects_kept=owned, workflows_ended=ended)

    async def find(self, principal: Principal, name: str) -> ProjectRecord:
        """The project, if it exists for the caller. Raises NotFound."""
        record = await self._projects.project(name) if principal.reaches(name) else None
        return reached(principal, name, record)

    async def state(self, principal: Principal, name: str) -> ProjectState:
        """One project with everything known of it. Raises NotFound."""
        return await self._state(await self.find(principal, name))

    async def applied(self, name: str) -> Revision | None:
        """The commit whose wishes count now; None before the first."""
        source = await self._projects.source(name)
        return source.applied_revision if source is not None else None

    async def names(self, principal: Principal) -> tuple[str, ...]:
        """Names of all projects that exist for the caller."""
        return tuple(p.name for p in await self._projects.projects() if principal.reaches(p.name))

    async def states(
        self, principal: Principal, *, cursor: str | None, limit: int
    ) -> Page[ProjectState]:
        """Projects that exist for the caller, by name. Raises InvalidInput for a foreign cursor."""
        after = parse_key(cursor)
        known = [
            each
            for each in sorted(await self._projects.projects(), key=lambda each: each.name)
            if each.name > after and principal.reaches(each.name)
        ]
        shown = known[:limit]
        following = key_cursor(shown[-1].name) if len(known) > limit else None
        return Page(tuple([await self._state(record) for record in shown]), following)

    async def environments(self, project: str) -> tuple[EnvironmentState, ...]:
        """The environments of the last applied revision, as it says them; none before the first."""
        manifest = await self._wishes.project_manifest(project)
        found = []
        for described in _environments(manifest or {}):
            name = str(described.get("name", ""))
            source = str(described.get("source") or "head")
            mode = str(described.get("mode") or default_mode(live=self._live))
            found.append(EnvironmentState(name, source, mode))
        return tuple(found)

    async def require_environment(
        self, project: str, environment: str, *, applied: bool = False
    ) -> None:
        """Raises InvalidInput for one the last applied revision does not describe; where there is
        no such revision yet, only if it has to be ``applied``.
        """
        known = [found.name for found in await self.environments(project)]
        if environment not in known and (known or applied):
            raise InvalidInput(
                f"Project {project!r} has no environment {environment!r}",
                hint=f"Its environments are: {', '.join(known) or 'none read from Git yet'}",
            )

    async def _record(
        self,
        principal: Principal,
        action: Action,
        name: str,
        reason: str,
        request_id: str,
        *,
        details: dict[str, Json] | None = None,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        await self._access.record(
            principal,
            action,
            project=name,
            subject=name,
            request_id=request_id,
            reason=reason,
            details=details,
            before=before,
            after=after,
        )

    async def _state(self, record: ProjectRecord) -> ProjectState:
        source = await self._projects.source(record.name)
        environments = [
            await self._waiting(record.name, each) for each in await self.environments(record.name)
        ]
        return ProjectState(
            record, source, tuple(environments), await self._conditions(record.name)
        )

    async def _conditions(self, project: str) -> Conditions:
        if self._notifications is None:
            return ()
        return await unreached_conditions(self._notifications, self._wishes, project)

    async def _waiting(self, project: str, environment: EnvironmentState) -> EnvironmentState:
        """The environment with what it waits for: a first release, or an admin who agrees to
        weaker rules of promotion.
        """
        said = []
        is_released = environment.source == "releases"
        if is_released and not await self._wishes.count_agents(project, environment.name):
            said.append(WAITING_FOR_RELEASE)
        rules = await self._releases.rules_in_force(project, environment.name)
        pending = pending_words(environment.name, rules)
        if pending:
            said.append(f"rules of promotion: {pending}")
        return replace(environment, message="; ".join(said))


def _said(project: ProjectRecord) -> JsonObject:
    """A project as the audit log has it."""
    return {"branch": project.branch, "pollIntervalS": project.poll_interval_s}


def _environments(manifest: JsonObject) -> list[JsonObject]:
    spec = manifest.get("spec", manifest)
    listed = spec.get("environments") if isinstance(spec, dict) else None
    if not isinstance(listed, list):
        return []
    return [entry for entry in listed if isinstance(entry, dict)]
