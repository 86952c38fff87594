"""An admin's word that weaker rules of promotion may count.

It is a word about exactly the rules that were shown: a commit that weakens them further waits for
another one. What is agreed to comes into force with the next look at Git, which is asked for here.
"""

from activities.clocks import SystemClock
from activities.types import RefreshRequest
from trunkline.model.base import Json
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.interventions import Intervention
from trunkline.model.records import EventRecord
from trunkline.ports import Clock, Interventions, Statuses
from trunkline.ports.releasing import ReleaseRecords
from trunkline.services.access import AccessService
from trunkline.services.control import Caller, Place
from trunkline.services.engine import Engine


class PromotionRulesService:
    """Agreeing to rules of promotion that wait."""

    def __init__(
        self,
        records: ReleaseRecords,
        interventions: Interventions,
        statuses: Statuses,
        *,
        access: AccessService,
        engine: Engine,
        clock: Clock | None = None,
    ) -> None:
        self._records = records
        self._interventions = interventions
        self._statuses = statuses
        self._access = access
        self._engine = engine
        self._clock = clock or SystemClock()

    async def agree(self, caller: Caller, place: Place, *, reason: str = "") -> Intervention:
        """Let exactly the weaker rules count that wait now.

        Raises Forbidden, InvalidInput, NotFound if none wait, EngineUnavailable.
        """
        caller.principal.require("promotion.rules")
        if not place.environment:
            raise InvalidInput("Rules are agreed to in one environment", hint="Name it with -e")
        rules = await self._records.rules_in_force(place.project, place.environment)
        if rules is None or not rules.pending:
            raise NotFound(f"No weaker rules of promotion wait in {place.words}")
        details: dict[str, Json] = {"digest": rules.pending_digest, "rules": rules.pending}
        decided = Intervention(
            project=place.project,
            environment=place.environment,
            verb="promotion-rules",
            reason=reason,
            by=caller.principal.person,
            at=self._clock.now(),
            details=details,
        )
        await self._interventions.put_intervention(decided)
        await self._access.record(
            caller.principal,
            "promotion.rules",
            project=place.project,
            subject=place.environment,
            request_id=caller.request_id,
            reason=reason,
            details={"environment": place.environment, **details},
            before={"pending": rules.pending},
            after={"agreed": rules.pending_digest},
        )
        event = EventRecord(
            project=place.project,
            environment=place.environment,
            kind="environment",
            name=place.environment,
            reason="RulesAgreed",
            message=f"by {caller.principal.person}: {rules.pending}",
        )
        await self._statuses.add_events([event])
        request = RefreshRequest(
            hard=True,
            environment=place.environment,
            request_id=caller.request_id,
            reason="control",
        )
        await self._engine.refresh(place.project, request)
        return decided
