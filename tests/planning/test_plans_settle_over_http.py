"""The same promise as in ``test_plans_settle``, kept against the vendor's look-alike over HTTP."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.server import SimulatorOptions, serve_simulators
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.diffs import is_empty, leaves
from trunkline.model.ids import ExternalId, content_mark, reference
from trunkline.model.ledger import LedgerEntry
from trunkline.model.observed import ObservedAgent
from trunkline.model.paths import find, owning_leaf, split
from trunkline.model.planner import plan_agent
from trunkline.model.plans import Plan
from trunkline.model.shared_objects import KnownObjects, object_key
from trunkline.model.writes import (
    create_body,
    defaults_before,
    foreign_changes,
    settled_entry,
    update_patch,
    verify_read_back,
)

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
TIMEOUT_S = 60.0
RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)
Answer = TypeVar("Answer")


class Account:
    """One ElevenLabs account on a loop of its own, for tests that are no coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._started: Future[ElevenLabsPlatform] = Future()
        self._thread = threading.Thread(target=self._serve, name="simulators")
        self._thread.start()
        self.platform = self._started.result(timeout=60)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Do it on the account's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    def end(self) -> None:
        """Stop serving and wait for it."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serving())

    async def _serving(self) -> None:
        async with serve_simulators(SimulatorOptions(elevenlabs_port=0, twilio_port=0)) as running:
            wire = Wire("ElevenLabs", running.elevenlabs_url)
            client = ElevenLabsClient(
                wire, running.elevenlabs_key, Pace(RATES), read_timeout_s=TIMEOUT_S
            )
            self._started.set_result(
                ElevenLabsPlatform(client, account="account", listing_timeout_s=TIMEOUT_S)
            )
            await self._ending.wait()
            await wire.close()


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account that all examples share; each makes an agent of its own."""
    made = Account()
    yield made
    made.end()


class Reconciled:
    """One agent, reconciled as the product does: gather, plan, execute, remember."""

    def __init__(self, platform: ElevenLabsPlatform, bindings: dict[str, ExternalId]) -> None:
        self._platform = platform
        self._bindings = bindings
        self._entry = LedgerEntry(
            project="acme",
            environment="testing",
            kind="agent",
            name="front-desk",
            account="account",
            nonce="00aa11bb22cc33dd",
        )
        self.unowned: list[str] = []

    async def observed(self) -> ObservedAgent | None:
        external_id = self._entry.external_id
        return None if external_id is None else await self._platform.agent(external_id)

    async def plan(self, desired: DesiredAgent) -> Plan:
        return plan_agent(
            desired,
            self._platform.render(desired),
            RULES,
            entry=self._entry,
            observed=await self.observed(),
            shared=KnownObjects(bindings=self._bindings),
        )

    async def apply(self, desired: DesiredAgent) -> None:
        await self._make_objects(desired)
        rendering = render_agent(desired)
        for step in (await self.plan(desired)).steps:
            base = await self.observed()
            if base is None:
                body = create_body(rendering, self._bindings, nonce=self._entry.nonce)
                made = await self._platform.create_agent(body, timeout_s=TIMEOUT_S)
                self._entry = self._entry.model_copy(update={"external_id": made})
                written = body
            else:
                written = update_patch(
                    step,
                    rendering,
                    self._bindings,
                    nonce=self._entry.nonce,
                    observed_tags=base.tags,
                )
                learnt = defaults_before(base, rendering, self._entry, RULES)
                self._entry = self._entry.model_copy(update={"defaults": learnt})
                await self._platform.update_agent(
                    base.external_id, written, description="test", timeout_s=TIMEOUT_S
                )
            after = await self.observed()
            assert after is not None
            assert verify_read_back(written, after, RULES) == ()
            if base is not None:
                changed = {change.path for change in foreign_changes(base, after, RULES)}
                self.unowned.extend(_outside(changed, written, base))
        self._entry = settled_entry(self._entry, rendering, self._bindings, desired)

    async def _make_objects(self, desired: DesiredAgent) -> None:
        for name in sorted({name for tool in desired.tools for name in tool.secrets()}):
            wanted = reference("secret", name)
            if wanted not in self._bindings:
                self._bindings[wanted] = await self._platform.create_secret(
                    name, "value", timeout_s=TIMEOUT_S
                )
        for tool in desired.tools:
            wanted = reference("tool", object_key(tool.name, tool.digest))
            if wanted not in self._bindings:
                secrets = {
                    name: self._bindings[reference("secret", name)] for name in tool.secrets()
                }
                self._bindings[wanted] = await self._platform.create_tool(
                    tool,
                    mark=content_mark("acme", "testing", tool.name, tool.digest),
                    secret_ids=secrets,
                    timeout_s=TIMEOUT_S,
                )
        for document in desired.documents:
            wanted = reference("document", object_key(document.name, document.digest))
            if wanted not in self._bindings:
                self._bindings[wanted] = await self._platform.create_document(
                    document,
                    mark=content_mark("acme", "testing", document.name, document.digest),
                    content=b"9 to 18",
                    timeout_s=TIMEOUT_S,
                )


def _outside(changed: set[str], patch: JsonObject, base: ObservedAgent) -> set[str]:
    """Changed paths that are not below a leaf of the patch, nor below an object it began (which
    the vendor fills in).
    """
    begun = set()
    for leaf in leaves(patch):
        keys = split(leaf)
        above = (keys[:n] for n in range(1, len(keys)))
        begun.add(next((each for each in above if is_empty(find(base.body, each))), keys))
    return {
        path
        for path in changed
        if not any(split(owning_leaf(path))[: len(keys)] == keys for keys in begun)
    }


@pytest.mark.slow
@settings(
    max_examples=round(500 * SHARE),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_plan_after_an_apply_is_empty_over_http(
    data: st.DataObject, account: Account, any_agent: Any
) -> None:
    bindings: dict[str, ExternalId] = {}
    reconciled = Reconciled(account.platform, bindings)
    for desired in data.draw(st.lists(any_agent, min_size=1, max_size=3)):
        account.run(reconciled.apply(desired))
        assert account.run(reconciled.plan(desired)).steps == ()
    assert reconciled.unowned == []


def test_an_edit_of_ours_is_seen_over_http(account: Account, make_agent: Any) -> None:
    reconciled = Reconciled(account.platform, {})
    account.run(reconciled.apply(make_agent()))
    account.run(reconciled.apply(make_agent(language="de")))
    observed = account.run(reconciled.observed())
    assert observed is not None
    assert find(observed.body, split("conversation_config.agent.language")) == "de"
