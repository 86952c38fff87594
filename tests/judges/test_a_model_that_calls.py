"""A model plays the caller in turns nobody scripted, one utterance at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.judges.model_server import Told
from trunkline.model.errors import JudgeUnavailable
from trunkline.model.testing.limits import UTTERANCE_MAX_CHARACTERS
from trunkline.model.testing.transcripts import Line

if TYPE_CHECKING:
    from tests.judges.model_server import ModelServer
    from trunkline.adapters.judges.room import InstalledJudges

SAID = (Line(at_ms=0, turn=0, kind="agentSaid", text="How can I help?"),)


async def next_words(installed: InstalledJudges) -> str | None:
    caller = installed.caller
    assert caller is not None
    return await caller.next_utterance("a tired nurse", "book Tuesday", SAID)


async def test_the_caller_says_the_next_thing(
    model: ModelServer, installed: InstalledJudges
) -> None:
    model.tells(Told(content='{"say": "Tuesday,  \\n please.", "done": false}'))
    assert await next_words(installed) == "Tuesday, please."
    evidence = model.chats[0]["messages"][1]["content"]
    told = json.loads(evidence.partition("\n")[2].rpartition("\n")[0])
    assert told["persona"] == "a tired nurse"
    assert told["goal"] == "book Tuesday"
    assert told["transcript"] == [{"who": "agent", "said": "How can I help?"}]


async def test_a_caller_that_is_done_says_nothing(
    model: ModelServer, installed: InstalledJudges
) -> None:
    model.tells(Told(content='{"say": null, "done": true}'))
    assert await next_words(installed) is None


async def test_a_caller_never_speaks_for_ever(
    model: ModelServer, installed: InstalledJudges
) -> None:
    model.tells(Told(content=json.dumps({"say": "word " * 5_000, "done": False})))
    words = await next_words(installed)
    assert words is not None
    assert len(words) == UTTERANCE_MAX_CHARACTERS


@pytest.mark.parametrize(
    "answer",
    [
        Told(content='{"say": "", "done": false}'),
        Told(content="Hello?"),
        Told(content=None, refusal="I will not."),
        Told(status=500, content="oops"),
    ],
)
async def test_a_caller_that_cannot_speak_is_unavailable(
    model: ModelServer, installed: InstalledJudges, answer: Told
) -> None:
    model.tells(answer)
    with pytest.raises(JudgeUnavailable):
        await next_words(installed)
