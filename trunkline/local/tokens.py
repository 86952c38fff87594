"""The local stack's people: one token for each role there is, kept where only the owner reads.

The secrets are made once and used again after a restart; if the database no longer knows them,
new ones take their place.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from trunkline.adapters.postgres import PostgresStore
from trunkline.local.private_files import write_privately
from trunkline.model.errors import Unauthenticated
from trunkline.model.records import Role
from trunkline.services.access import AccessService

PEOPLE: Mapping[str, Role] = {
    "admin": "admin",
    "operator": "operator",
    "approver": "approver",
    "viewer": "viewer",
}
"""Names of people and what they may do; the admin's token reaches further projects too."""
_FILE = "tokens.json"


async def ensure(home: Path, database_url: str, project: str) -> dict[str, str]:
    """A valid token for everybody, by name."""
    path = home / _FILE
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    async with PostgresStore(database_url) as store:
        access = AccessService(store)
        tokens = {}
        for person, role in PEOPLE.items():
            secret = known.get(person, "")
            if not await _is_valid(access, secret):
                reached = None if role == "admin" else project
                secret = (await access.issue(person, role, project=reached)).secret
            tokens[person] = secret
    if tokens != known:
        write_privately(path, json.dumps(tokens, indent=2) + "\n")
    return tokens


async def _is_valid(access: AccessService, secret: str) -> bool:
    try:
        await access.authenticate(secret)
    except Unauthenticated:
        return False
    return True
