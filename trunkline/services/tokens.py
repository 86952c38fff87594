"""Tokens for people: made, renewed, listed and revoked by admins, each within what they reach."""

from datetime import UTC, datetime, timedelta

from trunkline.model import limits
from trunkline.model.base import JsonObject
from trunkline.model.errors import Blocked, InvalidInput, NotFound
from trunkline.model.records import Grant, Role, TokenRecord
from trunkline.model.roles import Action
from trunkline.ports import Access
from trunkline.services.access import AccessService, IssuedToken, Principal
from trunkline.services.pages import Page, key_cursor, parse_key
from trunkline.services.projects import ProjectService


class TokenService:
    """Every token and session of an installation, or of the projects an admin has.

    No token is made for longer than ``age_max``, if there is one.
    """

    def __init__(
        self,
        store: Access,
        access: AccessService,
        projects: ProjectService,
        *,
        age_max: timedelta | None = None,
    ) -> None:
        self._store = store
        self._access = access
        self._projects = projects
        self._age_max = age_max

    async def page(
        self, principal: Principal, *, cursor: str | None, limit: int
    ) -> Page[TokenRecord]:
        """Tokens and sessions by id, those that have ended too. Raises Forbidden."""
        rows = await self._store.tokens(
            projects=principal.projects_for("token.list"), after=parse_key(cursor), limit=limit
        )
        return Page(rows, key_cursor(rows[-1].id) if len(rows) == limit else None)

    async def create(
        self,
        principal: Principal,
        person: str,
        role: Role,
        *,
        project: str | None,
        expires_at: datetime | None,
        reason: str,
        request_id: str,
    ) -> IssuedToken:
        """Make a token; its secret is in this answer and nowhere else.

        ``project`` None reaches every project, which an admin of one may not give away. Raises
        Forbidden, NotFound, InvalidInput.
        """
        principal.projects_for("token.create")
        await self._require_reach(principal, project)
        now = datetime.now(UTC)
        if expires_at is not None and expires_at <= now:
            raise InvalidInput("The token would be over already", hint="Give a time to come")
        ends_at = bounded_end(expires_at, now, self._age_max)
        issued = await self._access.issue(person, role, project=project, expires_at=ends_at)
        await self._record(
            principal, "token.create", issued.record, reason, request_id, after=said(issued.record)
        )
        return issued

    async def rotate(
        self,
        principal: Principal,
        token_id: str,
        *,
        grace_s: float,
        reason: str,
        request_id: str,
    ) -> IssuedToken:
        """Make a new token in the place of one, which ends after ``grace_s`` seconds.

        The new one lasts as long as the old one was made for. Raises Forbidden, NotFound,
        InvalidInput for a session, and Blocked for a token that has ended.
        """
        old = await self._find(principal, token_id, "token.rotate")
        now = datetime.now(UTC)
        if old.kind == "session":
            raise InvalidInput("A sign-in is not renewed", hint="Sign in again")
        if old.expires_at is not None and old.expires_at <= now:
            raise Blocked(f"{old.id} has ended", hint="Make a new one: trunkline tokens create")
        if not 0 <= grace_s <= limits.TOKEN_GRACE_MAX_S:
            raise InvalidInput(f"The old token goes on for at most {limits.TOKEN_GRACE_MAX_S:g} s")
        lasts = old.expires_at - old.created_at if old.expires_at and old.created_at else None
        wanted = None if lasts is None else now + lasts
        issued = await self._access.issue(
            old.person,
            old.role,
            project=old.project,
            expires_at=bounded_end(wanted, now, self._age_max),
        )
        ends_at = now + timedelta(seconds=grace_s)
        await self._store.end_token(old.id, at=ends_at)
        ended = old.model_copy(update={"expires_at": min(ends_at, old.expires_at or ends_at)})
        await self._record(
            principal,
            "token.rotate",
            old,
            reason,
            request_id,
            before=said(old),
            after={**said(ended), "successor": issued.record.id},
        )
        return issued

    async def revoke(
        self, principal: Principal, token_id: str, *, reason: str, request_id: str
    ) -> TokenRecord:
        """Make a token or session worthless at once; answers what it was.

        Raises Forbidden, NotFound, and Blocked for the last admin's: nobody could make another.
        """
        found = await self._find(principal, token_id, "token.revoke")
        if not await self._store.revoke_token(found.id):
            raise Blocked(
                f"{found.id} is the last token of an admin of every project",
                hint="Make another one first: trunkline tokens create PERSON --role admin",
            )
        await self._record(principal, "token.revoke", found, reason, request_id, before=said(found))
        return found

    async def _find(self, principal: Principal, token_id: str, action: Action) -> TokenRecord:
        projects = principal.projects_for(action)
        found = await self._store.token_by_id(token_id)
        reached = found is not None and (
            projects is None or all(grant.project in projects for grant in _granted(found))
        )
        if found is None or not reached:
            raise NotFound(
                f"There is no token {token_id!r}", hint="GET /v1/tokens lists those of this admin"
            )
        return found

    async def _require_reach(self, principal: Principal, project: str | None) -> None:
        if project is not None:
            await self._projects.find(principal, project)
            here = principal.within(project)
            if here is not None:
                here.require("token.create")
        elif principal.projects_for("token.create") is not None:
            raise InvalidInput(
                "A token for every project needs an admin of every project",
                hint=f"Name the project: {', '.join(principal.projects_for('token.create') or ())}",
            )

    async def _record(
        self,
        principal: Principal,
        action: Action,
        token: TokenRecord,
        reason: str,
        request_id: str,
        *,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        here = principal.within(token.project) if token.project else principal
        await self._access.record(
            here or principal,
            action,
            project=token.project or "",
            subject=token.id,
            request_id=request_id,
            reason=reason,
            details={"person": token.person, "role": token.role},
            before=before,
            after=after,
        )


def bounded_end(
    wanted: datetime | None, now: datetime, age_max: timedelta | None
) -> datetime | None:
    """When a token ends that is made now: as wished, at the latest when the settings say.

    Raises InvalidInput for a wish beyond that.
    """
    if age_max is None:
        return wanted
    latest = now + age_max
    if wanted is not None and wanted > latest + timedelta(seconds=limits.CLOCK_SKEW_S):
        raise InvalidInput(
            f"A token lasts {_days(age_max)} at most here",
            hint="Ask for less; TRUNKLINE_TOKEN_MAX_AGE of the server is the bound",
        )
    return latest if wanted is None else min(wanted, latest)


def said(token: TokenRecord) -> JsonObject:
    """A token as the audit log has it: nothing that opens a door."""
    return {
        "person": token.person,
        "role": token.role,
        "project": token.project,
        "expiresAt": token.expires_at.isoformat() if token.expires_at else None,
    }


def _days(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"  # noqa: PLR2004 - two days


def _granted(token: TokenRecord) -> tuple[Grant, ...]:
    return token.grants or (Grant(role=token.role, project=token.project),)
