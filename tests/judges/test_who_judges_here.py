"""Settings name the judge; a test may name another, and nobody stands in for it silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.judges.model_server import KEY, Told
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.bootstrap import judge_of
from trunkline.model.errors import Blocked, InvalidSettings, JudgeUnavailable
from trunkline.settings import Settings

if TYPE_CHECKING:
    from tests.judges.conftest import Memory
    from tests.judges.model_server import ModelServer
    from trunkline.model.testing.judging import Question


def settings(**given: str) -> Settings:
    return Settings.model_validate(
        {f"TRUNKLINE_JUDGE_{key.upper()}": v for key, v in given.items()}
    )


async def test_without_an_endpoint_the_plain_judge_judges() -> None:
    async with judge_of(settings()) as judges:
        assert judges.judge().identity == "trunkline-plain/1"
        assert judges.judge("default").identity == "trunkline-plain/1"
        assert judges.caller is None


async def test_a_model_nobody_can_ask_is_unavailable(question: Question) -> None:
    async with judge_of(settings()) as judges:
        judge = judges.judge("gpt-of-tomorrow")
        assert judge.identity == "gpt-of-tomorrow"
        with pytest.raises(JudgeUnavailable, match="no model is configured"):
            await judge.judge(question)


async def test_the_settings_judge_is_asked(model: ModelServer, question: Question) -> None:
    async with judge_of(settings(url=model.url, model="judge-model", key=KEY)) as judges:
        judge = judges.judge()
        assert judge.identity.startswith(f"judge-model at {model.url}, rules ")
        assert (await judge.judge(question)).agrees is True
        await judges.judge("another").judge(question)
    assert [chat["model"] for chat in model.chats] == ["judge-model", "another"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "https://api.example.com/v1"}, "TRUNKLINE_JUDGE_MODEL is not set"),
        ({"model": "m"}, "TRUNKLINE_JUDGE_URL is not set"),
    ],
)
async def test_half_a_judge_is_none(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidSettings, match=says):
        async with judge_of(settings(**given)):
            pass


async def test_the_key_never_travels_unencrypted() -> None:
    far = {"url": "http://models.example.com/v1", "model": "m"}
    with pytest.raises(Blocked, match="does not travel unencrypted"):
        async with judge_of(settings(**far, key="sk")):
            pass
    async with judge_of(settings(**far)) as judges:
        assert "models.example.com" in judges.judge().identity
    near = {"url": "http://127.0.0.1:9/v1", "model": "m", "key": "sk"}
    async with judge_of(settings(**near)) as judges:
        assert "127.0.0.1" in judges.judge().identity


@pytest.mark.parametrize("url", ["models.example.com", "ftp://x/v1", "https://x/v1?key=secret"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write an address"):
        settings(url=url, model="m")


async def test_what_was_judged_is_remembered(
    model: ModelServer, question: Question, memory: Memory
) -> None:
    options = JudgeOptions(url=model.url, model="m", key=KEY, usd_per_million_tokens=10.0)
    judges = InstalledJudges(options, answers=memory)
    first = await judges.judge().judge(question)
    later = question.transcript[1].model_copy(update={"at_ms": 5_000})
    same = question.model_copy(update={"transcript": (question.transcript[0], later)})
    again = await judges.judge().judge(same)
    assert (first.usd > 0, again.usd, again.tokens) == (True, 0.0, 0)
    assert (again.agrees, again.reason) == (first.agrees, first.reason)
    assert len(model.chats) == 1
    await judges.judge().judge(question, vote=1)
    await judges.judge("another").judge(question)
    await judges.judge().judge(question.model_copy(update={"criterion": "is polite"}))
    assert len(model.chats) == 4
    await judges.close()


async def test_what_the_judge_could_not_tell_is_asked_again(
    model: ModelServer, question: Question, memory: Memory
) -> None:
    model.tells(Told(content='{"agrees": null, "reason": "unclear"}'), Told())
    judges = InstalledJudges(JudgeOptions(url=model.url, model="m", key=KEY), answers=memory)
    assert (await judges.judge().judge(question)).agrees is None
    assert (await judges.judge().judge(question)).agrees is True
    await judges.close()
