"""What people see of agents is read at once: rows, decisions in force, promotions of the page."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import StatusRecord

PLACES = (
    ("acme", "production", "agent", "one"),
    ("acme", "testing", "agent", "one"),
    ("acme", "testing", "agent", "two"),
    ("acme", "testing", "number", "one"),
    ("other", "testing", "agent", "one"),
)


@pytest.fixture
async def filled(store: PostgresStore) -> PostgresStore:
    for project, environment, kind, name in PLACES:
        values = {"project": project, "environment": environment, "kind": kind, "name": name}
        words = {"message": 'says "hello" and a backslash \\', "labels": {"team": name}}
        await store.put_status(StatusRecord.model_validate({**values, **words}), [])
    return store


def decision(verb: InterventionVerb, environment: str, *, expires_in_s: float) -> Intervention:
    now = datetime.now(UTC)
    return Intervention(
        project="acme",
        environment=environment,
        verb=verb,
        reason="the fair is on",
        by="ada@example.com",
        at=now,
        expires_at=now + timedelta(seconds=expires_in_s),
        details={"digest": None, "lines": ["one", 2]},
    )


def promotion(project: str, agent: str) -> PromotionRecord:
    return PromotionRecord(
        project=project,
        environment="production",
        agent=agent,
        number=0,
        origin="testing",
        requested_by="ada",
    )


async def test_rows_are_the_same_as_without_it(filled: PostgresStore) -> None:
    for environment in (None, "testing", "nowhere"):
        for after, limit in (("", 9), ("", 1), ("agent/one/production", 9)):
            wanted = await filled.statuses(
                "acme", environment=environment, kind="agent", after=after, limit=limit
            )
            found = await filled.stored_statuses(
                "acme", "agent", environment=environment, after=after, limit=limit
            )
            assert found.rows == wanted
    assert {row.kind for row in (await filled.stored_statuses("acme", "number", limit=9)).rows} == {
        "number"
    }


async def test_a_name_is_found_wherever_it_is(filled: PostgresStore) -> None:
    everywhere = await filled.stored_statuses("acme", "agent", name="one", limit=9)
    assert [row.environment for row in everywhere.rows] == ["production", "testing"]
    here = await filled.stored_statuses("acme", "agent", name="one", environment="testing", limit=9)
    assert [row.environment for row in here.rows] == ["testing"]
    assert (await filled.stored_statuses("acme", "agent", name="nobody", limit=9)).rows == ()


async def test_decisions_are_those_in_force_where_the_rows_are(filled: PostgresStore) -> None:
    kept = [
        decision("suspend", "", expires_in_s=3600),
        decision("disable", "testing", expires_in_s=3600),
        decision("suspend", "production", expires_in_s=3600),
    ]
    for each in (*kept, decision("protect", "testing", expires_in_s=-60)):
        await filled.put_intervention(each)
    for environment in (None, "testing", "production"):
        wanted = await filled.interventions("acme", environment)
        found = await filled.stored_statuses("acme", "agent", environment=environment, limit=9)
        assert found.decided == wanted
    assert (await filled.stored_statuses("other", "agent", limit=9)).decided == ()


async def test_promotions_are_the_newest_of_the_agents_on_the_page(filled: PostgresStore) -> None:
    for project, agent in (("acme", "one"), ("acme", "two"), ("acme", "three"), ("other", "one")):
        opened = await filled.open_promotion(promotion(project, agent))
        await filled.put_promotion(opened.model_copy(update={"state": "Done", "phase": "Ended"}))
        await filled.open_promotion(promotion(project, agent))
    found = await filled.stored_statuses("acme", "agent", environment="testing", limit=9)
    assert [(gate.agent, gate.number, gate.state) for gate in found.gates] == [
        ("one", 2, "Open"),
        ("two", 2, "Open"),
    ]
    first = await filled.stored_statuses("acme", "agent", environment="testing", limit=1)
    assert [gate.agent for gate in first.gates] == ["one"]
    assert (await filled.stored_statuses("acme", "number", limit=9)).gates == ()
