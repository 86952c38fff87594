"""Tokens for people: made, listed and revoked by admins, each within what their own reaches."""

from datetime import UTC, datetime

from trunkline.model.errors import Blocked, InvalidInput, NotFound
from trunkline.model.records import Role, TokenRecord
from trunkline.ports import Access
from trunkline.services.access import AccessService, IssuedToken, Principal
from trunkline.services.pages import Page, key_cursor, parse_key
from trunkline.services.projects import ProjectService


class TokenService:
    """Every token of an installation, or of one project for an admin of that project."""

    def __init__(self, store: Access, access: AccessService, projects: ProjectService) -> None:
        self._store = store
        self._access = access
        self._projects = projects

    async def page(
        self, principal: Principal, *, cursor: str | None, limit: int
    ) -> Page[TokenRecord]:
        """Tokens by id, expired ones too. Raises Forbidden."""
        principal.require("token.list")
        rows = await self._store.tokens(
            project=principal.project, after=parse_key(cursor), limit=limit
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
        principal.require("token.create")
        if project is not None:
            await self._projects.find(principal, project)
        elif principal.project is not None:
            raise InvalidInput(
                "A token for every project needs an admin of every project",
                hint=f"Name the project: {principal.project}",
            )
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise InvalidInput("The token would be over already", hint="Give a time to come")
        issued = await self._access.issue(person, role, project=project, expires_at=expires_at)
        await self._access.record(
            principal,
            "token.create",
            project=project or "",
            subject=issued.record.id,
            request_id=request_id,
            reason=reason,
            details={
                "person": person,
                "role": role,
                "expiresAt": expires_at.isoformat() if expires_at else None,
            },
        )
        return issued

    async def revoke(
        self, principal: Principal, token_id: str, *, reason: str, request_id: str
    ) -> TokenRecord:
        """Make a token worthless at once; answers what it was.

        Raises Forbidden, NotFound, and Blocked for the last admin's: nobody could make another.
        """
        principal.require("token.revoke")
        found = await self._store.token_by_id(token_id)
        if found is None or not _within(principal, found):
            raise NotFound(
                f"There is no token {token_id!r}", hint="GET /v1/tokens lists those of this admin"
            )
        if not await self._store.revoke_token(found.id):
            raise Blocked(
                f"{found.id} is the last token of an admin of every project",
                hint="Make another one first: trunkline tokens create PERSON --role admin",
            )
        await self._access.record(
            principal,
            "token.revoke",
            project=found.project or "",
            subject=found.id,
            request_id=request_id,
            reason=reason,
            details={"person": found.person, "role": found.role},
        )
        return found


def _within(principal: Principal, token: TokenRecord) -> bool:
    return principal.project is None or principal.project == token.project
