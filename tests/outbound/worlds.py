"""An installation whose agent may call people, and what the carrier's simulator saw of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from activities.call_types import CallPace
from activities.calls.facts import CallSituations
from activities.clocks import SystemClock
from activities.names import WORKFLOW_QUEUE
from tests.workflows.conftest import MakeStack, Stack
from trunkline.model.calls.orders import CallOrder, RetryRule
from trunkline.model.ids import call_workflow_id
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.outbound import CallOrderView, CallWish, OutboundService
from trunkline.services.status import StatusService

if TYPE_CHECKING:
    from tests.conftest import Texts

AGENT = "reminders"
CALLED = "+15005550009"
PLACE = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
"""The carrier's route of new calls and of their list."""
NOWHERE = "http://127.0.0.1:9"
"""A public address at which nobody answers: no report ever arrives."""
CALL_PACE = CallPace(look_interval_s=0.3, place_interval_s=0.2, rest_interval_s=0.5)
DEADLINE_S = 120.0
ADA = Principal("ada", "operator")
NUMBER_MANIFEST = """\
apiVersion: trunkline/v1alpha1
kind: PhoneNumber
metadata: { name: main-line }
spec: { number: "+15005550006", environment: testing, routing: bridge }
"""


def outbound_files(texts: Texts, *, extra: str = "", concurrency: int = 5) -> dict[str, str]:
    """A project whose agent calls people from one bridged number."""
    said = (
        "  direction: outbound\n"
        f"  outbound: {{ from: [main-line]{extra} }}\n"
        f"  limits: {{ concurrency: {concurrency}, maxDuration: 2m }}\n"
    )
    return {
        "trunkline.yaml": texts.project(),
        "agents/reminders.yaml": texts.agent(AGENT, extra=said),
        "numbers/main-line.yaml": NUMBER_MANIFEST,
    }


@dataclass
class OutboundWorld:
    """The installation, and how calls are asked for in it."""

    stack: Stack
    outbound: OutboundService

    async def ask(self, to: str = CALLED, *, key: str = "", **more: Any) -> CallOrderView:
        """Ask for a call as a person does."""
        wish = CallWish(agent=AGENT, to_number=to, key=key or uuid4().hex, **more)
        return await self.outbound.start(ADA, self.stack.project, wish, request_id="test")

    async def order(self, order_id: str) -> CallOrder:
        """The order as it is now."""
        return (await self.outbound.read(self.stack.project, order_id)).order

    async def ended(self, order_id: str) -> CallOrderView:
        """The order once it is over, with its tries."""

        async def look() -> CallOrderView | None:
            view = await self.outbound.read(self.stack.project, order_id)
            return view if view.order.is_over else None

        found: CallOrderView = await self.stack.until(look, timeout_s=DEADLINE_S)
        return found

    async def in_state(self, order_id: str, state: str) -> CallOrder:
        """The order once it is in a state."""

        async def look() -> CallOrder | None:
            order = await self.order(order_id)
            return order if order.state == state else None

        found: CallOrder = await self.stack.until(look, timeout_s=DEADLINE_S)
        return found

    async def record(self, order_id: str, scenario: str) -> None:
        """Keep the order's history for the replay gate, if this run is a recording."""
        place = call_workflow_id(self.stack.project, order_id)
        await self.stack.record(self.stack.client.get_workflow_handle(place), "call", scenario)

    async def carrier_calls(self) -> list[dict[str, Any]]:
        """Every call the carrier knows."""
        account = self.stack.secrets["TWILIO_ACCOUNT_SID"]
        answer = await self.stack.twilio.http.get(f"/2010-04-01/Accounts/{account}/Calls.json")
        answer.raise_for_status()
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls

    async def hang_up(self) -> None:
        """Whoever was called has picked up, and puts the receiver down."""

        async def picked_up() -> dict[str, Any] | None:
            calls = await self.carrier_calls()
            if not calls or calls[0]["status"] in ("queued", "ringing"):
                return None
            (call,) = calls
            return call

        call = await self.stack.until(picked_up)
        await self.stack.twilio.control(f"calls/{call['sid']}", {"do": "hangup"})

    async def fault_fired(self) -> bool:
        """True once the carrier's only fault has hit a request."""
        answer = await self.stack.twilio.http.get("/_sim/faults")
        (fault,) = answer.json()["faults"]
        return bool(fault["fired"])

    async def person(self, answers: str, *script: Mapping[str, object], after_ms: int = 50) -> None:
        """Who is at the number that is called."""
        await self.person_at(CALLED, answers, *script, after_ms=after_ms)

    async def person_at(
        self, number: str, answers: str, *script: Mapping[str, object], after_ms: int = 50
    ) -> None:
        """Who is at a number."""
        body = {"number": number, "answers": answers, "after_ms": after_ms, "script": [*script]}
        await self.stack.twilio.control("people", body)


def outbound_service(stack: Stack, pace: CallPace = CALL_PACE) -> OutboundService:
    """The service of an API server beside the workers."""
    store = stack.store
    return OutboundService(
        store,
        CallSituations(store, store, store, store, public_url=stack.public_url),
        status=StatusService(store),
        access=AccessService(store),
        engine=Engine(stack.client, task_queue=WORKFLOW_QUEUE, timing=stack.timing, call_pace=pace),
        clock=SystemClock(),
    )


async def outbound_world(
    make_stack: MakeStack, files: Mapping[str, str], *, public_url: str = NOWHERE, **more: Any
) -> OutboundWorld:
    """An installation with deployed agents; no worker runs any more."""
    stack = replace(await make_stack(files, **more), public_url=public_url)
    await stack.twilio.control("telephony", {"calls_per_second": 1_000})
    async with stack.working():
        await stack.sync()
        await stack.settled(AGENT, lambda row: row.external_id is not None)
    return OutboundWorld(stack, outbound_service(stack))


def tries(count: int, pause_s: float = 0.2, *after: str) -> RetryRule:
    """A rule to try so often."""
    said: dict[str, Any] = {"after": after} if after else {}
    return RetryRule(tries=count, pause_s=pause_s, **said)
