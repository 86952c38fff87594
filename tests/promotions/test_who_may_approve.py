"""An approval counts for one person, of the right role, about exactly this, and never an author."""

from datetime import timedelta
from typing import Any

import pytest

from tests.promotions.situations import NOW, SUITE, TESTED, audit, record, rules
from trunkline.model.kinds.project import Person
from trunkline.model.promotions.approvals import abortion, counted, may_approve, rejection
from trunkline.model.promotions.authors import (
    mapped,
    person_of,
    persons,
    unmapped,
    unmapped_words,
)
from trunkline.model.promotions.records import CommitAuthor
from trunkline.model.records import AuditRecord

ONE = record()
RULES = rules()
ADA = mapped((CommitAuthor(email="ada@example.com"),), RULES.people)


def row(actor: str = "bob", role: str = "approver", number: int = 1, **details: Any) -> AuditRecord:
    """An approval of the promotion."""
    return audit(ONE, "promotion.approve", actor, role, number=number, **details)


def people(*rows: AuditRecord, **asked: Any) -> tuple[list[str], tuple[str, ...]]:
    """Whose approvals count, and why others do not."""
    said = {"rules": RULES, "authors": ADA, "digest": TESTED, "suite_digest": SUITE, **asked}
    given, refused = counted(rows, promotion=ONE.id, **said)
    return [each.person for each in given], refused


def test_somebody_else_of_the_role_counts() -> None:
    assert people(row(comment="fine")) == (["bob"], ())


def test_one_person_counts_once_however_they_are_called() -> None:
    rows = (row("bob", number=1), row("Bob", number=2), row("BOB@example.com", number=3))
    assert people(*rows) == (["bob"], ())


def test_people_count_in_the_order_of_their_rows() -> None:
    assert people(row("cyd", number=9), row("bob", number=2)) == (["bob", "cyd"], ())


@pytest.mark.parametrize("actor", ["ada", "ADA", "ada@example.com", "Ada@Home.example"])
def test_an_author_never_counts_under_any_of_their_names(actor: str) -> None:
    given, (words,) = people(row(actor))
    assert given == []
    assert "ada is an author of what is promoted (ada@example.com)" in words


def test_an_author_by_a_second_address_is_the_same_person() -> None:
    authors = mapped((CommitAuthor(email="ADA@home.example"),), RULES.people)
    assert people(row("ada@example.com"), authors=authors)[0] == []


def test_an_author_counts_where_the_rules_say_so() -> None:
    assert people(row("ada"), rules=rules(approvals={"notAuthor": False}))[0] == ["ada"]


def test_nobody_counts_while_an_author_is_nobodys() -> None:
    authors = mapped((CommitAuthor(email="x@y.example", revision="d" * 40),), RULES.people)
    given, (words,) = people(row(), authors=authors)
    assert given == []
    assert "nobody of `people` has x@y.example (commit dddddddddd)" in words


def test_a_stranger_does_not_count_where_authors_may_not_approve() -> None:
    given, (words,) = people(row("eve"))
    assert given == []
    assert "eve is not among `people` in trunkline.yaml" in words
    anybody = rules(approvals={"notAuthor": False})
    assert people(row("eve"), rules=anybody)[0] == ["eve"]


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_the_role_when_it_was_written_counts(role: str) -> None:
    assert people(row(role=role)) == ([], (f"bob is {role}; approvals are by approver",))
    assert people(row(role=role), rules=rules(approvals={"roles": [role, "approver"]}))[0] == [
        "bob"
    ]


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"digest": "sha256:other"}, "bob approved another configuration"),
        ({"digest": None}, "bob approved another configuration"),
        ({"suite": "sha256:other"}, "bob approved it with other tests"),
        ({"suite": ""}, "bob approved it with other tests"),
    ],
)
def test_another_digest_or_suite_does_not_count(details: dict[str, Any], words: str) -> None:
    assert people(row(**details)) == ([], (words,))


@pytest.mark.parametrize("promotion", ["production.front-desk.2", "", None, 3])
def test_rows_of_other_promotions_are_left_out(promotion: Any) -> None:
    assert people(row(promotion=promotion)) == ([], ())


def test_other_actions_and_rows_the_store_did_not_write_are_left_out() -> None:
    unwritten = row().model_copy(update={"id": None})
    assert people(audit(ONE, "test.record", "bob", "approver"), unwritten) == ([], ())


def test_a_stale_approval_is_made_good_by_a_new_one() -> None:
    given, refused = people(row(number=1, digest="old"), row(number=2))
    assert (given, len(refused)) == (["bob"], 1)


def test_whoever_asks_before_is_told_the_same() -> None:
    assert may_approve("bob", "approver", rules=RULES, authors=ADA) == ""
    assert "author" in may_approve("ada", "approver", rules=RULES, authors=ADA)
    assert "viewer" in may_approve("bob", "viewer", rules=RULES, authors=ADA)


def test_the_first_rejection_and_abortion_of_this_promotion_count() -> None:
    rows = (
        audit(ONE, "promotion.reject", "cyd", "approver", number=4),
        audit(ONE, "promotion.reject", "bob", "approver", number=3),
        audit(record(number=9), "promotion.reject", "ada", "approver", number=1),
    )
    found = rejection(rows, ONE.id)
    assert found is not None
    assert found.actor == "bob"
    assert abortion(rows, ONE.id) is None
    aborted = audit(ONE, "promotion.abort", "bob", "operator", at=NOW)
    assert abortion((aborted,), ONE.id) == aborted
    assert abortion((aborted,), ONE.id, after=NOW) is None
    assert abortion((aborted,), ONE.id, after=NOW - timedelta(seconds=1)) == aborted


def test_addresses_are_one_whatever_their_case_and_spelling() -> None:
    found = mapped(
        (
            CommitAuthor(email="Bob <BOB@example.com>"),
            CommitAuthor(email="bob@example.com", name="Bobby"),
            CommitAuthor(email=" ada@home.example "),
        ),
        RULES.people,
    )
    assert [(each.email, each.person) for each in found] == [
        ("ada@home.example", "ada"),
        ("bob@example.com", "bob"),
    ]
    assert persons(found) == {"ada", "bob"}
    assert unmapped(found) == ()
    assert unmapped_words(found) == ""


@pytest.mark.parametrize("email", ["", "nobody", "<>", "ada@example.com.evil", "@", "a<b@c"])
def test_odd_addresses_are_nobodys(email: str) -> None:
    (found,) = mapped((CommitAuthor(email=email),), RULES.people)
    assert found.person == ""


def test_an_address_of_two_people_is_nobodys() -> None:
    both = (
        Person(name="ada", emails=("team@example.com",)),
        Person(name="bob", emails=("TEAM@example.com",)),
    )
    (found,) = mapped((CommitAuthor(email="team@example.com"),), both)
    assert found.person == ""
    assert person_of("team@example.com", both) == ""


def test_many_strangers_are_named_and_counted() -> None:
    strangers = tuple(CommitAuthor(email=f"s{number}@x.example") for number in range(8))
    words = unmapped_words(strangers)
    assert "s4@x.example and 3 more" in words
    assert "s5" not in words
