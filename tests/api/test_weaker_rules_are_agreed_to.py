"""Weaker rules of promotion wait for an admin, who agrees to exactly those that were shown."""

from typing import Any

import pytest
from temporalio.client import Client

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import project_workflow_id
from trunkline.model.kinds.project import Promotion
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.records import StatusRecord

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]

PENDING = "3f0c3f0c3f weakens the rules: 0 approvals instead of 1"


def _rules(pending: str = PENDING) -> PromotionRules:
    return PromotionRules(
        promotion=Promotion.model_validate({"from": "testing"}),
        pending=pending,
        pending_digest="sha256:1" if pending else "",
    )


async def test_an_admin_agrees_to_what_was_shown(
    command: Any, store: PostgresStore, project: str, temporal: Client
) -> None:
    await store.put_rules(project, "production", _rules())
    where = ("-e", "production", "--project", project)
    code, out, error = await command("resume", "--rules", *where, who="admin")
    assert (code, out) == (0, "production: resumed\n"), error
    (decided,) = await store.interventions(project, "production")
    assert (decided.verb, decided.details["digest"]) == ("promotion-rules", "sha256:1")
    (audited, *_) = await store.audit(limit=5)
    assert (audited.action, audited.details["rules"]) == ("promotion.rules", PENDING)
    events = await store.events(project, environment="production", limit=10)
    assert any(each.reason == "RulesAgreed" and PENDING in each.message for each in events)
    woken = await temporal.get_workflow_handle(project_workflow_id(project)).describe()
    assert woken.workflow_type == "ProjectWorkflow"


@pytest.mark.parametrize(
    ("who", "lacks"),
    [
        ("viewer", "environment.resume"),
        ("approver", "environment.resume"),
        ("operator", "promotion.rules"),
    ],
)
async def test_nobody_else_may(
    command: Any, store: PostgresStore, project: str, who: str, lacks: str
) -> None:
    await store.put_rules(project, "production", _rules())
    where = ("-e", "production", "--project", project)
    code, _, error = await command("resume", "--rules", *where, who=who)
    assert code == 1
    assert f"{lacks} needs the role" in error
    assert await store.interventions(project, "production") == ()


async def test_there_is_nothing_to_agree_to_where_nothing_waits(
    command: Any, store: PostgresStore, project: str
) -> None:
    await store.put_rules(project, "production", _rules(pending=""))
    where = ("-e", "production", "--project", project)
    code, _, error = await command("resume", "--rules", *where, who="admin")
    assert code == 1
    assert "No weaker rules of promotion wait" in error


@pytest.mark.usefixtures("promotable")
async def test_description_project_and_why_say_what_waits_and_what_to_type(
    command: Any, store: PostgresStore, project: str
) -> None:
    agree = "trunkline resume -e production --rules"
    await store.put_rules(project, "production", _rules(pending=""))
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    said = row.model_dump(by_alias=False, include=set(StatusRecord.model_fields))
    await store.put_status(StatusRecord.model_validate({**said, "environment": "production"}), [])
    asked = (
        ("describe", "front-desk", "-e", "production", "--project", project),
        ("projects", "show", project),
        ("why", "front-desk", "-e", "production", "--project", project),
    )
    for words in asked:
        code, out, error = await command(*words)
        assert (code, agree in out) == (0, False), error
    await store.put_rules(project, "production", _rules())
    for words in asked:
        code, out, error = await command(*words)
        assert code == 0, error
        told = " ".join(out.split())
        assert PENDING in told, words
        assert agree in told, words
