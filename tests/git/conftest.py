"""Real repositories on disk, and real Git over HTTP on loopback."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitBounds, GitSource, seed
from trunkline.adapters.git import commit as add_commit
from trunkline.model.ids import Revision

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: acme }
spec:
  accounts:
    elevenlabs: { apiKey: { env: ELEVENLABS_API_KEY } }
    twilio: { accountSid: { env: TWILIO_ACCOUNT_SID }, authToken: { env: TWILIO_AUTH_TOKEN } }
  environments: [ { name: testing, source: head } ]
"""
SHORT = GitBounds(list_timeout_s=10, fetch_timeout_s=20, read_timeout_s=10, lock_timeout_s=20)


class Remote:
    """A bare repository with a first commit, and ways to do things to it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "remote.git"
        files = folder / "files"
        files.mkdir()
        (files / "trunkline.yaml").write_text(PROJECT)
        self.first = seed(self.bare, files)

    def git(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a plain Git command in the repository."""
        who = {
            f"GIT_{role}_{part}": "ada@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", "-C", str(self.bare), "-c", "safe.directory=*", *arguments],
            input=stdin,
            env={**os.environ, **who},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def push(self, text: str = "# a comment\n", subject: str = "Greet warmly") -> Revision:
        """One more commit on main."""
        return add_commit(self.bare, {"notes.yaml": text}, message=subject)

    def commit_tree(self, lines: str, *parents: str) -> Revision:
        """A commit of hand-written tree entries, on no branch."""
        tree = self.git("mktree", "--missing", stdin=lines)
        flags = [word for parent in parents for word in ("-p", parent)]
        return Revision(self.git("commit-tree", tree, *flags, "-m", "By hand"))

    def force(self, revision: str, branch: str = "main") -> None:
        """Move the branch anywhere."""
        self.git("update-ref", f"refs/heads/{branch}", revision)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A repository with one commit."""
    return Remote(tmp_path)


@pytest.fixture
def source(remote: Remote, tmp_path: Path) -> GitSource:
    """The repository's main branch, read from disk."""
    return local_source(remote, tmp_path / "cache")


def local_source(remote: Remote, cache: Path) -> GitSource:
    return GitSource(str(remote.bare), "main", cache=cache, allow_local=True, bounds=SHORT)


@dataclass
class GitServer:
    """Where it listens, what it wants and what it was asked."""

    url: str
    token: str = ""
    refusal: int = 0
    moved_to: str = ""
    fails_fetches: bool = False
    fetches: int = 0
    authorizations: set[str] = field(default_factory=set)

    def source(self, cache: Path, token: str = "", path: str = "remote.git") -> GitSource:
        """The main branch, read over HTTP."""
        return GitSource(self.url + path, "main", cache=cache, token=lambda: token, bounds=SHORT)


@pytest.fixture
def server(remote: Remote) -> Iterator[GitServer]:
    """The repository behind ``git http-backend``."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(remote.bare.parent))
    state = GitServer(url=f"http://127.0.0.1:{http.server_address[1]}/")
    http.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(root: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: Any) -> None:
            """Keep the test's output readable."""

        def _answer(self, body: bytes) -> None:
            state: GitServer = self.server.state  # type: ignore[attr-defined]
            given = self.headers.get("Authorization", "")
            state.authorizations.add(given)
            wanted = base64.b64encode(f"x-access-token:{state.token}".encode()).decode()
            if state.fails_fetches and b"command=fetch" in body:
                self.send_error(502)
            elif state.moved_to:
                self.send_response(301)
                self.send_header("Location", state.moved_to + self.path)
                self.end_headers()
            elif state.refusal or (state.token and given != f"Basic {wanted}"):
                self.send_response(state.refusal or 401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                state.fetches += b"command=fetch" in body
                self._backend(body)

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                check=True,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                },
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
