"""What only this simulator can be told: people, repositories, hooks, and what people do.

Everything a person does can also be done with their token, over REST and Git; the controls save
tests of either dialect the difference. All answers are records, in neither dialect's words.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from simulators.control_bodies import control
from simulators.forges.git import ZERO, Bare
from simulators.forges.github import Quota
from simulators.forges.hooks import Hooks
from simulators.forges.news import Event
from simulators.forges.pulls import Merge, Proposal, Pulls
from simulators.forges.refusals import Refused
from simulators.forges.space import Space
from simulators.forges.words import Words
from simulators.store import Json
from simulators.wire import Answer, Request, Route, json_answer

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=100)]
EVENTS: tuple[Event, ...] = ("push", "pull_request", "issue_comment")
Body = TypeVar("Body", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UserRequest(_Body):
    """Body of ``POST /_sim/users``; ``denied`` are rights the token lacks."""

    login: Name
    name: str = ""
    email: str = ""
    token: str = ""
    denied: tuple[str, ...] = ()


class RepositoryRequest(_Body):
    """Body of ``POST /_sim/repositories``; ``files`` are its first commit."""

    owner: Name
    name: Name
    private: bool = False
    default_branch: str = "main"
    collaborators: Mapping[str, str] = {}
    protected: tuple[str, ...] = ()
    files: Mapping[str, str] = {}


class ForkRequest(_Body):
    """Body of ``POST /_sim/forks``."""

    repository: str
    owner: Name


class CollaboratorRequest(_Body):
    """Body of ``POST /_sim/collaborators``; ``none`` takes a permission away."""

    repository: str
    login: Name
    permission: Annotated[str, Field(pattern="^(none|read|write|admin)$")]


class ProtectionRequest(_Body):
    """Body of ``POST /_sim/protection``: branches nobody may push to."""

    repository: str
    branches: tuple[str, ...]


class CommitRequest(_Body):
    """Body of ``POST /_sim/commits``: somebody's push of one commit; null removes a file."""

    repository: str
    branch: str
    files: Mapping[str, str | None]
    by: Name
    message: str = "Change files"
    start: str = ""


class PullRequestRequest(_Body):
    """Body of ``POST /_sim/pull-requests``; ``head`` is ``branch`` or ``owner:branch``."""

    repository: str
    by: Name
    head: str
    base: str = "main"
    title: str = "A change"
    body: str = ""
    draft: bool = False
    labels: tuple[str, ...] = ()


class EditRequest(_Body):
    """Body of ``POST /_sim/pull-requests/edit``."""

    repository: str
    number: int
    by: Name
    title: str | None = None
    body: str | None = None
    state: str | None = None
    draft: bool | None = None
    labels: tuple[str, ...] | None = None


class MergeRequest(_Body):
    """Body of ``POST /_sim/pull-requests/merge``."""

    repository: str
    number: int
    by: Name
    method: str = "merge"


class CommentRequest(_Body):
    """Body of ``POST /_sim/comments``."""

    repository: str
    number: int
    by: Name
    body: str


class HookRequest(_Body):
    """Body of ``POST /_sim/webhooks``."""

    repository: str
    url: str
    secret: str = ""
    events: tuple[Event, ...] = EVENTS


class RedeliveryRequest(_Body):
    """Body of ``POST /_sim/deliveries/redeliver``."""

    id: int


class QuotaRequest(_Body):
    """Body of ``POST /_sim/quota``: requests everybody has left this hour, null for as usual."""

    remaining: Annotated[int, Field(ge=0)] | None


class Controls:
    """The forge's own part of the control plane."""

    def __init__(
        self, space: Space, pulls: Pulls, words: Words, hooks: Hooks, quota: Quota
    ) -> None:
        self._space = space
        self._pulls = pulls
        self._words = words
        self._hooks = hooks
        self._quota = quota

    def routes(self) -> list[Route]:
        """Every control."""
        pulls = "/_sim/pull-requests"
        return [
            self._post("/_sim/users", UserRequest, self._add_user),
            self._post("/_sim/repositories", RepositoryRequest, self._add_repository),
            self._post("/_sim/forks", ForkRequest, self._fork),
            self._post("/_sim/collaborators", CollaboratorRequest, self._set_permission),
            self._post("/_sim/protection", ProtectionRequest, self._protect),
            self._post("/_sim/commits", CommitRequest, self._commit),
            self._post(pulls, PullRequestRequest, self._open),
            self._post(f"{pulls}/edit", EditRequest, self._edit),
            self._post(f"{pulls}/merge", MergeRequest, self._merge),
            self._post("/_sim/comments", CommentRequest, self._comment),
            self._post("/_sim/webhooks", HookRequest, self._add_hook),
            Route("DELETE", "/_sim/webhooks/{hook_id}", self._remove_hook),
            self._post("/_sim/deliveries/redeliver", RedeliveryRequest, self._redeliver),
            self._post("/_sim/quota", QuotaRequest, self._set_quota),
            Route("GET", "/_sim/deliveries", self._deliveries),
            Route("GET", pulls, self._listed("pull_requests", self._space.pulls)),
            Route("GET", "/_sim/comments", self._listed("comments", self._space.comments)),
            Route("GET", "/_sim/statuses", self._listed("statuses", self._space.statuses)),
        ]

    def _post(self, path: str, model: type[Body], act: Callable[[Body], Json]) -> Route:
        def acted(body: Body) -> Json | Answer:
            try:
                done = act(body)
            except Refused as refused:
                facts = {"error": str(refused), "errors": [f.body() for f in refused.refusal.flaws]}
                return json_answer(facts, status=refused.refusal.status)
            self._space.store.commit()
            return done

        return Route("POST", path, control(model, acted))

    def _listed(self, name: str, records: object) -> Callable[[Request], Answer]:
        def listed(request: Request) -> Answer:
            del request
            return json_answer({name: list(records)})  # type: ignore[call-overload]

        return listed

    def add_user(self, login: str, *, name: str = "", email: str = "") -> Json:
        """Somebody, as they were or new."""
        known = self._space.users.get(login.casefold())
        if known is not None:
            return known
        number = self._space.issue("users")
        user: Json = {
            "id": number,
            "login": login,
            "name": name or login.capitalize(),
            "email": email or f"{number}+{login}@users.noreply.example.com",
            "type": "User",
            "created_at": self._space.now(),
        }
        self._space.users.put(login.casefold(), user)
        return user

    def _add_user(self, request: UserRequest) -> Json:
        user = self.add_user(request.login, name=request.name, email=request.email)
        token = request.token or f"forge_{secrets.token_hex(20)}"
        record = {"token": token, "login": user["login"], "denied": list(request.denied)}
        self._space.tokens.put(token, record)
        basic = base64.b64encode(f"{user['login']}:{token}".encode()).decode()
        return {**user, "token": token, "basic": basic}

    def _add_repository(self, request: RepositoryRequest) -> Json:
        owner = self.add_user(request.owner)
        repository = self._new(owner["login"], request.name, request.default_branch)
        repository |= {
            "private": request.private,
            "collaborators": {k.casefold(): v for k, v in request.collaborators.items()},
        }
        bare = Bare(self._space.folder(repository))
        bare.create(request.default_branch)
        if request.files:
            person = self._pulls.person(owner["login"])
            bare.commit_files(request.default_branch, "", request.files, "Begin", person)
        bare.protect(list(request.protected))
        self._space.repositories.put(repository["full_name"].casefold(), repository)
        return self._shown(repository)

    def _new(self, owner: str, name: str, default_branch: str) -> Json:
        full_name = f"{owner}/{name}"
        if full_name.casefold() in self._space.repositories:
            raise ValueError(f"{full_name} is there already")
        now = self._space.now()
        return {
            "id": self._space.issue("repositories"),
            "owner": owner,
            "name": name,
            "full_name": full_name,
            "private": False,
            "default_branch": default_branch,
            "parent": None,
            "collaborators": {},
            "created_at": now,
            "pushed_at": now,
        }

    def _shown(self, repository: Json) -> Json:
        address = f"{self._space.url}/{repository['full_name']}.git"
        branches = Bare(self._space.folder(repository)).branches()
        return {**repository, "clone_url": address, "branches": branches}

    def _fork(self, request: ForkRequest) -> Json:
        parent = self._space.repository(request.repository)
        owner = self.add_user(request.owner)
        fork = self._new(owner["login"], parent["name"], parent["default_branch"])
        fork |= {"parent": parent["full_name"], "private": parent["private"]}
        Bare(self._space.folder(fork)).create_from(Bare(self._space.folder(parent)))
        self._space.repositories.put(fork["full_name"].casefold(), fork)
        return self._shown(fork)

    def _set_permission(self, request: CollaboratorRequest) -> Json:
        repository = dict(self._space.repository(request.repository))
        self.add_user(request.login)
        login = request.login.casefold()
        others = {k: v for k, v in repository["collaborators"].items() if k != login}
        given = {} if request.permission == "none" else {login: request.permission}
        repository["collaborators"] = {**others, **given}
        self._space.repositories.put(repository["full_name"].casefold(), repository)
        return self._shown(repository)

    def _protect(self, request: ProtectionRequest) -> Json:
        repository = self._space.repository(request.repository)
        Bare(self._space.folder(repository)).protect(list(request.branches))
        return {"protected": list(request.branches)}

    def _commit(self, request: CommitRequest) -> Json:
        repository = self._space.repository(request.repository)
        bare = Bare(self._space.folder(repository))
        before = bare.branches().get(request.branch, ZERO)
        start = request.start or repository["default_branch"]
        person = self._pulls.person(request.by)
        sha = bare.commit_files(request.branch, start, request.files, request.message, person)
        login = self._space.user(request.by)["login"]
        self._pulls.pushed(repository, login, {request.branch: (before, sha)})
        return {"sha": sha, "before": before}

    def _open(self, request: PullRequestRequest) -> Json:
        repository = self._space.repository(request.repository)
        proposal = Proposal(
            title=request.title,
            head=request.head,
            base=request.base,
            body=request.body,
            draft=request.draft,
            labels=request.labels,
        )
        return self._pulls.open(repository, request.by, proposal)

    def _edit(self, request: EditRequest) -> Json:
        repository = self._space.repository(request.repository)
        names = ("title", "body", "state", "draft")
        changes: Json = {name: getattr(request, name) for name in names}
        changes["labels"] = list(request.labels) if request.labels is not None else None
        return self._pulls.edit(repository, request.number, request.by, changes)

    def _merge(self, request: MergeRequest) -> Json:
        repository = self._space.repository(request.repository)
        how = Merge(method=request.method)
        return self._pulls.merge(repository, request.number, request.by, how)

    def _comment(self, request: CommentRequest) -> Json:
        repository = self._space.repository(request.repository)
        pull = self._space.pull(repository, request.number)
        return self._words.comment(repository, pull, request.by, request.body)

    def _add_hook(self, request: HookRequest) -> Json:
        repository = self._space.repository(request.repository)
        return self._hooks.add(
            repository, url=request.url, secret=request.secret, events=list(request.events)
        )

    def _remove_hook(self, request: Request) -> Answer:
        try:
            self._hooks.remove(request.path_values["hook_id"])
        except Refused as refused:
            return json_answer({"error": str(refused)}, status=refused.refusal.status)
        self._space.store.commit()
        return json_answer({"removed": True})

    def _redeliver(self, request: RedeliveryRequest) -> Json:
        return self._hooks.redeliver(request.id)

    def _deliveries(self, request: Request) -> Answer:
        del request
        facts = {"deliveries": list(self._space.deliveries), "pending": self._hooks.pending}
        return json_answer(facts)

    def _set_quota(self, request: QuotaRequest) -> Json:
        self._quota.remaining = request.remaining
        return {"remaining": request.remaining}
