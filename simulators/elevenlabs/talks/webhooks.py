"""Server tools: the platform's own HTTP calls to the addresses an agent's tools name.

A call really goes out, with the method, path, query, headers and body the tool's schemas say, and
waits as long as the tool says. Only this machine is called: any other host is answered here as one
that could not be reached, whatever a configuration names. Nothing here knows who speaks.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from simulators.elevenlabs.talks.initiation import filled
from simulators.hosts import is_this_machine
from simulators.limits import MAX_TOOL_ANSWER_BYTES, TOOL_CONNECT_TIMEOUT_S
from simulators.trust import trust
from simulators.wire import Json

FORM = "application/x-www-form-urlencoded"
# A redirect is not followed, so it is no answer either.
REFUSED_FROM = 300
PATH_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)\}(?!\})")
COULD_NOT_CONNECT = "could not connect"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What using a tool came to; ``result`` is what the agent gets to read."""

    result: Any
    is_error: bool = False
    is_called: bool = True
    latency_s: float = 0.0
    updates: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outgoing:
    method: str
    url: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes | None


class Webhooks:
    """Calls tools' addresses on this machine."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False, verify=trust())

    async def call(
        self,
        tool: Json,
        arguments: Json,
        variables: Mapping[str, Any],
        secret: Callable[[str], str | None],
    ) -> Outcome:
        """Use a tool of the kind ``webhook``; what cannot be done is an error in the outcome."""
        outgoing = _outgoing(tool, arguments, variables, secret)
        if not is_this_machine(outgoing.url):
            return Outcome(COULD_NOT_CONNECT, is_error=True, is_called=False)
        timeout_s = float(tool.get("response_timeout_secs") or 20)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                status, content = await self._sent(outgoing)
        except TimeoutError:
            result: Any = f"The tool did not answer within {timeout_s:g} seconds."
            return Outcome(result, is_error=True, latency_s=time.monotonic() - began_s)
        except httpx.HTTPError:
            return Outcome(COULD_NOT_CONNECT, is_error=True, latency_s=time.monotonic() - began_s)
        latency_s = time.monotonic() - began_s
        if status >= REFUSED_FROM:
            words = f"The tool answered with status {status}: {content.decode(errors='replace')}"
            return Outcome(words, is_error=True, latency_s=latency_s)
        return _read(tool, content, latency_s)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> tuple[int, bytes] | None:
        """Status and content of what the address answers; None when it does not answer."""
        if not is_this_machine(url):
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await self._sent(_Outgoing("POST", url, {}, headers, body))
        except (TimeoutError, httpx.HTTPError):
            return None

    async def _sent(self, outgoing: _Outgoing) -> tuple[int, bytes]:
        request = self._client.build_request(
            outgoing.method,
            httpx.URL(outgoing.url).copy_merge_params(outgoing.query),
            headers=outgoing.headers,
            content=outgoing.body,
            timeout=httpx.Timeout(None, connect=TOOL_CONNECT_TIMEOUT_S),
        )
        response = await self._client.send(request, stream=True)
        try:
            content = b""
            async for chunk in response.aiter_bytes():
                content = (content + chunk)[:MAX_TOOL_ANSWER_BYTES]
                if len(content) == MAX_TOOL_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return response.status_code, content

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()


def _outgoing(
    tool: Json,
    arguments: Json,
    variables: Mapping[str, Any],
    secret: Callable[[str], str | None],
) -> _Outgoing:
    schema = tool["api_schema"]
    paths = _values(schema.get("path_params_schema") or {}, arguments, variables)

    def placed(match: re.Match[str]) -> str:
        name = match.group(1)
        return quote(_plain(paths[name]), safe="") if name in paths else match.group(0)

    url = PATH_PLACEHOLDER.sub(placed, filled(schema["url"], variables))
    query_schema = (schema.get("query_params_schema") or {}).get("properties") or {}
    query = _values(query_schema, arguments, variables)
    headers = _headers(schema.get("request_headers") or {}, variables, secret)
    body_schema = schema.get("request_body_schema")
    body: bytes | None = None
    if body_schema is not None:
        content = _value(body_schema, arguments, variables)
        kind = schema.get("content_type") or "application/json"
        headers.setdefault("content-type", kind)
        body = _form(content) if kind == FORM else json.dumps(content).encode()
    return _Outgoing(
        method=schema.get("method") or "GET",
        url=url,
        query={name: _plain(value) for name, value in query.items()},
        headers=headers,
        body=body,
    )


def _form(content: Any) -> bytes:
    fields = {name: _plain(value) for name, value in (content or {}).items()}
    return str(httpx.QueryParams(fields)).encode()


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _headers(
    given: Json, variables: Mapping[str, Any], secret: Callable[[str], str | None]
) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, str):
            text: str | None = filled(value, variables)
        elif value.get("secret_id"):
            text = secret(value["secret_id"])
        elif value.get("variable_name") in variables:
            text = _plain(variables[value["variable_name"]])
        else:
            text = None
        if text is not None:
            headers[name] = text
    return headers


def _values(schemas: Json, arguments: Any, variables: Mapping[str, Any]) -> Json:
    """The values of named parameters, each from the one source its schema names."""
    given = arguments if isinstance(arguments, dict) else {}
    found: Json = {}
    for name, schema in schemas.items():
        present = schema.get("type") == "object" and schema.get("properties")
        if name in given or _is_filled_in(schema) or present:
            value = _value(schema, given.get(name), variables)
            if value is not None and value != {}:
                found[name] = value
    return found


def _is_filled_in(schema: Json) -> bool:
    constant = schema.get("constant_value")
    return bool(schema.get("dynamic_variable")) or constant not in (None, "", [], {})


def _value(schema: Json, given: Any, variables: Mapping[str, Any]) -> Any:
    if schema.get("is_omitted"):
        return None
    constant = schema.get("constant_value")
    if constant not in (None, "", [], {}):
        return constant
    if schema.get("dynamic_variable"):
        return variables.get(schema["dynamic_variable"])
    if schema.get("type") == "object":
        return _values(schema.get("properties") or {}, given, variables)
    if schema.get("type") == "array" and isinstance(given, list):
        return [_value(schema.get("items") or {}, item, variables) for item in given]
    return given


def _read(tool: Json, content: bytes, latency_s: float) -> Outcome:
    text = content.decode(errors="replace")
    try:
        result: Any = json.loads(text)
    except ValueError:
        result = text
    updates: Json = {}
    for assignment in tool.get("assignments") or ():
        value = at_path(result, assignment["value_path"])
        if value is not None:
            updates[assignment["dynamic_variable"]] = (
                value if assignment.get("preserve_native_type") else _plain(value)
            )
    shown = (tool["api_schema"].get("response_filter") or {}).get("mode")
    if shown == "hide_all":
        result = ""
    return Outcome(result, latency_s=latency_s, updates=updates)


def at_path(tree: Any, path: str) -> Any:
    """What is at a dotted path (``slots.0.start``), or None."""
    for name in path.removeprefix("$.").removeprefix("response.").split("."):
        if isinstance(tree, dict):
            tree = tree.get(name)
        elif isinstance(tree, list) and name.isdigit() and int(name) < len(tree):
            tree = tree[int(name)]
        else:
            return None
    return tree
