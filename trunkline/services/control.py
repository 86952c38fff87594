"""What people say to hold the reconciler back and to let it go on.

A decision is in force from the moment its row is stored, because the gate of writes reads it before
every step; it is stored and audited first, and only then is anybody woken. If Temporal does not
answer, the decision stands all the same, and the error says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.clocks import SystemClock
from activities.types import WakeRequest
from trunkline.model import limits
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import EngineUnavailable, InvalidInput, NotFound
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.records import EventRecord, RecordKind
from trunkline.model.roles import Action
from trunkline.ports import Clock, Interventions, Statuses, Wishes
from trunkline.services.absent_names import absent
from trunkline.services.access import AccessService, Principal, require_reason
from trunkline.services.engine import Engine
from trunkline.services.projects import ProjectService


@dataclass(frozen=True, slots=True)
class Place:
    """What a decision is about; an empty ``environment`` is the project, an empty ``name`` all."""

    project: str
    environment: str = ""
    kind: RecordKind | None = None
    name: str = ""

    @property
    def words(self) -> str:
        """The place as people read it."""
        if self.name:
            return f"{self.kind} {self.name} in {self.environment}"
        return f"environment {self.environment}" if self.environment else f"project {self.project}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who decides, and in which request."""

    principal: Principal
    request_id: str


class ControlService:
    """Suspending, disabling, overriding windows. Projects are those found for the caller."""

    def __init__(
        self,
        interventions: Interventions,
        wishes: Wishes,
        statuses: Statuses,
        *,
        projects: ProjectService,
        access: AccessService,
        engine: Engine,
        clock: Clock | None = None,
    ) -> None:
        self._interventions = interventions
        self._wishes = wishes
        self._statuses = statuses
        self._projects = projects
        self._access = access
        self._engine = engine
        self._clock = clock or SystemClock()

    async def place(self, project: str, environment: str | None, name: str = "") -> Place:
        """The place people mean; a name without an environment must be in one only.

        Raises InvalidInput, NotFound.
        """
        if environment is not None:
            await self._projects.require_environment(project, environment)
        known = [found.name for found in await self._projects.environments(project)]
        if not name:
            return Place(project, environment or "")
        kinds: tuple[RecordKind, ...] = ("agent", "number")
        found = [
            Place(project, where, kind, name)
            for where in ([environment] if environment else known)
            for kind in kinds
            if await self._wishes.wish(project, where, kind, name) is not None
        ]
        if not found:
            raise await absent(self._statuses, project, name, environment, what="agent or number")
        if len({place.environment for place in found}) > 1:
            names = ", ".join(place.environment for place in found)
            raise InvalidInput(f"{name!r} is in several environments: {names}", hint="Say which")
        return found[0]

    async def suspend(
        self, caller: Caller, place: Place, *, reason: str, until: datetime | None = None
    ) -> Intervention:
        """Not one write from now on, until it is resumed or the time has come."""
        require_reason(reason)
        self._require_future(until)
        action: Action = "agent.suspend" if place.name else "environment.suspend"
        decided = await self._decide(
            caller, place, "suspend", action=action, reason=reason, until=until
        )
        await self._tell(place, "Suspended", f"by {decided.by}: {reason}", warning=True)
        if place.name:
            await self._wake(place)
        return decided

    async def resume(self, caller: Caller, place: Place, *, reason: str = "") -> Intervention:
        """Let it go on: what was committed meanwhile is applied. Raises NotFound."""
        action: Action = "agent.resume" if place.name else "environment.resume"
        lifted = await self._lift(caller, place, "suspend", action=action, reason=reason)
        await self._tell(place, "Resumed", f"by {caller.principal.person}: {reason}".rstrip(": "))
        await self._wake(place)
        for found in await self._projects.environments(place.project):
            if place.environment in ("", found.name):
                await self._engine.prune(place.project, found.name)
                await self._engine.look_over_again(place.project, found.name)
        return lifted

    async def disable(self, caller: Caller, place: Place, *, reason: str) -> Intervention:
        """Take an agent's calls away at once. It stays; its numbers go to their fallback."""
        require_reason(reason)
        _require_agent(place)
        decided = await self._decide(
            caller, place, "disable", action="agent.disable", reason=reason
        )
        await self._tell(place, "Disabled", f"by {decided.by}: {reason}", warning=True)
        await self._wake(place, numbers=True)
        return decided

    async def enable(self, caller: Caller, place: Place, *, reason: str = "") -> Intervention:
        """Give an agent its calls back. Raises NotFound."""
        _require_agent(place)
        lifted = await self._lift(caller, place, "disable", action="agent.enable", reason=reason)
        await self._tell(place, "Enabled", f"by {caller.principal.person}: {reason}".rstrip(": "))
        await self._wake(place, numbers=True)
        return lifted

    async def override_window(self, caller: Caller, place: Place, *, reason: str) -> Intervention:
        """Write although the windows are closed, for WINDOW_OVERRIDE_S seconds."""
        require_reason(reason)
        until = self._clock.now() + timedelta(seconds=limits.WINDOW_OVERRIDE_S)
        return await self._decide(
            caller, place, "override-window", action="window.override", reason=reason, until=until
        )

    async def decisions(self, project: str, environment: str | None) -> tuple[Intervention, ...]:
        """Everything in force."""
        return await self._interventions.interventions(project, environment)

    async def _decide(
        self,
        caller: Caller,
        place: Place,
        verb: InterventionVerb,
        *,
        action: Action,
        reason: str,
        until: datetime | None = None,
    ) -> Intervention:
        caller.principal.require(action)
        decided = Intervention(
            project=place.project,
            environment=place.environment,
            kind=place.kind or "",
            name=place.name,
            verb=verb,
            reason=reason,
            by=caller.principal.person,
            at=self._clock.now(),
            expires_at=until,
        )
        standing = await self._standing(place, verb)
        await self._interventions.put_intervention(decided)
        expires: dict[str, Json] = {"expiresAt": until.isoformat()} if until else {}
        await self._audit(
            caller, place, action, reason, expires, before=_said(standing), after=_said(decided)
        )
        return decided

    async def _lift(
        self, caller: Caller, place: Place, verb: InterventionVerb, *, action: Action, reason: str
    ) -> Intervention:
        caller.principal.require(action)
        lifted = await self._interventions.lift_intervention(
            place.project, place.environment, place.kind or "", place.name, verb
        )
        if lifted is None or _is_past(lifted, self._clock.now()):
            done = "suspended" if verb == "suspend" else "disabled"
            above = await self._above(place, verb)
            raise NotFound(
                f"{place.words} is not {done}",
                hint=f"But {above} is: name that one" if above else "",
            )
        await self._audit(
            caller, place, action, reason, {"lifted": lifted.reason}, before=_said(lifted)
        )
        return lifted

    async def _standing(self, place: Place, verb: InterventionVerb) -> Intervention | None:
        """What was decided of exactly this before and is in force."""
        known = await self._interventions.interventions(place.project, place.environment)
        wanted = (place.environment, place.kind or "", place.name, verb)
        for one in known:
            if (one.environment, one.kind, one.name, one.verb) == wanted:
                return one
        return None

    async def _above(self, place: Place, verb: InterventionVerb) -> str:
        """What else that holds the place back was named instead, if anything."""
        for one in await self._interventions.interventions(place.project, place.environment):
            if one.verb == verb and one.concerns(place.environment, place.kind or "", place.name):
                where = one.environment and f"environment {one.environment}"
                return where or f"project {one.project}"
        return ""

    async def _audit(
        self,
        caller: Caller,
        place: Place,
        action: Action,
        reason: str,
        details: dict[str, Json],
        *,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        await self._access.record(
            caller.principal,
            action,
            project=place.project,
            subject=place.name or place.environment or place.project,
            request_id=caller.request_id,
            reason=reason,
            details={"environment": place.environment, **details},
            before=before,
            after=after,
        )

    async def _tell(self, place: Place, reason: str, words: str, *, warning: bool = False) -> None:
        wide = "environment" if place.environment else "project"
        event = EventRecord(
            project=place.project,
            environment=place.environment,
            kind=place.kind or ("environment" if wide == "environment" else "project"),
            name=place.name or place.environment or place.project,
            type="Warning" if warning else "Normal",
            reason=reason,
            message=f"{place.words} was {reason.lower()} {words}",
        )
        await self._statuses.add_events([event])

    async def _wake(self, place: Place, *, numbers: bool = False) -> None:
        request = WakeRequest(
            project=place.project,
            environment=place.environment,
            kind=place.kind or "",
            name=place.name,
            numbers=numbers,
        )
        try:
            await self._engine.wake(request)
        except EngineUnavailable as error:
            raise EngineUnavailable(
                f"The decision is stored and in force, but nobody could be told: {error.message}",
                hint="Say it again once Temporal answers; saying it twice does no harm",
            ) from error

    def _require_future(self, until: datetime | None) -> None:
        if until is None:
            return
        left_s = (until - self._clock.now()).total_seconds()
        if not 0 < left_s <= limits.SUSPENSION_MAX_S:
            raise InvalidInput(
                "A suspension ends in the future and within a year",
                hint="Leave the end out to suspend until somebody resumes it",
            )


def _said(decided: Intervention | None) -> JsonObject | None:
    """A decision as the audit log has it."""
    if decided is None:
        return None
    until = decided.expires_at
    return {
        decided.verb: True,
        "by": decided.by,
        "reason": decided.reason,
        "until": until.isoformat() if until else None,
    }


def _is_past(decided: Intervention, now: datetime) -> bool:
    return decided.expires_at is not None and decided.expires_at <= now


def _require_agent(place: Place) -> None:
    if place.kind != "agent":
        raise InvalidInput(
            f"Only an agent can be disabled; {place.name} is a number",
            hint=f"To stop every write to it: trunkline suspend {place.name}",
        )
