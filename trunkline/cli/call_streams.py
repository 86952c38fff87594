"""The client side of our streams: a WebSocket opened with the token, its refusal as an error."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from trunkline.cli.server import URL_VARIABLE, Server, held_token, refusal
from trunkline.model import errors
from trunkline.model.base import JsonObject

OPEN_TIMEOUT_S = 10.0
SILENCE_MAX_S = 30.0
"""A stream says every ten seconds that it lives; one that missed three is lost."""
NORMAL = 1000
_ENDED: Mapping[int, type[errors.TrunklineError]] = {
    4401: errors.Unauthenticated,
    4403: errors.Forbidden,
    4404: errors.NotFound,
}


@contextmanager
def opened(server: Server, path: str, query: Mapping[str, str]) -> Iterator[ClientConnection]:
    """A stream. Raises a leaf of the error tree."""
    address = f"{server.url.replace('http', 'ws', 1)}{path}"
    if query:
        address = f"{address}?{urlencode(query)}"
    try:
        socket = connect(
            address,
            additional_headers={"Authorization": f"Bearer {held_token()}"},
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
        )
    except InvalidStatus as error:
        raise refusal(error.response.status_code, error.response.body or b"") from error
    except (OSError, InvalidHandshake, InvalidURI) as error:
        raise errors.ServerUnreachable(
            f"The server at {server.url} opens no stream: {error}", hint=f"Check {URL_VARIABLE}"
        ) from error
    with socket:
        yield socket


def messages(socket: ClientConnection) -> Iterator[JsonObject | bytes]:
    """What comes until the server says that this is all; audio as it is.

    Raises ServerUnreachable for a stream that broke off, and what else ended it.
    """
    while True:
        try:
            message = socket.recv(timeout=SILENCE_MAX_S)
        except TimeoutError:
            raise errors.ServerUnreachable("The stream is silent; the server hangs") from None
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            if code == NORMAL:
                return
            words = closed.rcvd.reason if closed.rcvd else ""
            kind = _ENDED.get(code or 0, errors.ServerUnreachable)
            raise kind(words or f"The stream broke off ({code or 'no goodbye'})") from closed
        if isinstance(message, bytes):
            yield message
            continue
        document = json.loads(message)
        if isinstance(document, dict):
            yield document
