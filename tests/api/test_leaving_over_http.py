"""Leaving an environment: who may, what has to be typed, what is on record before anything runs."""

from collections.abc import Callable, Coroutine

import httpx
import pytest
from temporalio.client import Client

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ledger import LedgerEntry

pytestmark = pytest.mark.usefixtures("fleet")

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]


@pytest.fixture
async def owned(store: PostgresStore, project: str) -> None:
    """What the ledger would say of the fleet."""
    await store.put(
        LedgerEntry.model_validate(
            {
                "project": project,
                "environment": "testing",
                "kind": "agent",
                "name": "front-desk",
                "account": "one",
                "external_id": "agent_1",
            }
        )
    )


@pytest.mark.usefixtures("owned")
async def test_an_admin_sees_what_would_be_left(
    admin: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    answer = await admin.get("ejections", params={"environment": "testing"})
    assert answer.json() == {
        "environment": "testing",
        "items": [{"kind": "agent", "name": "front-desk", "externalId": "agent_1"}],
    }
    assert (await viewer.get("ejections", params={"environment": "testing"})).status_code == 403
    unknown = await admin.get("ejections", params={"environment": "elsewhere"})
    assert unknown.status_code == 422 or "no environment" in unknown.json()["detail"]


async def test_nobody_but_an_admin_leaves_and_nothing_is_said_by_trying(
    http: httpx.AsyncClient, token: Callable[[str], str], store: PostgresStore, project: str
) -> None:
    order = {"environment": "testing", "confirmation": "testing"}
    for who in ("viewer", "operator", "approver"):
        headers = {"Authorization": f"Bearer {token(who)}"}
        answer = await http.post(f"/v1/projects/{project}/ejections", json=order, headers=headers)
        assert answer.status_code == 403, who
    assert await store.interventions(project) == ()


async def test_its_name_has_to_be_typed(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    answer = await admin.post("ejections", json={"environment": "testing", "confirmation": "yes"})
    assert answer.status_code in (400, 422)
    assert "confirmed by its name" in answer.json()["detail"]
    assert await store.interventions(project) == ()


async def test_from_the_answer_on_nothing_is_written_and_it_is_on_record(
    admin: httpx.AsyncClient, store: PostgresStore, project: str, temporal: Client
) -> None:
    order = {"environment": "testing", "confirmation": "testing", "reason": "we part"}
    answer = await admin.post("ejections", json=order)
    assert (answer.status_code, answer.json()["kind"]) == (202, "eject")
    operation_id = answer.json()["id"]
    [said] = await store.interventions(project, "testing")
    assert (said.verb, said.expires_at, said.details) == ("suspend", None, {"ejected": True})
    [row] = await store.audit(project=project, limit=5)
    assert (row.action, row.subject, row.reason) == ("environment.eject", "testing", "we part")
    described = await temporal.get_workflow_handle(f"eject/{operation_id}").describe()
    assert described.workflow_type == "EjectWorkflow"


@pytest.mark.slow
@pytest.mark.usefixtures("owned")
async def test_the_command_asks_and_says_what_it_will_do(command: Command) -> None:
    code, _, err = await command("eject", "-e", "testing", who="admin")
    assert code == 64
    assert "1 agent: front-desk" in err
    assert "resume -e testing" in err
    assert "--yes" in err
    for arguments in (("eject",), ("eject", "-e", "testing", "--all")):
        code, _, err = await command(*arguments, who="admin")
        assert (code, "-e NAME, or --all" in err) == (64, True)
    code, _, err = await command("eject", "-e", "testing", "--yes", who="operator")
    assert code == 1
    assert "admin" in err


@pytest.mark.slow
async def test_it_goes_on_when_nobody_waits_any_longer(command: Command) -> None:
    code, out, err = await command(
        "eject", "-e", "testing", "--yes", "--timeout", "1s", "-o", "json", who="admin"
    )
    assert (code, out) == (5, "")
    assert "goes on without us" in err
