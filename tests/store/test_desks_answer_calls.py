"""A desk answers calls as its stubs say, one after the other, and only while it is open."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.kinds.conversation import Stub
from trunkline.model.testing.desks import Desk
from trunkline.model.testing.judging import JudgeAnswer

STUBS = {
    "book": (
        Stub.model_validate({"reply": {"time": "10:00"}, "when": {"args": {"party": 4}}}),
        Stub.model_validate({"reply": None, "after": "250ms"}),
        Stub.model_validate({"fail": "http503"}),
    )
}


def now() -> datetime:
    return datetime.now(UTC)


def desk(token: str = "t", *, seconds: float = 60.0) -> Desk:  # noqa: S107 - no password
    return Desk(
        id="run/books/1",
        project="acme",
        token_digest=token,
        stubs=STUBS,
        types={"book": {"party": "integer", "outside": "boolean", "name": "string"}},
        expires_at=now() + timedelta(seconds=seconds),
    )


async def test_calls_are_answered_as_prepared_and_written_down(store: PostgresStore) -> None:
    await store.open_desk(desk())
    fitting = await store.take_call("t", "book", {"party": 4}, now())
    nothing = await store.take_call("t", "book", {"party": 2}, now())
    broken = await store.take_call("t", "book", {"party": 2}, now())
    unknown = await store.take_call("t", "cancel", {}, now())
    assert fitting is not None
    assert nothing is not None
    assert broken is not None
    assert unknown is not None
    assert (fitting.answer, fitting.ordinal) == ({"time": "10:00"}, 1)
    assert (nothing.stubbed, nothing.answer, nothing.after_ms) == (True, None, 250)
    assert (broken.fail, unknown.stubbed) == ("http503", False)
    calls = await store.desk_calls("run/books/1")
    assert [call.tool for call in calls] == ["book", "book", "book", "cancel"]
    assert await store.desk_calls("run/books/1", after=3) == (unknown,)


@pytest.mark.parametrize("token", ["", "T", "other"])
async def test_nobody_elses_token_opens_a_desk(store: PostgresStore, token: str) -> None:
    await store.open_desk(desk())
    assert await store.take_call(token, "book", {}, now()) is None
    assert await store.desk_calls("run/books/1") == ()


async def test_a_desk_that_is_closed_or_over_answers_nothing(store: PostgresStore) -> None:
    await store.open_desk(desk())
    assert await store.take_call("t", "book", {}, now()) is not None
    await store.close_desk("run/books/1")
    assert await store.take_call("t", "book", {}, now()) is None
    assert len(await store.desk_calls("run/books/1")) == 1
    await store.open_desk(desk(seconds=-1))
    assert await store.take_call("t", "book", {}, now()) is None


async def test_a_desk_opened_again_begins_anew_with_another_token(store: PostgresStore) -> None:
    await store.open_desk(desk("first"))
    assert await store.take_call("first", "book", {}, now()) is not None
    await store.open_desk(desk("second"))
    assert await store.take_call("first", "book", {}, now()) is None
    again = await store.take_call("second", "book", {}, now())
    assert again is not None
    assert again.ordinal == 1


async def test_calls_at_once_are_answered_one_after_the_other(store: PostgresStore) -> None:
    await store.open_desk(desk())
    found = await asyncio.gather(*(store.take_call("t", "book", {}, now()) for _ in range(8)))
    assert sorted(call.ordinal for call in found if call is not None) == list(range(1, 9))
    assert [call.fail for call in found if call is not None].count(None) == 1


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ({"party": "4", "outside": "true"}, {"party": 4, "outside": True}),
        ({"party": "four", "name": "007"}, {"party": "four", "name": "007"}),
        ({"party": "true", "other": "1"}, {"party": "true", "other": "1"}),
    ],
)
async def test_arguments_from_an_address_are_what_they_stand_for(
    store: PostgresStore, texts: JsonObject, values: JsonObject
) -> None:
    await store.open_desk(desk())
    call = await store.take_call("t", "book", texts, now(), from_query=True)
    assert call is not None
    assert call.arguments == values


async def test_an_answer_of_a_judge_is_remembered_as_first_given(store: PostgresStore) -> None:
    assert await store.judge_answer("key") is None
    await store.put_judge_answer("key", JudgeAnswer(agrees=None, reason="Nul \0", tokens=3))
    await store.put_judge_answer("key", JudgeAnswer(agrees=True, reason="later"))
    assert await store.judge_answer("key") == JudgeAnswer(agrees=None, reason="Nul �", tokens=3)
