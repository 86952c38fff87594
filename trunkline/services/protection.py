"""What people say to keep something from being deleted, and to let deleting go on.

A protection is a row of ours and a tag on the platform, and either alone protects: the row survives
somebody who takes the tag away, the tag survives the loss of our store. Nothing of it stands in
Git, where the line that protects would leave together with what it protects.
"""

from typing import Final

from activities.clocks import SystemClock
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.records import EventRecord
from trunkline.model.roles import Action
from trunkline.ports import Clock, Interventions, Statuses
from trunkline.services.access import AccessService
from trunkline.services.control import Caller, Place
from trunkline.services.engine import Engine

_PAUSED: Final[InterventionVerb] = "prune-paused"
_FORMER_RULES: Final[InterventionVerb] = "prune-rules"


class ProtectionService:
    """Protecting agents, and resuming deletions that were paused."""

    def __init__(
        self,
        interventions: Interventions,
        statuses: Statuses,
        *,
        access: AccessService,
        engine: Engine,
        clock: Clock | None = None,
    ) -> None:
        self._interventions = interventions
        self._statuses = statuses
        self._access = access
        self._engine = engine
        self._clock = clock or SystemClock()

    async def protect(self, caller: Caller, place: Place, *, reason: str) -> Intervention:
        """Never delete the agent, whatever Git says, until it is unprotected.

        Raises Forbidden, InvalidInput, EngineUnavailable.
        """
        caller.principal.require("agent.protect")
        _require_agent(place)
        if not reason.strip():
            raise InvalidInput("A reason is needed: somebody will read it and wonder")
        decided = self._decision(caller, place, reason)
        await self._interventions.put_intervention(decided)
        await self._write_down(
            caller, place, "agent.protect", "Protected", reason, after={"protected": True}
        )
        await self._engine.prune(place.project, place.environment)
        return decided

    async def unprotect(self, caller: Caller, place: Place, *, reason: str = "") -> Intervention:
        """Let the agent be deleted again: the row goes now, its tag as soon as it is reached."""
        caller.principal.require("agent.protect")
        _require_agent(place)
        lifted = await self._interventions.lift_intervention(
            place.project, place.environment, "agent", place.name, "protect"
        )
        before: JsonObject = {"protected": True}
        if lifted is not None:
            before |= {"by": lifted.by, "reason": lifted.reason}
        await self._write_down(
            caller,
            place,
            "agent.protect",
            "Unprotected",
            reason,
            before=before,
            after={"protected": False},
        )
        await self._engine.prune(place.project, place.environment, released=(place.name,))
        return lifted or self._decision(caller, place, "only its tag protected it")

    async def resume(self, caller: Caller, place: Place, *, reason: str = "") -> Intervention:
        """Let deletions of an environment go on, under the rules of the manifest.

        Raises Forbidden, InvalidInput, NotFound if nothing kept them back, EngineUnavailable.
        """
        caller.principal.require("prune.resume")
        if not place.environment:
            raise InvalidInput("Deletions are resumed in one environment", hint="Name it with -e")
        found = [
            lifted
            for environment, verb in (
                (place.environment, _PAUSED),
                ("", _PAUSED),
                (place.environment, _FORMER_RULES),
            )
            if (
                lifted := await self._interventions.lift_intervention(
                    place.project, environment, "", "", verb
                )
            )
        ]
        if not found:
            raise NotFound(f"Deletions of {place.words} are not paused")
        await self._write_down(
            caller,
            place,
            "prune.resume",
            "PruneResumed",
            reason,
            before={"paused": True, "by": found[0].by, "reason": found[0].reason},
        )
        await self._engine.prune(place.project, place.environment)
        return found[0]

    def _decision(self, caller: Caller, place: Place, reason: str) -> Intervention:
        return Intervention(
            project=place.project,
            environment=place.environment,
            kind="agent",
            name=place.name,
            verb="protect",
            reason=reason,
            by=caller.principal.person,
            at=self._clock.now(),
        )

    async def _write_down(
        self,
        caller: Caller,
        place: Place,
        action: Action,
        what: str,
        reason: str,
        *,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        details: dict[str, Json] = {"environment": place.environment, "decision": what}
        await self._access.record(
            caller.principal,
            action,
            project=place.project,
            subject=place.name or place.environment,
            request_id=caller.request_id,
            reason=reason,
            details=details,
            before=before,
            after=after,
        )
        event = EventRecord(
            project=place.project,
            environment=place.environment,
            kind=place.kind or "environment",
            name=place.name or place.environment,
            reason=what,
            message=f"by {caller.principal.person}: {reason}".rstrip(": "),
        )
        await self._statuses.add_events([event])


def _require_agent(place: Place) -> None:
    if place.kind != "agent":
        raise InvalidInput(
            f"Only an agent can be protected, not {place.words}",
            hint="A number is never given back, and a tool can be made again from Git",
        )
