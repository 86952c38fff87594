"""Fetching a vendor's document: pinned, bounded, once; a registry that errs leaves nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.simulators.published import (
    ELEVENLABS,
    PUBLIC_REGISTRY,
    TWILIO,
    NotToBeHad,
    Published,
    obtain,
    registry,
    written_in,
)

DOCUMENT = b'{"openapi":"3.1.0","paths":{}}'
MEMBER = "package/program"


def packed(content: bytes) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo(MEMBER)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


PACKAGE = packed(b"\x7fELF\x00" + DOCUMENT + b"\xff and more")


def integrity(package: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(package).digest()).decode()}"


PINNED = Published(
    vendor="someone",
    package="@some/program",
    version="1.2.3",
    integrity=integrity(PACKAGE),
    max_bytes=10_000,
    member=MEMBER,
    sha256=hashlib.sha256(DOCUMENT).hexdigest(),
    beginning=b'{"openapi"',
)


class Shelf:
    """A registry with one package, which counts who comes."""

    def __init__(self) -> None:
        self.package = PACKAGE
        self.status = 200
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    found = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(found.status)
            self.send_header("content-length", str(len(found.package)))
            self.end_headers()
            self.wfile.write(found.package)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the library
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_it_is_fetched_once_and_then_nobody_is_contacted(shelf: Shelf, tmp_path: Path) -> None:
    lines: list[str] = []
    fetched = obtain(PINNED, tmp_path, lambda: f"{shelf.url}/mirror/", lines.append)
    assert fetched == DOCUMENT
    assert shelf.asked == ["/mirror/@some/program/-/program-1.2.3.tgz"]
    assert "fetching" in lines[0]

    def offline() -> str:
        raise AssertionError

    assert obtain(PINNED, tmp_path, offline) == DOCUMENT
    assert names(tmp_path) == ["someone-1.2.3.json"]


def test_several_at_once_fetch_it_once(shelf: Shelf, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(obtain, PINNED, tmp_path, lambda: shelf.url) for _ in range(4)]
        assert {call.result() for call in calls} == {DOCUMENT}
    assert len(shelf.asked) == 1


def test_a_spoiled_copy_is_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    kept = tmp_path / "someone-1.2.3.json"
    kept.write_bytes(DOCUMENT[:-1])
    assert obtain(PINNED, tmp_path, lambda: shelf.url) == DOCUMENT
    assert kept.read_bytes() == DOCUMENT


def test_another_package_than_the_pinned_one_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.package = packed(DOCUMENT + b"!")
    with pytest.raises(NotToBeHad, match="digests differ"):
        obtain(PINNED, tmp_path, lambda: shelf.url)
    assert names(tmp_path) == []


def test_another_document_in_the_pinned_package_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    other = replace(PINNED, sha256="0" * 64)
    with pytest.raises(NotToBeHad, match="not the pinned one"):
        obtain(other, tmp_path, lambda: shelf.url)
    assert names(tmp_path) == []


def test_a_download_beyond_its_bound_is_ended(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(NotToBeHad, match="larger than 10 B"):
        obtain(replace(PINNED, max_bytes=10), tmp_path, lambda: shelf.url)
    assert names(tmp_path) == []


def test_a_registry_that_is_not_there_is_said_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotToBeHad, match="NPM_CONFIG_REGISTRY") as raised:
        obtain(PINNED, tmp_path, lambda: "http://127.0.0.1:9")
    assert "@some/program@1.2.3" in str(raised.value)


def test_a_registry_that_refuses_is_said(shelf: Shelf, tmp_path: Path) -> None:
    shelf.status = 404
    with pytest.raises(NotToBeHad, match="404"):
        obtain(PINNED, tmp_path, lambda: shelf.url)


def test_the_registry_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert registry() == PUBLIC_REGISTRY
    settings = tmp_path / ".npmrc"
    settings.write_text("fund=false\n registry = https://mirror.example.com/npm/\n")
    assert registry() == written_in(settings) == "https://mirror.example.com/npm/"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://other.example.com")
    assert registry() == "https://other.example.com"


@pytest.mark.parametrize("published", [ELEVENLABS, TWILIO], ids=lambda one: one.vendor)
def test_what_is_pinned_is_pinned_exactly(published: Published) -> None:
    assert published.version.replace(".", "").isdigit()
    digest = base64.b64decode(published.integrity.removeprefix("sha512-"), validate=True)
    assert len(digest) == 64
    assert len(published.sha256) == 64
