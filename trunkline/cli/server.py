"""The client side of our own HTTP API: addresses, the token, errors back into the error tree.

Commands never talk to Temporal or PostgreSQL: a short process that opens such a connection may
die with it, and a person's laptop should need one address only.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, TypeAlias

import httpx

from trunkline import __version__
from trunkline.cli.exits import WrongUsage
from trunkline.model import errors, limits
from trunkline.model.base import Json, JsonObject

Query: TypeAlias = Mapping[str, str | int | list[str]]

DEFAULT_URL = "http://127.0.0.1:8080"
URL_VARIABLE = "TRUNKLINE_URL"
TOKEN_VARIABLE = "TRUNKLINE_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""The server bounds its own work well below this; five seconds is a connection nobody answers."""

_BY_STATUS: Mapping[int, type[errors.TrunklineError]] = {
    400: errors.InvalidInput,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Blocked,
    413: errors.InvalidInput,
    422: errors.InvalidInput,
}
_BY_TYPE: Mapping[str, type[errors.TrunklineError]] = {
    "not-configured": errors.NotConfigured,
    "store-unavailable": errors.StoreUnavailable,
    "engine-unavailable": errors.EngineUnavailable,
    "signing-key-missing": errors.SigningKeyMissing,
    "public-url-missing": errors.PublicUrlMissing,
    "promotion-refused": errors.PromotionRefused,
    "source-unreachable": errors.SourceUnreachable,
    "source-credentials-rejected": errors.SourceCredentialsRejected,
    "push-rejected": errors.PushRejected,
    "push-refused": errors.PushRefused,
    "change-refused": errors.ChangeRefused,
    "push-unanswered": errors.PushUnanswered,
}


class Server:
    """One installation, as one person. Use it as a context manager."""

    def __init__(self, url: str, token: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.url = url
        headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": f"trunkline/{__version__}",
        }
        try:
            self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout)
        except httpx.InvalidURL as error:
            raise WrongUsage(f"{url!r} is no address of a server: {error}") from error
        if self._client.base_url.scheme not in {"http", "https"} or not self._client.base_url.host:
            raise WrongUsage(
                f"{url!r} is no address of a server",
                hint=f"Set {URL_VARIABLE} to one such as {DEFAULT_URL}",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, params: Query | None = None) -> JsonObject:
        """One answer. Raises a leaf of the error tree."""
        return self._send("GET", path, params=dict(params or {}))

    def post(self, path: str, body: JsonObject) -> JsonObject:
        """One answer to a JSON body. Raises a leaf of the error tree."""
        return self._send("POST", path, body=body)

    def put(self, path: str, body: JsonObject) -> JsonObject:
        """One answer to a JSON body. Raises a leaf of the error tree."""
        return self._send("PUT", path, body=body)

    def patch(self, path: str, body: JsonObject) -> JsonObject:
        """One answer to a JSON body. Raises a leaf of the error tree."""
        return self._send("PATCH", path, body=body)

    def delete(self, path: str, params: Query | None = None) -> JsonObject:
        """One answer. Raises a leaf of the error tree."""
        return self._send("DELETE", path, params=dict(params or {}))

    def probe(self, path: str) -> httpx.Response:
        """Whatever answers at a path, without judging it. Raises ServerUnreachable."""
        try:
            return self._client.get(path)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._silent(error) from error

    def pages(self, path: str, params: Query | None = None) -> Iterator[list[JsonObject]]:
        """Every page of a list."""
        wanted: dict[str, str | int | list[str]] = {"limit": limits.API_PAGE_MAX, **(params or {})}
        while True:
            answer = self.get(path, wanted)
            yield objects(answer.get("items"))
            cursor = answer.get("nextCursor")
            if not isinstance(cursor, str):
                return
            wanted["cursor"] = cursor

    def lines(
        self, path: str, params: Query | None = None, *, read_timeout_s: float
    ) -> Iterator[str]:
        """The lines of an answer as they come. Raises a leaf of the error tree."""
        request_id = secrets.token_hex(8)
        try:
            with self._client.stream(
                "GET",
                path,
                params=dict(params or {}),
                headers={"X-Request-ID": request_id},
                timeout=httpx.Timeout(TIMEOUT.connect, read=read_timeout_s),
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    self._read(answer, request_id)
                yield from answer.iter_lines()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._silent(error) from error

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        body: JsonObject | None = None,
    ) -> JsonObject:
        request_id = secrets.token_hex(8)
        try:
            answer = self._client.request(
                method, path, params=params, json=body, headers={"X-Request-ID": request_id}
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        return self._read(answer, request_id)

    def _silent(self, error: Exception) -> errors.ServerUnreachable:
        return errors.ServerUnreachable(
            f"The server at {self.url} does not answer: {str(error) or type(error).__name__}",
            hint=f"Check {URL_VARIABLE}, or start a local installation with `trunkline dev`",
        )

    def _read(self, answer: httpx.Response, request_id: str) -> JsonObject:
        try:
            content = answer.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            content = None
        if answer.is_success and isinstance(content, dict):
            return content
        if not isinstance(content, dict) or "type" not in content:
            raise errors.ServerUnreachable(
                f"What answers at {self.url} is no Trunkline server (status {answer.status_code})",
                hint=f"Check {URL_VARIABLE}",
            )
        raise _problem(answer.status_code, content, request_id)


def connect(*, timeout_s: float | None = None) -> Server:
    """The server and token of this environment. Raises WrongUsage without a token."""
    token = held_token()
    if not token:
        raise WrongUsage(
            f"{TOKEN_VARIABLE} is not set",
            hint=f"Set it to a token of the server at {server_url()}; `trunkline dev` prints one",
        )
    return Server(server_url(), token, timeout=httpx.Timeout(timeout_s) if timeout_s else TIMEOUT)


def held_token() -> str:
    """TRUNKLINE_TOKEN, or nothing."""
    return os.environ.get(TOKEN_VARIABLE, "")


def server_url() -> str:
    """TRUNKLINE_URL, or where a local installation listens."""
    return os.environ.get(URL_VARIABLE, "").rstrip("/") or DEFAULT_URL


def project_path(server: Server, project: str | None) -> str:
    """``/v1/projects/<project>``; without a name, the only project of the token."""
    if project:
        return f"/v1/projects/{project}"
    names = [text(found, "name") for found in objects(server.get("/v1/projects").get("items"))]
    if len(names) == 1:
        return f"/v1/projects/{names[0]}"
    if not names:
        raise errors.NotFound(
            "The server has no project for this token",
            hint="Set TRUNKLINE_PROJECT and TRUNKLINE_REPOSITORY on the server to register one",
        )
    raise WrongUsage(
        f"There are several projects: {', '.join(names)}", hint="Say which: --project NAME"
    )


def text(document: Mapping[str, Json], key: str) -> str:
    """A member as text; empty if it is null or absent."""
    value = document.get(key)
    return "" if value is None else str(value)


def object_at(document: JsonObject, key: str) -> JsonObject:
    """A member that is an object; an empty one if it is anything else."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def objects(value: Json) -> list[JsonObject]:
    """The objects in an array; none if it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def refusal(status: int, body: bytes | bytearray) -> errors.TrunklineError:
    """What a server that did not open a stream says, as an error."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return errors.ServerUnreachable(f"The server opens no stream (status {status})")
    return _problem(status, problem, text(problem, "requestId"))


def _problem(status: int, problem: JsonObject, request_id: str) -> errors.TrunklineError:
    name = text(problem, "type").rpartition(":")[2]
    kind = _BY_TYPE.get(name) or _BY_STATUS.get(status, errors.ServerUnreachable)
    parts = [f"{text(p, 'where')}: {text(p, 'message')}" for p in objects(problem.get("errors"))]
    message = "; ".join([text(problem, "detail"), *parts])
    hint = text(problem, "hint")
    if kind is errors.Unauthenticated:
        hint = f"Check {TOKEN_VARIABLE}"
    if kind is errors.ServerUnreachable:
        message = f"The server failed ({status}): {message}"
        hint = f"{hint} ({request_id})".strip()
    return kind(message, hint=hint)
