"""Git over HTTP, by Git's own program: who may fetch and push, and what a push moved.

``git http-backend`` speaks the protocol; this hands it one request as a CGI and reads its answer.
What it pushed is told afterwards, by comparing the branches.
"""

from __future__ import annotations

import subprocess
from urllib.parse import urlencode

from simulators.forges.access import Access, Caller
from simulators.forges.bounds import GIT_TIMEOUT_S
from simulators.forges.git import ZERO, environment
from simulators.forges.pulls import Pulls
from simulators.forges.refusals import Refused
from simulators.forges.space import LEVELS, Space
from simulators.store import Json
from simulators.wire import Answer, Request, Route

BASIC = 'Basic realm="Forge"'
RECEIVE = "git-receive-pack"


class SmartHttp:
    """The Git side of a forge."""

    def __init__(self, space: Space, access: Access, pulls: Pulls) -> None:
        self._space = space
        self._access = access
        self._pulls = pulls

    def routes(self) -> list[Route]:
        """What Git asks for; the repository may be named with or without ``.git``."""
        place = "/{owner}/{repo}"
        return [
            Route("GET", place + "/info/refs", self._serve),
            Route("POST", place + "/git-upload-pack", self._serve),
            Route("POST", f"{place}/{RECEIVE}", self._serve),
        ]

    def _serve(self, request: Request) -> Answer:
        writes = RECEIVE in (request.value("service"), request.path.rsplit("/", 1)[1])
        try:
            caller = self._access.caller(request)
            repository = self._allowed(caller, request, writes=writes)
        except Refused as refused:
            status = refused.refusal.status
            headers = {"WWW-Authenticate": BASIC} if status == 401 else {}  # noqa: PLR2004
            return Answer(status, str(refused).encode(), "text/plain", headers)
        if request.method != "POST" or not writes:
            return self._run(repository, caller, request)
        bare = self._pulls.bare(repository)
        before = bare.branches()
        answer = self._run(repository, caller, request)
        after = bare.branches()
        moved = {
            name: (before.get(name, ZERO), after.get(name, ZERO))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        }
        self._pulls.pushed(repository, caller.login or "", moved)
        return answer

    def _allowed(self, caller: Caller, request: Request, *, writes: bool) -> Json:
        """The repository, if this may be done to it. Raises Refused, 401 to ask for a password."""
        values = request.path_values
        try:
            found = self._space.repository(f"{values['owner']}/{values['repo']}")
        except Refused:
            if caller.login is None:
                raise Refused(401, "Authentication required") from None
            raise
        held = self._space.permission(found, caller.login)
        if LEVELS.index(held) < LEVELS.index("write" if writes else "read"):
            if caller.login is None:
                raise Refused(401, "Authentication required")
            name = found["full_name"]
            if held == "none":
                raise Refused(404, "Repository not found.")
            raise Refused(403, f"Permission to {name}.git denied to {caller.login}.")
        if writes and "contents" in caller.denied:
            raise Refused(403, "Write access to repository not granted.")
        return found

    def _run(self, repository: Json, caller: Caller, request: Request) -> Answer:
        action = request.path.split("/", 3)[3]
        headers = request.headers
        facts = {
            "GIT_PROJECT_ROOT": str(self._space.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository['owner']}/{repository['name']}.git/{action}",
            "QUERY_STRING": urlencode(request.query),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if caller.login is not None:
            facts["REMOTE_USER"] = caller.login
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 - the machine's Git
            env=environment(**facts),
            input=request.body,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
        return _answer(done.stdout)


def _answer(output: bytes) -> Answer:
    head, _, body = output.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in lines if name.strip()}
    status = int(headers.pop("status", "200").split()[0]) if headers else 500
    kind = headers.pop("content-type", "text/plain")
    headers.pop("content-length", None)
    return Answer(status, body, kind, headers)
