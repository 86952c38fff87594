"""Real repositories on disk, and real Git over HTTP on loopback."""

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitBounds, GitReleases, GitSource, Repository, seed
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
RELEASE = """\
apiVersion: trunkline/v1alpha1
kind: Release
metadata: {{ name: {agent} }}
spec:
  environment: {environment}
  version: {version}
  revision: {revision}
  digest: "sha256:{digest}"
  changes: Shorter greeting
  promotedBy: ada@example.com
"""
PATIENT = GitBounds(
    list_timeout_s=60, fetch_timeout_s=90, push_timeout_s=90, read_timeout_s=60, lock_timeout_s=90
)
"""Long enough for a busy machine, and over before a test is given up."""


def put_hook(bare: Path, name: str, script: str) -> None:
    """What a server does on a push, from now on."""
    path = bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class Remote:
    """A bare repository with a first commit, and ways to do things to it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "remote.git"
        files = folder / "files"
        files.mkdir()
        (files / "trunkline.yaml").write_text(PROJECT)
        self.first = seed(self.bare, files)
        self.git("config", "http.receivepack", "true")

    def tip(self) -> Revision:
        """Where main is."""
        return Revision(self.git("rev-parse", "main"))

    def tags(self) -> list[str]:
        """Names of all tags."""
        return self.git("tag", "--list").splitlines()

    def hook(self, name: str, script: str) -> None:
        """Something the server does on a push."""
        put_hook(self.bare, name, script)

    def store(self, kind: str, content: bytes) -> str:
        """An object of exactly these bytes."""
        done = subprocess.run(
            ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"],
            cwd=self.bare,
            input=content,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def release(
        self,
        version: int = 1,
        agent: str = "front-desk",
        environment: str = "production",
        revision: str = "",
    ) -> str:
        """A Release manifest."""
        return RELEASE.format(
            version=version,
            agent=agent,
            environment=environment,
            revision=revision or self.first,
            digest=f"{version:064d}",
        )

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
    return GitSource(str(remote.bare), "main", cache=cache, allow_local=True, bounds=PATIENT)


@pytest.fixture
def releases(remote: Remote, tmp_path: Path) -> GitReleases:
    """Releases of project acme, on disk."""
    return local_releases(remote, tmp_path / "cache")


@pytest.fixture
def more_releases(remote: Remote) -> Callable[[Path], GitReleases]:
    """The same by way of another machine's copy."""
    return lambda cache: local_releases(remote, cache)


def local_releases(remote: Remote, cache: Path) -> GitReleases:
    repository = Repository(str(remote.bare), "main", cache=cache, allow_local=True, bounds=PATIENT)
    return GitReleases("acme", repository)


@dataclass
class GitServer:
    """Where it listens, what it wants and what it was asked."""

    url: str
    root: Path
    token: str = ""
    refusal: int = 0
    moved_to: str = ""
    fails_fetches: bool = False
    fetches: int = 0
    authorizations: set[str] = field(default_factory=set)
    speaks_newest: bool = True
    refuses_pushes: int = 0
    cuts_pushes: str = ""
    """``before`` they are done or ``after``: either way nobody is told."""
    on_push: Callable[[str], None] = lambda _: None
    """Called before each request of a push is served, with its method."""

    def source(self, cache: Path, token: str = "", path: str = "remote.git") -> GitSource:
        """The main branch, read over HTTP."""
        return GitSource(self.url + path, "main", cache=cache, token=lambda: token, bounds=PATIENT)

    def releases(self, cache: Path, token: str = "", bounds: GitBounds = PATIENT) -> GitReleases:
        """Releases of project acme, over HTTP."""
        address = self.url + "remote.git"
        repository = Repository(address, "main", cache=cache, token=lambda: token, bounds=bounds)
        return GitReleases("acme", repository)


@pytest.fixture
def server(remote: Remote) -> Iterator[GitServer]:
    """The repository behind ``git http-backend``."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    state = GitServer(f"http://127.0.0.1:{http.server_address[1]}/", remote.bare.parent)
    http.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
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
        is_push = "git-receive-pack" in self.path
        if is_push:
            state.on_push(self.command)
        wanted = base64.b64encode(f"x-access-token:{state.token}".encode()).decode()
        if state.fails_fetches and b"command=fetch" in body:
            self.send_error(502)
        elif state.moved_to:
            self.send_response(301)
            self.send_header("Location", state.moved_to + self.path)
            self.end_headers()
        elif is_push and state.refuses_pushes:
            self.send_error(state.refuses_pushes)
        elif is_push and state.cuts_pushes and self.command == "POST":
            if state.cuts_pushes == "after":
                self._done(body)
            self.connection.shutdown(socket.SHUT_RDWR)
        elif state.refusal or (state.token and given != f"Basic {wanted}"):
            self.send_response(state.refusal or 401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            state.fetches += b"command=fetch" in body
            self._backend(body)

    def _done(self, body: bytes) -> bytes:
        state: GitServer = self.server.state  # type: ignore[attr-defined]
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(state.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if state.speaks_newest else "",
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
            },
        )
        return done.stdout

    def _backend(self, body: bytes) -> None:
        head, _, content = self._done(body).partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
