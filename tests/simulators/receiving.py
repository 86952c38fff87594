"""A real HTTP server of an agent's owner: tools call it, news and questions reach it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.simulators.talking import PATIENCE_S

Json = dict[str, Any]
POLL_INTERVAL_S = 0.05


@dataclass
class Service:
    """Somebody's own server: what it was asked, and what it answers."""

    url: str = ""
    status: int = 200
    answer: bytes = b'{"confirmation": "TBL-204"}'
    waits_for: threading.Event | None = None
    asked: list[Json] = field(default_factory=list)

    def until(self, count: int) -> list[Json]:
        """What was asked, once it is so many times."""
        deadline_s = time.monotonic() + PATIENCE_S
        while len(self.asked) < count:
            assert time.monotonic() < deadline_s, self.asked
            time.sleep(POLL_INTERVAL_S)
        return self.asked


@contextmanager
def serving() -> Iterator[Service]:
    """A server on a free port of this machine."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            service.asked.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {k.lower(): v for k, v in self.headers.items()},
                    "body": body.decode(),
                }
            )
            if service.waits_for is not None:
                service.waits_for.wait(PATIENCE_S)
            self.send_response(service.status)
            self.end_headers()
            self.wfile.write(service.answer)

        do_GET = do_POST = do_PUT = do_any  # noqa: N815 - named by the library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the library
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL_S,))
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
