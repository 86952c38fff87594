"""One manifests repository on its forge: what GitHub and Gitea have in common.

A dialect says where its listings and its statuses differ. Nothing is escaped here: a text is sent
as it is given. A write is looked up before it is made and, if its answer is lost, afterwards: at
most one pull request and one comment come of it, and a status that is said already is not said
again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from trunkline.adapters.forges.answers import (
    PERMISSIONS,
    Combined,
    CommentAnswer,
    IssueAnswer,
    PermissionAnswer,
    PullAnswer,
    RepositoryAnswer,
    TurnAnswer,
    User,
    understood,
)
from trunkline.adapters.forges.client import ForgeClient, Params, required_size
from trunkline.model.base import JsonObject
from trunkline.model.errors import ForgeCredentialsRejected, ForgeMissing, ForgeRefused
from trunkline.model.forges import (
    CommitStatus,
    ForgeAccess,
    ForgeComment,
    ForgeKind,
    ForgePermission,
    PullRequest,
    PullRequestState,
)
from trunkline.model.ids import Revision
from trunkline.model.limits import (
    COMMIT_STATUS_MAX_CHARACTERS,
    FORGE_BODY_MAX_CHARACTERS,
    FORGE_TITLE_MAX_CHARACTERS,
)

ROUTE = "/repos/{owner}/{repo}"
PULL_ROUTE = f"{ROUTE}/pulls/{{number}}"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of forge differs from the others.

    ``page_size`` is the parameter for a page's length and the longest page there is.
    ``newest_first`` asks a listing of pull requests for that order, and ``finds_heads`` says that
    such a listing can be narrowed to a branch. ``issues_say_who_closed``, where the timeline does
    elsewhere.
    """

    kind: ForgeKind
    title: str
    headers: Mapping[str, str]
    page_size: tuple[str, int]
    newest_first: Params = ()
    finds_heads: bool = False
    issues_say_who_closed: bool = False


class RestForge:
    """A repository by way of a REST API; see ``Forge`` for what each method promises."""

    def __init__(self, client: ForgeClient, dialect: Dialect, *, owner: str, name: str) -> None:
        self._client = client
        self._dialect = dialect
        self._owner = owner
        self._path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
        self._login: str | None = None

    @property
    def kind(self) -> ForgeKind:
        """Which dialect it speaks."""
        return self._dialect.kind

    async def pull_request(self, number: int) -> PullRequest:
        """One pull request. Raises ForgeMissing."""
        found = _pull(await self._pull_row(number))
        if found.state != "closed":
            return found
        return found.model_copy(update={"closed_by": await self._closed_by(number)})

    async def pull_requests(
        self, *, state: PullRequestState | None = "open", head_branch: str = ""
    ) -> tuple[PullRequest, ...]:
        """Those of a state (None: all), newest first, up to a bound of pages."""
        asked = {None: "all", "open": "open"}.get(state, "closed")
        narrowed: Params = ()
        if head_branch and self._dialect.finds_heads:
            narrowed = (("head", f"{self._owner}:{head_branch}"),)
        rows = await self._client.listing(
            f"{self._path}/pulls",
            route=f"{ROUTE}/pulls",
            params=[("state", asked), *self._dialect.newest_first, *narrowed],
            size=self._dialect.page_size,
        )
        found = (_pull(row) for row in rows)
        return tuple(
            pull
            for pull in found
            if state in (None, pull.state)
            and (not head_branch or (pull.head_branch == head_branch and not pull.is_fork))
        )

    async def open_pull_request(
        self, *, title: str, body: str, head_branch: str, base_branch: str
    ) -> PullRequest:
        """Propose a branch; the one that is open for it already, brought up to title and body."""
        texts = _texts(title, body)
        known = await self._open_for(head_branch, base_branch)
        if known is None:
            try:
                known = await self._opened(texts, head_branch, base_branch)
            except ForgeRefused:
                known = await self._open_for(head_branch, base_branch)
                if known is None:
                    raise
        if (known.title, known.body) == (texts["title"], texts["body"]):
            return known
        return await self._edited(known.number, texts)

    async def close_pull_request(self, number: int) -> None:
        """Close it unmerged; nothing happens to one that is not open."""
        if (await self.pull_request(number)).state == "open":
            await self._edited(number, {"state": "closed"})

    async def comments(self, number: int, *, after: int = 0) -> tuple[ForgeComment, ...]:
        """Comments with a greater id, oldest first, up to a bound of pages."""
        own = await self._own_login()
        rows = await self._client.listing(
            f"{self._path}/issues/{number}/comments",
            route=f"{ROUTE}/issues/{{number}}/comments",
            size=self._dialect.page_size,
        )
        found = (understood(CommentAnswer, row, "a comment").comment(own) for row in rows)
        return tuple(sorted((c for c in found if c.id > after), key=lambda comment: comment.id))

    async def put_comment(self, number: int, body: str, *, marker: str) -> ForgeComment:
        """Edit our own comment that holds the marker, or write the first one with it."""
        required_size(body, most=FORGE_BODY_MAX_CHARACTERS, what="the comment")
        if marker not in body:
            raise ForgeRefused("the comment does not hold the marker it would be found by")
        known = await self._marked(number, marker)
        if known is not None and known.body == body:
            return known
        if known is not None:
            return await self._rewritten(known, body)
        row = await self._client.write(
            "POST",
            f"{self._path}/issues/{number}/comments",
            {"body": body},
            route=f"{ROUTE}/issues/{{number}}/comments",
            look_up=lambda: self._row_of_marked(number, marker),
        )
        written = understood(CommentAnswer, row, "the comment")
        self._login = self._login or (written.user.login if written.user else "")
        return written.comment(self._login)

    async def put_status(self, revision: Revision, status: CommitStatus) -> None:
        """Set one commit status; saying the same again changes nothing."""
        told = status.model_copy(update={"description": _cut(status.description)})
        if await self._is_said(revision, told) is not None:
            return
        body: JsonObject = {
            "state": told.state,
            "context": told.context,
            "description": told.description,
            "target_url": told.target_url,
        }
        await self._client.write(
            "POST",
            f"{self._path}/statuses/{revision}",
            body,
            route=f"{ROUTE}/statuses/{{sha}}",
            look_up=lambda: self._is_said(revision, told),
        )

    async def permission(self, login: str) -> ForgePermission:
        """What somebody may do in the repository; ``none`` for strangers."""
        try:
            row = await self._client.read(
                f"{self._path}/collaborators/{quote(login, safe='')}/permission",
                route=f"{ROUTE}/collaborators/{{login}}/permission",
            )
        except ForgeMissing:
            return "none"
        found = understood(PermissionAnswer, row, "a permission")
        return PERMISSIONS.get(found.permission, "none")

    async def access(self) -> ForgeAccess:
        """Who we are there and what we may do."""
        row = await self._client.read(self._path, route=ROUTE)
        found = understood(RepositoryAnswer, row, "the repository")
        rights = found.permissions
        held: ForgePermission = "none"
        if rights.admin:
            held = "admin"
        elif rights.push:
            held = "write"
        elif rights.pull:
            held = "read"
        login = await self._own_login()
        return ForgeAccess(repository=found.full_name, login=login, permission=held)

    async def _own_login(self) -> str:
        """Whose token it is; empty for an app, which may not ask and writes as a bot."""
        if self._login is None:
            try:
                row = await self._client.read("/user", route="/user")
            except (ForgeCredentialsRejected, ForgeMissing):
                self._login = ""
            else:
                self._login = understood(User, row, "the token's owner").login
        return self._login

    async def _pull_row(self, number: int) -> JsonObject:
        return await self._client.read(f"{self._path}/pulls/{number}", route=PULL_ROUTE)

    async def _closed_by(self, number: int) -> str:
        """The login; "" where the forge does not say, or a token may not ask."""
        place, route = f"{self._path}/issues/{number}", f"{ROUTE}/issues/{{number}}"
        try:
            if self._dialect.issues_say_who_closed:
                row = await self._client.read(place, route=route)
                by = understood(IssueAnswer, row, "an issue").closed_by
            else:
                rows = await self._client.listing(
                    f"{place}/timeline", route=f"{route}/timeline", size=self._dialect.page_size
                )
                turns = [understood(TurnAnswer, row, "a timeline") for row in rows]
                by = next((turn.user for turn in reversed(turns) if turn.type == "close"), None)
        except (ForgeCredentialsRejected, ForgeMissing, ForgeRefused):
            return ""
        return by.login if by is not None else ""

    async def _open_for(self, head_branch: str, base_branch: str) -> PullRequest | None:
        found = await self.pull_requests(state="open", head_branch=head_branch)
        return next((pull for pull in found if pull.base_branch == base_branch), None)

    async def _opened(self, texts: JsonObject, head: str, base: str) -> PullRequest:
        async def look_up() -> JsonObject | None:
            known = await self._open_for(head, base)
            return None if known is None else await self._pull_row(known.number)

        row = await self._client.write(
            "POST",
            f"{self._path}/pulls",
            {**texts, "head": head, "base": base},
            route=f"{ROUTE}/pulls",
            look_up=look_up,
        )
        return _pull(row)

    async def _edited(self, number: int, changes: JsonObject) -> PullRequest:
        async def look_up() -> JsonObject | None:
            row = await self._pull_row(number)
            return row if all(row.get(name) == value for name, value in changes.items()) else None

        row = await self._client.write(
            "PATCH",
            f"{self._path}/pulls/{number}",
            changes,
            route=PULL_ROUTE,
            look_up=look_up,
        )
        return _pull(row)

    async def _rewritten(self, known: ForgeComment, body: str) -> ForgeComment:
        path = f"{self._path}/issues/comments/{known.id}"
        route = f"{ROUTE}/issues/comments/{{id}}"

        async def look_up() -> JsonObject | None:
            row = await self._client.read(path, route=route)
            return row if row.get("body") == body else None

        row = await self._client.write("PATCH", path, {"body": body}, route=route, look_up=look_up)
        return understood(CommentAnswer, row, "the comment").comment(await self._own_login())

    async def _marked(self, number: int, marker: str) -> ForgeComment | None:
        found = await self.comments(number)
        return next((c for c in found if c.is_own and marker in c.body), None)

    async def _row_of_marked(self, number: int, marker: str) -> JsonObject | None:
        known = await self._marked(number, marker)
        if known is None:
            return None
        return await self._client.read(
            f"{self._path}/issues/comments/{known.id}",
            route=f"{ROUTE}/issues/comments/{{id}}",
        )

    async def _is_said(self, revision: Revision, status: CommitStatus) -> JsonObject | None:
        """The combined status if it says this already."""
        row = await self._client.read(
            f"{self._path}/commits/{revision}/status",
            route=f"{ROUTE}/commits/{{sha}}/status",
            params=[(self._dialect.page_size[0], str(self._dialect.page_size[1]))],
        )
        combined = understood(Combined, row, "the statuses of a commit")
        wanted = (status.context, status.state, status.description, status.target_url)
        said = any(
            (s.context, s.state or s.status, s.description or "", s.target_url or "") == wanted
            for s in combined.statuses or ()
        )
        return row if said else None


def _pull(row: JsonObject) -> PullRequest:
    return understood(PullAnswer, row, "a pull request").pull_request()


def _texts(title: str, body: str) -> JsonObject:
    required_size(title, most=FORGE_TITLE_MAX_CHARACTERS, what="the title")
    required_size(body, most=FORGE_BODY_MAX_CHARACTERS, what="the text")
    return {"title": title, "body": body}


def _cut(description: str) -> str:
    if len(description) <= COMMIT_STATUS_MAX_CHARACTERS:
        return description
    return description[: COMMIT_STATUS_MAX_CHARACTERS - 1] + "…"
