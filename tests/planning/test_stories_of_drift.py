"""Who changed which field: the last version in which it differs from the one before."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.model.base import Json, JsonObject
from trunkline.model.drift import VersionTree, attributed, drift_words, with_policy
from trunkline.model.ids import ExternalId
from trunkline.model.limits import FULL_LOOK_S
from trunkline.model.looks import Look, is_due, look_mark, may_be_remembered, orphans
from trunkline.model.observed import AgentSummary, AgentVersion
from trunkline.model.plans import Drifted
from trunkline.model.policies import Policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def version(number: int, author: str, tree: JsonObject | None) -> VersionTree:
    known = AgentVersion(
        version_id=f"v{number}",
        parent_id=f"v{number - 1}",
        description="",
        author=author,
        committed_at_s=1_000 * number,
    )
    return VersionTree(known, tree)


def field(path: str, live: Json = None, **more: object) -> Drifted:
    said = {"subject": "agent", "name": "front-desk", "path": path, "live": live, **more}
    return Drifted.model_validate(said)


def policy(drift: str, mode: str = "enforce") -> Policy:
    return Policy(
        enforces=mode == "enforce",
        heals=drift == "heal",
        mode=mode,
        drift_policy=drift,
        sweep_interval_s=300,
    )


def test_each_field_has_its_own_author() -> None:
    base: JsonObject = {"tts": {"speed": 1.0, "stability": 0.5}, "name": "A"}
    first: JsonObject = {"tts": {"speed": 1.1, "stability": 0.5}, "name": "A"}
    second: JsonObject = {"tts": {"speed": 1.1, "stability": 0.9}, "name": "A"}
    versions = [version(3, "Bo", second), version(2, "Ada", first)]
    told = attributed([field("tts.speed"), field("tts.stability"), field("name")], versions, base)
    assert [(one.path, one.by, one.version_id) for one in told] == [
        ("tts.speed", "Ada", "v2"),
        ("tts.stability", "Bo", "v3"),
        ("name", "Bo", "v3"),
    ]
    words = drift_words(told)
    assert words.index("Bo changed tts.stability, name at 1970-01-01T00:50:00") == 0
    assert "Ada changed tts.speed at 1970-01-01T00:33:20" in words


def test_nobody_is_blamed_for_what_was_like_that_when_we_left_it() -> None:
    base: JsonObject = {"tts": {"speed": 1.1, "stability": 0.5}}
    newest: JsonObject = {"tts": {"speed": 1.1, "stability": 0.9}}
    fields = [field("tts.speed"), field("tts.stability")]
    older, newer = attributed(fields, [version(5, "Eve", newest)], base)
    assert (older.by, older.at, older.version_id) == ("", "", "")
    assert newer.by == "Eve"


def test_without_a_version_nobody_is_blamed() -> None:
    told = attributed([field("tts.speed")], [], None)
    assert drift_words(told) == "somebody changed tts.speed"


@pytest.mark.parametrize(
    ("drift", "mode", "words"),
    [
        ("heal", "enforce", "is set back"),
        ("heal", "observe", "mode is observe"),
        ("report", "enforce", "trunkline sync front-desk -e testing"),
        ("adopt", "enforce", "trunkline drift front-desk -e testing -o patch | git apply"),
    ],
)
def test_what_happens_next_is_said(drift: str, mode: str, words: str) -> None:
    (told,) = with_policy([field("tts.speed")], policy(drift, mode), "testing")
    assert told.policy == drift
    assert words in told.next
    (held,) = with_policy([field("tts.speed")], policy(drift, mode), "testing", suspended=True)
    assert held.next.startswith("stays")
    (ignored,) = with_policy([field("x", policy="ignore")], policy(drift, mode), "testing")
    assert ignored.next.startswith("stays")


def summary(**more: object) -> AgentSummary:
    said = {
        "external_id": "agent_1",
        "name": "Front desk",
        "tags": ("trunkline:acme/testing/front-desk",),
        "created_at_s": 1,
        "updated_at_s": int(NOW.timestamp()) - 1_000,
    }
    return AgentSummary.model_validate({**said, **more})


def look(mark: str, at: datetime = NOW, name: str = "front-desk") -> Look:
    return Look(project="acme", environment="testing", name=name, mark=mark, at=at)


def test_an_agent_is_read_again_when_anything_its_look_rests_on_changed() -> None:
    mark = look_mark(summary(), rests_on=["wish"])
    assert mark is not None
    assert not is_due(look(mark), mark, now=NOW)
    changed = [
        look_mark(summary(updated_at_s=5), rests_on=["wish"]),
        look_mark(summary(name="Other"), rests_on=["wish"]),
        look_mark(summary(tags=("other",)), rests_on=["wish"]),
        look_mark(summary(), rests_on=["another wish"]),
        look_mark(summary(updated_at_s=None), rests_on=["wish"]),
        look_mark(summary(archived=True), rests_on=["wish"]),
    ]
    assert all(is_due(look(mark), other, now=NOW) for other in changed)
    assert is_due(None, mark, now=NOW)


def test_every_agent_has_its_turn_within_the_hour_and_not_all_at_once() -> None:
    names = [f"agent-{number}" for number in range(200)]
    due = [
        sum(is_due(look("m", name=name), "m", now=NOW + timedelta(seconds=s)) for name in names)
        for s in (0, FULL_LOOK_S / 2, FULL_LOOK_S * 0.75, FULL_LOOK_S)
    ]
    assert due[0] == 0
    assert due[1] < 10
    assert 60 < due[2] < 140
    assert due[3] == 200


def test_an_agent_updated_a_moment_ago_is_not_believed_yet() -> None:
    assert may_be_remembered(summary(), listed_at=NOW)
    fresh = int(NOW.timestamp()) - 5
    assert not may_be_remembered(summary(updated_at_s=fresh), listed_at=NOW)
    assert not may_be_remembered(summary(updated_at_s=None), listed_at=NOW)


def test_only_a_mark_nobody_knows_is_an_orphan() -> None:
    known = summary()
    strange = summary(
        external_id="agent_2", tags=("trunkline:acme/testing/gone", "trunkline-nonce:1")
    )
    others = summary(external_id="agent_3", tags=("trunkline:globex/testing/gone",))
    archived = strange.model_copy(update={"external_id": ExternalId("agent_4"), "archived": True})
    listed = [known, strange, others, archived]
    place = {"project": "acme", "environment": "testing"}
    found = orphans(listed, **place, names={"front-desk"}, known_ids=set())
    assert [(one.name, one.external_id) for one in found] == [("gone", "agent_2")]
    assert orphans(listed, **place, names={"front-desk"}, known_ids={"agent_2"}) == ()
    assert orphans(listed, **place, names={"front-desk", "gone"}, known_ids=set()) == ()
