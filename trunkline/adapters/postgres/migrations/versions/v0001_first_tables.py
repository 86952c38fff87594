"""The first tables: projects and their Git, wishes, ledger, claims, statuses, operations, access.

Keys compare byte by byte (collation C), so that pages have one order on every server.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SOURCES = """
CREATE TABLE projects (
    name text COLLATE "C" PRIMARY KEY,
    repository text NOT NULL,
    branch text NOT NULL,
    poll_interval_s double precision NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sources (
    project text COLLATE "C" PRIMARY KEY,
    seen_revision text,
    applied_revision text,
    author text NOT NULL,
    subject text NOT NULL,
    conditions jsonb NOT NULL,
    problems jsonb NOT NULL,
    manifest json,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE wishes (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    wish_digest text NOT NULL,
    body_digest text NOT NULL,
    revision text NOT NULL,
    body json NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    declared boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project, environment, kind, name)
);
CREATE INDEX wishes_undeclared ON wishes (project, environment, kind, name) WHERE NOT declared;
CREATE INDEX wishes_numbers ON wishes (project, environment, (body->>'agent'))
    WHERE kind = 'number';
CREATE TABLE contents (
    digest text COLLATE "C" PRIMARY KEY,
    content bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
"""

LEDGER = """
CREATE TABLE ledger (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    account text NOT NULL,
    nonce text,
    external_id text,
    digest text,
    rendered_digest text,
    applied json NOT NULL,
    defaults json NOT NULL,
    version_id text,
    attempt_number integer,
    attempt_started_at timestamptz,
    attempt_deadline_at timestamptz,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, environment, kind, name)
);
CREATE TABLE claims (
    account text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    claimant text NOT NULL,
    external_id text,
    fingerprint text,
    attempt_number integer,
    attempt_started_at timestamptz,
    attempt_deadline_at timestamptz,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, project, environment, kind, name, digest)
);
"""

STATUSES = """
CREATE TABLE statuses (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    status jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, kind, name, environment)
);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    revision text,
    details jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_of_project ON events (project, id);
CREATE INDEX events_of_subject ON events (project, name, id);
"""

OPERATIONS = """
CREATE TABLE operations (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    requested_by text NOT NULL,
    message text NOT NULL,
    plan_id text,
    sealed boolean NOT NULL DEFAULT false,
    total integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    unknown integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE TABLE operation_items (
    operation_id text COLLATE "C" NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    environment text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    state text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (operation_id, environment, kind, name)
);
CREATE TABLE plans (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    revision text,
    plan json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

ACCESS = """
CREATE TABLE tokens (
    id text COLLATE "C" PRIMARY KEY,
    prefix text NOT NULL,
    hash text COLLATE "C" NOT NULL UNIQUE,
    person text NOT NULL,
    role text NOT NULL,
    project text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    project text NOT NULL,
    subject text NOT NULL,
    request_id text NOT NULL,
    reason text NOT NULL,
    details jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


def upgrade() -> None:
    """Create every table."""
    for statements in (SOURCES, LEDGER, STATUSES, OPERATIONS, ACCESS):
        op.execute(statements)
