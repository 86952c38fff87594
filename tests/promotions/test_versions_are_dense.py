"""Versions go up by one, are allocated by tags, and never used twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.promotions.situations import release
from trunkline.model.ids import Revision
from trunkline.model.promotions.versions import (
    next_version,
    problem_of_version,
)
from trunkline.model.releases import ReleaseTag

SOURCE = Revision("b" * 40)


def tag(version: int, **changed: str) -> ReleaseTag:
    """A release tag of the agent in production."""
    said = {"environment": "production", "agent": "front-desk", "revision": SOURCE, **changed}
    return ReleaseTag.model_validate({**said, "version": version})


@pytest.mark.parametrize(
    ("tags", "tip", "version"),
    [((), None, 1), ((1, 2), None, 3), ((), 4, 5), ((1, 7), 4, 8), ((1, 2, 3), 4, 5)],
)
def test_the_next_version_is_above_every_tag_and_the_file(
    tags: tuple[int, ...], tip: int | None, version: int
) -> None:
    spec = release(tip) if tip is not None else None
    assert next_version(map(tag, tags), spec) == version


@given(st.integers(0, 30))
def test_releases_one_after_another_leave_no_gap(count: int) -> None:
    tags: list[ReleaseTag] = []
    for _ in range(count):
        tags.append(tag(next_version(tags, None)))
    assert [each.version for each in tags] == list(range(1, count + 1))


def test_a_version_counts_with_a_tag_on_its_revision() -> None:
    assert problem_of_version("front-desk", release(3), [tag(2), tag(3)], applied_version=3) == ""


@pytest.mark.parametrize(
    ("tags", "applied", "words"),
    [
        ([tag(2)], 2, "there is no tag trunkline/production/front-desk/v3"),
        ([tag(3, agent="other")], 2, "there is no tag"),
        ([tag(3, environment="canary")], 2, "there is no tag"),
        ([tag(3, revision="c" * 40)], 2, "stands on cccccccccc, and the release says bbbbbbbbbb"),
        ([tag(3)], 4, "version 3 is below 4, which is in force"),
    ],
)
def test_other_versions_do_not_count(tags: list[ReleaseTag], applied: int, words: str) -> None:
    problem = problem_of_version("front-desk", release(3), tags, applied_version=applied)
    assert words in problem


def test_the_way_back_is_named_where_a_version_is_too_low() -> None:
    problem = problem_of_version("front-desk", release(3), [tag(3)], applied_version=4)
    assert "trunkline rollback front-desk -e production --to 3" in problem
