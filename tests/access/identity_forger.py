"""An identity provider that lies on request: what a test says is what its next token holds."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT = "trunkline-tests"
SECRET = "a-secret-of-the-tests"


class Forger:
    """``claims`` and ``header`` change the next token; ``keys`` are published, ``key`` signs.

    A claim that is a ``timedelta`` is that far from the moment the token is made.

    ``asked`` counts requests by path, ``redeemed`` are the forms of the token endpoint.
    """

    def __init__(self) -> None:
        self.address = ""
        self.key: RSAKey = new_key("first")
        self.keys = [self.key]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.algorithms = ["RS256", "HS256", "none"]
        self.described: dict[str, Any] = {}
        self.person: dict[str, Any] = {}
        self.raw: str | None = None
        self.redeemed: list[dict[str, str]] = []
        self.asked: dict[str, int] = {}

    def token(self, nonce: str) -> str:
        """A token as it would be, with the lies of the test."""
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "ada@example.com",
            "email_verified": True,
            "groups": ["voice-admins"],
            **self.claims,
        }
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        kept = {
            name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
            for name, value in claims.items()
            if value is not None
        }
        algorithms = [str(header["alg"])]
        return jwt.encode(header, kept, self.key, algorithms=algorithms)

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "userinfo_endpoint": f"{self.address}/person",
            "id_token_signing_alg_values_supported": self.algorithms,
            **self.described,
        }

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """Status and document."""
        self.asked[path] = self.asked.get(path, 0) + 1
        if path == "/.well-known/openid-configuration":
            return 200, self.description()
        if path == "/keys":
            return 200, KeySet([*self.keys]).as_dict(private=False)
        if path == "/person":
            return 200, self.person
        if path != "/token":
            return 404, {}
        self.redeemed.append(form)
        nonce, _, challenge = form["code"].partition(".")
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
            return 400, {"error": "invalid_grant"}
        token = self.raw if self.raw is not None else self.token(nonce)
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": token}


def new_key(name: str) -> RSAKey:
    """A key to sign with."""
    return RSAKey.generate_key(2048, {"kid": name})


@contextmanager
def forging() -> Iterator[Forger]:
    """A forger that answers on a socket of its own."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self, form: dict[str, str]) -> None:
            status, document = forger.answer(self.path.partition("?")[0], form)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._reply({**form, "authorization": self.headers.get("Authorization", "")})

        def log_message(self, *_arguments: object) -> None:
            """Nothing: a test says what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield forger
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
