"""A forge in a process of its own, in either dialect, and what tests do to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from trunkline.adapters.forges import GITEA, GITHUB, ForgeClient, RestForge
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire

KINDS = ("github", "gitea")
DIALECTS = {"github": GITHUB, "gitea": GITEA}
DEADLINE_S = 60.0
FAST = Rates(requests_per_second=1_000.0, burst=1_000, concurrency=10)


@dataclass
class StandIn:
    """A running forge; ``http`` is for its control plane and for bare REST."""

    kind: str
    url: str
    api_url: str
    root: Path
    process: subprocess.Popen[str]
    http: httpx.Client

    def control(self, path: str, **body: object) -> dict[str, Any]:
        """Use the control plane."""
        answer = self.http.post(f"{self.url}/_sim/{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def shown(self, path: str) -> dict[str, Any]:
        """Read the control plane."""
        found: dict[str, Any] = self.http.get(f"{self.url}/_sim/{path}").json()
        return found

    def fault(self, kind: str, **more: object) -> None:
        """Let something go wrong from now on."""
        self.control("faults", faults=[{"kind": kind, **more}])

    def made(self, what: str) -> int:
        """How many of a kind were ever made."""
        return int(self.shown("counters")["objects"][what]["created"])


def start(kind: str, root: Path, port: int = 0) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start a forge and wait for its addresses."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulators.forges", "--kind", kind),
            *("--root", str(root), "--port", str(port)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def _running(kind: str, root: Path) -> Iterator[StandIn]:
    process, addresses = start(kind, root)
    try:
        with httpx.Client(trust_env=False, timeout=DEADLINE_S) as http:
            yield StandIn(
                kind, addresses["url"], addresses["api_url"], root, process=process, http=http
            )
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def github_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One GitHub of this test process."""
    yield from _running("github", tmp_path_factory.mktemp("github"))


@pytest.fixture(scope="session")
def gitea_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One Gitea of this test process."""
    yield from _running("gitea", tmp_path_factory.mktemp("gitea"))


@pytest.fixture(params=KINDS)
def stand_in(request: pytest.FixtureRequest) -> StandIn:
    """An empty forge, once in each dialect."""
    found: StandIn = request.getfixturevalue(f"{request.param}_process")
    found.http.post(f"{found.url}/_sim/reset")
    return found


@pytest.fixture
def github(github_process: StandIn) -> StandIn:
    """An empty GitHub."""
    github_process.http.post(f"{github_process.url}/_sim/reset")
    return github_process


@pytest.fixture
def gitea(gitea_process: StandIn) -> StandIn:
    """An empty Gitea."""
    gitea_process.http.post(f"{gitea_process.url}/_sim/reset")
    return gitea_process


@dataclass
class Place:
    """A private repository: ``ada`` may write, ``trunkline-bot`` is ours, ``mallory`` may not."""

    forge: StandIn
    name: str
    clone_url: str
    tokens: dict[str, str]
    hidden: list[str] = field(default_factory=list)

    @property
    def api(self) -> str:
        """Its address in the REST API."""
        return f"{self.forge.api_url}/repos/{self.name}"

    def branch(self, branch: str, text: str = "text", *, by: str = "ada") -> str:
        """Push a commit to a branch; answers it."""
        files = {f"{branch.replace('/', '-')}.txt": text}
        pushed = self.forge.control(
            "commits", repository=self.name, branch=branch, files=files, by=by
        )
        return str(pushed["sha"])

    def propose(self, branch: str = "change", *, by: str = "ada", **more: object) -> int:
        """Open a pull request for a new branch; answers its number."""
        self.branch(branch, by=by)
        opened = self.forge.control(
            "pull-requests", repository=self.name, by=by, head=branch, **more
        )
        return int(opened["number"])

    def say(self, number: int, body: str, *, by: str = "ada") -> int:
        """Comment on a pull request; answers the comment's id."""
        said = self.forge.control("comments", repository=self.name, number=number, by=by, body=body)
        return int(said["id"])

    def rest(self, method: str, path: str, *, by: str = "ada", **more: Any) -> httpx.Response:
        """One bare request with somebody's token."""
        headers = {"Authorization": f"Bearer {self.tokens[by]}", **more.pop("headers", {})}
        return self.forge.http.request(method, f"{self.api}{path}", headers=headers, **more)

    def comments(self, number: int) -> list[dict[str, Any]]:
        """Every comment of a pull request, as it is kept."""
        found = self.forge.shown("comments")["comments"]
        return [c for c in found if (c["repository"], c["number"]) == (self.name, number)]

    def statuses(self, sha: str) -> list[dict[str, Any]]:
        """Every status ever said of a commit."""
        found = self.forge.shown("statuses")["statuses"]
        return [status for status in found if status["sha"] == sha]


def furnished(stand_in: StandIn) -> Place:
    """A forge with one repository and three people."""
    people = ("ada", "trunkline-bot", "mallory")
    tokens = {who: stand_in.control("users", login=who)["token"] for who in people}
    made = stand_in.control(
        "repositories",
        owner="acme",
        name="manifests",
        private=True,
        files={"trunkline.yaml": "kind: Project\n"},
        collaborators={"ada": "write", "trunkline-bot": "admin"},
    )
    return Place(stand_in, "acme/manifests", made["clone_url"], tokens)


@pytest.fixture
def place(stand_in: StandIn) -> Place:
    """A repository on the forge of each dialect."""
    return furnished(stand_in)


@pytest.fixture
def github_place(github: StandIn) -> Place:
    """A repository on GitHub."""
    return furnished(github)


@dataclass
class Clients:
    """Makes clients of ours and closes their connections."""

    wires: list[Wire] = field(default_factory=list)

    def forge(
        self,
        place: Place,
        *,
        by: str = "trunkline-bot",
        token: str = "",
        page_size: int | None = None,
    ) -> RestForge:
        """Our client for a repository, with somebody's token; ``page_size`` makes pages short."""
        dialect = DIALECTS[place.forge.kind]
        if page_size is not None:
            dialect = replace(dialect, page_size=(dialect.page_size[0], page_size))
        wire = Wire(dialect.title, place.forge.api_url)
        self.wires.append(wire)
        client = ForgeClient(
            wire,
            token=token or place.tokens[by],
            headers=dialect.headers,
            pace=Pace(FAST, vendor=dialect.title),
        )
        owner, name = place.name.split("/")
        return RestForge(client, dialect, owner=owner, name=name)


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    """Clients of this test."""
    made = Clients()
    yield made
    for wire in made.wires:
        await wire.close()


@pytest.fixture
def forge(place: Place, clients: Clients) -> RestForge:
    """Our client with our own token."""
    return clients.forge(place)


@dataclass
class Receiver:
    """Takes deliveries; ``status`` is what it answers."""

    url: str
    secret: str
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An address for webhooks."""
    found = Receiver("", uuid.uuid4().hex)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.taken.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def delivered(stand_in: StandIn) -> list[dict[str, Any]]:
    """Every delivery, once none is on its way."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = stand_in.shown("deliveries")
        if not found["pending"]:
            deliveries: list[dict[str, Any]] = found["deliveries"]
            return deliveries
        assert time.monotonic() < deadline, "deliveries are still on their way"


class Worktree:
    """Somebody's clone, by plain Git over HTTP."""

    def __init__(self, folder: Path, url: str, login: str, token: str) -> None:
        self.folder = folder
        host = url.removeprefix("http://")
        self.url = f"http://{login}:{token}@{host}" if token else url

    def git(self, *arguments: str, fails: bool = False) -> str:
        """Run Git there; answers what it said."""
        person = {"NAME": "Ada", "EMAIL": "ada@example.com"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder if self.folder.exists() else self.folder.parent,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder.parent),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
                **{
                    f"GIT_{who}_{k}": v
                    for who in ("AUTHOR", "COMMITTER")
                    for k, v in person.items()
                },
            },
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) == fails, said
        return said.strip()

    def clone(self) -> Worktree:
        """Fetch it."""
        self.git("clone", "--quiet", self.url, str(self.folder))
        return self

    def commit(self, path: str, text: str, branch: str) -> str:
        """Commit a file on a branch; answers the commit."""
        self.git("checkout", "--quiet", "-B", branch)
        (self.folder / path).write_text(text)
        self.git("add", path)
        self.git("commit", "--quiet", "-m", f"Write {path}")
        return self.git("rev-parse", "HEAD")
