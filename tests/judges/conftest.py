"""A model server, the judges that ask it, and what they remember."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import pytest

from tests.judges.model_server import KEY, MODEL, ModelServer, serving
from tests.patient_loop import loops_for
from trunkline.adapters.judges.endpoint import ChatEndpoint
from trunkline.adapters.judges.openai import OpenAIJudge
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.adapters.wire import Wire
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.transcripts import Line

if TYPE_CHECKING:
    from pytest_asyncio.plugin import LoopFactory


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """A model and who asks it share a loop, so a judge's patience is not used up by a stop."""
    return loops_for(item, "model")


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model server on a free port."""
    async with serving() as made:
        yield made


@pytest.fixture
async def endpoint(model: ModelServer) -> AsyncIterator[ChatEndpoint]:
    """One model of the server, which is given half a minute."""
    wire = Wire("Judge", model.url)
    yield ChatEndpoint(wire, model=MODEL, key=KEY, timeout_s=30.0)
    await wire.close()


@pytest.fixture
def judge(endpoint: ChatEndpoint) -> OpenAIJudge:
    """The model as a judge, at ten dollars for a million tokens."""
    return OpenAIJudge(endpoint, usd_per_million_tokens=10.0)


@pytest.fixture
async def installed(model: ModelServer) -> AsyncIterator[InstalledJudges]:
    """The judges of an installation with that model."""
    made = InstalledJudges(JudgeOptions(url=model.url, model=MODEL, key=KEY))
    yield made
    await made.close()


@pytest.fixture
def question() -> Question:
    """Whether the agent offers another day."""
    return about("offers another day", "I can offer you Tuesday.")


def about(criterion: str, reply: str) -> Question:
    """A question about one reply."""
    said = (
        Line(at_ms=0, turn=0, kind="callerSaid", text="Monday at nine, please."),
        Line(at_ms=900, turn=0, kind="agentSaid", text=reply),
    )
    return Question(criterion=criterion, transcript=said, about=reply)


class Memory:
    """Remembered answers, kept in a dictionary as the store keeps them in a table."""

    def __init__(self) -> None:
        self.kept: dict[str, JudgeAnswer] = {}

    async def judge_answer(self, key: str) -> JudgeAnswer | None:
        """A remembered answer."""
        return self.kept.get(key)

    async def put_judge_answer(self, key: str, answer: JudgeAnswer) -> None:
        """Remember an answer."""
        self.kept.setdefault(key, answer)


@pytest.fixture
def memory() -> Memory:
    """Nothing remembered yet."""
    return Memory()
