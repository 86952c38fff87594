"""Who is asking, what they may do, and the record of what they did.

Tokens are kept as hashes only, so that a stolen database opens no door; a project that is not
theirs does not exist for a caller, so that names cannot be guessed from the difference.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from trunkline.model.base import Json
from trunkline.model.errors import Forbidden, InvalidInput, Unauthenticated
from trunkline.model.records import AuditRecord, Role, TokenRecord
from trunkline.model.roles import ALLOWED, Action, roles_for
from trunkline.ports import Access

TOKEN_PREFIX = "tl_"  # noqa: S105 - the visible beginning of every token, no secret
TOKEN_BYTES = 32
PREFIX_LENGTH = len(TOKEN_PREFIX) + 6

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 43


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking; ``project`` None reaches every project."""

    person: str
    role: Role
    project: str | None = None
    token_id: str = ""

    def reaches(self, project: str) -> bool:
        """True if the project exists for this caller."""
        return self.project is None or self.project == project

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


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token. ``secret`` is shown once and stored nowhere."""

    secret: str
    record: TokenRecord


def hash_token(secret: str) -> str:
    """SHA-256 in hexadecimal: enough for 256 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_token(
    person: str, role: Role, *, project: str | None = None, expires_at: datetime | None = None
) -> IssuedToken:
    """A token of 32 random bytes in base 62, and the record to store for it."""
    number = int.from_bytes(secrets.token_bytes(TOKEN_BYTES))
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    secret = TOKEN_PREFIX + digits.rjust(_TOKEN_LENGTH, "0")
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


class AccessService:
    """Whose token it is, and the record of what they did with it."""

    def __init__(self, access: Access) -> None:
        self._access = access

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
        record = None
        if secret.startswith(TOKEN_PREFIX) and len(secret) == len(TOKEN_PREFIX) + _TOKEN_LENGTH:
            record = await self._access.token(hash_token(secret))
        if record is None:
            raise Unauthenticated(
                "The token is unknown or has expired",
                hint="Send a valid token as 'Authorization: Bearer tl_…'",
            )
        return Principal(record.person, record.role, record.project, record.id)

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
    ) -> None:
        """Append one write to the audit log."""
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
            )
        )


def require_reason(reason: str) -> None:
    """Raises InvalidInput for a decision without words of why."""
    if not reason.strip():
        raise InvalidInput("A reason is needed: somebody will read it and wonder")
