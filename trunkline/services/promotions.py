"""What people say of promotions: start one, agree to it, refuse it, end it, go back.

Every decision is a row of the audit log first, and that row alone is what counts: workflows look
it up, and waking them only means that there is something to look at. If Temporal does not answer,
what was said is kept and found at the next look, and the error says so.
"""

from datetime import datetime

from activities.clocks import SystemClock
from trunkline.model import limits
from trunkline.model.base import Json
from trunkline.model.errors import (
    Conflict,
    EngineUnavailable,
    Forbidden,
    ForgeError,
    NotConfigured,
    NotFound,
    PromotionRefused,
    SigningKeyMissing,
)
from trunkline.model.ids import Digest
from trunkline.model.promotions.approvals import may_approve
from trunkline.model.promotions.authors import mapped
from trunkline.model.promotions.changelogs import require_meaning
from trunkline.model.promotions.facts import Candidate, Deployed, Facts
from trunkline.model.promotions.guards import manual_passed, refusals
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import BEFORE_RELEASE, PhaseEntry, PromotionRecord
from trunkline.model.records import StatusRow
from trunkline.model.roles import Action
from trunkline.model.signatures import commit_problem, commit_rule
from trunkline.ports import Clock, Interventions, Projects, Wishes
from trunkline.ports.forges import Forges
from trunkline.ports.releasing import Promotions
from trunkline.ports.testing import ManualResults
from trunkline.services.access import AccessService, require_reason
from trunkline.services.control import Caller
from trunkline.services.engine import Engine
from trunkline.services.pages import Page, moment_cursor, parse_moment
from trunkline.services.releases import ReleasedPlace, ReleaseService
from trunkline.services.status import StatusService

_OPENINGS: frozenset[Action] = frozenset({"promotion.start", "promotion.rollback"})
"""What makes a promotion; the rest is said of one that is there."""


class PromotionService:
    """Promotions. Every method takes a project that was found for the caller; without a public key
    of the server's own, nothing is released. Without ``forges`` whether a release can be proposed
    is found out by its first look.
    """

    def __init__(
        self,
        promotions: Promotions,
        releases: ReleaseService,
        status: StatusService,
        *,
        projects: Projects,
        wishes: Wishes,
        interventions: Interventions,
        manual_results: ManualResults,
        access: AccessService,
        engine: Engine,
        public_key: str = "",
        clock: Clock | None = None,
        forges: Forges | None = None,
    ) -> None:
        self._forges = forges
        self._promotions = promotions
        self._releases = releases
        self._status = status
        self._projects = projects
        self._wishes = wishes
        self._interventions = interventions
        self._manual_results = manual_results
        self._access = access
        self._engine = engine
        self._public_key = public_key
        self._clock = clock or SystemClock()

    async def start(
        self, caller: Caller, project: str, agent: str, *, environment: str | None, changes: str
    ) -> PromotionRecord:
        """Open a promotion of what Git wants of an agent now, and start it.

        Raises Forbidden, NotFound, InvalidInput (also for changes that say nothing),
        SigningKeyMissing, PromotionRefused with the reason, EngineUnavailable.
        """
        caller.principal.require("promotion.start")
        place = await self._releases.place(project, environment)
        rules = _rules(place)
        origin = rules.promotion.from_environment
        row = await self._origin_row(project, agent, origin)
        asked = PromotionRecord(
            project=project,
            environment=place.environment,
            agent=agent,
            number=0,
            origin=origin,
            changes=require_meaning(changes, agent=agent),
            requested_by=caller.principal.person,
            request_id=caller.request_id,
            approvals_needed=rules.promotion.approvals.count,
            created_at=self._clock.now(),
        )
        self._require_key()
        facts = await self._facts(asked, rules, row)
        for refusal in refusals(asked, facts):
            raise PromotionRefused(refusal.message, hint=refusal.hint)
        opened = await self._open(asked)
        await self._audit(caller, opened, "promotion.start", reason=opened.changes)
        await self._engine_told(opened)
        return opened

    async def approve(
        self, caller: Caller, project: str, promotion_id: str, *, comment: str = ""
    ) -> PromotionRecord:
        """Agree to exactly what was tested: the digest and the suite as they are now.

        Raises NotFound, PromotionRefused for one that cannot be approved (any more), Forbidden for
        a role the rules do not ask for and for an author, EngineUnavailable.
        """
        record = await self.read(project, promotion_id)
        place = await self._releases.place(project, record.environment)
        rules = _rules(place)
        if caller.principal.role not in rules.promotion.approvals.roles:
            caller.principal.require("promotion.approve")
        _require_open(record, "approved")
        if record.kind == "rollback" or record.phase not in BEFORE_RELEASE:
            raise PromotionRefused(
                f"{record.id} needs no approval (any more): it is {record.phase}"
            )
        if record.digest is None or not record.suite_digest:
            raise PromotionRefused(
                f"{record.id} is not there yet: what is to be tested has not been read",
                hint="Approve it once its tests have begun",
            )
        words = may_approve(
            caller.principal.person,
            caller.principal.role,
            rules=rules,
            authors=mapped(record.authors, rules.people),
        )
        if words:
            raise Forbidden(words)
        said: dict[str, Json] = {
            "digest": record.digest,
            "suite": record.suite_digest,
            "comment": comment,
        }
        await self._audit(caller, record, "promotion.approve", reason=comment, details=said)
        await self._engine_told(record)
        return await self.read(project, promotion_id)

    async def reject(
        self, caller: Caller, project: str, promotion_id: str, *, reason: str
    ) -> PromotionRecord:
        """Say no. Raises Forbidden, NotFound, InvalidInput, PromotionRefused once released."""
        caller.principal.require("promotion.reject")
        require_reason(reason)
        record = await self.read(project, promotion_id)
        _require_open(record, "rejected")
        if record.phase not in BEFORE_RELEASE:
            raise PromotionRefused(
                f"{record.id} was released already, as v{record.version}",
                hint=f"To go back: trunkline abort {record.id}",
            )
        await self._audit(caller, record, "promotion.reject", reason=reason)
        said = await self._promotions.say_of_promotion(
            project, record.id, rejected_by=caller.principal.person
        )
        await self._engine_told(said or record)
        return said or record

    async def abort(
        self, caller: Caller, project: str, promotion_id: str, *, reason: str
    ) -> PromotionRecord:
        """End it: before the release commit nothing happens, after it is rolled back.

        Raises Forbidden, NotFound, InvalidInput, PromotionRefused.
        """
        caller.principal.require("promotion.abort")
        require_reason(reason)
        record = await self.read(project, promotion_id)
        _require_open(record, "aborted")
        await self._audit(caller, record, "promotion.abort", reason=reason)
        said = await self._promotions.say_of_promotion(
            project,
            record.id,
            abort_requested_by=caller.principal.person,
            abort_reason=reason,
        )
        await self._engine_told(said or record)
        return said or record

    async def rollback(
        self,
        caller: Caller,
        project: str,
        agent: str,
        *,
        environment: str | None,
        to: int | None,
        reason: str,
    ) -> PromotionRecord:
        """Open a rollback and start it: no gate, no soak, no window; an open promotion ends.

        Raises Forbidden, NotFound, InvalidInput, SigningKeyMissing, PromotionRefused.
        """
        caller.principal.require("promotion.rollback")
        require_reason(reason)
        place = await self._releases.place(project, environment)
        rules = _rules(place)
        target = await self._releases.restorable(project, place.environment, agent, to=to)
        self._require_key()
        await self._end_open(caller, project, place.environment, agent)
        opened = await self._open(
            PromotionRecord(
                project=project,
                environment=place.environment,
                agent=agent,
                number=0,
                kind="rollback",
                origin=rules.promotion.from_environment,
                revision=target.revision,
                digest=target.digest,
                restores=target.version,
                changes=reason,
                requested_by=caller.principal.person,
                request_id=caller.request_id,
                created_at=self._clock.now(),
            )
        )
        said: dict[str, Json] = {"restores": target.version, "digest": target.digest}
        await self._audit(caller, opened, "promotion.rollback", reason=reason, details=said)
        await self._engine_told(opened)
        return opened

    async def read(self, project: str, promotion_id: str) -> PromotionRecord:
        """One promotion. Raises NotFound."""
        found = await self._promotions.promotion(project, promotion_id)
        if found is None:
            raise NotFound(
                f"There is no promotion {promotion_id!r} in project {project!r}",
                hint="`trunkline promotions list` shows those there are",
            )
        return found

    async def page(
        self,
        project: str,
        *,
        environment: str | None = None,
        agent: str | None = None,
        open_only: bool = False,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[PromotionRecord]:
        """Promotions, newest first. Raises InvalidInput for a cursor of somebody else's."""
        rows = await self._promotions.promotions(
            project,
            environment=environment,
            agent=agent,
            open_only=open_only,
            before=parse_moment(cursor),
            limit=limit,
        )
        last = rows[-1] if len(rows) == limit else None
        if last is None or last.created_at is None:
            return Page(rows, None)
        return Page(rows, moment_cursor(last.created_at, last.id))

    async def _origin_row(self, project: str, agent: str, origin: str) -> StatusRow | None:
        """How the agent is where it comes from; None if it is wished for and has no status yet."""
        try:
            return await self._status.one(project, "agent", agent, environment=origin)
        except NotFound:
            if await self._wishes.wish(project, origin, "agent", agent) is None:
                raise
            return None

    async def _facts(
        self, asked: PromotionRecord, rules: PromotionRules, row: StatusRow | None
    ) -> Facts:
        """What can be known at once; the first look finds out the rest."""
        place = (asked.project, asked.environment, asked.agent)
        wish = await self._wishes.wish(asked.project, asked.origin, "agent", asked.agent)
        source = await self._projects.source(asked.project)
        digest = Digest(str(wish.body["digest"])) if wish and "digest" in wish.body else None
        applied = source.applied_revision if source is not None else None
        candidate = None
        if wish is not None and digest is not None and not wish.removed:
            lifecycle = wish.body.get("lifecycle", "active")
            candidate = Candidate.model_validate(
                {
                    "revision": applied or wish.revision,
                    "digest": digest,
                    "lifecycle": lifecycle,
                }
            )
        results = await self._manual_results.manual_results(
            asked.project, asked.agent, limit=limits.API_PAGE_MAX
        )
        decided = await self._interventions.interventions(asked.project, None)
        return Facts(
            rules=rules,
            candidate=candidate,
            candidate_gone=wish is not None and wish.removed,
            origin=_deployed(row),
            target=_deployed(await self._target_row(*place)),
            standing=await self._releases.standing(*place),
            interventions=decided,
            manual_passed=manual_passed(results, digest) if digest is not None else 0,
            public_key=self._public_key,
            commit_problem=commit_problem(
                commit_rule(await self._wishes.project_manifest(asked.project)),
                self._public_key,
                today=self._clock.now().date(),
            ),
            forge_problem=await self._forge_problem(asked.project, rules),
        )

    async def _forge_problem(self, project: str, rules: PromotionRules) -> str:
        """Why the pull request the rules ask for cannot be opened; "" if it may be."""
        if self._forges is None or rules.promotion.via != "pull-request":
            return ""
        try:
            await self._forges.forge(project)
        except NotConfigured as error:
            return error.message
        except ForgeError:
            return ""
        return ""

    async def _target_row(self, project: str, environment: str, agent: str) -> StatusRow | None:
        try:
            return await self._status.one(project, "agent", agent, environment=environment)
        except NotFound:
            return None

    async def _end_open(self, caller: Caller, project: str, environment: str, agent: str) -> None:
        """End a promotion that is in the way of a rollback. Raises PromotionRefused if it is one
        itself.
        """
        standing = await self._promotions.open_promotion_of(project, environment, agent)
        if standing is None:
            return
        if standing.kind == "rollback":
            raise PromotionRefused(
                f"{agent} is being rolled back to v{standing.restores} in {environment} already",
                hint=f"trunkline promotions show {standing.id}",
            )
        words = f"rolled back by {caller.principal.person}"
        await self._audit(caller, standing, "promotion.abort", reason=words)
        await self._promotions.put_promotion(_aborted(standing, words, caller, self._clock.now()))
        await self._engine_told(standing)

    async def _open(self, asked: PromotionRecord) -> PromotionRecord:
        try:
            return await self._promotions.open_promotion(asked)
        except Conflict as error:
            raise PromotionRefused(error.message, hint=error.hint) from error

    def _require_key(self) -> None:
        if not self._public_key:
            raise SigningKeyMissing(
                "This server has no key to sign evidence with, so it releases nothing",
                hint="Set TRUNKLINE_SIGNING_KEY; `trunkline doctor` says how to make one",
            )

    async def _audit(
        self,
        caller: Caller,
        record: PromotionRecord,
        action: Action,
        *,
        reason: str,
        details: dict[str, Json] | None = None,
    ) -> None:
        await self._access.record(
            caller.principal,
            action,
            project=record.project,
            subject=record.agent,
            request_id=caller.request_id,
            reason=reason,
            details={
                "promotion": record.id,
                "environment": record.environment,
                **(details or {}),
            },
            before=None
            if action in _OPENINGS
            else {"state": record.state, "phase": record.phase, "version": record.version},
            after={"state": record.state, "phase": record.phase, "digest": record.digest}
            if action in _OPENINGS
            else {"decision": action.partition(".")[2], "by": caller.principal.person},
        )

    async def _engine_told(self, record: PromotionRecord) -> None:
        try:
            await self._engine.promotion(record)
        except EngineUnavailable as error:
            raise EngineUnavailable(
                f"What you said of {record.id} is stored and counts, but nobody could be told:"
                f" {error.message}",
                hint="It goes on by itself once Temporal answers",
            ) from error


def _rules(place: ReleasedPlace) -> PromotionRules:
    if place.rules is None:
        raise PromotionRefused(
            f"Cannot deploy to {place.environment}: no rules of promotion are in force there",
            hint=f"Describe `promotion` of {place.environment} in trunkline.yaml and push it",
        )
    return place.rules


def _require_open(record: PromotionRecord, done: str) -> None:
    if not record.is_open:
        raise PromotionRefused(
            f"{record.id} cannot be {done}: it has ended as {record.state}", hint=record.message
        )


def _deployed(row: StatusRow | None) -> Deployed:
    """The agent in one environment, as far as its status says."""
    if row is None:
        return Deployed(there=False)
    return Deployed(
        there=row.external_id is not None,
        sync=row.sync,
        health=row.health,
        digest=row.digest,
        version=row.version,
        message=row.message,
    )


def _aborted(record: PromotionRecord, words: str, caller: Caller, now: datetime) -> PromotionRecord:
    """A promotion as it ends when somebody goes back behind it."""
    *before, last = record.timeline or (PhaseEntry(phase=record.phase, began_at=now),)
    ended = last if last.ended_at else last.model_copy(update={"ended_at": now, "message": words})
    return record.model_copy(
        update={
            "phase": "Ended",
            "state": "Aborted",
            "reason": "Aborted",
            "message": words,
            "abort_requested_by": caller.principal.person,
            "abort_reason": words,
            "timeline": (*before, ended),
            "finished_at": now,
        }
    )
