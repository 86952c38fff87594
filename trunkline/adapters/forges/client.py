"""How a forge's REST API is asked: bounded, paced, each answer read, no write sent twice blindly.

The same for every dialect. A read that was not answered is asked again a little later; a write
whose answer is lost is looked up by whoever made it, who alone knows how. It must not know what a
path is about.
"""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from trunkline.adapters.forges.refusals import translated
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Answer, Call, Wire
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import (
    ForgeError,
    ForgeLimited,
    ForgeRefused,
    ForgeUnavailable,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
)
from trunkline.model.limits import (
    FORGE_ANSWERS_REMEMBERED,
    FORGE_PAGES_MAX,
    FORGE_READ_PAUSES_S,
    FORGE_TIMEOUT_S,
)

SUCCESS: Final = range(200, 300)
RATES: Final = Rates(requests_per_second=10.0, burst=20, concurrency=10)
"""GitHub asks for no more than a few requests at once and counts 80 writes a minute."""
NEXT_PAGE: Final = re.compile(r'<[^>]*>\s*;[^,]*\brel="?next"?')

Params = Sequence[tuple[str, str]]
LookUp = Callable[[], Awaitable[JsonObject | None]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a read answered."""

    call: Call
    tree: Json
    etag: str
    has_next: bool


class ForgeClient:
    """One account on one forge. It owns no connection: the ``Wire`` is its maker's."""

    def __init__(
        self, wire: Wire, *, token: str, headers: Mapping[str, str], pace: Pace | None = None
    ) -> None:
        self._wire = wire
        self._token = token
        self._headers = headers
        self._pace = pace or Pace(RATES, vendor=wire.vendor)
        self._known: OrderedDict[str, _Found] = OrderedDict()

    @property
    def name(self) -> str:
        """What the forge is called in messages."""
        return self._wire.vendor

    async def read(self, path: str, *, route: str, params: Params = ()) -> JsonObject:
        """One object. Raises ForgeErrors."""
        found = await self._read(path, route, params)
        return _object(found.tree, found.call, self.name)

    async def listing(
        self, path: str, *, route: str, params: Params = (), size: tuple[str, int]
    ) -> list[JsonObject]:
        """Rows of all pages, at most FORGE_PAGES_MAX; ``size`` is how a page's length is asked for.

        No address of an answer is followed: the next page is the next number. Raises ForgeErrors.
        """
        rows: list[JsonObject] = []
        for page in range(1, FORGE_PAGES_MAX + 1):
            asked = [*params, (size[0], str(size[1])), ("page", str(page))]
            found = await self._read(path, route, asked)
            if not isinstance(found.tree, list):
                words = f"{self.name} answered {found.call} with something else than rows"
                raise ForgeUnavailable(words)
            rows.extend(_object(row, found.call, self.name) for row in found.tree)
            if not found.tree or not found.has_next:
                break
        return rows

    async def write(
        self, method: str, path: str, body: JsonObject, *, route: str, look_up: LookUp
    ) -> JsonObject:
        """Make or change something and answer it.

        ``look_up`` finds what a lost answer left behind, or nothing; the caller decides then
        whether to ask again. Raises ForgeErrors.
        """
        call = self._call(method, path, route, body=body)
        try:
            answer = await self._sent(call)
            if answer.status in SUCCESS:
                return _object(self._decoded(call, answer), call, self.name)
            refusal = translated(self.name, call, answer, hidden=[self._token])
        except OutcomeUnknown as error:
            refusal = ForgeUnavailable(str(error))
        except ForgeUnavailable as error:
            refusal = error
        if isinstance(refusal, ForgeUnavailable):
            found = await look_up()
            if found is not None:
                return found
        self._heed(refusal)
        raise refusal

    async def _read(self, path: str, route: str, params: Params) -> _Found:
        for pause_s in FORGE_READ_PAUSES_S:
            try:
                return await self._read_once(path, route, params)
            except ForgeUnavailable:
                await asyncio.sleep(pause_s)
        return await self._read_once(path, route, params)

    async def _read_once(self, path: str, route: str, params: Params) -> _Found:
        key = json.dumps([path, list(params)])
        known = self._known.get(key)
        etag = known.etag if known is not None else ""
        call = self._call("GET", path, route, params=params, etag=etag)
        answer = await self._sent(call)
        if answer.status == HTTPStatus.NOT_MODIFIED and known is not None:
            self._known.move_to_end(key)
            return known
        if answer.status not in SUCCESS:
            refusal = translated(self.name, call, answer, hidden=[self._token])
            self._heed(refusal)
            raise refusal
        found = _Found(
            call,
            self._decoded(call, answer),
            etag=answer.headers.get("etag", ""),
            has_next=NEXT_PAGE.search(answer.headers.get("link", "")) is not None,
        )
        if found.etag:
            self._known[key] = found
            while len(self._known) > FORGE_ANSWERS_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _call(
        self,
        method: str,
        path: str,
        route: str,
        *,
        params: Params = (),
        body: JsonObject | None = None,
        etag: str = "",
    ) -> Call:
        conditional = {"If-None-Match": etag} if etag else {}
        return Call(
            method,
            path,
            write=method != "GET",
            timeout_s=FORGE_TIMEOUT_S,
            params=params,
            json=body,
            headers={**self._headers, **conditional},
            credentials={"Authorization": f"Bearer {self._token}"},
            route=route,
        )

    async def _sent(self, call: Call) -> Answer:
        """The answer. Raises ForgeErrors, and OutcomeUnknown for a write that may have worked."""
        try:
            return await self._wire.exchange(call, self._pace)
        except OutcomeUnknown:
            raise
        except RateLimited as error:
            raise ForgeLimited(str(error), retry_after_s=error.retry_after_s) from error
        except PlatformError as error:
            raise ForgeUnavailable(str(error), hint=error.hint) from error

    def _decoded(self, call: Call, answer: Answer) -> Json:
        try:
            tree: Json = json.loads(answer.content)
        except ValueError as error:
            words = f"{self.name} answered {call} with something that is no JSON"
            raise ForgeUnavailable(words) from error
        return tree

    def _heed(self, refusal: ForgeError) -> None:
        if isinstance(refusal, ForgeLimited):
            self._pace.pause(refusal.retry_after_s)


def _object(tree: Json, call: Call, forge: str) -> JsonObject:
    if not isinstance(tree, dict):
        raise ForgeUnavailable(f"{forge} answered {call} with something else than an object")
    return tree


def required_size(text: str, *, most: int, what: str) -> str:
    """The text itself. Raises ForgeRefused for one that no forge would take."""
    if len(text) > most:
        raise ForgeRefused(f"{what} has {len(text)} characters; forges take {most}")
    return text
