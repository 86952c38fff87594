"""Standings, wishes and the index of releases after looks at a real repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.released_worlds import PRODUCTION, manifest
from trunkline.model.ids import Revision, release_path
from trunkline.model.records import StatusRecord
from trunkline.model.releases import ReleaseRecord

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.releases.conftest import Place
    from trunkline.adapters.postgres import PostgresStore

pytestmark = pytest.mark.stack
FILE = release_path(PRODUCTION, "front-desk")


async def _tip(place: Place) -> str:
    repository = await place.repository("acme")
    return await repository.fetch_tip()


async def test_a_verified_release_is_a_wish_that_has_yet_to_be_told(place: Place) -> None:
    revision = await _tip(place)
    spec = await place.release("front-desk", 1, revision)
    await place.look()
    (record,) = await place.store.undeclared("acme", 10)
    assert (record.environment, record.name, record.revision) == (
        PRODUCTION,
        "front-desk",
        revision,
    )
    assert record.body["digest"] == spec.digest
    standing = await place.standing("front-desk")
    assert (standing.applied, standing.seen_commit) == (spec, await _tip(place))


async def test_the_same_closure_released_again_is_told_and_pins_the_newer_commit(
    place: Place, texts: Texts
) -> None:
    await place.release("front-desk", 1, await _tip(place))
    await place.look()
    await place.store.mark_declared(await place.store.undeclared("acme", 10))
    place.push({"agents/night-desk.yaml": texts.agent("night-desk", greeting="Hi")})
    newer = await _tip(place)
    await place.release("front-desk", 2, newer)
    await place.look()
    (record,) = await place.store.undeclared("acme", 10)
    assert (record.name, record.revision) == ("front-desk", newer)


async def test_what_was_never_verified_has_a_status_and_no_wish(place: Place) -> None:
    spec = await place.spec("front-desk", 1, await _tip(place))
    place.push({FILE: manifest("front-desk", spec)})
    await place.look()
    assert await place.store.wish("acme", PRODUCTION, "agent", "front-desk") is None
    row = await place.store.status("acme", PRODUCTION, "agent", "front-desk")
    assert row is not None
    assert (row.sync, row.health) == ("OutOfSync", "Missing")
    assert "no tag allocated version 1" in row.message
    place.push({FILE: None})
    await place.look()
    assert await place.store.status("acme", PRODUCTION, "agent", "front-desk") is None


async def test_a_tip_nobody_trusts_releases_and_removes_nothing(place: Place) -> None:
    revision = await _tip(place)
    await place.release("front-desk", 1, revision)
    await place.look()
    place.push({FILE: None})
    await place.release("night-desk", 1, revision)
    assert await place.look(trusted=False) == 1
    assert not (await place.standing("front-desk")).removed
    assert (await place.standing("night-desk")).applied_version == 1
    await place.look()
    assert (await place.standing("front-desk")).removed
    wish = await place.store.wish("acme", PRODUCTION, "agent", "front-desk")
    assert wish is not None
    assert wish.removed


async def test_a_release_that_came_back_broken_is_no_longer_removed(place: Place) -> None:
    spec = await place.release("front-desk", 1, await _tip(place))
    await place.look()
    place.push({FILE: None})
    await place.look()
    place.push({FILE: manifest("front-desk", spec)})
    await place.look()
    wish = await place.store.wish("acme", PRODUCTION, "agent", "front-desk")
    assert wish is not None
    assert not wish.removed


async def test_a_forged_release_never_gets_into_the_index(place: Place) -> None:
    revision = await _tip(place)
    first = await place.release("front-desk", 1, revision)
    forged = first.model_copy(update={"version": 2, "changes": "Forged"})
    place.push({FILE: manifest("front-desk", forged)})
    await place.release("front-desk", 3, revision)
    await place.look()
    indexed = await place.store.releases_of("acme", PRODUCTION, "front-desk", limit=10)
    assert [(one.version, one.changes) for one in indexed] == [(3, "Version 3"), (1, "Version 1")]
    assert all(one.commit is not None for one in indexed)


def _record(version: int, **more: object) -> ReleaseRecord:
    values: dict[str, object] = {
        "project": "acme",
        "environment": PRODUCTION,
        "agent": "front-desk",
        "version": version,
        "revision": "a" * 40,
        "digest": f"sha256:{'b' * 64}",
        "changes": f"Version {version}",
        "promoted_by": "ada@example.com",
        **more,
    }
    return ReleaseRecord.model_validate(values)


async def test_an_indexed_release_stays_and_only_gains_what_it_lacked(
    store: PostgresStore,
) -> None:
    await store.put_releases([_record(1), _record(2)])
    commit = Revision("c" * 40)
    await store.put_releases([_record(1, changes="Another story", commit=commit)])
    found = await store.release("acme", PRODUCTION, "front-desk", 1)
    assert found == _record(1, commit=commit)
    page = await store.releases_of("acme", PRODUCTION, "front-desk", before=2, limit=5)
    assert page == (found,)
    assert await store.release("acme", PRODUCTION, "front-desk", 9) is None


async def test_a_status_with_a_wish_outlives_a_removed_release(place: Place) -> None:
    await place.release("front-desk", 1, await _tip(place))
    await place.look()
    status = StatusRecord(project="acme", environment=PRODUCTION, kind="agent", name="front-desk")
    await place.store.put_status(status, ())
    place.push({FILE: None})
    await place.look()
    assert await place.store.status("acme", PRODUCTION, "agent", "front-desk") is not None


async def test_numbers_in_a_released_environment_leave_with_their_manifest_and_agents_stay(
    place: Place,
) -> None:
    await place.release("front-desk", 1, await _tip(place))
    await place.look()
    state = await place.store.source("acme")
    manifests = await place.store.project_manifest("acme")
    assert state is not None
    assert manifests is not None
    await place.store.store_tree(state, (), {}, manifests, released=(PRODUCTION,))
    wish = await place.store.wish("acme", PRODUCTION, "agent", "front-desk")
    assert wish is not None
    assert not wish.removed
    await place.store.store_tree(state, (), {}, manifests)
    wish = await place.store.wish("acme", PRODUCTION, "agent", "front-desk")
    assert wish is not None
    assert wish.removed
