"""Sign-ins, what writes changed, repeated requests, pull requests, notifications, and news."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ACCESS = """
ALTER TABLE tokens ADD COLUMN last_used_at timestamptz;
ALTER TABLE tokens ADD COLUMN kind text NOT NULL DEFAULT 'token';
ALTER TABLE tokens ADD COLUMN grants json NOT NULL DEFAULT '[]';
ALTER TABLE audit ADD COLUMN before json;
ALTER TABLE audit ADD COLUMN after json;
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to';
END
$$;
CREATE TRIGGER audit_is_appended_to BEFORE UPDATE OR DELETE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
"""

IDEMPOTENCY = """
CREATE TABLE idempotent_requests (
    token_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    request_digest text COLLATE "C" NOT NULL,
    status integer,
    headers json,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (token_id, key)
);
CREATE INDEX idempotent_requests_by_time ON idempotent_requests (created_at);
"""

PULL_REQUESTS = """
CREATE TABLE pull_requests (
    project text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    open boolean NOT NULL,
    record json NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, number)
);
CREATE INDEX pull_requests_open ON pull_requests (project, number) WHERE open;
"""

NOTIFICATIONS = """
CREATE TABLE notification_cursors (
    project text COLLATE "C" PRIMARY KEY,
    event_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE notifications (
    project text COLLATE "C" NOT NULL,
    event_id bigint NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    message text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    batch bigint NOT NULL DEFAULT 0,
    told_with bigint,
    news json,
    PRIMARY KEY (project, event_id, recipient)
);
CREATE INDEX notifications_by_topic ON notifications (project, recipient, topic, event_id DESC);
CREATE INDEX notifications_open ON notifications (project, recipient, event_id)
    WHERE state IN ('held', 'overflow', 'sending');
CREATE INDEX notifications_told ON notifications (project, recipient, event_id DESC)
    WHERE news IS NOT NULL;
"""

STATUSES = """
CREATE INDEX statuses_by_label ON statuses USING gin ((status->'labels') jsonb_path_ops);
"""

NEWS = """
CREATE FUNCTION tell_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE one text;
BEGIN
    FOR one IN SELECT DISTINCT project FROM added LOOP
        PERFORM pg_notify('trunkline_events', one);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_are_told AFTER INSERT ON events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tell_of_events();
"""


def upgrade() -> None:
    """Create the tables and triggers."""
    for statement in (ACCESS, IDEMPOTENCY, PULL_REQUESTS, NOTIFICATIONS, STATUSES, NEWS):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for statement in (
        "DROP TRIGGER events_are_told ON events",
        "DROP FUNCTION tell_of_events()",
        "DROP INDEX statuses_by_label",
        "DROP TABLE notifications",
        "DROP TABLE notification_cursors",
        "DROP TABLE pull_requests",
        "DROP TABLE idempotent_requests",
        "DROP TRIGGER audit_is_appended_to ON audit",
        "DROP FUNCTION refuse_change_of_audit()",
        "ALTER TABLE audit DROP COLUMN before, DROP COLUMN after",
        "ALTER TABLE tokens DROP COLUMN last_used_at, DROP COLUMN kind, DROP COLUMN grants",
    ):
        op.execute(statement)
