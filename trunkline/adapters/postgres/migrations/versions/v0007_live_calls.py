"""Calls, what happens in them, what they are told, and calls that were asked for. Beside them an
audit log that nobody empties, and ways to old notifications and to those that failed.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CALLS = """
CREATE TABLE calls (
    project text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    version integer NOT NULL DEFAULT 0,
    direction text NOT NULL,
    state text NOT NULL,
    carrier_account text COLLATE "C" NOT NULL DEFAULT '',
    carrier_call_id text COLLATE "C" NOT NULL DEFAULT '',
    conversation_id text COLLATE "C" NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    holder text COLLATE "C",
    heard_of_at timestamptz,
    event_seq integer NOT NULL DEFAULT 0,
    transcript_kept boolean NOT NULL DEFAULT true,
    recording_kept boolean NOT NULL DEFAULT false,
    settled boolean NOT NULL DEFAULT false,
    record json NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, id)
);
CREATE INDEX calls_by_start ON calls (project, started_at DESC, id);
CREATE INDEX calls_by_agent ON calls (project, agent, started_at DESC, id);
CREATE INDEX calls_active ON calls (project, started_at DESC, id) WHERE ended_at IS NULL;
CREATE INDEX calls_unsettled ON calls (project, ended_at)
    WHERE NOT settled AND ended_at IS NOT NULL;
CREATE INDEX calls_with_transcript ON calls (project, ended_at) WHERE transcript_kept;
CREATE INDEX calls_with_recording ON calls (project, ended_at) WHERE recording_kept;
CREATE UNIQUE INDEX calls_by_carrier ON calls (carrier_account, carrier_call_id)
    WHERE carrier_call_id <> '';
CREATE INDEX calls_by_conversation ON calls (conversation_id) WHERE conversation_id <> '';
"""

EVENTS = """
CREATE TABLE call_events (
    project text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (project, call_id, seq)
);
CREATE INDEX call_events_of_project ON call_events (project, id);
CREATE FUNCTION number_call_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id IS NULL THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('events/' || NEW.project, 0));
        NEW.id := nextval(pg_get_serial_sequence('events', 'id'));
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER call_events_are_numbered BEFORE INSERT ON call_events
    FOR EACH ROW EXECUTE FUNCTION number_call_event();
CREATE FUNCTION tell_call_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('trunkline_calls', json_build_array(
        NEW.project, NEW.call_id, NEW.seq, NEW.name)::text);
    RETURN NEW;
END
$$;
CREATE TRIGGER call_events_are_told AFTER INSERT ON call_events
    FOR EACH ROW EXECUTE FUNCTION tell_call_event();
"""
"""Numbers come from the events' own sequence and under their lock, so that whoever follows a
project reads both in one order and nothing appears behind their back.
"""

STEERING = """
CREATE TABLE call_slots (
    project text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    slot text COLLATE "C" NOT NULL,
    value text,
    revision integer NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    expires_at timestamptz,
    given_at timestamptz,
    PRIMARY KEY (project, call_id, slot)
);
CREATE TABLE call_commands (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    body json NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    done_at timestamptz,
    failure text NOT NULL DEFAULT ''
);
CREATE INDEX call_commands_open ON call_commands (project, call_id, id) WHERE done_at IS NULL;
CREATE FUNCTION tell_call_command() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('trunkline_call_commands', NEW.project || '/' || NEW.call_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER call_commands_are_told AFTER INSERT ON call_commands
    FOR EACH ROW EXECUTE FUNCTION tell_call_command();
"""

RECORDINGS = """
CREATE TABLE call_recordings (
    project text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    part integer NOT NULL,
    caller bytea NOT NULL,
    agent bytea NOT NULL,
    PRIMARY KEY (project, call_id, part)
);
CREATE TABLE seen_requests (
    digest text COLLATE "C" PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX seen_requests_by_time ON seen_requests (seen_at);
"""

ORDERS = """
CREATE TABLE call_orders (
    project text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    open boolean NOT NULL,
    record json NOT NULL,
    asked_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, id),
    UNIQUE (project, idempotency_key)
);
CREATE INDEX call_orders_by_time ON call_orders (project, asked_at DESC, id);
CREATE INDEX call_orders_open ON call_orders (project, asked_at DESC, id) WHERE open;
CREATE TABLE do_not_call (
    project text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (project, number)
);
CREATE TABLE native_call_cursors (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    read_until timestamptz NOT NULL,
    PRIMARY KEY (project, environment)
);
"""

ACCESS = """
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
"""

NOTIFICATIONS = """
CREATE INDEX notifications_by_time ON notifications (created_at);
CREATE INDEX notifications_failed ON notifications (project, recipient, event_id)
    WHERE news IS NOT NULL AND state IN ('refused', 'unanswered', 'sending');
"""


def upgrade() -> None:
    """Add the tables, and what tables of before were lacking."""
    for statements in (CALLS, EVENTS, STEERING, RECORDINGS, ORDERS, ACCESS, NOTIFICATIONS):
        op.execute(statements)


def downgrade() -> None:
    """Take them away, with what is in them."""
    for statement in (
        "DROP INDEX notifications_failed",
        "DROP INDEX notifications_by_time",
        "DROP TRIGGER audit_is_not_emptied ON audit",
        "DROP TABLE native_call_cursors",
        "DROP TABLE do_not_call",
        "DROP TABLE call_orders",
        "DROP TABLE seen_requests",
        "DROP TABLE call_recordings",
        "DROP TABLE call_commands",
        "DROP FUNCTION tell_call_command()",
        "DROP TABLE call_slots",
        "DROP TABLE call_events",
        "DROP FUNCTION tell_call_event()",
        "DROP FUNCTION number_call_event()",
        "DROP TABLE calls",
    ):
        op.execute(statement)
