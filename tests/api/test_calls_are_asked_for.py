"""Calls people ask for: one for a key, refused with words, listed, canceled."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.api.conftest import DIGEST, REVISION
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent, DesiredNumber, DesiredOutbound
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.kinds.project import Window
from trunkline.model.records import SourceState, StatusRecord, WishRecord

NUMBER = "+15005550009"
WISH: dict[str, Any] = {
    "agent": "reminders",
    "to": NUMBER,
    "idempotencyKey": "appointment-4711",
    "contextOverride": {"appointment": "Tuesday at ten"},
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Token = Callable[[str], str]


@pytest.fixture
def path(project: str) -> str:
    return f"/v1/projects/{project}"


@pytest.fixture
def operator(http: httpx.AsyncClient, token: Token) -> httpx.AsyncClient:
    http.headers["Authorization"] = f"Bearer {token('operator')}"
    return http


async def deploy(store: PostgresStore, project: str, **more: Any) -> None:
    """An agent that calls people from ``main-line``, as a sync leaves it."""
    place = {"project": ProjectName(project), "environment": EnvironmentName("testing")}
    outbound = DesiredOutbound(from_numbers=("main-line",), windows=more.pop("windows", ()))
    said = {"direction": "outbound", "outbound": outbound, "display_name": "Reminders", **more}
    agent = DesiredAgent(name=AgentName("reminders"), digest=DIGEST, **place, **said)
    number = DesiredNumber(
        name="main-line", digest=DIGEST, number="+15005550006", routing="bridge", **place
    )
    kept = {"project": project, "environment": "testing", "wish_digest": DIGEST}
    wishes = [
        WishRecord(
            **kept,
            revision=REVISION,
            kind="agent" if isinstance(wish, DesiredAgent) else "number",
            name=wish.name,
            body=wish.model_dump(mode="json"),
        )
        for wish in (agent, number)
    ]
    manifest: JsonObject = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "Project",
        "metadata": {"name": project},
        "spec": {"environments": [{"name": "testing", "source": "head", "mode": "enforce"}]},
    }
    source = SourceState(project=project, seen_revision=REVISION, applied_revision=REVISION)
    await store.store_tree(source, wishes, {}, manifest)
    row = StatusRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="reminders",
        external_id=ExternalId("agent_1"),
    )
    await store.put_status(row, [])


async def test_an_order_is_taken_once_for_its_key(
    operator: httpx.AsyncClient, path: str, project: str, store: PostgresStore
) -> None:
    await deploy(store, project)
    taken = await operator.post(f"{path}/calls", json=WISH)
    assert taken.status_code == 202, taken.text
    order = taken.json()
    assert taken.headers["location"] == f"{path}/call-orders/{order['id']}"
    assert (order["to"], order["from"], order["state"]) == (NUMBER, "main-line", "Waiting")
    assert order["environment"] == "testing"
    again = await operator.post(f"{path}/calls", json=WISH)
    assert (again.status_code, again.json()["id"]) == (202, order["id"])
    other = await operator.post(f"{path}/calls", json={**WISH, "to": "+15005550010"})
    assert other.status_code == 422
    assert order["id"] in other.json()["hint"]
    listed = (await operator.get(f"{path}/call-orders?open=true")).json()["items"]
    assert [each["id"] for each in listed] == [order["id"]]
    rows = await store.audit(project=project, action="call.start", limit=10)
    assert [row.details["order"] for row in rows] == [order["id"]]


async def test_the_key_may_come_as_a_header(
    operator: httpx.AsyncClient, path: str, project: str, store: PostgresStore
) -> None:
    await deploy(store, project)
    body = {key: value for key, value in WISH.items() if key != "idempotencyKey"}
    absent = await operator.post(f"{path}/calls", json=body)
    assert (absent.status_code, "idempotency key" in absent.text) == (400, True)
    headers = {"Idempotency-Key": "from-the-header"}
    taken = await operator.post(f"{path}/calls", json=body, headers=headers)
    assert (taken.status_code, taken.json()["idempotencyKey"]) == (202, "from-the-header")
    both = await operator.post(f"{path}/calls", json=WISH, headers={"Idempotency-Key": "another"})
    assert (both.status_code, "differ" in both.text) == (400, True)


@pytest.mark.parametrize(
    ("agent", "wish", "status", "words"),
    [
        ({"direction": "inbound"}, {}, 409, "only takes calls"),
        ({"lifecycle": "inactive"}, {}, 409, "is inactive"),
        ({}, {"from": "night-line"}, 409, "may not call from"),
        ({}, {"agent": "nobody"}, 404, "nobody"),
        ({}, {"to": "+4915"}, 422, "to"),
        ({}, {"to": "+15005"}, 422, "to"),
        ({}, {"to": "+150055500099999"}, 400, "no telephone number"),
        ({}, {"notBefore": "2999-01-01T00:00:00Z"}, 400, "too far away"),
        ({}, {"contextOverride": {"1st": "x"}}, 422, "contextOverride"),
        ({"windows": (Window(deny="Mon-Sun 00:00-24:00"),)}, {}, 409, "no window"),
    ],
)
async def test_what_cannot_be_called_is_refused_with_words(
    operator: httpx.AsyncClient,
    path: str,
    project: str,
    store: PostgresStore,
    agent: dict[str, Any],
    wish: dict[str, Any],
    status: int,
    words: str,
) -> None:
    await deploy(store, project, **agent)
    refused = await operator.post(f"{path}/calls", json={**WISH, **wish})
    assert refused.status_code == status, refused.text
    assert words in refused.text
    assert (await operator.get(f"{path}/call-orders")).json()["items"] == []


async def test_a_closed_window_is_said_in_the_answer(
    operator: httpx.AsyncClient, path: str, project: str, store: PostgresStore
) -> None:
    later = DAYS[(datetime.now(UTC).weekday() + 3) % len(DAYS)]
    closed = (Window(allow=f"{later} 00:00-00:01"),)
    await deploy(store, project, windows=closed)
    order = (await operator.post(f"{path}/calls", json=WISH)).json()
    assert order["message"].startswith("Outside of the calling windows until ")


async def test_a_number_on_the_list_is_not_called_until_it_is_off(
    operator: httpx.AsyncClient, path: str, project: str, store: PostgresStore
) -> None:
    await deploy(store, project)
    entry = {"number": NUMBER, "reason": "asked us to stop"}
    added = await operator.post(f"{path}/do-not-call", json=entry)
    assert (added.status_code, added.json()["addedBy"]) == (201, "operator@example.com")
    again = await operator.post(f"{path}/do-not-call", json={"number": NUMBER})
    assert again.json()["reason"] == "asked us to stop"
    refused = await operator.post(f"{path}/calls", json=WISH)
    assert (refused.status_code, "asked us to stop" in refused.text) == (409, True)
    assert refused.json()["type"].endswith("number-not-to-be-called")
    listed = (await operator.get(f"{path}/do-not-call")).json()["items"]
    assert [each["number"] for each in listed] == [NUMBER]
    removed = await operator.delete(f"{path}/do-not-call/{NUMBER}")
    assert (removed.status_code, removed.json()["number"]) == (200, NUMBER)
    assert (await operator.delete(f"{path}/do-not-call/{NUMBER}")).status_code == 404
    assert (await operator.post(f"{path}/calls", json=WISH)).status_code == 202
    rows = await store.audit(project=project, action="do-not-call.edit", limit=10)
    assert [row.subject for row in rows] == [NUMBER, NUMBER]


async def test_who_only_reads_starts_and_cancels_nothing(
    http: httpx.AsyncClient, token: Token, path: str, project: str, store: PostgresStore
) -> None:
    await deploy(store, project)
    for who in ("viewer", "approver"):
        headers = {"Authorization": f"Bearer {token(who)}"}
        refused = await http.post(f"{path}/calls", json=WISH, headers=headers)
        assert refused.status_code == 403, who
        entry = {"number": NUMBER}
        kept = await http.post(f"{path}/do-not-call", json=entry, headers=headers)
        assert kept.status_code == 403, who


async def test_an_order_is_canceled_and_says_by_whom(
    operator: httpx.AsyncClient, path: str, project: str, store: PostgresStore
) -> None:
    await deploy(store, project)
    order = (await operator.post(f"{path}/calls", json=WISH)).json()
    canceled = await operator.post(f"{path}/call-orders/{order['id']}/cancel")
    assert canceled.status_code == 202, canceled.text
    assert canceled.json()["canceledBy"] == "operator@example.com"
    assert (await operator.post(f"{path}/call-orders/order-none/cancel")).status_code == 404
