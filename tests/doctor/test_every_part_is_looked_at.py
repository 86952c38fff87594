"""The doctor names every part by a stable name, and every broken part with what to do."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from tests.doctor.conftest import SOON
from trunkline.model.errors import Forbidden
from trunkline.model.findings import Finding
from trunkline.services.access import Principal

Examine = Callable[[Any], Awaitable[dict[str, Finding]]]

EVERYTHING = [
    *("postgresql.reachable", "postgresql.version", "postgresql.tables", "postgresql.writable"),
    *("postgresql.clock", "temporal.reachable", "temporal.version", "temporal.namespace"),
    *("temporal.search-attributes", "workers.trunkline", "workers.trunkline-source"),
    *("workers.trunkline-platforms", "workers.trunkline-conversations"),
    "workers.trunkline-notifications",
    *("server.python", "server.git", "server.gpg"),
    *("server.ssh-keygen", "server.disk", "git.acme", "elevenlabs.acme.testing"),
    *("elevenlabs.acme.testing.clock", "twilio.acme.testing", "twilio.acme.testing.clock"),
    *("server.public-url", "server.webhook-secret", "server.signing-key"),
    "server.commit-key",
]


@pytest.mark.usefixtures("workers")
async def test_a_healthy_installation_has_nothing_to_do(registered: Any, examine: Examine) -> None:
    found = await examine(registered)
    assert list(found) == EVERYTHING
    bad = [finding for finding in found.values() if finding.state != "ok"]
    assert bad == []
    assert not any(finding.advice for finding in found.values())
    assert registered.vendors.twilio_account_sid in found["twilio.acme.testing"].found


async def test_only_operators_and_admins_may_ask(registered: Any, examine: Examine) -> None:
    found = await examine(registered)
    assert found["workers.trunkline"].state == "failed"
    assert "trunkline worker --queues trunkline" in found["workers.trunkline"].advice
    for role in ("viewer", "approver"):
        with pytest.raises(Forbidden):
            Principal("a", role).require("doctor.run")


@pytest.mark.slow
async def test_a_stopped_postgresql_hides_nothing_else(
    registered: Any, examine: Examine, refused: int
) -> None:
    registered.database_url = f"postgresql://a@127.0.0.1:{refused}/none"
    registered.bounds = SOON
    found = await examine(registered)
    assert found["postgresql.reachable"].state == "failed"
    assert "DATABASE_URL" in found["postgresql.reachable"].advice
    assert found["temporal.reachable"].state == "ok"
    assert found["server.disk"].state == "ok"
    assert found["projects"].state == "failed"


async def test_a_database_without_tables_wants_a_migration(
    installation: Any, examine: Examine, empty_postgres_url: str
) -> None:
    installation.database_url = empty_postgres_url
    found = await examine(installation)
    assert found["postgresql.reachable"].state == "ok"
    assert found["postgresql.tables"].state == "failed"
    assert "trunkline migrate" in found["postgresql.tables"].advice
    assert "postgresql.writable" not in found


async def test_a_database_that_takes_no_writes_is_said(registered: Any, examine: Examine) -> None:
    name = registered.database_url.partition("?")[0].rpartition("/")[2]
    async with await psycopg.AsyncConnection.connect(
        registered.database_url, autocommit=True
    ) as connection:
        await connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode()
        )
    found = await examine(registered)
    assert found["postgresql.writable"].state == "failed"
    assert "read-only" in found["postgresql.writable"].found


async def test_temporal_that_does_not_answer(
    registered: Any, examine: Examine, nobody: Client
) -> None:
    registered.temporal = nobody
    found = await examine(registered)
    assert found["temporal.reachable"].state == "failed"
    assert "TEMPORAL_ADDRESS" in found["temporal.reachable"].advice
    assert found["git.acme"].state == "ok"


async def test_a_namespace_that_is_not_there(registered: Any, examine: Examine) -> None:
    registered.temporal = await in_namespace(registered.temporal, "nowhere")
    found = await examine(registered)
    assert found["temporal.namespace"].state == "failed"
    assert "TEMPORAL_NAMESPACE" in found["temporal.namespace"].advice
    assert "temporal.search-attributes" not in found


async def test_search_attributes_nobody_registered(registered: Any, examine: Examine) -> None:
    name = f"bare-{uuid.uuid4().hex}"
    await registered.temporal.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    registered.temporal = await in_namespace(registered.temporal, name)
    found = await examine(registered)
    missing = found["temporal.search-attributes"]
    assert missing.state == "failed"
    assert "TrunklineProject" in missing.found
    assert "temporal operator search-attribute create" in missing.advice


async def test_a_wrong_key_concerns_its_vendor_alone(
    registered: Any, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "xi-wrong-key")
    found = await examine(registered)
    assert found["elevenlabs.acme.testing"].state == "failed"
    assert "key" in found["elevenlabs.acme.testing"].advice
    assert "xi-wrong-key" not in str(found)
    assert found["twilio.acme.testing"].state == "ok"
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "f" * 32)
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    found = await examine(registered)
    assert found["twilio.acme.testing"].state == "failed"
    assert "ELEVENLABS_API_KEY" in found["elevenlabs.acme.testing"].found
    assert "f" * 32 not in str(found)


async def test_a_repository_or_branch_that_is_gone(
    registered: Any, examine: Examine, refused: int
) -> None:
    async with await psycopg.AsyncConnection.connect(
        registered.database_url, autocommit=True
    ) as connection:
        await connection.execute("UPDATE projects SET branch = 'gone'")
        found = await examine(registered)
        assert found["git.acme"].state == "failed"
        assert "gone" in found["git.acme"].found
        nowhere = f"http://127.0.0.1:{refused}/a.git"
        await connection.execute("UPDATE projects SET repository = %s", (nowhere,))
    found = await examine(registered)
    assert found["git.acme"].state == "failed"
    assert found["git.acme"].advice


async def test_settings_that_are_not_given(installation: Any, examine: Examine) -> None:
    installation.variables = {
        "TRUNKLINE_PUBLIC_URL": "http://trunkline.example.com",
        "TRUNKLINE_WEBHOOK_SECRET": "",
        "TRUNKLINE_SIGNING_KEY": "",
    }
    found = await examine(installation)
    assert found["server.public-url"].state == "failed"
    assert found["server.webhook-secret"].state == found["server.signing-key"].state == "warning"
    assert "TRUNKLINE_WEBHOOK_SECRET" in found["server.webhook-secret"].advice
    assert found["projects"].state == "warning"
    assert "projects add" in found["projects"].advice


async def in_namespace(client: Client, namespace: str) -> Client:
    """A client of the same server in another namespace, which may not be there."""
    try:
        return await Client.connect(
            client.service_client.config.target_host,
            namespace=namespace,
            data_converter=pydantic_data_converter,
        )
    except RPCError as error:
        pytest.fail(str(error))
