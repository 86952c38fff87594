"""A name that gets another number keeps in mind what it had, until that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.model.calls.limits import LEFT_NUMBERS_MAX
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import LedgerEntry
from trunkline.model.number_leaving import (
    LeftNumber,
    known_id,
    leaving,
    leaving_steps,
    moved_aside,
    with_leaving,
)
from trunkline.model.plans import Change

if TYPE_CHECKING:
    from trunkline.model.base import Json

FIRST, SECOND, THIRD = "+15005550006", "+15005550017", "+15005550018"
AGENT = ExternalId("agent_1")


def row(number: str | None, **applied: Json) -> LedgerEntry:
    said: dict[str, Json] = {**applied} if number is None else {"number": number, **applied}
    return LedgerEntry(
        project="acme",
        environment="testing",
        kind="number",
        name="main-line",
        account="AC1",
        external_id=ExternalId("phnum_1"),
        applied=said,
    )


def test_a_row_about_the_number_stays_as_it_is() -> None:
    for known in (row(FIRST, agent=AGENT), row(None, agent=AGENT)):
        assert moved_aside(known, FIRST) == known


def test_what_was_written_about_another_number_is_kept_apart() -> None:
    known = row(FIRST, agent=AGENT, voice_url="https://ours", route={"lines": []})
    moved = moved_aside(known, SECOND)
    assert set(moved.applied) == {"leaving"}
    said = leaving(moved)[FIRST]
    assert said == {"agent": AGENT, "voice_url": "https://ours", "external_id": "phnum_1"}
    assert known_id(said) == "phnum_1"
    assert moved_aside(moved, SECOND) == moved


def test_every_number_on_the_way_is_remembered_and_one_that_comes_back_is_not_left() -> None:
    moved = moved_aside(row(FIRST, agent=AGENT), SECOND)
    in_place = moved.model_copy(
        update={"applied": with_leaving({"number": SECOND, "agent": AGENT}, leaving(moved))}
    )
    again = moved_aside(in_place, THIRD)
    assert set(leaving(again)) == {FIRST, SECOND}
    assert set(leaving(moved_aside(in_place, FIRST))) == {SECOND}


def test_the_newest_are_remembered_if_they_are_many() -> None:
    many: dict[str, dict[str, Json]] = {
        f"+1500555{index:04}": {"agent": AGENT} for index in range(LEFT_NUMBERS_MAX + 5)
    }
    kept = with_leaving({}, many)["leaving"]
    assert isinstance(kept, dict)
    assert list(kept) == list(many)[5:]


def test_only_what_is_ours_still_is_taken_away() -> None:
    address = Change(operation="-", path="voice_url", old="https://ours", origin="git")
    left = (
        LeftNumber(number=FIRST, external_id=ExternalId("phnum_1"), holder=AGENT),
        LeftNumber(number=SECOND),
        LeftNumber(number=THIRD, addresses=(address,)),
    )
    assert [one.is_ours for one in left] == [True, False, True]
    steps = leaving_steps("main-line", left)
    assert [(step.action, step.key) for step in steps] == [("unassign", FIRST), ("update", THIRD)]
    assert steps[0].changes[0].old == AGENT
    assert steps[1].changes == (address,)
