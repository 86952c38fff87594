"""Rows that reconciling an agent or a number leaves, for tests in which nobody reconciles."""

from __future__ import annotations

from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.conditions import Condition
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.records import StatusRecord, WishRecord

REVISION = Revision("3f0c" * 10)
DIGEST = Digest("sha256:" + "5e" * 32)


def project_manifest(name: str, environment: Json, **spec: Json) -> JsonObject:
    """A project of one environment."""
    return {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "Project",
        "metadata": {"name": name},
        "spec": {"environments": [environment], **spec},
    }


def enforced(environment: str) -> JsonObject:
    """An environment that follows the branch and is written to."""
    return {"name": environment, "source": "head", "mode": "enforce"}


def wished(wish: DesiredAgent | DesiredNumber) -> WishRecord:
    """What Git wants."""
    body = wish.model_dump(mode="json")
    return WishRecord(
        project=wish.project,
        environment=wish.environment,
        kind="agent" if isinstance(wish, DesiredAgent) else "number",
        name=wish.name,
        wish_digest=digest(body),
        revision=REVISION,
        body=body,
    )


def deployed(wish: DesiredAgent, agent_id: str) -> StatusRecord:
    """The agent is on the platform, as version 7."""
    return StatusRecord(
        project=wish.project,
        environment=wish.environment,
        kind="agent",
        name=wish.name,
        version=7,
        revision=REVISION,
        digest=wish.digest,
        external_id=ExternalId(agent_id),
        sync="Synced",
        health="Healthy",
        conditions=(Condition(type="Ready", status="True", reason="AsWished"),),
    )
