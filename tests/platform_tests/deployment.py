"""An agent of ours that is live on the simulated platform, and tests of it run there."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.testing import ActivityEnvironment

from activities.clocks import SystemClock
from activities.heartbeats import Progress
from activities.platform_testing import (
    PlatformFindings,
    PlatformOrder,
    PlatformPauses,
    PlatformTarget,
    PlatformTesting,
)
from activities.shared import SharedWrites
from activities.types import Timing
from tests.platform_tests.conftest import PATIENCE_S, Vendor
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent, DesiredTool
from trunkline.model.ids import ExternalId
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.shared_objects import KnownObjects, bindings_of, shared_steps
from trunkline.model.testing.scripts import Script
from trunkline.model.writes import resolved_body

Outcome = TypeVar("Outcome")
TIMING = Timing(list_lag_bound_s=0.2, request_timeout_s=PATIENCE_S)
QUICK = PlatformPauses(first_s=0.02, longest_s=0.05, in_all_s=120.0)
LIVE_PROMPT = """\
You answer the phone of a garden centre.

- The garden centre opens at nine on weekdays.
- If a caller asks about an order, look it up with find_order by its number.
"""
HOURS = "What time does the garden centre open on weekdays?"
AS_WISHED = PlatformTarget()
UNKNOWN = ExternalId("")
ORDERS = DesiredTool.model_validate(
    {
        "name": "find-order",
        "digest": f"sha256:{'a' * 64}",
        "type": "client",
        "function": "find_order",
        "description": "Finds an order by its number when the caller asks about an order",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer", "description": "Order number"}},
            "required": ["number"],
        },
    }
)
READS = ("GET ",)


def wish(prompt: str = LIVE_PROMPT, **changes: Any) -> DesiredAgent:
    """An agent as Git wants it."""
    return DesiredAgent.model_validate(
        {
            "project": "acme",
            "environment": "testing",
            "name": "garden",
            "digest": f"sha256:{'1' * 64}",
            "display_name": "Garden centre",
            "first_message": "Hello, this is the garden centre.",
            "language": "en",
            "prompt": prompt,
            "tools": (ORDERS,),
            **changes,
        }
    )


def script(name: str = "says-hours", **spec: Any) -> Script:
    """A test ready to be run; without more it asks when they open."""
    asked = {"turns": [{"say": HOURS, "expect": [{"says": "nine"}]}]}
    test = ConversationTest.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "ConversationTest",
            "metadata": {"name": name},
            "spec": {"agent": "garden", **(spec or asked)},
        }
    )
    return Script(test=test, environment="testing")


@dataclass
class Deployment:
    """The live agent, the store that knows it, and what runs tests on it."""

    vendor: Vendor
    store: PostgresStore
    voice: ElevenLabsPlatform
    agent_id: ExternalId = UNKNOWN
    words: str = ""
    place: str = ""

    async def deploy(self, desired: DesiredAgent) -> None:
        """Put the agent and what it points at on the platform, as applying would."""

        async def put() -> None:
            shared = SharedWrites(self.vendor.accounts, self.store, self.store, SystemClock())
            for step in shared_steps(desired, KnownObjects(), None, None):
                await shared.create(desired, step, TIMING)

        await inside(put)
        self.agent_id = await self.voice.create_agent(
            await self.body(desired), timeout_s=PATIENCE_S
        )

    async def body(self, desired: DesiredAgent) -> JsonObject:
        """What is sent to the platform for a wish."""
        claims = await self.store.claims(self.voice.account, "acme", "testing")
        return resolved_body(self.voice.render(desired), bindings_of(claims))

    async def run(
        self,
        desired: DesiredAgent,
        *scripts: Script,
        target: PlatformTarget = AS_WISHED,
        pauses: PlatformPauses = QUICK,
        resumed: str = "",
    ) -> PlatformFindings:
        """Run tests as an activity does; ``resumed`` is what an earlier try left behind."""
        testing = PlatformTesting(self.vendor.accounts, self.store, self.store, SystemClock())
        order = PlatformOrder(
            desired=desired,
            agent_id=self.agent_id,
            scripts=scripts,
            target=target,
            pauses=pauses,
        )
        progress = Progress()

        async def carried_out() -> PlatformFindings:
            return await testing.run(order, TIMING, progress)

        found = await inside(carried_out, resumed=resumed)
        self.words, self.place = progress.words, progress.place
        return found

    async def written_since(self, before: Counter[str]) -> dict[str, int]:
        """Requests since then that may have changed something, by route."""
        now = await self.vendor.asked()
        return {
            route: count for route, count in (now - before).items() if not route.startswith(READS)
        }


async def inside(work: Callable[[], Awaitable[Outcome]], *, resumed: str = "") -> Outcome:
    """Run something as an activity, as if an earlier try had left a place behind."""
    environment = ActivityEnvironment()
    details = ["earlier", resumed] if resumed else []
    environment.info = dataclasses.replace(environment.info, heartbeat_details=details)
    return await environment.run(work)
