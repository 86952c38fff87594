"""Tests nobody runs any more are deleted like every other object of ours, and no sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.platform_tests.deployment import Deployment, script, wish
from trunkline.model.errors import RemoteMissing
from trunkline.model.ids import ExternalId, content_mark
from trunkline.model.ledger import Claim, Tombstone
from trunkline.model.object_pruning import object_outlook
from trunkline.model.pruning import PruneRules, View

if TYPE_CHECKING:
    from tests.platform_tests.conftest import Vendor
    from trunkline.adapters.postgres import PostgresStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def deployed(vendor: Vendor, store: PostgresStore) -> Deployment:
    """The garden centre's agent, live."""
    made = Deployment(vendor, store, await vendor.voice())
    await made.deploy(wish())
    return made


async def only_claim(deployed: Deployment) -> Claim:
    claims = await deployed.store.claims(deployed.voice.account, "acme", "testing")
    (found,) = [claim for claim in claims if claim.kind == "test"]
    return found


async def test_a_test_that_is_run_again_is_not_on_its_way_out(deployed: Deployment) -> None:
    await deployed.run(wish(), script())
    claim = await only_claim(deployed)
    await deployed.store.tombstone_claim(claim, Tombstone(since_at=NOW))
    assert (await only_claim(deployed)).tombstone is not None
    await deployed.run(wish(), script())
    assert (await only_claim(deployed)).tombstone is None


async def test_what_is_deleted_is_certainly_ours(deployed: Deployment) -> None:
    await deployed.run(wish(), script())
    claim = await only_claim(deployed)
    test_id = claim.external_id
    assert test_id is not None
    usage = await deployed.voice.object_usage("test", test_id)
    assert usage.mark == content_mark("acme", "testing", "says-hours", claim.digest)
    assert usage.users == ()
    await deployed.voice.delete_object("test", test_id, timeout_s=60.0)
    await deployed.voice.delete_object("test", test_id, timeout_s=60.0)
    with pytest.raises(RemoteMissing):
        await deployed.voice.object_usage("test", test_id)


def test_tests_go_before_the_tools_they_refer_to() -> None:
    long_ago = Tombstone(since_at=NOW - timedelta(days=30))
    claims = [
        Claim(
            account="a",
            project="acme",
            environment="testing",
            kind=kind,
            name="same",
            digest=f"sha256:{'c' * 64}",
            claimant="x",
            external_id=ExternalId(f"{kind}_1"),
            tombstone=long_ago,
        )
        for kind in ("tool", "document", "test")
    ]
    view = View(environment="testing", now=NOW, rules=PruneRules(enabled=True, follows_head=True))
    found = object_outlook(view, claims, frozenset())
    assert [claim.kind for claim in found.due] == ["test", "tool", "document"]
    fresh = [claim.model_copy(update={"tombstone": None}) for claim in claims]
    assert object_outlook(view, fresh, frozenset()).due == ()


async def test_a_test_that_is_left_keeps_everything_but_our_mark(deployed: Deployment) -> None:
    improvised = {
        "turns": [{"asCaller": "Ask for order 4711", "maxTurns": 2}],
        "tools": {"find_order": [{"reply": {"sent": True}}]},
        "finally": [{"goal": "knows where it is"}],
    }
    await deployed.run(wish(), script(), script("improvised", **improvised))
    tests = deployed.voice.tests
    official = deployed.vendor.official.conversational_ai.tests
    marked = await tests.marked_tests()
    assert len(marked) == 2
    for one in marked:
        before = official.get(one.external_id).model_dump(mode="json")
        await tests.unmark_test(one.external_id, timeout_s=60.0)
        await tests.unmark_test(one.external_id, timeout_s=60.0)
        after = official.get(one.external_id).model_dump(mode="json")
        assert after.pop("name") == before.pop("name").rpartition(" #trunkline:")[0]
        assert after == before
    assert await tests.marked_tests() == ()
