"""The REST dialect of Gitea and Forgejo: its paths, its names, its own ways to say no.

Served below ``/api/v1``. Source: https://docs.gitea.com/api
"""

from __future__ import annotations

from collections.abc import Callable

from simulators.forges.access import Access, Caller
from simulators.forges.dialect import Dialect
from simulators.forges.gitea_bodies import PREFIX, GiteaBodies
from simulators.forges.paging import gitea_page
from simulators.forges.pulls import Merge, Proposal, Pulls
from simulators.forges.refusals import Refusal, Refused, missing
from simulators.forges.space import Space
from simulators.forges.words import Words
from simulators.store import Json
from simulators.wire import Answer, Request, Route, json_answer

REPOSITORY = PREFIX + "/repos/{owner}/{repo}"
STYLES = {"merge": "merge", "rebase": "rebase", "rebase-merge": "rebase", "squash": "squash"}
Handler = Callable[[Request, Caller], Answer]


class Gitea(Dialect[GiteaBodies]):
    """The REST API of one forge in Gitea's words."""

    comment_scope = "issues"
    unreadable = (422, "invalid character in the body")
    no_object = (422, "cannot unmarshal the body")

    def __init__(self, space: Space, access: Access, pulls: Pulls, words: Words) -> None:
        super().__init__(space, access, pulls, words, GiteaBodies(space))

    def routes(self) -> list[Route]:
        """Every path of this dialect."""
        pull = REPOSITORY + "/pulls/{number}"
        comments = REPOSITORY + "/issues/{number}/comments"
        comment = REPOSITORY + "/issues/comments/{comment_id}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", PREFIX + "/version", self._version),
            ("GET", PREFIX + "/user", self._user),
            ("GET", REPOSITORY, self._repository),
            ("GET", REPOSITORY + "/pulls", self._list_pulls),
            ("POST", REPOSITORY + "/pulls", self._open_pull),
            ("GET", pull, self._pull),
            ("PATCH", pull, self._edit_pull),
            ("POST", pull + "/merge", self._merge),
            ("GET", comments, self._list_comments),
            ("POST", comments, self._add_comment),
            ("GET", comment, self._comment),
            ("PATCH", comment, self._edit_comment),
            ("DELETE", comment, self._remove_comment),
            ("GET", REPOSITORY + "/issues/{number}/labels", self._labels),
            ("GET", REPOSITORY + "/issues/{number}/timeline", self._timeline),
            ("POST", REPOSITORY + "/statuses/{ref}", self._add_status),
            ("GET", REPOSITORY + "/statuses/{ref}", self._list_statuses),
            ("GET", REPOSITORY + "/commits/{ref}/statuses", self._list_statuses),
            ("GET", REPOSITORY + "/commits/{ref}/status", self._combined_status),
            ("GET", REPOSITORY + "/collaborators/{login}/permission", self._permission),
        ]
        return [Route(method, path, self._answered(handle)) for method, path, handle in table]

    def _answered(self, handle: Handler) -> Callable[[Request], Answer]:
        def answered(request: Request) -> Answer:
            try:
                return handle(request, self._access.caller(request))
            except Refused as refused:
                return self.error(refused.refusal)

        return answered

    def error(self, refusal: Refusal) -> Answer:
        """An error in Gitea's shape, with its statuses where they differ."""
        words = "; ".join(flaw.message for flaw in refusal.flaws if flaw.message)
        message = words or refusal.message
        status = refusal.status
        if "already exists" in message:
            status, message = 409, f"pull request already exists for these targets [{message}]"
        body = {"message": message, "url": f"{self._space.url}/api/swagger"}
        return Answer(status, json_answer(body).body, headers=refusal.headers)

    def _version(self, request: Request, caller: Caller) -> Answer:
        del request, caller
        return json_answer({"version": "1.27.0"})

    def _user(self, request: Request, caller: Caller) -> Answer:
        del request
        if caller.login is None:
            raise Refused(401, "token is required")
        return json_answer(self._bodies.user(caller.login))

    def _repository(self, request: Request, caller: Caller) -> Answer:
        found = self._access.repository(caller, request)
        return json_answer(self._bodies.repository(found, caller.login))

    def _list_pulls(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        state, base = request.value("state") or "open", request.value("base_branch")
        found = [
            pull
            for pull in self._space.pulls_of(repository)
            if state in ("all", pull["state"]) and base in (None, "", pull["base_branch"])
        ]
        if request.value("sort") != "oldest":
            found.reverse()
        return self._page(request, [self._body(repository, pull) for pull in found])

    def _body(self, repository: Json, pull: Json) -> Json:
        difference = self._pulls.bare(repository).difference(pull["base_sha"], pull["head_sha"])
        mergeable = self._pulls.is_mergeable(repository, pull)
        return self._bodies.pull(pull, difference, mergeable=mergeable)

    def _open_pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "read", "pull_requests")
        body = self._content(request)
        names = ("title", "head", "base", "body")
        title, head, base, text = (str(body.get(name) or "") for name in names)
        if not title or not head or not base:
            raise Refused(422, "[]: Required")
        if head == base:
            words = "Invalid PullRequest: There are no changes between the head and the base"
            raise Refused(422, words)
        if self._pulls.bare(repository).commit_of(base) is None:
            raise missing()
        proposal = Proposal(title=title, head=head, base=base, body=text)
        pull = self._pulls.open(repository, caller.login or "", proposal)
        return json_answer(self._body(repository, pull), status=201)

    def _pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        return json_answer(self._body(repository, self._found(repository, request)))

    def _timeline(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        return self._page(request, self._bodies.timeline(self._found(repository, request)))

    def _edit_pull(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        is_author = pull["author"] == caller.login
        self._access.require(caller, repository, "read" if is_author else "write", "pull_requests")
        body = self._content(request)
        state = body.get("state")
        if state and pull["merged_at"]:
            raise Refused(412, "cannot change state of this pull request, it was already merged")
        changes: Json = {"title": body.get("title") or None, "body": body.get("body")}
        changes |= {"state": state, "base_branch": body.get("base") or None}
        edited = self._pulls.edit(repository, pull["number"], caller.login or "", changes)
        return json_answer(self._body(repository, edited), status=201)

    def _merge(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        self._access.require(caller, repository, "read", "pull_requests")
        body = self._content(request)
        style = body.get("do") or body.get("Do")
        if style not in STYLES:
            raise Refused(422, "[Do]: Required")
        if self._space.permission(repository, caller.login) not in ("write", "admin"):
            raise Refused(405, "User not allowed to merge PR")
        if pull["merged_at"]:
            raise Refused(405, "The PR is already merged")
        if pull["state"] != "open":
            raise missing()
        head = body.get("head_commit_id") or ""
        if head not in ("", pull["head_sha"]):
            raise Refused(409, "head out of date")
        how = Merge(
            method=STYLES[style],
            title=body.get("merge_title_field") or body.get("MergeTitleField") or "",
            message=body.get("merge_message_field") or body.get("MergeMessageField") or "",
        )
        if not self._pulls.is_mergeable(repository, pull):
            raise Refused(405, "Please try again later")
        self._pulls.merge(repository, pull["number"], caller.login or "", how)
        return Answer(200)

    def _list_comments(self, request: Request, caller: Caller) -> Answer:
        """All of them: this listing has no pages."""
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        since, before = request.value("since") or "", request.value("before") or "9"
        rows = [
            self._bodies.comment(comment)
            for comment in self._space.comments_of(pull)
            if since <= comment["updated_at"] < before
        ]
        return Answer(200, json_answer(rows).body, headers={"X-Total-Count": str(len(rows))})

    def _labels(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        name = repository["full_name"]
        return json_answer([self._bodies.label(name, label) for label in pull["labels"]])

    def _add_status(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "write", "contents")
        sha = self._commit(repository, request)
        status = self._words.status(repository, sha, caller.login or "", self._content(request))
        return json_answer(self._bodies.status(status), status=201)

    def _commit(self, repository: Json, request: Request) -> str:
        found = self._pulls.bare(repository).commit_of(request.path_values["ref"])
        if found is None:
            raise missing()
        return found

    def _list_statuses(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        found = self._space.statuses_of(repository, self._commit(repository, request))
        if request.value("sort") in ("oldest", "leastindex"):
            found.reverse()
        return self._page(request, [self._bodies.status(status) for status in found])

    def _permission(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        self._access.require(caller, repository, "read", "repository")
        login = request.path_values["login"]
        is_own = login.casefold() == (caller.login or "").casefold()
        if not is_own and self._space.permission(repository, caller.login) != "admin":
            raise Refused(
                403,
                "Only admins can query all permissions, repo admins can query all repo permissions,"
                " collaborators can query only their own",
            )
        return json_answer(self._bodies.permission(repository, self._space.user(login)["login"]))

    def _page(self, request: Request, rows: list[Json]) -> Answer:
        return gitea_page(request, self._space.url, rows)
