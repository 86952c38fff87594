"""Conversation tests: runs and results, desks of tools, answers of judges, manual results."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RUNS = """
CREATE TABLE test_runs (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agents text[] COLLATE "C" NOT NULL DEFAULT '{}',
    report json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX test_runs_by_time ON test_runs (project, created_at DESC, id);
CREATE TABLE test_results (
    run_id text COLLATE "C" NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    agent text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    result json NOT NULL,
    summary json NOT NULL,
    PRIMARY KEY (run_id, agent, name)
);
CREATE TABLE test_parts (
    run_id text COLLATE "C" NOT NULL REFERENCES test_runs ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body json NOT NULL,
    PRIMARY KEY (run_id, kind, key)
);
CREATE TABLE test_spending (
    project text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    usd double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX test_spending_by_time ON test_spending (project, at);
"""

DESKS = """
CREATE TABLE desks (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    token_digest text COLLATE "C" NOT NULL UNIQUE,
    desk json NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE TABLE desk_calls (
    desk_id text COLLATE "C" NOT NULL REFERENCES desks ON DELETE CASCADE,
    ordinal integer NOT NULL,
    call json NOT NULL,
    PRIMARY KEY (desk_id, ordinal)
);
"""

JUDGES = """
CREATE TABLE judge_answers (
    key text COLLATE "C" PRIMARY KEY,
    answer json NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
"""

TALKS = """
CREATE TABLE talk_places (
    account text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account, holder)
);
"""

HOLDS = """
CREATE TABLE test_holds (
    project text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    held json NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (key, holder)
);
CREATE INDEX test_holds_by_holder ON test_holds (project, holder);
"""

MANUAL = """
CREATE TABLE manual_results (
    id text COLLATE "C" PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    result json NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX manual_results_by_time ON manual_results (project, agent, at DESC, id);
"""


def upgrade() -> None:
    """Create the tables."""
    for statements in (RUNS, DESKS, JUDGES, TALKS, HOLDS, MANUAL):
        op.execute(statements)
