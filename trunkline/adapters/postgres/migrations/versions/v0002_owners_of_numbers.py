"""One owner for a phone number of an account, whichever projects and environments wish for it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OWNERS = """
CREATE TABLE number_owners (
    account text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    project text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE INDEX number_owners_of_wish ON number_owners (project, environment, name);
CREATE INDEX wishes_for_number ON wishes ((body->>'number')) WHERE kind = 'number';
"""


def upgrade() -> None:
    """Create the table, and find wishes by their number."""
    op.execute(OWNERS)
