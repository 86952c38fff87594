"""An objection is a verdict, a doubt is none: what could not be read is never called invalid."""

from datetime import UTC, datetime

import pytest

from tests.evidence.worlds import DIGEST, World
from trunkline.adapters.signing import Ed25519Keys
from trunkline.cli.evidence import print_checked
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import Format
from trunkline.model.evidence_checks import (
    CheckedRelease,
    Closure,
    ReleaseFacts,
    checked_releases,
)
from trunkline.model.ids import Revision
from trunkline.model.releases import ReleaseRecord, ReleaseTag

REVISION = Revision("1" * 40)


def record(world: World, version: int) -> ReleaseRecord:
    spec = world.release(version=version)
    return ReleaseRecord(
        project="acme",
        environment="production",
        agent="front-desk",
        version=version,
        revision=REVISION,
        digest=DIGEST,
        changes=spec.changes,
        promoted_by=spec.promoted_by,
        commit=Revision(f"{version}" * 40),
        released_at=datetime(2026, 3, version, tzinfo=UTC),
        spec=spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    )


def tag(version: int) -> ReleaseTag:
    return ReleaseTag(
        environment="production", agent="front-desk", version=version, revision=REVISION
    )


def checked(
    world: World, versions: tuple[int, ...], closure: Closure | None, *, tags: tuple[int, ...]
) -> list[CheckedRelease]:
    """Verdicts on releases that are written in this order."""
    facts = ReleaseFacts(
        project="acme",
        records=[record(world, version) for version in reversed(versions)],
        tags=[tag(version) for version in tags],
        closures={} if closure is None else {(REVISION, "front-desk"): closure},
    )
    found = checked_releases(facts, public_keys=(world.keys.public_key,), keys=Ed25519Keys())
    return list(found)


@pytest.mark.parametrize("closure", [None, Closure(is_known=False)])
def test_a_revision_that_cannot_be_read_leaves_it_open(
    world: World, closure: Closure | None
) -> None:
    [row] = checked(world, (1,), closure, tags=(1,))
    assert (row.evidence, row.message) == (
        "unreadable",
        f"revision {REVISION} could not be read",
    )
    assert print_checked([row], Format.JSON, headers=True) is ExitCode.UNKNOWN


def test_a_definite_objection_outweighs_a_doubt(world: World) -> None:
    [row] = checked(world, (1,), None, tags=())
    assert row.evidence == "invalid"
    doubt = row.model_copy(update={"evidence": "unreadable"})
    assert print_checked([doubt, row], Format.JSON, headers=True) is ExitCode.FAILED


def test_an_agent_that_was_not_there_is_an_objection(world: World) -> None:
    [row] = checked(world, (1,), Closure(problem="there is no agent front-desk"), tags=(1,))
    assert row.message == f"at revision {REVISION} there is no agent front-desk"


def test_versions_out_of_order_are_found(world: World) -> None:
    rows = checked(world, (1, 3, 2), Closure(digest=DIGEST), tags=(1, 2, 3))
    assert [(row.version, row.message) for row in rows] == [
        (3, ""),
        (2, "commit 222222222222 released it after version 3"),
        (1, ""),
    ]


def test_a_release_nobody_signed_casts_no_doubt_on_those_after_it(world: World) -> None:
    forged = record(world, 2).model_copy(update={"commit": Revision("f" * 40)})
    spec = {**forged.spec, "changes": "Pay me"}
    facts = ReleaseFacts(
        project="acme",
        records=[
            record(world, 2),
            forged.model_copy(update={"spec": spec}),
            record(world, 1),
        ],
        tags=[tag(1), tag(2)],
        closures={(REVISION, "front-desk"): Closure(digest=DIGEST)},
    )
    rows = checked_releases(facts, public_keys=(world.keys.public_key,), keys=Ed25519Keys())
    assert sorted((row.version, row.evidence) for row in rows) == [
        (1, "valid"),
        (2, "invalid"),
        (2, "valid"),
    ]


def test_a_version_written_twice_with_another_content_is_found(world: World) -> None:
    first = record(world, 1)
    world.record = world.record.model_copy(update={"number": 4})
    second = record(world, 1)
    facts = ReleaseFacts(
        project="acme",
        records=[second, first],
        tags=[tag(1)],
        closures={(REVISION, "front-desk"): Closure(digest=DIGEST)},
    )
    rows = checked_releases(facts, public_keys=(world.keys.public_key,), keys=Ed25519Keys())
    assert sorted((row.evidence, row.message) for row in rows) == [
        ("invalid", "commit 111111111111 wrote the version a second time, and otherwise"),
        ("valid", ""),
    ]


def test_a_gap_of_any_size_is_one_line(world: World) -> None:
    rows = checked(world, (1,), Closure(digest=DIGEST), tags=(1, 999_999_999))
    assert [(row.version, row.message) for row in rows if row.message] == [
        (
            999_999_999,
            (
                "tag trunkline/production/front-desk/v999999999 is there, and no commit"
                " of the branch fits it"
            ),
        ),
        (999_999_998, "versions 2 to 999999998 have neither a tag nor a release"),
    ]


def test_no_release_at_all_is_no_objection(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_checked([], Format.TABLE, headers=True) is ExitCode.DONE
    assert "No release was ever committed here." in capsys.readouterr().err
