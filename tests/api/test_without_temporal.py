"""Temporal is down: reading goes on, asking says so and leaves no operation that runs forever."""

from typing import Any

import httpx
import pytest

from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore


@pytest.fixture
def installation(installation_without_temporal: Any) -> Any:
    return installation_without_temporal


@pytest.mark.usefixtures("fleet")
async def test_reading_goes_on_and_a_sync_ends_as_error(
    http: httpx.AsyncClient, admin: httpx.AsyncClient, store: PostgresStore
) -> None:
    assert (await admin.get("agents")).status_code == 200
    refused = await admin.post("sync")
    assert refused.status_code == 503, refused.text
    assert refused.json()["type"] == "urn:trunkline:problem:engine-unavailable"
    assert "TEMPORAL_ADDRESS" in refused.json()["hint"]
    [row] = await store.audit(limit=5)
    operation = await store.operation(str(row.details["operation"]))
    assert operation is not None
    assert operation.state == "Error"

    async def store_is_ready() -> bool:
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        said = {check["name"]: check["ready"] for check in ready.json()["checks"]}
        assert said["temporal"] is False
        return said["store"] is True

    await eventually(store_is_ready, what="the store alone is ready")
