"""``tokens create --database``: a token without a server, for the first admin there ever is.

Whoever may write the database may do everything anyway; this is how they hand out the first token,
and how they get back in when all are lost.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.administration import print_issued
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import DocumentFormat
from trunkline.model.base import JsonObject
from trunkline.model.records import Role
from trunkline.services.access import AccessService, IssuedToken, Principal
from trunkline.services.tokens import bounded_end, said
from trunkline.settings import load_settings

KEEPER = Principal("DATABASE_URL", "admin")
"""Who the audit log says did it."""


def create_in_database(
    person: str,
    role: Role,
    *,
    project: str | None,
    expires_in: timedelta | None,
    reason: str,
    style: DocumentFormat,
) -> ExitCode:
    """Make a token in DATABASE_URL and print it.

    Raises InvalidSettings, StoreUnavailable, InvalidInput for more than the settings allow.
    """
    now = datetime.now(UTC)
    wanted = None if expires_in is None else now + expires_in
    settings = load_settings()
    expires_at = bounded_end(wanted, now, settings.token_max_age)
    address = settings.database()
    issued = asyncio.run(_issue(address, person, role, project, expires_at, reason))
    record = issued.record.model_dump(mode="json", by_alias=True, exclude={"hash"})
    shown: JsonObject = {**record, "secret": issued.secret}
    print_issued(shown, style)
    return ExitCode.DONE


async def _issue(
    address: str,
    person: str,
    role: Role,
    project: str | None,
    expires_at: datetime | None,
    reason: str,
) -> IssuedToken:
    async with PostgresStore(address) as store:
        await store.check()
        access = AccessService(store)
        issued = await access.issue(person, role, project=project, expires_at=expires_at)
        await access.record(
            KEEPER,
            "token.create",
            project=project or "",
            subject=issued.record.id,
            request_id=f"database-{secrets.token_hex(4)}",
            reason=reason,
            details={"person": person, "role": role},
            after=said(issued.record),
        )
    return issued
