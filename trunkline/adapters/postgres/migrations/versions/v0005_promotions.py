"""Promotions, the index of releases, what Git says of them, rollouts, rules in force, baselines."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PROMOTIONS = """
CREATE TABLE promotions (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    open boolean NOT NULL,
    record json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, environment, agent, number)
);
CREATE UNIQUE INDEX promotions_by_id ON promotions (project, id);
CREATE UNIQUE INDEX promotions_one_open ON promotions (project, environment, agent) WHERE open;
CREATE INDEX promotions_by_time ON promotions (project, created_at DESC, id);
CREATE INDEX promotions_by_agent ON promotions (project, agent, environment, number DESC);
"""

RELEASES = """
CREATE TABLE releases (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    record json NOT NULL,
    PRIMARY KEY (project, environment, agent, version)
);
CREATE TABLE release_standings (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    standing json NOT NULL,
    PRIMARY KEY (project, environment, agent)
);
CREATE TABLE rollouts (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    state json NOT NULL,
    checked_step integer NOT NULL DEFAULT -1,
    abort_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (project, environment, agent)
);
CREATE TABLE promotion_rules (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    rules json NOT NULL,
    PRIMARY KEY (project, environment)
);
"""

BASELINES = """
CREATE TABLE behaviour_baselines (
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    baseline json NOT NULL,
    PRIMARY KEY (project, environment, agent)
);
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in (PROMOTIONS, RELEASES, BASELINES):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "behaviour_baselines",
        "promotion_rules",
        "rollouts",
        "release_standings",
        "releases",
        "promotions",
    ):
        op.execute(f"DROP TABLE {table}")
