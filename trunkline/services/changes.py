"""Changes from outside of Git become Git: a commit as the person who asked, or a pull request.

A change is decided on a commit somebody looked at, and holds as long as nobody else touched the
same files; moved on elsewhere, it is made again on what is there now. Everything is validated with
the whole tree before it is pushed. Asked twice, or after an answer that was lost, one commit is
made: the id in its trailer is found again.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from activities.types import RefreshRequest
from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.changes import Change, Via, change_id, changed_files, unified_diff
from trunkline.model.errors import (
    BaseRequired,
    ChangeConflict,
    ChangeRefused,
    CommitUnreadable,
    EngineUnavailable,
    InvalidInput,
    InvalidManifests,
    NotConfigured,
    NotFound,
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceError,
    TrunklineError,
)
from trunkline.model.forges import PullRequestAddress
from trunkline.model.ids import CHANGE_TRAILER, Revision, change_branch
from trunkline.model.kinds.project import Person
from trunkline.model.manifests import Manifests
from trunkline.model.promotions.authors import commit_author
from trunkline.model.records import EventRecord
from trunkline.ports import ManifestSource, Projects, Sources, Statuses
from trunkline.ports.forges import Forge, Forges
from trunkline.ports.releasing import ReleaseRepositories, ReleaseRepository
from trunkline.services.access import AccessService
from trunkline.services.change_drafts import (
    AgentWish,
    Drafting,
    FileWish,
    NumberWish,
    ValueWish,
    assign_number,
    change_files,
    delete_agent,
    put_agent,
)
from trunkline.services.change_rules import (
    changes_rules,
    require_bounded,
    require_named,
    require_path,
)
from trunkline.services.control import Caller
from trunkline.services.engine import Engine

PUSHES_MAX: Final = 8
"""Somebody else's pushes that are made way for before a person is told to try again."""
SHORT_REVISION: Final = 10
FILES_NAMED: Final = 20
"""Files an event or an audit row names."""

Draft: TypeAlias = Callable[[Drafting], Awaitable[None]]
logger = logging.getLogger(__name__)


class ChangeOrder(Frozen):
    """How a change is to be made. ``base`` is the commit that whoever asks looked at; ``message``
    is the first line of the commit's message, ``reason`` what stands below it.
    """

    base: Revision | None = None
    via: Via = "commit"
    message: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Wish:
    """One wish: whose, what about, on what."""

    caller: Caller
    project: str
    order: ChangeOrder
    base: Revision
    subject: str
    about: str
    id: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a project's Git is read and written, and its pull requests are opened."""

    source: ManifestSource
    repository: ReleaseRepository
    branch: str
    forge: Forge | None


@dataclass(frozen=True, slots=True)
class _Drafted:
    """A wish as edits of a tip, validated. ``tip_manifests`` is None for an invalid tip."""

    drafting: Drafting
    edits: dict[str, str | None]
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class FoundChange:
    """What is there of a change: a commit of the branch, or a pull request."""

    id: str
    state: str
    branch: str
    revision: Revision | None = None
    pull_request: PullRequestAddress | None = None


class ChangeService:
    """Changes of one installation; without ``sources`` and ``repositories`` there are none, and
    without ``forges`` none by pull request.
    """

    def __init__(
        self,
        projects: Projects,
        statuses: Statuses,
        *,
        access: AccessService,
        engine: Engine,
        sources: Sources | None = None,
        repositories: ReleaseRepositories | None = None,
        forges: Forges | None = None,
    ) -> None:
        self._projects = projects
        self._statuses = statuses
        self._access = access
        self._engine = engine
        self._sources = sources
        self._repositories = repositories
        self._forges = forges

    async def put_agent(
        self, caller: Caller, project: str, wish: AgentWish, order: ChangeOrder, *, create: bool
    ) -> Change:
        """Make or change an agent. Raises what ``change`` raises, and NotFound."""
        for path in (wish.folder, _prompt_name(wish)):
            if path:
                require_path(path)

        async def draft(drafting: Drafting) -> None:
            await put_agent(drafting, wish, create=create)

        subject = f"{'Create' if create else 'Change'} agent {wish.name}"
        said: Json = wish.model_dump(mode="json")
        return await self._make(caller, project, order, draft, subject, wish.name, [create, said])

    async def delete_agent(
        self, caller: Caller, project: str, name: str, order: ChangeOrder
    ) -> Change:
        """Take an agent out of the repository. Raises what ``change`` raises, and NotFound."""

        async def draft(drafting: Drafting) -> None:
            await delete_agent(drafting, name)

        subject = f"Delete agent {name}"
        return await self._make(caller, project, order, draft, subject, name, ["delete", name])

    async def assign_number(
        self, caller: Caller, project: str, wish: NumberWish, order: ChangeOrder
    ) -> Change:
        """Let an agent answer a number. Raises what ``change`` raises, and NotFound."""

        async def draft(drafting: Drafting) -> None:
            await assign_number(drafting, wish)

        given = f"{wish.agent} answers {wish.number}" if wish.agent else f"Free {wish.number}"
        said: Json = wish.model_dump(mode="json")
        return await self._make(caller, project, order, draft, given, wish.number, said)

    async def change(
        self,
        caller: Caller,
        project: str,
        order: ChangeOrder,
        *,
        files: tuple[FileWish, ...] = (),
        edits: tuple[ValueWish, ...] = (),
    ) -> Change:
        """Write files and set values.

        Raises Forbidden, BaseRequired, InvalidInput, InvalidManifests (places as they would be),
        ChangeConflict, ChangeRefused, NotConfigured, a ForgeError or a SourceError.
        """
        if not files and not edits:
            raise InvalidInput("The change is empty", hint="Give `files`, `edits` or both")
        for file in files:
            require_path(file.path)
        if len({file.path for file in files}) != len(files):
            raise InvalidInput("A file is given twice")

        async def draft(drafting: Drafting) -> None:
            await change_files(drafting, files, edits)

        named = [file.path for file in files] + [f"{each.kind} {each.name}" for each in edits]
        subject = f"Change {named[0]}" + (f" and {len(named) - 1} more" if named[1:] else "")
        said: Json = [each.model_dump(mode="json") for each in (*files, *edits)]
        return await self._make(caller, project, order, draft, subject, "", said)

    async def find(self, project: str, change: str) -> FoundChange:
        """What is there of a change by its id. Raises NotFound, NotConfigured, a SourceError."""
        places = await self._places(project)
        await places.repository.fetch_tip()
        commits = await places.repository.commits_with_trailer(change, since=None)
        branch = change_branch(change)
        if commits:
            return FoundChange(change, "committed", places.branch, commits[-1])
        head = await places.repository.branch_head(branch)
        address = None
        with suppress(TrunklineError):
            if self._forges is not None:
                forge = await self._forges.forge(project)
                for each in await forge.pull_requests(state=None, head_branch=branch):
                    address = PullRequestAddress(number=each.number, url=each.url, branch=branch)
                    state = "proposed" if each.state == "open" else each.state
                    return FoundChange(change, state, branch, each.head, address)
        if head is None:
            raise NotFound(f"There is no change {change!r} in project {project!r}")
        return FoundChange(change, "pushed", branch, head)

    async def _make(
        self,
        caller: Caller,
        project: str,
        order: ChangeOrder,
        draft: Draft,
        subject: str,
        about: str,
        said: Json,
    ) -> Change:
        caller.principal.require("change.create")
        if order.base is None:
            raise BaseRequired(
                "The change does not say which commit it was decided on",
                hint="Send `base`, or If-Match, with the revision you looked at",
            )
        identifier = change_id(project, caller.principal.person, order.base, [order.via, said])
        about = about or identifier
        wish = _Wish(caller, project, order, order.base, subject, about, identifier, draft)
        places = await self._places(project, via=order.via)
        made = await self._pushed(wish, places)
        await self._finish(wish, made)
        return made

    async def _places(self, project: str, *, via: Via = "commit") -> _Places:
        record = await self._projects.project(project)
        if record is None:
            raise NotFound(f"There is no project {project!r}")
        if self._sources is None or self._repositories is None:
            raise NotConfigured("This server reads and writes no repositories")
        forge = None
        if via == "pull-request":
            if self._forges is None:
                raise NotConfigured(
                    "This server knows no forge, so it can open no pull request",
                    hint="Send the change with `via: commit`",
                )
            forge = await self._forges.forge(project)
        return _Places(
            await self._sources.source(project),
            await self._repositories.repository(project),
            record.branch,
            forge,
        )

    async def _pushed(self, wish: _Wish, places: _Places) -> Change:
        """Push until the branch says it, or somebody objects. Raises what ``change`` names."""
        trouble: SourceError | None = None
        for _ in range(PUSHES_MAX):
            tip = await places.repository.fetch_tip()
            made = await places.repository.commits_with_trailer(wish.id, since=wish.base)
            drafting = Drafting(places.source, tip)
            try:
                await wish.draft(drafting)
            except (NotFound, ChangeRefused, InvalidInput):
                if made:
                    return _change(wish, places, drafting, made[-1], base=wish.base)
                await _require_same_files(wish, places, drafting, drafted=False)
                raise
            if not drafting.edits:
                done = made[-1] if made else tip
                return _change(wish, places, drafting, done, base=tip, unchanged=not made)
            if made:
                raise await _undone(places, drafting, made[-1])
            await _require_same_files(wish, places, drafting, drafted=True)
            drafted = await _validated(wish, places, drafting)
            try:
                return await self._push(wish, places, drafted)
            except (PushRejected, PushUnanswered) as error:
                trouble = error
        raise trouble or PushRejected("Others keep pushing", hint="Try again in a minute")

    async def _push(self, wish: _Wish, places: _Places, drafted: _Drafted) -> Change:
        tip, edits = drafted.drafting.revision, drafted.edits
        author = commit_author(wish.caller.principal.person, drafted.people)
        message = _message(wish)
        try:
            if places.forge is None:
                revision = await places.repository.push_release(
                    tip, edits=edits, message=message, author=author
                )
                return _change(wish, places, drafted.drafting, revision, base=tip)
            branch = change_branch(wish.id)
            head = await places.repository.branch_head(branch)
            revision = await places.repository.push_branch(
                branch, tip, edits=edits, message=message, author=author, lease=head
            )
        except PushRefused as error:
            hint = "Send it with `via: pull-request`, or ask for the right to push"
            if places.forge is not None:
                hint = "Allow the user of Trunkline's token to push branches below trunkline/"
            raise PushRefused(error.message, hint=hint) from error
        opened = await places.forge.open_pull_request(
            title=_subject(wish),
            body=_proposal(wish),
            head_branch=branch,
            base_branch=places.branch,
        )
        address = PullRequestAddress(number=opened.number, url=opened.url, branch=branch)
        return _change(wish, places, drafted.drafting, revision, base=tip, address=address)

    async def _finish(self, wish: _Wish, made: Change) -> None:
        """Write down who asked for what, and have Git looked at."""
        named = [each.path for each in made.files[:FILES_NAMED]]
        before: JsonObject = {"revision": wish.base, "files": list[Json](named)}
        changes: JsonObject = {each.path: each.change for each in made.files[:FILES_NAMED]}
        after: JsonObject = {"revision": made.revision, "branch": made.branch, "files": changes}
        await self._access.record(
            wish.caller.principal,
            "change.create",
            project=wish.project,
            subject=wish.about,
            request_id=wish.caller.request_id,
            reason=wish.order.reason or _subject(wish),
            details={"change": made.id, "via": made.via, "unchanged": made.unchanged},
            before=before,
            after=after,
        )
        if made.unchanged:
            return
        proposed = made.pull_request is not None
        words = f"as pull request {made.pull_request.number}" if made.pull_request else "by commit"
        await self._statuses.add_events(
            [
                EventRecord(
                    project=wish.project,
                    kind="project",
                    name=wish.project,
                    reason="ChangeProposed" if proposed else "ChangeCommitted",
                    message=f"{wish.caller.principal.person}: {_subject(wish)}"
                    f" ({words}, {made.revision[:SHORT_REVISION]})",
                    revision=None if proposed else made.revision,
                    details={"change": made.id, "files": list[Json](named)},
                )
            ]
        )
        if proposed:
            return
        try:
            await self._engine.refresh(
                wish.project, RefreshRequest(request_id=wish.caller.request_id)
            )
        except EngineUnavailable as error:
            logger.warning("%s is committed; it is found at the next look: %s", made.id, error)


async def _require_same_files(
    wish: _Wish, places: _Places, drafting: Drafting, *, drafted: bool
) -> None:
    """Raises ChangeConflict if a file the wish is about is not what it was at its base."""
    tip = drafting.revision
    if tip == wish.base:
        return
    paths = set(drafting.touched)
    try:
        if not drafted:
            was = Drafting(places.source, wish.base)
            with suppress(NotFound, ChangeRefused, InvalidInput):
                await wish.draft(was)
            paths |= was.touched
        before = await places.source.texts(wish.base, sorted(paths))
    except CommitUnreadable as error:
        raise ChangeConflict(
            f"{wish.base[:SHORT_REVISION]} is no commit of branch {places.branch} (any more)",
            current=tip,
            hint="Look at the current revision, and decide again",
        ) from error
    now = await places.source.texts(tip, sorted(paths))
    moved = sorted(path for path in paths if before.get(path) != now.get(path))
    if moved:
        raise ChangeConflict(
            f"Somebody else changed {', '.join(moved[:FILES_NAMED])} since"
            f" {wish.base[:SHORT_REVISION]}",
            diff=unified_diff(
                {path: before[path] for path in moved if path in before},
                {path: now.get(path) for path in moved},
            ),
            current=tip,
            hint="Look at the diff, and send the change again with the current revision as base",
        )


async def _undone(places: _Places, drafting: Drafting, made: Revision) -> ChangeConflict:
    """What whoever asks again is told of a change that was made and has been taken back."""
    paths = sorted(drafting.touched)
    before = await places.source.texts(made, paths)
    now = await places.source.texts(drafting.revision, paths)
    return ChangeConflict(
        f"The change was made as {made[:SHORT_REVISION]}, and somebody took it back since",
        diff=unified_diff(before, {path: now.get(path) for path in paths}),
        current=drafting.revision,
        hint="To make it once more, send it with the current revision as base",
    )


async def _validated(wish: _Wish, places: _Places, drafting: Drafting) -> _Drafted:
    """The edits, if the whole tree is sound with them and they are the caller's to make."""
    edits = drafting.edits
    for path in edits:
        require_path(path)
    require_bounded(edits)
    new = await places.source.edited(drafting.revision, edits)
    old: Manifests | None = None
    with suppress(InvalidManifests):
        old = await places.source.manifests(drafting.revision)
    require_named(edits, drafting.before, old=old, new=new)
    if changes_rules(old, new):
        wish.caller.principal.require("promotion.rules")
    people = (old or new).project.manifest.spec.people
    return _Drafted(drafting, edits, people)


def _change(
    wish: _Wish,
    places: _Places,
    drafting: Drafting,
    revision: Revision,
    *,
    base: Revision,
    unchanged: bool = False,
    address: PullRequestAddress | None = None,
) -> Change:
    edits = drafting.edits
    return Change(
        id=wish.id,
        base=base,
        revision=revision,
        branch=address.branch if address else places.branch,
        via=wish.order.via,
        pull_request=address,
        files=changed_files(drafting.before, edits),
        diff=unified_diff(
            {path: text for path, text in drafting.before.items() if path in edits}, edits
        ),
        unchanged=unchanged,
        rebased=bool(edits) and base != wish.base,
    )


def _subject(wish: _Wish) -> str:
    return wish.order.message.strip() or wish.subject


def _message(wish: _Wish) -> str:
    """The commit's message; what a person wrote never becomes a trailer."""
    body = wish.order.reason.strip()
    trailer = f"{CHANGE_TRAILER}: {wish.project}/{wish.id}"
    return "\n\n".join(filter(None, (_subject(wish), body, trailer))) + "\n"


def _proposal(wish: _Wish) -> str:
    reason = wish.order.reason.strip()
    asked = f"Asked for by {wish.caller.principal.person} through Trunkline ({wish.id})."
    return f"{reason}\n\n{asked}" if reason else asked


def _prompt_name(wish: AgentWish) -> str:
    prompt = (wish.spec or {}).get("prompt")
    named = prompt.get("file") if isinstance(prompt, dict) else None
    return named if isinstance(named, str) and wish.prompt is not None else ""
