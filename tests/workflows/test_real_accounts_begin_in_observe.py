"""Real accounts: nothing is written before a person confirmed it for exactly this account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import clinic, conversation_test, installed, opens
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.model.blast_radius import blast_radius, confirmation_text
from trunkline.model.errors import Blocked, InvalidInput
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.control import Caller, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import PlanRecord
    from trunkline.services.catalogue import Services

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALICE = Caller(Principal("alice@example.com", "operator"), "request-1")


@pytest.fixture
async def alive() -> AsyncIterator[Callable[[Stack], Stack]]:
    """Makes the simulators' accounts real ones, as far as anybody can tell."""
    made: list[ProjectAccounts] = []

    def live(stack: Stack) -> Stack:
        options = AccountOptions(
            live=True,
            elevenlabs_url=stack.simulators.elevenlabs_url,
            twilio_url=stack.simulators.twilio_url,
        )
        credentials = Credentials(first_project=stack.project, environment=stack.secrets)
        made.append(ProjectAccounts(options, credentials, stack.store.project_manifest))
        return replace(stack, accounts=made[-1])

    yield live
    for accounts in made:
        await accounts.close()


def services(stack: Stack) -> Services:
    return build_services(stack.store, stack.client, timing=stack.timing, live=True)


async def planned(stack: Stack, *names: str) -> PlanRecord:
    operation = await stack.plan(*names)
    record = await stack.store.plan(str(operation.plan_id))
    assert record is not None
    return record


async def test_without_a_mode_a_real_account_is_only_observed(
    make_stack: MakeStack, texts: Texts, alive: Callable[[Stack], Stack]
) -> None:
    files = texts.fleet(1)
    files["trunkline.yaml"] = files["trunkline.yaml"].replace("      mode: enforce\n", "")
    stack = alive(await make_stack(files, unhurried=True))
    async with stack.working():
        operation = await stack.sync()
        assert [item.reason for item in operation.items] == ["ModeObserve"]
        (environment,) = await services(stack).projects.environments("acme")
        assert environment.mode == "observe"
        record = await planned(stack)
        with pytest.raises(Blocked, match="mode is observe in testing"):
            await services(stack).applying.enforce(
                ALICE, "acme", "testing", record.id, digest=record.plan.digest, confirmation=""
            )
        assert await stack.elevenlabs.agents() == []


async def test_the_first_enforcement_is_confirmed_by_name_and_number(
    make_stack: MakeStack, texts: Texts, alive: Callable[[Stack], Stack]
) -> None:
    stack = alive(await make_stack(texts.whole(), unhurried=True))
    people = services(stack)
    async with stack.working():
        operation = await stack.sync()
        assert {i.reason for i in operation.items if i.kind == "agent"} == {"EnforceNotConfirmed"}
        row = await stack.settled("front-desk", lambda r: bool(r.conditions))
        assert "trunkline apply --environment testing --enforce" in row.message
        record = await planned(stack)
        radius = blast_radius(record.plan)
        assert radius.add[-2:] == ("agent front-desk", "agent night-desk")
        assert radius.numbers == (
            "import number +15005550006",
            "assign number +15005550006 to agent front-desk",
        )
        said = {"digest": record.plan.digest}
        for wrong in ("", "yes", "testing", "testing 1", "production 7"):
            with pytest.raises(InvalidInput, match="confirmation does not match"):
                await people.applying.enforce(
                    ALICE, "acme", "testing", record.id, **said, confirmation=wrong
                )
        partial = await planned(stack, "night-desk")
        with pytest.raises(InvalidInput, match="a plan of everything in testing"):
            await people.applying.enforce(
                ALICE,
                "acme",
                "testing",
                partial.id,
                digest=partial.plan.digest,
                confirmation=confirmation_text(partial.plan),
            )
        assert await stack.elevenlabs.agents() == []
        confirmed = await people.applying.enforce(
            ALICE,
            "acme",
            "testing",
            record.id,
            **said,
            confirmation=confirmation_text(record.plan),
        )
        assert (await stack.ended(confirmed.id)).state == "Succeeded"
        assert len(await stack.elevenlabs.agents()) == 2
    (event,) = await stack.events("EnforceConfirmed")
    assert "alice@example.com confirmed" in event.message


async def test_a_confirmation_holds_for_one_account_and_disabling_needs_it_too(
    make_stack: MakeStack, texts: Texts, alive: Callable[[Stack], Stack]
) -> None:
    simulated = await make_stack(texts.whole(), unhurried=True)
    async with simulated.working():
        await simulated.sync()
        await simulated.settled("main-line", lambda r: r.sync == "Synced", kind="number")
    stack = alive(simulated)
    people = services(stack)
    async with stack.working():
        record = await planned(stack)
        decided = await people.applying.enforce(
            ALICE,
            "acme",
            "testing",
            record.id,
            digest=record.plan.digest,
            confirmation=confirmation_text(record.plan),
        )
        await stack.ended(decided.id)
        (held,) = await stack.store.interventions("acme")
        elsewhere = held.model_copy(update={"details": {"accounts": ["another account"]}})
        await stack.store.put_intervention(elsewhere)
        stack.push({"agents/night-desk.yaml": texts.agent("night-desk", greeting="Bye")})
        operation = await stack.sync()
        assert {i.reason for i in operation.items} == {"EnforceNotConfirmed"}
        agent = Place("acme", "testing", "agent", "front-desk")
        await people.control.disable(ALICE, agent, reason="wrong prices")
        await stack.settled(
            "main-line", lambda r: r.conditions[0].reason == "EnforceNotConfirmed", kind="number"
        )
        await stack.store.put_intervention(held)
        await stack.sync()
        row = await stack.settled("main-line", lambda r: r.health == "Suspended", kind="number")
        assert row.conditions[0].reason == "Disabled"


async def test_a_test_needs_the_same_confirmation(
    make_stack: MakeStack, texts: Texts, alive: Callable[[Stack], Stack]
) -> None:
    """It would put a branch on an agent that callers reach."""
    files = clinic(texts, opens=conversation_test("opens", opens()))
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
    real = alive(stack)
    async with installed(real) as world, real.working():
        before = await world.counts()
        for runner in ("conversations", "platform"):
            report = await world.tested(runner=runner)
            found = (report["state"], report["reason"])
            assert found == ("Blocked", "EnforceNotConfirmed"), report
            assert "--enforce" in report["message"]
        assert await world.counts() == before
