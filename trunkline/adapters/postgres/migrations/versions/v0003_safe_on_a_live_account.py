"""Decisions of people, tombstones, budgets shared by processes, and what was made of a claim."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INTERVENTIONS = """
CREATE TABLE interventions (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    verb text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    expires_at timestamptz,
    details jsonb NOT NULL,
    PRIMARY KEY (project, environment, kind, name, verb)
);
"""

TOMBSTONES = """
ALTER TABLE ledger ADD COLUMN tombstoned_at timestamptz,
    ADD COLUMN tombstone_revision text NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN tombstoned_at timestamptz,
    ADD COLUMN tombstone_revision text NOT NULL DEFAULT '',
    ADD COLUMN body json;
"""

DELETIONS = """
CREATE TABLE deletions (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    revision text NOT NULL DEFAULT '',
    permitted boolean NOT NULL,
    intended_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (project, environment, kind, name, external_id)
);
CREATE INDEX deletions_by_time ON deletions (project, environment, intended_at);
"""

BUDGETS = """
CREATE TABLE account_shares (
    account text COLLATE "C" NOT NULL,
    process text COLLATE "C" NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (account, process)
);
CREATE TABLE accounts (
    account text COLLATE "C" PRIMARY KEY,
    paused_until timestamptz,
    breaker text NOT NULL DEFAULT 'closed',
    breaker_until timestamptz,
    reason text NOT NULL DEFAULT '',
    failures integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now()
);
"""

SIGNATURES = """
ALTER TABLE sources ADD COLUMN signature text NOT NULL DEFAULT '';
"""

HELD_ITEMS = """
ALTER TABLE operation_items ADD COLUMN reason text NOT NULL DEFAULT '';
"""

IMPORTS = """
CREATE TABLE imports (
    operation_id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    report json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE imported_manifests (
    operation_id text COLLATE "C" NOT NULL REFERENCES imports ON DELETE CASCADE,
    ordinal integer NOT NULL,
    manifest json NOT NULL,
    PRIMARY KEY (operation_id, ordinal)
);
CREATE TABLE object_owners (
    account text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, kind, external_id)
);
"""

LOOKS = """
CREATE TABLE looks (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    mark text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project, environment, name)
);
"""


def upgrade() -> None:
    """Create the tables and columns."""
    op.execute(IMPORTS)
    op.execute(LOOKS)
    for statements in (INTERVENTIONS, TOMBSTONES, DELETIONS, BUDGETS, SIGNATURES, HELD_ITEMS):
        op.execute(statements)
