"""Protecting an agent and resuming deletions are decisions: stored, audited, and for operators."""

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import prune_workflow_id
from trunkline.model.interventions import Intervention

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]

DESK = ("front-desk", "--environment", "testing")


async def test_an_operator_protects_and_unprotects(
    command: Any, store: PostgresStore, project: str, temporal: Client
) -> None:
    reason = ("--reason", "the main line")
    named = ("--project", project)
    code, out, error = await command("protect", *DESK, *reason, *named, who="operator")
    assert (code, out) == (0, "front-desk in testing: protected\n"), error
    (row,) = await store.interventions(project, "testing")
    assert (row.verb, row.kind, row.name, row.by) == (
        "protect",
        "agent",
        "front-desk",
        "operator@example.com",
    )
    woken = await temporal.get_workflow_handle(prune_workflow_id(project, "testing")).describe()
    assert woken.workflow_type == "PruneWorkflow"
    code, out, error = await command("unprotect", *DESK, *named, who="operator")
    assert (code, out) == (0, "front-desk in testing: unprotected\n"), error
    assert await store.interventions(project, "testing") == ()
    actions = [record.action for record in await store.audit(limit=10)]
    assert actions.count("agent.protect") == 2


async def test_a_viewer_protects_nothing(command: Any, project: str) -> None:
    reason = ("--reason", "mine", "--project", project)
    code, _, error = await command("protect", *DESK, *reason)
    assert code == 1
    assert "agent.protect needs the role" in error


async def test_paused_deletions_are_resumed_by_a_person(
    command: Any, store: PostgresStore, project: str
) -> None:
    where = ("-e", "testing", "--project", project)
    code, _, error = await command("resume", "--prune", *where, who="operator")
    assert code == 1
    assert "not paused" in error
    for environment in ("", "testing"):
        await store.put_intervention(
            Intervention(
                project=project,
                environment=environment,
                verb="prune-paused",
                reason="the store is new",
                by="trunkline",
                at=datetime.now(UTC),
            )
        )
    code, out, error = await command("resume", "--prune", *where, who="operator")
    assert (code, out) == (0, "testing: resumed\n"), error
    assert await store.interventions(project, "testing") == ()
