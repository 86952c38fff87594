"""What people ask for exists before Temporal hears of it, reaches Temporal, and can be followed."""

import asyncio

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.types import PlanInput, ProjectInput, RefreshRequest
from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest
from trunkline.model.plans import Plan
from trunkline.model.records import PlanRecord

pytestmark = pytest.mark.usefixtures("fleet")


async def test_a_plan_starts_its_workflow_with_what_was_asked(
    viewer: httpx.AsyncClient, temporal: Client, project: str
) -> None:
    order = {"environment": "testing", "agents": ["front-desk"], "hardRefresh": True}
    answer = await viewer.post("plans", json=order)
    operation = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/projects/{project}/operations/{operation['id']}"
    assert (operation["kind"], operation["state"]) == ("plan", "Running")
    history = await temporal.get_workflow_handle(f"plan/{operation['id']}").fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    assert started.workflow_type.name == "PlanWorkflow"
    [given] = await temporal.data_converter.decode(list(started.input.payloads), [PlanInput])
    assert given.names == ("front-desk",)
    assert (given.project, given.environment, given.hard_refresh) == (project, "testing", True)


async def test_an_operation_and_its_plan_can_be_read(viewer: httpx.AsyncClient) -> None:
    operation = (await viewer.get("operations/plan-0001")).json()
    assert (operation["state"], operation["planId"]) == ("Succeeded", "plan-0001")
    plan = (await viewer.get("plans/plan-0001")).json()["plan"]
    assert (plan["empty"], plan["calls"], len(plan["steps"])) == (False, 1, 1)


async def test_a_sync_wakes_the_project_and_names_what_was_asked(
    admin: httpx.AsyncClient, temporal: Client, project: str
) -> None:
    environment = {"environment": "testing"}
    named = {"X-Request-ID": "asked-first"}
    first = (await admin.post("sync", json=environment, headers=named)).json()
    order = {**environment, "hardRefresh": True}
    answer = await admin.post("agents/front-desk/sync", json=order)
    second = answer.json()
    history = await temporal.get_workflow_handle(f"project/{project}").fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    [given] = await temporal.data_converter.decode(list(started.input.payloads), [ProjectInput])
    assert given.project == project
    signals: list[RefreshRequest] = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            payloads = list(event.workflow_execution_signaled_event_attributes.input.payloads)
            signals += await temporal.data_converter.decode(payloads, [RefreshRequest])
    assert signals == [
        RefreshRequest(operation_id=first["id"], environment="testing", request_id="asked-first"),
        RefreshRequest(
            operation_id=second["id"],
            hard=True,
            environment="testing",
            names=("front-desk",),
            request_id=answer.headers["x-request-id"],
        ),
    ]


async def test_a_sync_is_audited_with_what_it_begins_from(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    desk = (await admin.get("agents/front-desk?environment=testing")).json()
    source = await store.source(project)
    assert source is not None
    await admin.post("agents/front-desk/sync", json={"reason": "after the outage"})
    await admin.post("sync", json={"environment": "testing"})
    whole, one = await store.audit(project=project, action="sync.create", limit=2)
    revision = source.applied_revision
    assert one.before == {"revision": revision, "digests": {"testing/front-desk": desk["digest"]}}
    assert whole.before == {"revision": revision}


async def test_a_diff_waits_for_its_plan(
    viewer: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    async def work() -> None:
        """What a worker does once the operation is there."""
        rows = await eventually(lambda: store.audit(limit=1), what="an operation is asked for")
        operation = str(rows[0].details["operation"])
        plan = Plan(project=project, environment="testing", digest=Digest("sha256:" + "0" * 64))
        record = PlanRecord(
            id="plan-diff", project=project, environment="testing", revision=None, plan=plan
        )
        await store.put_plan(record)
        await store.finish_operation(operation, "Succeeded", "", plan_id="plan-diff")

    answer, _ = await asyncio.gather(viewer.get("agents/front-desk/diff?waitS=60"), work())
    assert (answer.status_code, answer.json()["id"]) == (200, "plan-diff")
    assert answer.json()["plan"]["empty"] is True


async def test_a_diff_that_takes_longer_answers_with_its_operation(
    viewer: httpx.AsyncClient,
) -> None:
    answer = await viewer.get("agents/front-desk/diff?waitS=0.3")
    assert answer.status_code == 202
    assert answer.json()["state"] == "Running"
    assert answer.headers["Location"].endswith(answer.json()["id"])
