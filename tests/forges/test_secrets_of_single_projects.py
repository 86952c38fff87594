"""A project with a webhook secret of its own is woken by that one; all others by the shared one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import NotConfigured, Unauthenticated
from trunkline.model.records import ProjectRecord
from trunkline.services.catalogue import build_services
from trunkline.services.webhooks import GITHUB, GITLAB, Delivery, Forge, WebhookService, sign

REPOSITORY = "https://git.example.com/acme/manifests.git"


def push(secret: str, forge: Forge = GITHUB, **more: Any) -> Delivery:
    """A push to the branch that every project follows."""
    payload = {"ref": "refs/heads/main", "repository": {"clone_url": REPOSITORY}, **more}
    body = json.dumps(payload).encode()
    if forge.shows_secret:
        return Delivery({"x-gitlab-token": secret, "x-gitlab-event": "Push Hook"}, body)
    headers = {"x-github-event": "push", "x-hub-signature-256": sign(secret, body)}
    return Delivery(headers, body)


@pytest.fixture
async def webhooks(postgres_url: str, temporal_server: Any) -> Any:
    """The service, with ``acme`` and ``acme-eu`` on one repository."""
    client = await temporal_server.client()
    async with PostgresStore(postgres_url) as store:
        for name in ("acme", "acme-eu"):
            await store.register(ProjectRecord(name=name, repository=REPOSITORY, branch="main"))

        def made(secret: str | None, **own: str) -> WebhookService:
            found = build_services(store, client, webhook_secret=secret, webhook_secrets=own)
            return found.webhooks

        yield made


@pytest.mark.parametrize("forge", [GITHUB, GITLAB], ids=lambda forge: str(forge.name))
async def test_each_secret_wakes_its_own(webhooks: Any, forge: Forge) -> None:
    service = webhooks("shared", ACME_EU="own")
    by_shared = await service.receive(push("shared", forge), request_id="1", forge=forge)
    by_own = await service.receive(push("own", forge, after="b"), request_id="2", forge=forge)
    assert by_shared.projects == ("acme",)
    assert by_own.projects == ("acme-eu",)


async def test_without_a_shared_secret_the_own_one_counts_still(webhooks: Any) -> None:
    service = webhooks(None, ACME="own")
    assert (await service.receive(push("own"), request_id="1")).projects == ("acme",)
    for wrong in ("", "shared"):
        with pytest.raises(Unauthenticated):
            await service.receive(push(wrong, GITLAB), request_id="2", forge=GITLAB)


async def test_without_any_secret_the_door_is_closed(webhooks: Any) -> None:
    with pytest.raises(NotConfigured):
        await webhooks(None).receive(push(""), request_id="1")
    with pytest.raises(NotConfigured):
        await webhooks("", ACME="").receive(push("", GITLAB), request_id="1", forge=GITLAB)
