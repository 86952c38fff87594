"""GitHub's REST dialect: its paths, errors, quotas and conditional requests.

Served below ``/api/v3``, where GitHub Enterprise Server has it. Source:
https://docs.github.com/rest
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

from simulators.forges.access import Access, Caller
from simulators.forges.bounds import ANONYMOUS_QUOTA, HOURLY_QUOTA, QUOTA_WINDOW_S
from simulators.forges.dialect import Dialect
from simulators.forges.github_bodies import PREFIX, GitHubBodies
from simulators.forges.paging import github_page
from simulators.forges.pulls import Merge, Proposal, Pulls
from simulators.forges.refusals import Refusal, Refused
from simulators.forges.space import Space
from simulators.forges.words import Words
from simulators.store import Json
from simulators.wire import Answer, Request, Route, json_answer

DOCUMENTATION = "https://docs.github.com/rest"
REPOSITORY = PREFIX + "/repos/{owner}/{repo}"
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
NOT_MODIFIED = 304
Handler = Callable[[Request, Caller], Answer]


class Quota:
    """Requests left in this hour, by person; the control plane may set what everybody has left."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._used: Counter[str] = Counter()
        self._window = 0
        self.remaining: int | None = None

    def headers(self, caller: Caller, *, counts: bool = True) -> dict[str, str]:
        """The headers of an answer. Raises Refused 403 when nothing is left."""
        now_s = int(self._space.clock.now())
        if self._window != now_s // QUOTA_WINDOW_S:
            self._used.clear()
            self._window = now_s // QUOTA_WINDOW_S
        who = caller.login or ""
        limit = HOURLY_QUOTA if caller.login else ANONYMOUS_QUOTA
        left = limit - self._used[who] if self.remaining is None else self.remaining
        is_refused = counts and left <= 0
        if counts and left > 0:
            self._used[who] += 1
            left -= 1
            self.remaining = None if self.remaining is None else left
        shown = {
            "X_RateLimit_Limit": str(limit),
            "X_RateLimit_Remaining": str(left),
            "X_RateLimit_Used": str(limit - left),
            "X_RateLimit_Reset": str((self._window + 1) * QUOTA_WINDOW_S),
            "X_RateLimit_Resource": "core",
        }
        if is_refused:
            raise Refused(403, f"API rate limit exceeded for user {who or 'unknown'}.", **shown)
        return {name.replace("_", "-"): value for name, value in shown.items()}


class GitHub(Dialect[GitHubBodies]):
    """The REST API of one forge in GitHub's words."""

    comment_scope = "pull_requests"
    unreadable = (400, "Problems parsing JSON")
    no_object = (422, "Invalid request.")

    def __init__(
        self, space: Space, access: Access, pulls: Pulls, words: Words, quota: Quota
    ) -> None:
        super().__init__(space, access, pulls, words, GitHubBodies(space))
        self._quota = quota

    def routes(self) -> list[Route]:
        """Every path of this dialect."""
        pull = REPOSITORY + "/pulls/{number}"
        comments = REPOSITORY + "/issues/{number}/comments"
        comment = REPOSITORY + "/issues/comments/{comment_id}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", PREFIX + "/user", self._user),
            ("GET", REPOSITORY, self._repository),
            ("GET", REPOSITORY + "/pulls", self._list_pulls),
            ("POST", REPOSITORY + "/pulls", self._open_pull),
            ("GET", pull, self._pull),
            ("PATCH", pull, self._edit_pull),
            ("PUT", pull + "/merge", self._merge),
            ("GET", comments, self._list_comments),
            ("POST", comments, self._add_comment),
            ("GET", comment, self._comment),
            ("PATCH", comment, self._edit_comment),
            ("DELETE", comment, self._remove_comment),
            ("GET", REPOSITORY + "/issues/{number}", self._issue),
            ("GET", REPOSITORY + "/issues/{number}/labels", self._labels),
            ("POST", REPOSITORY + "/issues/{number}/labels", self._add_labels),
            ("POST", REPOSITORY + "/statuses/{sha}", self._add_status),
            ("GET", REPOSITORY + "/commits/{ref}/statuses", self._list_statuses),
            ("GET", REPOSITORY + "/commits/{ref}/status", self._combined_status),
            ("GET", REPOSITORY + "/collaborators/{login}/permission", self._permission),
        ]
        return [Route(method, path, self._answered(handle)) for method, path, handle in table]

    def _answered(self, handle: Handler) -> Callable[[Request], Answer]:
        def answered(request: Request) -> Answer:
            shown: dict[str, str] = {}
            try:
                caller = self._access.caller(request)
                shown = self._quota.headers(caller)
                answer = handle(request, caller)
            except Refused as refused:
                answer = error_answer(refused.refusal)
            return _conditional(request, answer, shown)

        return answered

    def _user(self, request: Request, caller: Caller) -> Answer:
        del request
        if caller.login is None:
            raise Refused(401, "Requires authentication")
        return json_answer(self._bodies.own_user(caller.login))

    def _repository(self, request: Request, caller: Caller) -> Answer:
        found = self._access.repository(caller, request)
        return json_answer(self._bodies.full_repository(found, caller.login))

    def _list_pulls(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        state, head = request.value("state") or "open", request.value("head")
        base = request.value("base")
        found = [
            pull
            for pull in self._space.pulls_of(repository)
            if state in ("all", pull["state"])
            and base in (None, pull["base_branch"])
            and head in (None, f"{pull['head_repository'].split('/')[0]}:{pull['head_branch']}")
        ]
        if (request.value("direction") or "desc") == "desc":
            found.reverse()
        return self._page(request, [self._bodies.pull_row(pull) for pull in found])

    def _open_pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "read", "pull_requests")
        body = self._content(request)
        proposal = Proposal(
            title=str(body.get("title") or ""),
            head=str(body.get("head") or ""),
            base=str(body.get("base") or ""),
            body=str(body.get("body") or ""),
            draft=bool(body.get("draft")),
        )
        pull = self._pulls.open(repository, caller.login or "", proposal)
        return self._shown(repository, pull, status=201)

    def _pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        return self._shown(repository, self._found(repository, request))

    def _shown(self, repository: Json, pull: Json, *, status: int = 200) -> Answer:
        bare = self._pulls.bare(repository)
        difference = bare.difference(pull["base_sha"], pull["head_sha"])
        mergeable = self._pulls.is_mergeable(repository, pull)
        return json_answer(self._bodies.pull(pull, difference, mergeable=mergeable), status=status)

    def _edit_pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        is_author = pull["author"] == caller.login
        self._access.require(caller, repository, "read" if is_author else "write", "pull_requests")
        body = self._content(request)
        changes = {name: body.get(name) for name in ("title", "body", "state")}
        changes["base_branch"] = body.get("base")
        edited = self._pulls.edit(repository, pull["number"], caller.login or "", changes)
        return self._shown(repository, edited)

    def _merge(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        self._access.require(caller, repository, "write", "contents")
        body = self._content(request)
        how = Merge(
            method=body.get("merge_method") or "merge",
            title=body.get("commit_title") or "",
            message=body.get("commit_message") or "",
            sha=body.get("sha") or "",
        )
        done = self._pulls.merge(repository, pull["number"], caller.login or "", how)
        words = "Pull Request successfully merged"
        return json_answer({"sha": done["merge_commit_sha"], "merged": True, "message": words})

    def _issue(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        return json_answer(self._bodies.closed_issue(self._found(repository, request)))

    def _list_comments(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        rows = [self._bodies.comment(comment) for comment in self._space.comments_of(pull)]
        return self._page(request, rows)

    def _labels(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        name = repository["full_name"]
        return self._page(request, [self._bodies.label(name, label) for label in pull["labels"]])

    def _add_labels(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "write", "pull_requests")
        pull = self._found(repository, request)
        added = [str(label) for label in self._content(request).get("labels") or ()]
        labels = list(dict.fromkeys([*pull["labels"], *added]))
        changes: Json = {"labels": labels}
        self._pulls.edit(repository, pull["number"], caller.login or "", changes)
        return json_answer([self._bodies.label(repository["full_name"], name) for name in labels])

    def _add_status(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "write", "statuses")
        sha = request.path_values["sha"]
        status = self._words.status(repository, sha, caller.login or "", self._content(request))
        return json_answer(self._bodies.status(status), status=201)

    def _commit(self, repository: Json, request: Request) -> str:
        ref = request.path_values["ref"]
        found = self._pulls.bare(repository).commit_of(ref)
        if found is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        return found

    def _list_statuses(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        found = self._space.statuses_of(repository, self._commit(repository, request))
        return self._page(request, [self._bodies.status(status) for status in found])

    def _permission(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "write", "metadata")
        login = request.path_values["login"]
        return json_answer(self._bodies.permission(repository, self._space.user(login)["login"]))

    def _page(self, request: Request, rows: list[Json]) -> Answer:
        return github_page(request, self._space.url, rows)


def error_answer(refusal: Refusal) -> Answer:
    """An error in GitHub's shape."""
    body: Json = {"message": refusal.message}
    if refusal.flaws:
        body["errors"] = [flaw.body() for flaw in refusal.flaws]
    body |= {"documentation_url": DOCUMENTATION, "status": str(refusal.status)}
    answer = json_answer(body, status=refusal.status)
    return Answer(answer.status, answer.body, headers=refusal.headers)


def _conditional(request: Request, answer: Answer, shown: dict[str, str]) -> Answer:
    headers = {**shown, **answer.headers, "X-GitHub-Media-Type": "github.v3; format=json"}
    if request.method != "GET" or answer.status != 200:  # noqa: PLR2004
        return Answer(answer.status, answer.body, headers=headers)
    headers["ETag"] = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
    headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    if headers["ETag"] in (request.headers.get("if-none-match") or ""):
        return Answer(NOT_MODIFIED, headers=headers)
    return Answer(answer.status, answer.body, headers=headers)
