"""VERSION and STAGE say what runs: a release counts there once everything of it is written."""

from __future__ import annotations

from typing import Any

import pytest

from activities.released_agents import is_other_release, shown_release
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.records import StatusRecord, WishRecord
from trunkline.model.releases import ReleaseStanding

DIGEST = f"sha256:{'b' * 64}"
PLACE: dict[str, Any] = {"project": "acme", "environment": "production"}


def wish(*, removed: bool = False, digest: str = DIGEST) -> WishRecord:
    return WishRecord(
        **PLACE,
        kind="agent",
        name="desk",
        wish_digest=Digest("w"),
        revision=Revision("a" * 40),
        body={"digest": digest},
        removed=removed,
    )


def status(sync: Any, version: int = 0, digest: str = DIGEST) -> StatusRecord:
    return StatusRecord(
        **PLACE, kind="agent", name="desk", sync=sync, version=version, digest=Digest(digest)
    )


def standing(version: int = 2) -> ReleaseStanding:
    spec = ReleaseSpec.model_validate(
        {
            "environment": "production",
            "version": version,
            "revision": "a" * 40,
            "digest": DIGEST,
            "changes": "Something",
            "promotedBy": "ada@example.com",
        }
    )
    return ReleaseStanding(**PLACE, agent="desk", seen=spec, applied=spec, applied_version=version)


@pytest.mark.parametrize(
    ("sync", "before", "version", "stage"),
    [
        ("Synced", 1, 2, "production"),
        ("OutOfSync", 1, 1, "production"),
        ("OutOfSync", 0, 0, "testing"),
        ("Unknown", 1, 1, "production"),
    ],
)
def test_a_new_version_shows_once_it_is_in_place(
    sync: str, before: int, version: int, stage: str
) -> None:
    previous = status("Synced", before)
    shown = shown_release(wish(), status(sync), previous, standing())
    assert (shown.version, shown.stage) == (version, stage)


def test_a_round_that_was_planned_before_the_release_came_shows_the_version_before() -> None:
    earlier = status("Synced", digest=f"sha256:{'c' * 64}")
    assert shown_release(wish(), earlier, status("Synced", 1), standing()).version == 1


def test_an_agent_that_follows_the_branch_has_no_version() -> None:
    assert shown_release(wish(), status("Synced"), None, None).version == 0
    other = wish(digest=f"sha256:{'c' * 64}")
    assert shown_release(other, status("Synced"), None, standing()).version == 0


def test_an_agent_on_its_way_out_keeps_the_version_that_runs() -> None:
    removed = standing().model_copy(update={"applied": None, "seen": None, "removed": True})
    shown = shown_release(wish(removed=True), status("Synced"), status("Synced", 2), removed)
    assert (shown.version, shown.stage) == (2, "production")


def test_numbers_hear_of_another_release_and_of_one_that_is_gone() -> None:
    assert is_other_release(None, status("Synced", 1))
    assert is_other_release(status("OutOfSync", 1), status("Synced", 1))
    assert is_other_release(status("Synced", 1), status("Synced", 2))
    assert not is_other_release(status("Synced", 2), status("Synced", 2))
