"""Races between workers are decided by PostgreSQL, and everybody learns the same answer."""

import asyncio
from datetime import UTC, datetime, timedelta

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim, LedgerEntry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RACERS = 40


def entry(**more: object) -> LedgerEntry:
    return LedgerEntry.model_validate(
        {
            "project": "acme",
            "environment": "testing",
            "kind": "agent",
            "name": "front-desk",
            "account": "account-1",
            **more,
        }
    )


def claim(claimant: str, **more: object) -> Claim:
    return Claim.model_validate(
        {
            "account": "account-1",
            "project": "acme",
            "environment": "testing",
            "kind": "tool",
            "name": "book-slot",
            "digest": "sha256:aa",
            "claimant": claimant,
            **more,
        }
    )


def attempt(number: int, seconds: int = 0) -> Attempt:
    started = NOW + timedelta(seconds=seconds, microseconds=number)
    return Attempt(number=number, started_at=started, deadline_at=started + timedelta(minutes=1))


async def test_all_racers_for_a_nonce_get_the_same_one(store: PostgresStore) -> None:
    answers = await asyncio.gather(
        *(store.reserve_nonce(entry(nonce=f"nonce-{n}")) for n in range(RACERS))
    )
    assert len({answer.nonce for answer in answers}) == 1
    stored = await store.entry("acme", "testing", "agent", "front-desk")
    assert stored == answers[0]


async def test_a_reserved_nonce_survives_every_later_write(store: PostgresStore) -> None:
    await store.reserve_nonce(entry(nonce="first"))
    await store.put(entry(nonce="second", external_id="agent_1", applied={"name": "Desk"}))
    again = await store.reserve_nonce(entry(nonce="third"))
    assert again.nonce == "first"
    assert again.external_id == "agent_1"
    assert again.applied == {"name": "Desk"}


async def test_a_row_without_nonce_takes_the_first_one_given(store: PostgresStore) -> None:
    await store.put(entry(external_id="agent_1"))
    assert (await store.reserve_nonce(entry(nonce="late"))).nonce == "late"
    assert (await store.reserve_nonce(entry(nonce="later"))).external_id == "agent_1"


async def test_one_racer_opens_the_first_attempt(store: PostgresStore) -> None:
    seen = await store.reserve_nonce(entry(nonce="n"))
    won = await asyncio.gather(
        *(store.open_attempt(seen, attempt(1, seconds)) for seconds in range(RACERS))
    )
    assert sum(won) == 1
    stored = await store.entry("acme", "testing", "agent", "front-desk")
    assert stored is not None
    assert stored.attempt == attempt(1, won.index(True))


async def test_one_racer_opens_the_attempt_after_a_dead_one(store: PostgresStore) -> None:
    await store.open_attempt(await store.reserve_nonce(entry(nonce="n")), attempt(1))
    seen = await store.entry("acme", "testing", "agent", "front-desk")
    assert seen is not None
    won = await asyncio.gather(
        *(store.open_attempt(seen, attempt(2, seconds)) for seconds in range(RACERS))
    )
    assert sum(won) == 1


async def test_one_racer_opens_an_attempt_on_a_row_nobody_made(store: PostgresStore) -> None:
    won = await asyncio.gather(
        *(store.open_attempt(entry(), attempt(1, seconds)) for seconds in range(RACERS))
    )
    assert sum(won) == 1


async def test_no_attempt_is_opened_after_the_create_has_succeeded(store: PostgresStore) -> None:
    seen = await store.reserve_nonce(entry(nonce="n"))
    await store.put(entry(nonce="n", external_id="agent_1"))
    assert not await store.open_attempt(seen, attempt(1))


async def test_an_attempt_known_to_an_emptied_database_is_not_reopened(
    store: PostgresStore,
) -> None:
    assert not await store.open_attempt(entry(nonce="n", attempt=attempt(1)), attempt(2))
    assert await store.entry("acme", "testing", "agent", "front-desk") is None


async def test_all_racers_renew_a_vanished_object_with_one_nonce(store: PostgresStore) -> None:
    made = {"external_id": "agent_1", "version_id": "v1", "applied": {"name": "Desk"}}
    await store.put(entry(nonce="old", attempt=attempt(1), **made))
    answers = await asyncio.gather(
        *(store.renew(entry(nonce=f"new-{n}"), gone=ExternalId("agent_1")) for n in range(RACERS))
    )
    assert len({answer.nonce for answer in answers}) == 1
    assert answers[0].nonce != "old"
    assert (answers[0].external_id, answers[0].version_id) == (None, None)
    assert answers[0].attempt is None
    assert answers[0].applied == {"name": "Desk"}


async def test_an_object_that_was_made_again_is_not_renewed(store: PostgresStore) -> None:
    await store.put(entry(nonce="n", external_id="agent_2"))
    answer = await store.renew(entry(nonce="late"), gone=ExternalId("agent_1"))
    assert (answer.nonce, answer.external_id) == ("n", "agent_2")


async def test_claims_are_listed_by_the_names_asked_for(store: PostgresStore) -> None:
    for name in ("a", "b", "c"):
        await store.claim(claim("one").model_copy(update={"name": name}))

    async def names(asked: list[str] | None) -> list[str]:
        found = await store.claims("account-1", "acme", "testing", names=asked)
        return [one.name for one in found]

    assert await names(None) == ["a", "b", "c"]
    assert await names(["c", "a", "x"]) == ["a", "c"]
    assert await names([]) == []


async def test_all_racers_for_a_claim_see_one_claimant(store: PostgresStore) -> None:
    answers = await asyncio.gather(
        *(store.claim(claim(f"agent-{n}", attempt=attempt(1))) for n in range(RACERS))
    )
    assert len({answer.claimant for answer in answers}) == 1
    assert await store.claims("account-1", "acme", "testing") == (answers[0],)


async def test_one_racer_takes_over_a_dead_claim(store: PostgresStore) -> None:
    dead = await store.claim(claim("dead", attempt=attempt(1)))
    won = await asyncio.gather(
        *(
            store.take_over(claim(f"agent-{n}", attempt=attempt(2, n)), previous=dead)
            for n in range(RACERS)
        )
    )
    assert sum(won) == 1
    (stored,) = await store.claims("account-1", "acme", "testing")
    assert stored.claimant == f"agent-{won.index(True)}"


async def test_a_claim_settled_meanwhile_is_not_taken_over(store: PostgresStore) -> None:
    slow = await store.claim(claim("slow", attempt=attempt(1)))
    await store.settle(slow, ExternalId("tool_1"), fingerprint=None)
    assert not await store.take_over(claim("eager", attempt=attempt(2)), previous=slow)
    (stored,) = await store.claims("account-1", "acme", "testing")
    assert stored.external_id == "tool_1"
    assert stored.attempt is None


async def test_a_settled_object_that_vanished_can_be_claimed_again(store: PostgresStore) -> None:
    first = await store.claim(claim("first", attempt=attempt(1)))
    await store.settle(first, ExternalId("tool_1"), fingerprint="f")
    (settled,) = await store.claims("account-1", "acme", "testing")
    assert await store.take_over(claim("second", attempt=attempt(1)), previous=settled)
    (stored,) = await store.claims("account-1", "acme", "testing")
    assert (stored.claimant, stored.external_id) == ("second", None)


async def test_settling_in_an_emptied_database_records_the_object(store: PostgresStore) -> None:
    await store.settle(claim("only"), ExternalId("tool_1"), fingerprint="f")
    (stored,) = await store.claims("account-1", "acme", "testing")
    assert (stored.external_id, stored.fingerprint) == ("tool_1", "f")


async def test_an_entry_reads_back_as_it_was_written(store: PostgresStore) -> None:
    written = entry(
        nonce="n",
        external_id="agent_1",
        digest="sha256:aa",
        rendered_digest="sha256:bb",
        applied={"z": 1.0, "a": [1, None, {"deep": "\u0000 ü"}], "b": 0.1},
        defaults={"tts.speed": 1.0},
        version_id="v1",
        attempt=attempt(3),
    )
    await store.put(written)
    (read,) = await store.entries("acme", "testing", "agent")
    assert read == written
    assert list(read.applied) == ["z", "a", "b"]
