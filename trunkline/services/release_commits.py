"""Small commits people ask for: a hold on a release, the lifecycle of an agent.

They are level-triggered: the branch is fetched, what it says is compared with what is wanted, and
only a difference is pushed. So a push that somebody else was ahead of is made again on the new
tip, and one that nobody answered is looked up; asked twice, nothing is committed twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from activities.types import RefreshRequest
from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.lifecycles import KEY, with_lifecycle
from trunkline.manifests.release_files import release_text
from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import Lifecycle
from trunkline.model.errors import (
    EngineUnavailable,
    InvalidInput,
    InvalidManifests,
    NotConfigured,
    NotFound,
    PromotionRefused,
    PushRejected,
    PushUnanswered,
    SourceError,
)
from trunkline.model.ids import Revision, release_path
from trunkline.model.kinds.agent import Agent
from trunkline.model.kinds.project import Person
from trunkline.model.kinds.release import Hold
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.promotions.authors import commit_author
from trunkline.model.roles import Action
from trunkline.ports import Sources
from trunkline.ports.releasing import ReleaseRepositories, ReleaseRepository
from trunkline.services.access import AccessService
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.releases import ReleaseService

PUSHES_MAX: Final = 5
"""Somebody else's pushes that are made way for before a person is told to try again."""

BranchStage = Literal["draft", "testing"]
Edits: TypeAlias = Mapping[str, str | None]
Draft: TypeAlias = Callable[[Revision], Awaitable[Edits]]
"""What a tip is to be changed to, file by file; empty if it says so already."""
LIFECYCLES: Final[Mapping[BranchStage, Lifecycle]] = {"draft": "draft", "testing": "active"}


@dataclass(frozen=True, slots=True)
class Committed:
    """What a decision became; ``revision`` None: the branch said so already."""

    environment: str
    agent: str
    revision: Revision | None


class ReleaseCommitService:
    """Commits for one installation; without ``repositories`` there are none."""

    def __init__(
        self,
        releases: ReleaseService,
        *,
        access: AccessService,
        engine: Engine,
        sources: Sources | None = None,
        repositories: ReleaseRepositories | None = None,
    ) -> None:
        self._releases = releases
        self._access = access
        self._engine = engine
        self._sources = sources
        self._repositories = repositories

    async def hold(
        self, caller: Caller, project: str, agent: str, *, environment: str | None, reason: str
    ) -> Committed:
        """Keep automatic promotion off what an environment runs of an agent.

        Raises Forbidden, InvalidInput, PromotionRefused, NotConfigured, a SourceError.
        """
        if not reason.strip():
            raise InvalidInput("A reason is needed: somebody will read it and wonder")
        return await self._set_hold(caller, project, agent, environment, reason)

    async def unhold(
        self, caller: Caller, project: str, agent: str, *, environment: str | None, reason: str = ""
    ) -> Committed:
        """Let automatic promotion go on. Raises what ``hold`` raises."""
        return await self._set_hold(caller, project, agent, environment, None, why=reason)

    async def _set_hold(
        self,
        caller: Caller,
        project: str,
        agent: str,
        environment: str | None,
        reason: str | None,
        *,
        why: str = "",
    ) -> Committed:
        caller.principal.require("promotion.hold")
        place = await self._releases.place(project, environment)
        where, person = place.environment, caller.principal.person
        repository = await self._repository(project)
        hold = None
        before: JsonObject = {}
        if reason is not None:
            hold = Hold.model_validate({"reason": reason, "by": person})

        async def draft(tip: Revision) -> Edits:
            found = (await repository.releases(tip)).released.get((where, agent))
            if found is None:
                raise PromotionRefused(
                    f"{agent} is not released to {where}, so there is nothing to hold",
                    hint=f"To stop every write to it: trunkline suspend {agent} -e {where}",
                )
            spec = found.manifest.spec
            before["hold"] = _held(spec.hold)
            if spec.hold == hold or (spec.hold and hold and spec.hold.reason == hold.reason):
                return {}
            held = spec.model_copy(update={"hold": hold})
            return {release_path(where, agent): release_text(agent, held)}

        done = f"Hold {agent} in {where}" if hold else f"Lift the hold on {agent} in {where}"
        people = place.rules.people if place.rules is not None else ()
        revision = await self._push(
            repository, draft, _message(done, reason or why), caller, people
        )
        said: dict[str, Json] = {"environment": where, "lifted": hold is None, "commit": revision}
        return await self._finish(
            caller,
            "promotion.hold",
            Committed(where, agent, revision),
            project,
            reason or why or done,
            said,
            before=before,
            after={"hold": _held(hold)},
        )

    async def stage(
        self, caller: Caller, project: str, agent: str, *, stage: BranchStage, changes: str
    ) -> Committed:
        """Make an agent a draft, or have it deployed again: a commit on its lifecycle.

        Raises Forbidden, NotFound, InvalidManifests, PromotionRefused, NotConfigured, a
        SourceError.
        """
        caller.principal.require("agent.stage")
        repository = await self._repository(project)
        if self._sources is None:
            raise NotConfigured("This server reads no repositories, so it can change none")
        source = await self._sources.source(project)
        lifecycle = LIFECYCLES[stage]
        people: list[Person] = []
        before: JsonObject = {}

        async def draft(tip: Revision) -> Edits:
            manifests = await _readable(source.manifests(tip))
            people[:] = manifests.project.manifest.spec.people
            placed = manifests.agents.get(agent)
            if placed is None:
                raise NotFound(f"There is no agent {agent!r} in project {project!r}")
            _refuse_overridden(manifests, placed, lifecycle)
            before["lifecycle"] = placed.manifest.spec.lifecycle
            if placed.manifest.spec.lifecycle == lifecycle:
                return {}
            file = placed.positions.file
            text = await source.text(tip, file)
            try:
                return {file: with_lifecycle(text, agent, lifecycle)}
            except Uneditable as error:
                raise PromotionRefused(
                    f"{file} cannot be changed by itself: {error}",
                    hint=f"Set `lifecycle: {lifecycle}` in it by hand, and push",
                ) from error

        done = f"{agent}: lifecycle {lifecycle}"
        revision = await self._push(repository, draft, _message(done, changes), caller, people)
        said: dict[str, Json] = {"stage": stage, "lifecycle": lifecycle, "commit": revision}
        return await self._finish(
            caller,
            "agent.stage",
            Committed("", agent, revision),
            project,
            changes,
            said,
            before=before,
            after={"lifecycle": lifecycle},
        )

    async def _repository(self, project: str) -> ReleaseRepository:
        if self._repositories is None:
            raise NotConfigured("This server writes to no repositories")
        return await self._repositories.repository(project)

    async def _push(
        self,
        repository: ReleaseRepository,
        draft: Draft,
        message: str,
        caller: Caller,
        people: Sequence[Person],
    ) -> Revision | None:
        """Push what the branch does not say yet; None if it does. Raises a SourceError."""
        trouble: SourceError | None = None
        for _ in range(PUSHES_MAX):
            tip = await repository.fetch_tip()
            edits = await draft(tip)
            if not edits:
                return tip if isinstance(trouble, PushUnanswered) else None
            try:
                return await repository.push_release(
                    tip,
                    edits=edits,
                    message=message,
                    author=commit_author(caller.principal.person, people),
                )
            except (PushRejected, PushUnanswered) as error:
                trouble = error
        raise trouble or PushRejected("Others keep pushing", hint="Try again in a minute")

    async def _finish(
        self,
        caller: Caller,
        action: Action,
        done: Committed,
        project: str,
        reason: str,
        details: dict[str, Json],
        *,
        before: JsonObject,
        after: JsonObject,
    ) -> Committed:
        await self._access.record(
            caller.principal,
            action,
            project=project,
            subject=done.agent,
            request_id=caller.request_id,
            reason=reason,
            details=details,
            before=before,
            after=after,
        )
        if done.revision is not None:
            try:
                await self._engine.refresh(project, RefreshRequest())
            except EngineUnavailable as error:
                raise EngineUnavailable(
                    f"It is committed as {done.revision[:10]}, but nobody could be told:"
                    f" {error.message}",
                    hint="It is found at the next look at Git",
                ) from error
        return done


def _held(hold: Hold | None) -> Json:
    """A hold as the audit log has it."""
    return {"by": hold.held_by, "reason": hold.reason} if hold else None


async def _readable(reading: Awaitable[Manifests]) -> Manifests:
    """The manifests of a tip. Raises PromotionRefused for a tree with problems."""
    try:
        return await reading
    except InvalidManifests as error:
        raise PromotionRefused(
            f"The newest commit is not valid, so nothing is changed on top of it: {error.message}",
            hint="`trunkline validate` lists every problem",
        ) from error


def _refuse_overridden(manifests: Manifests, placed: Placed[Agent], lifecycle: Lifecycle) -> None:
    """Raises PromotionRefused where an environment that follows the branch says another lifecycle
    of its own: the agent's would change nothing there, and what somebody set for one environment
    on purpose is not for us to undo.
    """
    agent = placed.manifest
    for environment in manifests.project.manifest.spec.environments:
        override = agent.spec.overrides.get(environment.name)
        if environment.source != "head" or override is None:
            continue
        if KEY in override.model_fields_set and override.lifecycle != lifecycle:
            where = placed.positions.key(f"spec.overrides.{environment.name}.{KEY}")
            raise PromotionRefused(
                f"{agent.name} has `{KEY}: {override.lifecycle}` of its own in {environment.name}"
                f" ({where.file}:{where.line}), which goes before `{KEY}: {lifecycle}`",
                hint=f"Take that line away, or set it to {lifecycle}, and push",
            )


def _message(subject: str, body: str) -> str:
    return f"{subject}\n\n{body.strip()}\n" if body.strip() else f"{subject}\n"
