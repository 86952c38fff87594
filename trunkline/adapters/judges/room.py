"""The judges of an installation: one endpoint for all models, or the plain judge without one.

A test may name the model it wants. Nobody else stands in for it silently: where it cannot be
asked, its questions stay open and say so.
"""

from dataclasses import dataclass, field

from trunkline.adapters.judges.caching import CachingJudge
from trunkline.adapters.judges.endpoint import ChatEndpoint
from trunkline.adapters.judges.openai import OpenAICaller, OpenAIJudge
from trunkline.adapters.judges.plain import PlainJudge
from trunkline.adapters.wire import Wire
from trunkline.model.errors import JudgeUnavailable
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.limits import JUDGE_TIMEOUT_S
from trunkline.ports.talking import Judge
from trunkline.ports.testing import JudgeAnswers

VENDOR = "Judge"
DEFAULT = "default"
"""What a test may say for the installation's own judge."""


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Where the model is; without ``url`` there is none."""

    url: str = ""
    model: str = ""
    key: str = field(default="", repr=False)
    usd_per_million_tokens: float = 0.0
    timeout_s: float = JUDGE_TIMEOUT_S


class AbsentJudge:
    """A model that a test names and this installation cannot ask."""

    def __init__(self, model: str) -> None:
        self.identity = model

    async def judge(self, question: Question, *, vote: int = 0) -> JudgeAnswer:
        """Raises JudgeUnavailable, always."""
        del question, vote
        raise JudgeUnavailable(
            f"the test wants {self.identity} as its judge, and no model is configured",
            hint="set TRUNKLINE_JUDGE_URL and TRUNKLINE_JUDGE_MODEL, or leave judge.model out",
        )

    def price_usd(self, question: Question) -> float:
        """Nothing is asked, so it costs nothing."""
        del question
        return 0.0


class InstalledJudges:
    """``ports.Judges``. Holds one connection pool; whoever makes it closes it on its loop."""

    def __init__(self, options: JudgeOptions, *, answers: JudgeAnswers | None = None) -> None:
        self._options = options
        self._answers = answers
        self._wire: Wire | None = None
        self._endpoint: ChatEndpoint | None = None
        if options.url:
            self._wire = Wire(VENDOR, options.url)
            self._endpoint = ChatEndpoint(
                self._wire, model=options.model, key=options.key, timeout_s=options.timeout_s
            )

    def __repr__(self) -> str:
        return f"InstalledJudges({self._endpoint or 'plain'})"

    def judge(self, model: str | None = None) -> Judge:
        """The installation's judge, or the model a test names; its answers are remembered."""
        named = model if model and model != DEFAULT else ""
        if self._endpoint is None:
            return AbsentJudge(named) if named else PlainJudge()
        endpoint = self._endpoint.of(named) if named else self._endpoint
        judge = OpenAIJudge(endpoint, usd_per_million_tokens=self._options.usd_per_million_tokens)
        return CachingJudge(judge, self._answers) if self._answers is not None else judge

    @property
    def caller(self) -> OpenAICaller | None:
        """Who improvises callers; None without a model."""
        return OpenAICaller(self._endpoint) if self._endpoint is not None else None

    async def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            await self._wire.close()
