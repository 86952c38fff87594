"""Commands are exact words in the first line, and only those whose word counts are heard."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.forges import ForgePermission
from trunkline.model.pulls.commands import (
    CALL,
    COMMAND_MAX_CHARACTERS,
    DECIDING,
    USAGE,
    Command,
    ForgePerson,
    Mistake,
    Speaker,
    Standing,
    Verb,
    parse_command,
    refusal,
)
from trunkline.model.records import Role

SEEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
AFTER, BEFORE = SEEN + timedelta(minutes=1), SEEN - timedelta(minutes=1)
HEAD = "3f0c9a1be7d24c55a0f1c2d3e4f5061728394a5b"


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("/trunkline", Command(verb="help")),
        ("/trunkline help", Command(verb="help")),
        ("  /trunkline plan  \nplease", Command(verb="plan")),
        ("/trunkline test\r\n\r\nthanks", Command(verb="test")),
        (f"/trunkline test {HEAD[:12]}", Command(verb="test", commit=HEAD[:12])),
        (
            "/trunkline promote front-desk --to production Greets by name",
            Command(
                verb="promote",
                agent="front-desk",
                environment="production",
                changes="Greets by name",
            ),
        ),
        (
            '/trunkline promote --to production "Greets by  name"',
            Command(verb="promote", environment="production", changes="Greets by  name"),
        ),
        ("/trunkline approve", Command(verb="approve")),
        ("/trunkline approve front-desk", Command(verb="approve", agent="front-desk")),
        (
            "/trunkline approve front-desk --to production",
            Command(verb="approve", agent="front-desk", environment="production"),
        ),
    ],
)
def test_a_command_is_read(body: str, command: Command) -> None:
    assert parse_command(body) == command


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /trunkline plan",
        "> /trunkline plan",
        "\n/trunkline plan",
        "/trunklineplan",
        "/Trunkline plan",
        "/TRUNKLINE PLAN",
        "```\n/trunkline plan\n```",
        "~~~\r\n/trunkline plan\r\n~~~",
        "On Monday ben wrote:\r\n> /trunkline plan\r\n\r\n/trunkline plan",
        "`/trunkline plan`",
        "    /trunkline plan",
        "\t/trunkline plan",
        "<!-- trunkline:pull-request/acme/1 -->\n/trunkline plan",
    ],
)
def test_what_is_no_command_is_left_alone(body: str) -> None:
    assert parse_command(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "/trunkline apply",
        "/trunkline plan now",
        "/trunkline plan --help",
        "/trunkline test main",
        "/trunkline test 3f0c9a1 please",
        "/trunkline promote front-desk",
        "/trunkline promote front-desk --to",
        "/trunkline promote Front_Desk --to production x",
        "/trunkline promote front-desk --to ../x y",
        "/trunkline approve a b",
        "/trunkline approve --to",
        "/trunkline approve --to production front-desk",
        f"/trunkline promote a --to b {'x' * COMMAND_MAX_CHARACTERS}",
    ],
)
def test_a_misspelt_command_is_answered(body: str) -> None:
    found = parse_command(body)
    assert isinstance(found, Mistake)
    assert found.words


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    found = parse_command(f"{CALL} {text}")
    assert found is None or isinstance(found, Command | Mistake)


def speaker(permission: ForgePermission, role: Role | None = None) -> Speaker:
    known = ForgePerson(person="ada@example.com", role=role) if role is not None else None
    return Speaker(login="ada", permission=permission, known=known)


def standing(**more: object) -> Standing:
    return Standing.model_validate({"head": HEAD, "head_seen_at": SEEN, **more})


def heard(verb: Verb, who: Speaker, about: Standing, at: datetime = AFTER) -> bool:
    return refusal(Command(verb=verb), who, about, at) == ""


@pytest.mark.parametrize("is_fork", [True, False])
def test_words_that_were_edited_decide_nothing(*, is_fork: bool) -> None:
    who = speaker("admin", "admin")
    for verb in get_args(Verb):
        about = standing(is_fork=is_fork, is_merged=verb == "promote")
        asked = Command(verb=verb)
        assert refusal(asked, who, about, AFTER) == ""
        edited = refusal(asked, who, about, AFTER, was_edited=True)
        decides = verb in ("promote", "approve") or (verb == "test" and is_fork)
        assert ("edited" in edited) is decides, verb


def test_every_right_for_every_command() -> None:
    """Who may do what, in full: nobody promotes or approves by a right of the forge alone."""
    rights, verbs = get_args(ForgePermission), get_args(Verb)
    for permission, verb in product(rights, verbs):
        who = speaker(permission)
        expected = {
            "help": True,
            "plan": permission != "none",
            "test": permission in ("write", "admin"),
        }.get(verb, False)
        assert heard(verb, who, standing()) is expected, (permission, verb)


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("permission", get_args(ForgePermission))
def test_deciding_needs_a_person_a_right_and_a_role(
    role: Role, permission: ForgePermission
) -> None:
    who, merged = speaker(permission, role), standing(is_merged=True, is_open=False)
    may_push = permission in ("write", "admin")
    assert heard("promote", who, merged) is (may_push and role in ("operator", "admin"))
    assert heard("approve", who, merged) is (may_push and role in ("approver", "admin"))
    assert not heard("promote", who, standing())


@pytest.mark.parametrize("verb", sorted(DECIDING))
def test_a_word_older_than_the_commit_decides_nothing(verb: Verb) -> None:
    merged = standing(is_merged=True, is_open=False)
    assert heard(verb, speaker("admin", "admin"), merged)
    for at in (BEFORE, SEEN):
        assert not heard(verb, speaker("admin", "admin"), merged, at)
    assert not heard(
        verb, speaker("admin", "admin"), merged.model_copy(update={"head_seen_at": None})
    )


def test_a_fork_is_trusted_only_by_who_can_have_seen_its_commit() -> None:
    fork, who = standing(is_fork=True), speaker("write")
    assert heard("test", who, fork)
    assert not heard("test", who, fork, BEFORE)
    assert not heard("test", speaker("read"), fork)
    exact, other = Command(verb="test", commit=HEAD), Command(verb="test", commit="0" * 7)
    assert refusal(exact, who, fork, BEFORE) == ""
    assert refusal(exact, who, fork.model_copy(update={"head_seen_at": None}), AFTER) == ""
    assert refusal(other, who, fork, AFTER)
    assert refusal(other, who, standing(), AFTER)


@pytest.mark.parametrize("characters", [7, 12, 39])
def test_a_commit_that_begins_alike_is_not_trusted_by_an_older_word(characters: int) -> None:
    fork, who = standing(is_fork=True), speaker("write")
    begun = Command(verb="test", commit=HEAD[:characters])
    assert refusal(begun, who, fork, AFTER) == ""
    assert refusal(begun, who, fork, BEFORE)


def test_an_old_word_still_plans_and_tests_what_is_ours() -> None:
    assert heard("plan", speaker("read"), standing(), BEFORE)
    assert heard("test", speaker("write"), standing(), BEFORE)


def test_nothing_is_checked_again_of_what_is_closed() -> None:
    closed = standing(is_open=False)
    assert not heard("plan", speaker("admin"), closed)
    assert not heard("test", speaker("admin"), closed)


def test_usage_is_what_is_read() -> None:
    for verb, words in USAGE.items():
        spoken = words.replace("[commit]", HEAD[:7]).replace("[agent]", "front-desk")
        spoken = spoken.replace("[--to environment]", "--to production")
        found = parse_command(spoken)
        assert isinstance(found, Command), words
        assert found.verb == verb
