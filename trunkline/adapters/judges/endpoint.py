"""One model behind an OpenAI-compatible address: a chat goes out, a text comes back.

It knows the protocol and nothing of judging. Everything that keeps the text from us is one error,
JudgeUnavailable, with the reason: no answer, a refused request, an answer of another shape. The
key goes into each request as it is sent and nowhere else.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trunkline.adapters.judges.prompts import Messages
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.wire import Answer, Call, Wire
from trunkline.model.base import Json
from trunkline.model.errors import JudgeUnavailable, PlatformError
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS
from trunkline.model.testing.limits import (
    JUDGE_ANSWER_MAX_TOKENS,
    JUDGE_CONCURRENCY,
    JUDGE_TIMEOUT_S,
)

PATH = "/chat/completions"
SUCCESS = range(200, 300)
BUSY_PAUSE_S = 2.0
"""Too many requests, and no word about when to come back."""
RATES = Rates(requests_per_second=20.0, burst=20, concurrency=JUDGE_CONCURRENCY)


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Message(_Answered):
    """What the model said, or that it would not."""

    content: str | None = None
    refusal: str | None = None


class Choice(_Answered):
    """One of the answers; there is one."""

    message: Message
    finish_reason: str | None = None


class Usage(_Answered):
    """What was counted; endpoints of one's own often do not count."""

    total_tokens: int = Field(0, ge=0)


class Completion(_Answered):
    """The answer to a chat."""

    choices: tuple[Choice, ...] = Field(min_length=1)
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a model, or why it refused; tokens of question and answer together."""

    text: str
    refusal: str
    tokens: int


class ChatEndpoint:
    """One model at one address. It owns no connection: the ``Wire`` is its maker's."""

    def __init__(
        self,
        wire: Wire,
        *,
        model: str,
        key: str = "",
        timeout_s: float = JUDGE_TIMEOUT_S,
        pace: Pace | None = None,
    ) -> None:
        self._wire = wire
        self.model = model
        self._key = key
        self._timeout_s = timeout_s
        self._pace = pace or Pace(RATES, vendor=wire.vendor)
        self._extras = True

    def __repr__(self) -> str:
        return f"ChatEndpoint({self.model} at {self._wire.base_url})"

    @property
    def identity(self) -> str:
        """Model and address: what a change of would change answers."""
        return f"{self.model} at {self._wire.base_url}"

    def of(self, model: str) -> "ChatEndpoint":
        """Another model at the same address, behind the same gate."""
        return ChatEndpoint(
            self._wire, model=model, key=self._key, timeout_s=self._timeout_s, pace=self._pace
        )

    async def say(self, messages: Messages, *, seed: int = 0) -> Said:
        """One chat to its end. Raises JudgeUnavailable."""
        answer = await self._ask(messages, seed, extras=self._extras)
        if answer.status == HTTPStatus.BAD_REQUEST and self._extras:
            answer = await self._ask(messages, seed, extras=False)
            self._extras = answer.status not in SUCCESS
        if answer.status not in SUCCESS:
            raise self._refused(answer)
        return self._read(answer)

    async def _ask(self, messages: Messages, seed: int, *, extras: bool) -> Answer:
        """``extras`` are parameters that not every endpoint or model takes."""
        body: dict[str, Json] = {
            "model": self.model,
            "messages": [{**message} for message in messages],
            "temperature": 0,
        }
        if extras:
            body["response_format"] = {"type": "json_object"}
            body["max_tokens"] = JUDGE_ANSWER_MAX_TOKENS
            body["seed"] = seed
        call = Call(
            "POST",
            PATH,
            write=False,
            timeout_s=self._timeout_s,
            json=body,
            credentials={"Authorization": f"Bearer {self._key}"} if self._key else {},
        )
        try:
            return await self._wire.exchange(call, self._pace)
        except PlatformError as error:
            raise JudgeUnavailable(error.message, hint=error.hint) from error

    def _refused(self, answer: Answer) -> JudgeUnavailable:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            header = answer.headers.get("retry-after")
            self._pace.pause(retry_after_s(header, default_s=BUSY_PAUSE_S))
        words = _words(answer)
        message = f"{self._wire.vendor} answered {answer.status}: {words}"
        if self._key:
            message = message.replace(self._key, "[hidden]")
        hint = ""
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            hint = "check TRUNKLINE_JUDGE_KEY"
        return JudgeUnavailable(message[:EVENT_MESSAGE_MAX_CHARACTERS], hint=hint)

    def _read(self, answer: Answer) -> Said:
        try:
            completion = Completion.model_validate(json.loads(answer.content))
        except (ValueError, ValidationError) as error:
            raise JudgeUnavailable(
                f"{self._wire.vendor} answered with something that is no chat completion",
                hint="check that TRUNKLINE_JUDGE_URL is the address of an OpenAI-compatible API",
            ) from error
        choice = completion.choices[0]
        refusal = choice.message.refusal or ""
        if choice.finish_reason == "content_filter":
            refusal = refusal or "its filter held the answer back"
        tokens = completion.usage.total_tokens if completion.usage else 0
        return Said(text=choice.message.content or "", refusal=refusal, tokens=tokens)


def _words(answer: Answer) -> str:
    """The endpoint's own words about a refusal."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        return "no explanation"
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else "no explanation"
