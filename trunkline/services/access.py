"""Who is asking, what they may do, and the record of what they did.

Tokens are kept as hashes only, so that a stolen database opens no door; a project that is not
theirs does not exist for a caller, so that names cannot be guessed from the difference.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from trunkline.model import limits
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import Forbidden, InvalidInput, TrunklineError, Unauthenticated
from trunkline.model.records import AuditRecord, Grant, ProjectRecord, Role, TokenRecord
from trunkline.model.roles import ALLOWED, Action, roles_for
from trunkline.ports import Access

TOKEN_PREFIX = "tl_"  # noqa: S105 - the visible beginning of every token, no secret
SESSION_PREFIX = "ts_"
"""Of what a browser holds: it is no token, and a token is no session."""
TOKEN_BYTES = 32
PREFIX_LENGTH = len(TOKEN_PREFIX) + 6
DENIED = "denied"
"""The action of an audit row about something that was refused."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 43
_STRENGTH: tuple[Role, ...] = ("admin", "operator", "approver", "viewer")
_MINUTE_S = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: one role, in one project or (None) in every one.

    Whoever signed in may have several roles; ``grants`` are all of them, and ``role`` and
    ``project`` the ones that count where no project is named. ``within`` narrows to a project.
    """

    person: str
    role: Role
    project: str | None = None
    token_id: str = ""
    grants: tuple[Grant, ...] = ()
    kind: Literal["token", "session"] = "token"

    @property
    def granted(self) -> tuple[Grant, ...]:
        """Every role there is."""
        return self.grants or (Grant(role=self.role, project=self.project),)

    def reaches(self, project: str) -> bool:
        """True if the project exists for this caller."""
        return any(grant.project in (None, project) for grant in self.granted)

    def within(self, project: str) -> "Principal | None":
        """The caller as that project knows them; None if it does not exist for them.

        An admin of every project is one everywhere. Else the project's own role counts before one
        in every project, and of several the one that stands first in admin, operator, approver,
        viewer: nobody approves what they may start.
        """
        found = [grant for grant in self.granted if grant.project in (None, project)]
        return self._as(strongest(found)) if found else None

    def projects_for(self, action: Action) -> tuple[str, ...] | None:
        """The projects in which this caller may do it, None for every one.

        Raises Forbidden if there is none.
        """
        named = sorted({grant.project for grant in self.granted if grant.project is not None})
        everywhere = [grant for grant in self.granted if grant.project is None]
        if everywhere and strongest(everywhere).role in ALLOWED[action]:
            return None
        found = [
            name
            for name in named
            if (here := self.within(name)) is not None and here.role in ALLOWED[action]
        ]
        if not found:
            self.require(action)
        return tuple(found)

    def require(self, action: Action) -> None:
        """Raises Forbidden unless this role may do it (``model.roles`` says which may)."""
        if self.role in ALLOWED[action]:
            return
        roles = " or ".join(roles_for(action))
        raise Forbidden(
            f"{action} needs the role {roles}; {self.person} has {self.role}",
            hint=f"Ask an admin for a token with the role {roles}",
        )

    def require_every_project(self, what: str) -> None:
        """Raises Forbidden for a token of one project; ``what`` begins the sentence."""
        if self.project is not None:
            raise Forbidden(
                f"{what} needs a token for every project; this one is for {self.project}",
                hint="Ask whoever runs the server for an admin token without a project",
            )

    def _as(self, grant: Grant) -> "Principal":
        return Principal(self.person, grant.role, grant.project, self.token_id, (grant,), self.kind)


def strongest(grants: Sequence[Grant]) -> Grant:
    """The grant that counts of several that hold in the same place; needs at least one."""

    def order(grant: Grant) -> tuple[bool, bool, int]:
        rules_all = grant.project is None and grant.role == "admin"
        return (not rules_all, grant.project is None, _STRENGTH.index(grant.role))

    return min(grants, key=order)


def principal_for(record: TokenRecord) -> Principal:
    """Whom a token or session stands for, before a project is named."""
    grants = record.grants or (Grant(role=record.role, project=record.project),)
    everywhere = [grant for grant in grants if grant.project is None]
    first = strongest(everywhere or grants)
    return Principal(record.person, first.role, first.project, record.id, grants, record.kind)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who asks, and the project they name, None if there is none: not yet whether it is there for
    them.
    """

    principal: Principal
    project: ProjectRecord | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token. ``secret`` is shown once and stored nowhere."""

    secret: str
    record: TokenRecord


def hash_token(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for 256 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(prefix: str) -> str:
    """32 random bytes in base 62 after a prefix that says what it is."""
    number = int.from_bytes(secrets.token_bytes(TOKEN_BYTES))
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return prefix + digits.rjust(_TOKEN_LENGTH, "0")


def new_token(
    person: str, role: Role, *, project: str | None = None, expires_at: datetime | None = None
) -> IssuedToken:
    """A token of 32 random bytes in base 62, and the record to store for it."""
    secret = new_secret(TOKEN_PREFIX)
    record = TokenRecord(
        id=f"token-{secrets.token_hex(6)}",
        prefix=secret[:PREFIX_LENGTH],
        hash=hash_token(secret),
        person=person,
        role=role,
        project=project,
        expires_at=expires_at,
    )
    return IssuedToken(secret, record)


def new_session(person: str, grants: Sequence[Grant], *, expires_at: datetime) -> IssuedToken:
    """What a browser holds after a sign-in; ``grants`` are at least one.

    Its role and project are those that count where no project is named.
    """
    secret = new_secret(SESSION_PREFIX)
    first = strongest([grant for grant in grants if grant.project is None] or grants)
    record = TokenRecord(
        id=f"session-{secrets.token_hex(6)}",
        prefix=secret[:PREFIX_LENGTH],
        hash=hash_token(secret),
        person=person,
        role=first.role,
        project=first.project,
        expires_at=expires_at,
        kind="session",
        grants=tuple(grants),
    )
    return IssuedToken(secret, record)


class _Recent:
    """What a process remembers of tokens for a minute, the longest unseen forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, token_id: str) -> int:
        """How often it was counted in its minute, this time included."""
        now_s = asyncio.get_running_loop().time()
        began_s, count = self._seen.pop(token_id, (now_s, 0))
        if now_s - began_s >= _MINUTE_S:
            began_s, count = now_s, 0
        self._seen[token_id] = (began_s, count + 1)
        while len(self._seen) > limits.TOKENS_REMEMBERED:
            self._seen.popitem(last=False)
        return count + 1


class AccessService:
    """Whose token it is, and the record of what they did with it."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._uses = _Recent()
        self._denials = _Recent()
        self._noting: set[asyncio.Task[None]] = set()

    async def issue(
        self,
        person: str,
        role: Role,
        *,
        project: str | None = None,
        expires_at: datetime | None = None,
    ) -> IssuedToken:
        """Make and store a token; its secret is in the answer and nowhere else."""
        issued = new_token(person, role, project=project, expires_at=expires_at)
        await self._access.add_token(issued.record)
        return issued

    async def authenticate(self, secret: str) -> Principal:
        """Whose token it is. Raises Unauthenticated."""
        return (await self.admit(secret, "")).principal

    async def admit(self, secret: str, project: str) -> Admission:
        """Whose token it is, and the project they name. Raises Unauthenticated."""
        record, known = await self._known(secret, TOKEN_PREFIX, project)
        if record is None:
            raise Unauthenticated(
                "The token is unknown or has expired",
                hint="Send a valid token as 'Authorization: Bearer tl_…'",
            )
        return Admission(principal_for(record), known)

    async def admit_session(self, secret: str, project: str) -> Admission:
        """Whose browser it is, and the project they name. Raises Unauthenticated."""
        record, known = await self._known(secret, SESSION_PREFIX, project)
        if record is None:
            raise Unauthenticated(
                "The sign-in is unknown or has ended", hint="Sign in again: GET /v1/sign-in"
            )
        return Admission(principal_for(record), known)

    async def _known(
        self, secret: str, prefix: str, project: str
    ) -> tuple[TokenRecord | None, ProjectRecord | None]:
        if not secret.startswith(prefix) or len(secret) != len(prefix) + _TOKEN_LENGTH:
            return None, None
        record, known = await self._access.token_and_project(hash_token(secret), project)
        if record is not None and _is_due(record) and self._uses.count(record.id) == 1:
            task = asyncio.create_task(self._note_use(record.id))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)
        return record, known

    async def _note_use(self, token_id: str) -> None:
        """Beside the request, which goes on whether or not this can be written."""
        try:
            await self._access.note_use(token_id)
        except TrunklineError as error:
            logger.warning("the last use of %s is not noted: %s", token_id, error)

    async def deny(
        self, principal: Principal, *, project: str, subject: str, request_id: str, why: str
    ) -> None:
        """Append a write that was refused, a bounded number a minute; nothing depends on it."""
        count = self._denials.count(principal.token_id)
        if count > limits.DENIALS_NOTED_PER_MINUTE:
            return
        details: dict[str, Json] = {"why": why[: limits.REASON_MAX_CHARACTERS]}
        if count == limits.DENIALS_NOTED_PER_MINUTE:
            details["more"] = "further ones of this minute are not noted"
        try:
            await self.record(
                principal,
                DENIED,
                project=project,
                subject=subject,
                request_id=request_id,
                details=details,
            )
        except TrunklineError as error:
            logger.warning("a refusal of %s is not noted: %s", subject, error)

    async def record(
        self,
        principal: Principal,
        action: str,
        *,
        project: str,
        subject: str,
        request_id: str,
        reason: str = "",
        details: dict[str, Json] | None = None,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> None:
        """Append one write to the audit log; ``before`` and ``after`` are what it changed, in a
        few keys and without secrets.
        """
        await self._access.add_audit(
            AuditRecord(
                actor=principal.person,
                role=principal.role,
                action=action,
                project=project,
                subject=subject,
                request_id=request_id,
                reason=reason,
                details=details or {},
                before=before,
                after=after,
            )
        )


def require_reason(reason: str) -> None:
    """Raises InvalidInput for a decision without words of why."""
    if not reason.strip():
        raise InvalidInput("A reason is needed: somebody will read it and wonder")


def _is_due(record: TokenRecord) -> bool:
    """Is the last use that is stored so old that this one is to be noted?"""
    used_at = record.last_used_at
    if used_at is None:
        return True
    return (datetime.now(UTC) - used_at).total_seconds() >= limits.TOKEN_USE_NOTED_EVERY_S
