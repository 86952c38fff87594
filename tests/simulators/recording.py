"""A recording proxy: real sockets on both sides, every exchange kept as it went over the wire.

It stands before a simulator and passes everything on. It knows no vendor; the control plane is
passed on and not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.simulators.conformance import Exchange

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
NOT_KEPT = "/_sim/"
PATIENCE_S = 60.0
POLL_INTERVAL_S = 0.05


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: httpx.Client
    exchanges: list[Exchange]

    def do_any(self) -> None:
        """Pass one request on, and its answer back."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = [(k, v) for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP]
        answer = self.upstream.request(self.command, self.path, headers=headers, content=body)
        path, _, query = self.path.partition("?")
        if not path.startswith(NOT_KEPT):
            self.exchanges.append(
                Exchange(
                    method=self.command,
                    path=path,
                    query=query,
                    request_type=self.headers.get("content-type") or "",
                    request=body,
                    status=answer.status_code,
                    answer_type=answer.headers.get("content-type") or "",
                    answer=answer.content,
                )
            )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_any  # noqa: N815 - named by the library

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the library
        """Say nothing: what went by is kept."""


@contextmanager
def recording(upstream_url: str) -> Iterator[tuple[str, list[Exchange]]]:
    """A proxy's address and, growing, what went by."""
    exchanges: list[Exchange] = []
    with httpx.Client(base_url=upstream_url, trust_env=False, timeout=PATIENCE_S) as upstream:
        handler = type("Handler", (_Passing,), {"upstream": upstream, "exchanges": exchanges})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL_S,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}", exchanges
            finally:
                server.shutdown()
                thread.join()
