"""Where releases say what runs, tools and documents of the last releases stay, and in doubt all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.model.ids import Digest, ExternalId, Revision, reference
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.ledger import Claim, Tombstone
from trunkline.model.limits import RELEASES_KEPT
from trunkline.model.manifests import Releases
from trunkline.model.object_pruning import ReleasedReferences, object_outlook
from trunkline.model.pruning import PruneRules, View
from trunkline.model.released_closures import history_doubt, missing_words, pins_of
from trunkline.model.releases import ReleaseRecord, ReleaseStanding, ReleaseTag
from trunkline.model.shared_objects import object_key

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = PruneRules(enabled=True, follows_head=False, delay_s=3600.0)
PLACE = {"project": "acme", "environment": "production", "agent": "front-desk"}


def closure(version: int) -> Digest:
    return Digest(f"sha256:{version:012d}".ljust(71, "0"))


def pinned(version: int) -> Revision:
    return Revision(f"{version:040d}")


def spec(version: int, **more: Any) -> ReleaseSpec:
    body = {"environment": "production", "version": version, "revision": pinned(version)}
    said = {"digest": closure(version), "changes": "More", "promotedBy": "ada@example.com"}
    return ReleaseSpec.model_validate({**body, **said, **more})


def standing(version: int, **more: Any) -> ReleaseStanding:
    applied = spec(version, **more.pop("release", {}))
    known = {**PLACE, "seen": applied, "applied": applied, "applied_version": version}
    return ReleaseStanding.model_validate({**known, **more})


def tags(*versions: int) -> list[ReleaseTag]:
    return [
        ReleaseTag(
            environment="production", agent="front-desk", version=each, revision=pinned(each)
        )
        for each in versions
    ]


def indexed(*versions: int) -> list[ReleaseRecord]:
    return [
        ReleaseRecord.model_validate(
            {
                **PLACE,
                "version": each,
                "revision": pinned(each),
                "digest": closure(each),
                "changes": "More",
                "promoted_by": "ada@example.com",
            }
        )
        for each in versions
    ]


def claim(version: int, *, hours: float | None = 2.0) -> Claim:
    """A tool of a version, left behind so long ago."""
    stone = Tombstone(since_at=NOW - timedelta(hours=hours)) if hours is not None else None
    return Claim(
        account="account",
        project="acme",
        environment="production",
        kind="tool",
        name="book-slot",
        digest=closure(version),
        claimant="front-desk",
        external_id=ExternalId(f"tool_{version}"),
        tombstone=stone,
    )


def tool(version: int) -> str:
    return reference("tool", object_key("book-slot", closure(version)))


def view(**known: Any) -> View:
    return View(**{"environment": "production", "now": NOW, "rules": RULES, **known})


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_the_last_releases_are_kept_whichever_of_git_and_the_index_knows_them(
    newest: int, data: st.DataObject
) -> None:
    every = list(range(1, newest + 1))
    tagged = data.draw(st.sets(st.sampled_from(every)))
    listed = sorted(set(every) - tagged | data.draw(st.sets(st.sampled_from(every))))[-5:]
    found = pins_of(standing(newest), tags(*sorted(tagged)), indexed(*listed))
    known = {pin.version for pin in found}
    last = set(every[-RELEASES_KEPT:])
    assert newest in known
    assert bool(missing_words(standing(newest), found)) == (not last <= known)
    if last <= tagged | set(listed):
        assert known == last


def test_what_a_tag_made_by_hand_says_pushes_no_release_out() -> None:
    found = pins_of(standing(7), tags(*range(1, 8), *range(90, 99)), indexed(7, 6, 5, 4, 3))
    assert {3, 4, 5, 6, 7} < {pin.version for pin in found}


def test_a_version_that_neither_git_nor_the_index_knows_is_named() -> None:
    found = pins_of(standing(7), tags(3, 4, 6), indexed(7))
    assert missing_words(standing(7), found).endswith("what front-desk v5 was")


def test_the_version_of_an_experiment_is_kept_however_old_it_is() -> None:
    beside = {"version": 1, "revision": pinned(1), "digest": closure(1), "percent": 10}
    found = pins_of(standing(9, release={"experiment": beside}), tags(*range(1, 10)), ())
    assert sorted(pin.version for pin in found) == [1, 5, 6, 7, 8, 9]


def test_a_release_that_was_not_looked_at_or_does_not_count_is_a_doubt() -> None:
    nothing = Releases()
    assert history_doubt(nothing, "production", ()) == ""
    assert "was not looked at" in history_doubt(nothing, "production", [standing(3)])
    removed = standing(3, applied=None, seen=None, removed=True)
    assert history_doubt(nothing, "production", [removed]) == ""


def test_tools_of_past_releases_stay_and_older_ones_go_after_the_delay() -> None:
    kept = ReleasedReferences(references=frozenset({tool(3), tool(4)}))
    claims = [claim(1), claim(2, hours=0.5), claim(3), claim(4, hours=None), claim(5)]
    found = object_outlook(view(), claims, frozenset({tool(5)}), kept)
    assert [one.external_id for one in found.due] == ["tool_1"]
    assert [one.external_id for one in found.revive] == ["tool_3", "tool_5"]
    assert found.bury == ()
    assert found.next_look_at == NOW + timedelta(hours=0.5)


@pytest.mark.parametrize(
    "known",
    [
        {"rules": RULES.model_copy(update={"enabled": False})},
        {"doubt": "the last look at Git failed"},
        {
            "interventions": (
                Intervention(
                    project="acme",
                    environment="production",
                    verb="prune-paused",
                    reason="the store is new",
                    by="trunkline",
                    at=NOW,
                ),
            )
        },
    ],
)
def test_whatever_stops_deletions_of_a_branch_stops_them_here(known: dict[str, Any]) -> None:
    found = object_outlook(view(**known), [claim(1)], frozenset(), ReleasedReferences())
    assert (found.bury, found.due) == ((), ())


def test_a_history_that_cannot_be_told_lets_nothing_go() -> None:
    claims = [claim(1), claim(2, hours=None)]
    for doubt in (ReleasedReferences(doubt="v5 is lost"), None):
        extra = () if doubt is None else (doubt,)
        found = object_outlook(view(), claims, frozenset(), *extra)
        assert (found.bury, found.due, found.next_look_at) == ((), (), None)
    partial = ReleasedReferences(doubt="more is to be read", partial=True)
    found = object_outlook(view(), claims, frozenset(), partial)
    assert found.due == ()
    assert found.next_look_at is not None


def test_an_environment_of_the_branch_asks_no_release() -> None:
    head = view(rules=RULES.model_copy(update={"follows_head": True}))
    found = object_outlook(head, [claim(1)], frozenset(), ReleasedReferences(doubt="unread"))
    assert [one.external_id for one in found.due] == ["tool_1"]
