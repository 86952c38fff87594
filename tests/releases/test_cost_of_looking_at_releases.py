"""A look costs what changed: a release that is as it was left is not read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.released_worlds import PRODUCTION, manifest
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.ids import release_path
from trunkline.model.kinds.release import Hold

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.releases.conftest import Place

pytestmark = pytest.mark.stack
AGENTS = ("front-desk", "night-desk", "back-desk")


async def _tip(place: Place) -> str:
    repository = await place.repository("acme")
    return await repository.fetch_tip()


async def test_one_pinned_tree_is_read_once_and_an_unchanged_release_never(
    place: Place, texts: Texts
) -> None:
    revision = await _tip(place)
    for agent in AGENTS:
        await place.release(agent, 1, revision)
    assert await place.look() == 3
    assert place.trees == 1
    assert await place.look() == 0
    assert place.trees == 0
    place.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
    assert await place.look() == 0
    assert place.trees == 0
    await place.release("front-desk", 2, await _tip(place))
    assert await place.look() == 1
    assert place.trees == 1


async def test_holding_a_release_reads_no_tree_and_changes_no_wish(place: Place) -> None:
    spec = await place.release("front-desk", 1, await _tip(place))
    await place.look()
    await place.store.mark_declared(await place.store.undeclared("acme", 10))
    held = spec.model_copy(
        update={"hold": Hold.model_validate({"reason": "wait", "by": "ada@example.com"})}
    )
    place.push({release_path(PRODUCTION, "front-desk"): manifest("front-desk", held)})
    assert await place.look() == 1
    assert place.trees == 0
    standing = await place.standing("front-desk")
    assert (standing.held, standing.reason, standing.applied_version) == (True, "", 1)
    place.push({release_path(PRODUCTION, "front-desk"): manifest("front-desk", spec)})
    await place.look()
    assert not (await place.standing("front-desk")).held


async def test_a_release_that_does_not_count_is_not_read_again_and_again(place: Place) -> None:
    spec = await place.release("front-desk", 1, await _tip(place))
    edited = spec.model_copy(update={"changes": "Something else"})
    place.push({release_path(PRODUCTION, "front-desk"): manifest("front-desk", edited)})
    assert await place.look() == 1
    assert (await place.standing("front-desk")).reason == "EvidenceInvalid"
    assert await place.look() == 0
    assert place.trees == 0


async def test_a_removed_key_makes_its_releases_count_no_longer(place: Place) -> None:
    await place.release("front-desk", 1, await _tip(place))
    await place.look()
    project = await place.project()
    assert project.spec.signing is not None
    bare = project.model_dump(mode="json")
    bare["spec"]["signing"]["publicKeys"] = [Ed25519Keys(new_private_key()).public_key]
    state = await place.store.source("acme")
    assert state is not None
    await place.store.store_tree(state, (), {}, bare, released=(PRODUCTION,))
    assert await place.look() == 1
    standing = await place.standing("front-desk")
    assert (standing.reason, standing.applied_version) == ("EvidenceInvalid", 1)


async def test_a_hard_look_takes_nothing_for_granted(place: Place) -> None:
    await place.release("front-desk", 1, await _tip(place))
    await place.look()
    assert await place.look(whole=True) == 0
    assert place.trees == 1
