"""Letting a stored plan through, and the first enforcement of a real account.

Both are decisions about exactly what somebody saw: a plan is named by its id and its digest, and an
account by its id. Whether the world is still as it was then is asked again before every step.
"""

from collections import Counter
from datetime import timedelta

from activities.clocks import SystemClock
from activities.policies import Standings
from activities.types import RefreshRequest
from trunkline.model import limits
from trunkline.model.base import Json, JsonObject
from trunkline.model.blast_radius import confirmation_text
from trunkline.model.errors import Blocked, InvalidInput
from trunkline.model.gates import ACCOUNTS, refusal
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.plans import Plan
from trunkline.model.records import EventRecord, OperationRecord, PlanRecord
from trunkline.ports import Clock, Interventions, Operations, Statuses, Wishes
from trunkline.services.access import AccessService
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.operations import OperationService


class ApplyService:
    """Plans that people apply. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        interventions: Interventions,
        wishes: Wishes,
        plans: Operations,
        statuses: Statuses,
        *,
        operations: OperationService,
        access: AccessService,
        engine: Engine,
        live: bool,
        clock: Clock | None = None,
    ) -> None:
        self._interventions = interventions
        self._statuses = statuses
        self._operations = operations
        self._access = access
        self._engine = engine
        self._live = live
        self._clock = clock or SystemClock()
        self._standings = Standings(wishes, interventions, plans, self._clock, live=live)

    async def apply(
        self, caller: Caller, project: str, plan_id: str, *, digest: str, reason: str = ""
    ) -> OperationRecord:
        """Write exactly what the plan says, as long as the world is as it was planned on.

        Raises Forbidden, NotFound, EngineUnavailable, and Blocked for another digest or if the
        environment lets nothing through.
        """
        caller.principal.require("plan.apply")
        record = await self._plan(project, plan_id, digest)
        standing = await self._standings.standing(project, record.environment)
        held = refusal(standing, record.plan, record.plan.accounts)
        if held.held:
            raise Blocked(f"{held.reason}: {held.message}")
        await self._store(
            caller, record, "apply", reason=reason, lifetime_s=limits.APPLY_LIFETIME_S
        )
        details: dict[str, Json] = {"planId": plan_id, "digest": digest}
        names = subjects_of(record.plan)
        await self._audit(
            caller,
            record,
            "plan.apply",
            plan_id,
            reason,
            details,
            before=await self._operations.in_place(project, record.environment, names),
            after={"revision": record.revision, "steps": _steps(record.plan)},
        )
        if any(step.action == "delete" for step in record.plan.steps):
            await self._engine.prune(project, record.environment)
        request = RefreshRequest(
            environment=record.environment,
            names=names,
            reason="apply",
            request_id=caller.request_id,
        )
        return await self._operations.begin(caller.principal, project, "apply", request)

    async def enforce(
        self,
        caller: Caller,
        project: str,
        environment: str,
        plan_id: str,
        *,
        digest: str,
        confirmation: str,
    ) -> OperationRecord:
        """Confirm that an environment may be enforced on its real accounts, and sync it.

        Raises Forbidden, NotFound, InvalidInput for another confirmation than the plan's, and
        Blocked where there is nothing to confirm.
        """
        caller.principal.require("environment.enforce")
        record = await self._plan(project, plan_id, digest)
        await self._require_enforceable(record, environment)
        wanted = confirmation_text(record.plan)
        if " ".join(confirmation.split()) != wanted:
            raise InvalidInput(
                f"The confirmation does not match: {confirmation!r}",
                hint=f'Having read the plan, type: "{wanted}"',
            )
        accounts: list[Json] = [*record.plan.accounts]
        await self._store(caller, record, "enforce", reason=wanted, accounts=accounts)
        details: dict[str, Json] = {"planId": plan_id, "digest": digest, ACCOUNTS: accounts}
        await self._audit(
            caller,
            record,
            "environment.enforce",
            environment,
            wanted,
            details,
            before={"enforced": False},
            after={"enforced": True, "steps": _steps(record.plan)},
        )
        await self._statuses.add_events([_confirmed(record, caller)])
        return await self._operations.sync(
            caller.principal,
            project,
            environment=environment,
            reason="first enforcement",
            request_id=caller.request_id,
        )

    async def _plan(self, project: str, plan_id: str, digest: str) -> PlanRecord:
        record = await self._operations.read_plan(project, plan_id)
        if record.plan.digest != digest:
            raise Blocked(
                f"Plan {plan_id} is not the plan you saw: its digest is {record.plan.digest}",
                hint="Make a new plan and apply that one",
            )
        return record

    async def _require_enforceable(self, record: PlanRecord, environment: str) -> None:
        if not self._live:
            raise Blocked(
                "The accounts are simulated: there is nothing to confirm",
                hint="TRUNKLINE_PROVIDERS=live reaches real ones",
            )
        if record.environment != environment or record.plan.partial:
            raise InvalidInput(
                f"The confirmation needs a plan of everything in {environment}",
                hint=f"trunkline apply --environment {environment} --enforce makes one",
            )
        standing = await self._standings.standing(record.project, environment)
        if not standing.policy.enforces:
            raise Blocked(
                f"ModeObserve: mode is {standing.policy.mode} in {environment}",
                hint="Set `mode: enforce` for it in trunkline.yaml first",
            )
        oldest = self._clock.now() - timedelta(seconds=limits.APPLY_LIFETIME_S)
        if record.created_at is None or record.created_at < oldest:
            raise Blocked(
                f"PlanStale: plan {record.id} is more than an hour old", hint="Make a new one"
            )

    async def _store(
        self,
        caller: Caller,
        record: PlanRecord,
        verb: InterventionVerb,
        *,
        reason: str,
        accounts: list[Json] | None = None,
        lifetime_s: float | None = None,
    ) -> None:
        now = self._clock.now()
        details: dict[str, Json] = {
            "planId": record.id,
            "digest": record.plan.digest,
            "role": caller.principal.role,
        }
        if accounts is not None:
            details[ACCOUNTS] = accounts
        await self._interventions.put_intervention(
            Intervention(
                project=record.project,
                environment=record.environment,
                verb=verb,
                reason=reason,
                by=caller.principal.person,
                at=now,
                expires_at=None if lifetime_s is None else now + timedelta(seconds=lifetime_s),
                details=details,
            )
        )

    async def _audit(
        self,
        caller: Caller,
        record: PlanRecord,
        action: str,
        subject: str,
        reason: str,
        details: dict[str, Json],
        *,
        before: JsonObject,
        after: JsonObject,
    ) -> None:
        await self._access.record(
            caller.principal,
            action,
            project=record.project,
            subject=subject,
            request_id=caller.request_id,
            reason=reason,
            details={"environment": record.environment, **details},
            before=before,
            after=after,
        )


def _steps(plan: Plan) -> JsonObject:
    """How many writes of which kind."""
    return dict(sorted(Counter[str](step.action for step in plan.steps).items()))


def subjects_of(plan: Plan) -> tuple[str, ...]:
    """Agents and numbers that have to look for the plan to be written.

    A secret that is written again belongs to agents that need no step of their own, so then it is
    all of them.
    """
    if any(step.subject == "secret" and step.action == "update" for step in plan.steps):
        return tuple(sorted({part.partition("/")[2] for part in plan.parts}))
    own = {step.name for step in plan.steps if step.subject in ("agent", "number")}
    return tuple(sorted(own))


def _confirmed(record: PlanRecord, caller: Caller) -> EventRecord:
    return EventRecord(
        project=record.project,
        environment=record.environment,
        kind="environment",
        name=record.environment,
        type="Warning",
        reason="EnforceConfirmed",
        message=f"{caller.principal.person} confirmed that {record.environment} is enforced on"
        f" {', '.join(record.plan.accounts) or 'its accounts'}",
    )
