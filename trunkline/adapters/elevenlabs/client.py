"""ElevenLabs' HTTP as three verbs: read, list to the end, write once.

The client knows credentials, pages and errors, and nothing of agents. A listing is complete or an
error: whoever decides on it might take "not listed" for "not there". The key goes into each
request as it is sent and nowhere else.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from trunkline.adapters.elevenlabs.refusals import request_id, translated
from trunkline.adapters.rate_limits import Pace
from trunkline.adapters.vendor_times import vendor_time
from trunkline.adapters.wire import Answer, Call, FilePart, Wire
from trunkline.model.base import JsonObject
from trunkline.model.errors import CredentialsRejected, OutcomeUnknown, RateLimited, Unavailable
from trunkline.model.limits import PLATFORM_MAX_PAGES, PLATFORM_PAGE_SIZE

Read = TypeVar("Read")
Line = TypeVar("Line")
Reader: TypeAlias = Callable[[object], Read]
"""Makes a value of a parsed answer. Raises ValidationError."""
Parameters = Sequence[tuple[str, str]]

KEY_HEADER = "xi-api-key"
SUCCESS = range(200, 300)
PAGE = TypeAdapter(dict[str, object]).validate_python


class ElevenLabsClient:
    """One key at one address, paced with everything else that uses the account.

    It owns no connection: the ``Wire`` belongs to whoever made it.
    """

    def __init__(self, wire: Wire, key: str, pace: Pace, *, read_timeout_s: float) -> None:
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise CredentialsRejected(
                "the ElevenLabs key holds characters no key has",
                hint="store the key alone, without quotes or line breaks",
            )
        self._wire = wire
        self._key = key
        self._pace = pace
        self._read_timeout_s = read_timeout_s

    def __repr__(self) -> str:
        return f"ElevenLabsClient({self._wire.base_url})"

    def paced_by(self, pace: Pace) -> "ElevenLabsClient":
        """The same client behind another gate."""
        return ElevenLabsClient(self._wire, self._key, pace, read_timeout_s=self._read_timeout_s)

    async def read(self, reader: Reader[Read], path: str, params: Parameters = ()) -> Read:
        """One GET, read by ``reader``."""
        call = Call("GET", path, write=False, timeout_s=self._read_timeout_s, params=params)
        return await self._exchange(call, reader)

    async def answered_at(self, path: str, params: Parameters = ()) -> datetime | None:
        """The vendor's time as its answer to one GET gives it. Raises as ``read`` does."""
        call = Call("GET", path, write=False, timeout_s=self._read_timeout_s, params=params)
        return vendor_time(await self._answer(call))

    async def read_with(
        self, reader: Reader[Read], header: str, path: str, params: Parameters = ()
    ) -> tuple[Read, str | None]:
        """One GET, read by ``reader``, and one header of its answer. Raises as ``read`` does."""
        call = Call("GET", path, write=False, timeout_s=self._read_timeout_s, params=params)
        answer = await self._answer(call)
        return _read(call, reader, answer), answer.headers.get(header)

    async def text(self, path: str) -> str:
        """The text one GET answers with, in JSON or as it is."""
        return await self._text(Call("GET", path, write=False, timeout_s=self._read_timeout_s))

    async def text_of_write(self, path: str, body: JsonObject, *, timeout_s: float) -> str:
        """The text one POST answers with, in JSON or as it is. Raises as ``write`` does."""
        return await self._text(Call("POST", path, write=True, timeout_s=timeout_s, json=body))

    async def write(
        self,
        reader: Reader[Read],
        method: str,
        path: str,
        body: JsonObject,
        *,
        params: Parameters = (),
        timeout_s: float,
        hidden: Sequence[str] = (),
    ) -> Read:
        """One write within ``timeout_s``, waiting included; never sent after that.

        ``hidden`` are secret values in the body, removed from what the vendor may echo. Raises
        OutcomeUnknown if it may have taken effect without a usable answer.
        """
        call = Call(method, path, write=True, timeout_s=timeout_s, params=params, json=body)
        return await self._exchange(call, reader, hidden)

    async def upload(
        self,
        reader: Reader[Read],
        path: str,
        fields: Mapping[str, str],
        file: FilePart,
        *,
        timeout_s: float,
    ) -> Read:
        """One file with the fields beside it, its bytes as they are. Raises as ``write`` does."""
        call = Call("POST", path, write=True, timeout_s=timeout_s, form=fields, file=file)
        return await self._exchange(call, reader)

    async def delete(self, path: str, params: Parameters = (), *, timeout_s: float) -> None:
        """One deletion within ``timeout_s``; whatever a success answers is not read.

        Raises OutcomeUnknown if it may have taken effect without an answer.
        """
        await self._answer(Call("DELETE", path, write=True, timeout_s=timeout_s, params=params))

    async def listed(
        self,
        reader: Reader[tuple[Line, ...]],
        path: str,
        field: str,
        params: Parameters = (),
        *,
        timeout_s: float,
    ) -> list[Line]:
        """Every line of a listing, within ``timeout_s`` in all. Raises as ``pages`` does."""
        lines: list[Line] = []
        try:
            async with asyncio.timeout(timeout_s):
                async for page in self.pages(reader, path, field, params):
                    lines.extend(page)
        except TimeoutError as error:
            raise Unavailable(
                f"the listing {path} was not read whole in {timeout_s:g} s"
            ) from error
        return lines

    async def pages(
        self, reader: Reader[Read], path: str, field: str, params: Parameters = ()
    ) -> AsyncIterator[Read]:
        """Every page of a listing, its ``field`` read by ``reader``, in the vendor's order.

        Raises Unavailable if the listing is incomplete or has no end.
        """
        asked: set[str] = set()
        cursor = ""
        for _ in range(PLATFORM_MAX_PAGES):
            asked.add(cursor)
            size = ("page_size", str(PLATFORM_PAGE_SIZE))
            place = [("cursor", cursor)] if cursor else []
            call = Call(
                "GET",
                path,
                write=False,
                timeout_s=self._read_timeout_s,
                params=[*params, size, *place],
            )
            page = await self._exchange(call, PAGE)
            yield _understood(call, reader, page.get(field))
            cursor = _next_cursor(path, page)
            if not cursor:
                return
            if cursor in asked:
                raise Unavailable(f"the listing {path} repeats itself: it cannot be read whole")
        raise Unavailable(f"the listing {path} has more than {PLATFORM_MAX_PAGES} pages")

    async def _text(self, call: Call) -> str:
        answer = await self._answer(call)
        if "json" not in answer.headers.get("content-type", ""):
            return answer.text
        try:
            told = json.loads(answer.content)
        except ValueError as error:
            raise _unusable(call, "is no JSON", request_id(answer)) from error
        return told if isinstance(told, str) else answer.text

    async def _exchange(self, call: Call, reader: Reader[Read], hidden: Sequence[str] = ()) -> Read:
        return _read(call, reader, await self._answer(call, hidden))

    async def _answer(self, call: Call, hidden: Sequence[str] = ()) -> Answer:
        sent = replace(call, credentials={KEY_HEADER: self._key})
        answer = await self._wire.exchange(sent, self._pace)
        if answer.status not in SUCCESS:
            refusal = translated(call, answer, hidden=[self._key, *hidden])
            if isinstance(refusal, RateLimited) and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pace.pause(refusal.retry_after_s)
            raise refusal
        return answer


def object_path(collection: str, object_id: str) -> str:
    """Where one object of a collection is, whatever is in its id."""
    return f"{collection}/{quote(object_id, safe='')}"


def _read(call: Call, reader: Reader[Read], answer: Answer) -> Read:
    try:
        tree = json.loads(answer.content)
    except ValueError as error:
        raise _unusable(call, "is no JSON", request_id(answer)) from error
    return _understood(call, reader, tree, request_id(answer))


def _understood(call: Call, reader: Reader[Read], tree: object, answer_id: str = "") -> Read:
    try:
        return reader(tree)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise _unusable(call, f"has no usable {place}: {first['msg']}", answer_id) from error


def _unusable(call: Call, why: str, answer_id: str) -> OutcomeUnknown | Unavailable:
    message = f"the answer of ElevenLabs to {call} {why}"
    if call.write:
        return OutcomeUnknown(
            message,
            hint="it may have taken effect: look it up before it is sent again",
            request_id=answer_id,
        )
    return Unavailable(message, request_id=answer_id)


def _next_cursor(path: str, page: Mapping[str, object]) -> str:
    cursor = page.get("next_cursor")
    more = page.get("has_more", bool(cursor))
    if not more:
        return ""
    if not isinstance(cursor, str) or not cursor:
        raise Unavailable(f"the listing {path} says there is more and not where")
    return cursor
