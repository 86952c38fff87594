"""Rounds of one agent or number: plan, execute step by step, conclude, then wait to be woken.

Agents and numbers differ in what their activities do, not in how a round goes, so the round is
written once. It is level-triggered: whatever was declared meanwhile, the next round plans at the
newest wish. Plans are made, and everything is judged, in activities; here is only the order.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ActivityError

from activities.names import SEARCH_ATTRIBUTES, SUPERSEDED
from activities.types import (
    AgentInput,
    Conclusion,
    ConclusionRequest,
    Failure,
    NumberInput,
    PlanReference,
    PlanRequest,
    StepReference,
    StepRequest,
    StepResult,
    Subject,
    WakeReason,
    Wish,
)
from trunkline.model.base import Frozen
from trunkline.model.ids import Origin, is_own_request, own_origin, round_origin
from workflows.failures import PLAN_AGAIN, failure_of
from workflows.options import APPLY, OBSERVE, STORE, is_history_long, perform

LINKS_MAX = 8
"""Requests a round is linked to beside its own; others find it by their operation."""
REPLANS_MAX = 3
"""Plans made again at once before a round counts as failed and waits: enough for a wish or an edit
that came in between, too few to spin on a platform that contradicts itself."""


class RoundActivities(Frozen):
    """Names of the three activities a round is made of."""

    plan: str
    execute: str
    conclude: str


def newest(known: Wish | None, wish: Wish) -> Wish:
    """The newer wish, with every operation that waits for either; the order of arrival counts."""
    if known is None:
        return wish
    waiting = (*known.operation_ids, *wish.operation_ids)
    asked = nearer(asked_by(known), asked_by(wish))
    return wish.model_copy(
        update={
            "subject": wish.subject or known.subject,
            "wish_digest": wish.wish_digest or known.wish_digest,
            "revision": wish.revision or known.revision,
            "operation_ids": tuple(dict.fromkeys(waiting)),
            "reason": _stronger(known.reason, wish.reason),
            "request_id": asked.request_id,
            "traceparent": asked.traceparent,
            "links": asked.links,
        }
    )


def asked_by(wish: Wish) -> Origin:
    """The request a wish came from."""
    return Origin(request_id=wish.request_id, traceparent=wish.traceparent, links=wish.links)


def nearer(known: Origin, new: Origin) -> Origin:
    """Whom a round is done for that answers both: the newer request, but rather a person's."""
    nobody = not new.request_id or is_own_request(new.request_id)
    somebody = bool(known.request_id) and not is_own_request(known.request_id)
    first, other = (known, new) if not new.request_id or (nobody and somebody) else (new, known)
    links = (*known.links, *new.links, other.traceparent)
    others = dict.fromkeys(each for each in links if each and each != first.traceparent)
    return first.model_copy(update={"links": tuple(others)[-LINKS_MAX:]})


def _stronger(known: WakeReason, new: WakeReason) -> WakeReason:
    """What a person asked for is not lost to what happens to come after it."""
    asked: tuple[WakeReason, ...] = ("sync", "apply")
    return next((reason for reason in asked if reason in (known, new)), new)


def moves(known: Wish | None, wish: Wish) -> bool:
    """True if the newer wish is another one's: both want the same number."""
    if known is None or known.subject is None or wish.subject is None:
        return False
    return known.subject != wish.subject


class Rounds:
    """The rounds of one subject between two continue-as-news."""

    def __init__(
        self, subject: Subject, activities: RoundActivities, state: AgentInput | NumberInput
    ) -> None:
        self._subject = subject
        self._activities = activities
        self._state = state
        self._timing = state.timing
        self._wish = state.wish
        self._failures = state.failures
        self._external_id = state.external_id
        self._conditions = state.conditions
        self._operation_ids = state.operation_ids
        self._next_look_at_s = state.next_look_at_s
        self._gone = False
        self._overtaken: tuple[Wish, ...] = ()
        self._asked = Origin()
        self._began_at_s: float | None = None
        self.origin = Origin()
        """For whom the running round works."""

    def declare(self, wish: Wish) -> None:
        """Remember the newest wish; the running round, if any, goes on.

        Whatever failed before says nothing about a new wish, so its pauses begin anew.
        """
        self._remember(self._wish, wish)
        if wish.reason in ("git", "sync", "dependency", "apply", "control"):
            self._failures = 0

    def conclusion(self) -> Conclusion:
        """How the subject stood after the last round."""
        return Conclusion(
            conditions=self._conditions,
            external_id=self._external_id,
            gone=self._gone,
            next_look_at_s=self._next_look_at_s,
        )

    async def serve(self) -> bool:
        """Do rounds until the history is long enough; False if the subject is gone for good."""
        while True:
            await self._until_woken()
            await self._round()
            if self._wish is None and self._gone:
                return False
            if is_history_long(self._timing) and not self._overtaken:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return True

    def carried(self) -> dict[str, object]:
        """What the next run has to know, as an update of the input."""
        return {
            "project": self._subject.project,
            "environment": self._subject.environment,
            "name": self._subject.name,
            "wish": self._wish,
            "failures": self._failures,
            "external_id": self._external_id,
            "conditions": self._conditions,
            "operation_ids": self._operation_ids,
            "next_look_at_s": self._next_look_at_s,
        }

    async def _until_woken(self) -> None:
        if self._wish is not None:
            return
        timeout: timedelta | None = None
        if self._next_look_at_s is not None:
            remaining_s = self._next_look_at_s - workflow.now().timestamp()
            timeout = timedelta(seconds=max(remaining_s, 0.001))
        try:
            await workflow.wait_condition(
                lambda: self._wish is not None, timeout=timeout, timeout_summary="next look"
            )
        except TimeoutError:
            self._wish = Wish(reason="retry" if self._failures else "resync")

    async def _round(self) -> None:
        wish = self._wish
        if wish is None:
            return
        self._wish = None
        self._began_at_s = workflow.now().timestamp()
        place = f"{workflow.info().workflow_id}/{self._began_at_s}"
        self._asked = nearer(self._asked, asked_by(wish))
        if not self._asked.request_id:
            self._asked = own_origin(wish.reason, place)
        self.origin = round_origin(self._asked, place)
        await self._hand_over(wish)
        plan, failure = await self._bring_about(wish)
        if failure is not None and failure.reason == SUPERSEDED:
            self._remember(wish, self._wish or wish)
            return
        await self._conclude(wish, plan, failure)

    def _remember(self, known: Wish | None, wish: Wish) -> None:
        """Keep the newer wish; the next round answers one it overtakes for the same number."""
        if known is not None and moves(known, wish):
            self._overtaken = (*self._overtaken, known)
            known = None
        self._wish = newest(known, wish)

    async def _hand_over(self, wish: Wish) -> None:
        """Serve the wish's subject from now on; those it takes the number from are told so."""
        overtaken, self._overtaken = self._overtaken, ()
        if wish.subject is not None and wish.subject != self._subject:
            former = Wish(subject=self._subject, operation_ids=self._operation_ids)
            overtaken = (former, *overtaken)
            self._subject = wish.subject
            self._failures, self._external_id, self._conditions = 0, None, ()
            self._operation_ids = ()
        for former in overtaken:
            if former.subject is None or former.subject == self._subject:
                self._operation_ids = (*self._operation_ids, *former.operation_ids)
                continue
            request = ConclusionRequest(
                subject=former.subject,
                plan=PlanReference(plan_id="", released=True),
                operation_ids=former.operation_ids,
                timing=self._timing,
            )
            await self._ask(request, f"number given to {self._subject.name}")

    async def _bring_about(self, wish: Wish) -> tuple[PlanReference | None, Failure | None]:
        plan: PlanReference | None = None
        failure: Failure | None = None
        for _ in range(1 + REPLANS_MAX):
            plan = None
            try:
                plan = await self._plan(wish)
                for step in plan.steps:
                    await self._execute(wish, plan, step)
            except ActivityError as error:
                failure = failure_of(error)
            else:
                return plan, None
            if failure.reason not in PLAN_AGAIN:
                break
        return plan, failure

    async def _plan(self, wish: Wish) -> PlanReference:
        return await perform(
            self._activities.plan,
            PlanRequest(
                subject=self._subject,
                reason=wish.reason,
                request_id=self._asked.request_id,
                timing=self._timing,
            ),
            PlanReference,
            option=OBSERVE,
            timing=self._timing,
            summary=f"{wish.reason}: plan {self._subject.name}",
        )

    async def _execute(self, wish: Wish, plan: PlanReference, step: StepReference) -> None:
        await perform(
            self._activities.execute,
            StepRequest(
                subject=self._subject,
                plan_id=plan.plan_id,
                index=step.index,
                wish_digest=plan.wish_digest,
                reason=wish.reason,
                request_id=self._asked.request_id,
                timing=self._timing,
            ),
            StepResult,
            option=APPLY,
            timing=self._timing,
            summary=step.summary,
        )

    async def _conclude(
        self, wish: Wish, plan: PlanReference | None, failure: Failure | None
    ) -> None:
        request = ConclusionRequest(
            subject=self._subject,
            plan=plan,
            failure=failure,
            reason=wish.reason,
            operation_ids=tuple(dict.fromkeys((*self._operation_ids, *wish.operation_ids))),
            failures=self._failures,
            external_id=self._external_id,
            request_id=self._asked.request_id,
            began_at_s=self._began_at_s,
            timing=self._timing,
        )
        words = "conclude" if failure is None else f"conclude: {failure.reason}"
        self._take(await self._ask(request, words))

    async def _ask(self, request: ConclusionRequest, summary: str) -> Conclusion:
        return await perform(
            self._activities.conclude,
            request,
            Conclusion,
            option=STORE,
            timing=self._timing,
            summary=summary,
        )

    def _take(self, conclusion: Conclusion) -> None:
        self._failures = self._failures + 1 if conclusion.failed else 0
        self._external_id = conclusion.external_id
        self._conditions = conclusion.conditions
        self._gone = conclusion.gone
        self._next_look_at_s = None
        if conclusion.retry_after_s is not None:
            self._next_look_at_s = workflow.now().timestamp() + conclusion.retry_after_s
        self._operation_ids = conclusion.open_operation_ids
        if not conclusion.open_operation_ids:
            self._asked = Origin()
        show(conclusion.details, conclusion.attributes)


def show(details: str, attributes: dict[str, str]) -> None:
    """Let the Temporal UI read like a status page; writes an event only for a changed value."""
    workflow.set_current_details(details)
    known = workflow.info().typed_search_attributes
    updates: list[SearchAttributeUpdate[str]] = []
    for name in SEARCH_ATTRIBUTES:
        key = SearchAttributeKey.for_keyword(name)
        if name in attributes and known.get(key) != attributes[name]:
            updates.append(key.value_set(attributes[name]))
    if updates:
        workflow.upsert_search_attributes(updates)
