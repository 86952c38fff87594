"""What the branch says of releases: what cannot be read is never taken for removed."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.model.ids import Revision
from trunkline.model.kinds import Release
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.manifests import Placed, Positions, Releases
from trunkline.model.problems import Position, Problem
from trunkline.model.released import (
    Sighting,
    claim_problem,
    counted,
    gone,
    is_held_only,
    is_settled,
    refused,
    sightings,
)
from trunkline.model.releases import ReleaseStanding

TIP = Revision("1" * 40)
PINNED = Revision("2" * 40)
PLACE: dict[str, Any] = {"project": "acme", "tip": TIP, "resting": "rests"}


def spec(version: int = 1, **more: object) -> ReleaseSpec:
    values: dict[str, object] = {
        "environment": "production",
        "version": version,
        "revision": PINNED,
        "digest": f"sha256:{'b' * 64}",
        "changes": "Something",
        "promotedBy": "ada@example.com",
        **more,
    }
    return ReleaseSpec.model_validate(values)


def placed(agent: str, release: ReleaseSpec) -> Placed[Release]:
    document = Release.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Release",
            "metadata": {"name": agent},
            "spec": release.model_dump(mode="json"),
        }
    )
    return Placed(document, Positions(f"releases/{release.environment}/{agent}.yaml", {}))


def problem(file: str) -> Problem:
    return Problem(position=Position(file=file, line=2, column=1), message="not valid YAML")


def standing(agent: str = "desk", release: ReleaseSpec | None = None) -> ReleaseStanding:
    seen = Sighting("production", agent, release=release or spec())
    return counted(None, seen, **PLACE)


def test_releases_of_other_environments_are_not_looked_at() -> None:
    releases = Releases(released={("testing", "desk"): placed("desk", spec())})
    assert sightings(releases, ("production",), ()) == ()


def test_a_file_that_is_gone_is_seen_as_gone_once() -> None:
    (seen,) = sightings(Releases(), ("production",), (standing(),))
    assert seen == Sighting("production", "desk")
    removed = gone(standing(), TIP)
    assert (removed.removed, removed.applied, removed.applied_version) == (True, None, 1)
    assert sightings(Releases(), ("production",), (removed,)) == ()


@pytest.mark.parametrize(
    "file", ["releases/production/dsek.yaml", "releases/desk.yaml", "releases/a/b/desk.yaml"]
)
def test_nothing_is_removed_while_a_file_that_may_be_it_cannot_be_read(file: str) -> None:
    found = sightings(Releases(problems=(problem(file),)), ("production",), (standing(),))
    desk = next(each for each in found if each.agent == "desk")
    assert "does not count as removed" in desk.problem
    assert desk.says_something


def test_what_is_broken_elsewhere_does_not_matter() -> None:
    releases = Releases(problems=(problem("releases/testing/desk.yaml"),))
    assert sightings(releases, ("production",), (standing(),)) == (Sighting("production", "desk"),)


def test_a_release_in_a_file_with_a_problem_is_not_believed() -> None:
    releases = Releases(
        released={
            ("production", "desk"): placed("desk", spec()),
            ("production", "other"): placed("other", spec()),
        },
        problems=(problem("releases/production/desk.yaml"),),
    )
    desk, other = sightings(releases, ("production",), ())
    assert (desk.release, desk.problem) == (
        None,
        "releases/production/desk.yaml:2:1: not valid YAML",
    )
    assert other.release == spec()


def test_a_version_counts_if_its_tag_stands_on_what_it_pins() -> None:
    assert claim_problem(spec(3), standing(), {3: PINNED}) == ""
    assert "no tag allocated version 3" in claim_problem(spec(3), None, {2: PINNED})
    assert "was allocated to commit 1111111111" in claim_problem(spec(1), None, {1: TIP})


def test_an_older_version_never_comes_back() -> None:
    words = claim_problem(spec(2), standing(release=spec(3)), {2: PINNED, 3: PINNED})
    assert "older than version 3, which runs" in words
    assert "trunkline rollback" in words
    words = claim_problem(spec(2), None, {2: PINNED, 3: PINNED})
    assert "older than version 3, which was allocated" in words
    after = gone(standing(release=spec(3)), TIP)
    assert "older than version 3" in claim_problem(spec(2), after, {2: PINNED})
    assert claim_problem(spec(3), after, {3: PINNED}) == ""


def test_what_was_verified_stays_under_what_does_not_count() -> None:
    former = standing()
    seen = Sighting("production", "desk", release=spec(2))
    found = refused(former, seen, "EvidenceInvalid", "it is forged", **PLACE)
    assert (found.applied, found.applied_version, found.seen) == (spec(1), 1, spec(2))
    assert found.message == (
        "releases/production/desk.yaml: it is forged; version 1 stays as it was verified"
    )
    fresh = refused(None, seen, "EvidenceInvalid", "it is forged", **PLACE)
    assert (fresh.applied, fresh.applied_version) == (None, 0)


def test_a_look_is_settled_until_the_release_or_what_it_rests_on_changes() -> None:
    seen = Sighting("production", "desk", release=spec())
    assert is_settled(standing(), seen, "rests")
    assert not is_settled(standing(), seen, "rests on other keys")
    assert not is_settled(None, seen, "rests")
    assert not is_settled(standing(release=spec(2)), seen, "rests")
    assert not is_settled(gone(standing(), TIP), seen, "rests")
    forged = refused(None, seen, "EvidenceInvalid", "forged", **PLACE)
    assert is_settled(forged, seen, "rests")
    for reason in ("VersionNotAllocated", "RevisionMissing", "ReleaseInvalid"):
        again = refused(None, seen, reason, "not yet", **PLACE)
        assert not is_settled(again, seen, "rests")


def test_a_hold_alone_needs_no_verification() -> None:
    hold = {"reason": "wait", "by": "ada@example.com"}
    held = Sighting("production", "desk", release=spec(hold=hold))
    assert is_held_only(standing(), held, "rests")
    assert not is_held_only(standing(), held, "rests on other keys")
    other = Sighting("production", "desk", release=spec(hold=hold, changes="Else"))
    assert not is_held_only(standing(), other, "rests")


def test_the_commit_a_release_was_first_seen_at_is_kept() -> None:
    later = counted(
        standing(),
        Sighting("production", "desk", release=spec()),
        project="acme",
        tip=Revision("3" * 40),
        resting="rests",
    )
    assert later.seen_commit == TIP
