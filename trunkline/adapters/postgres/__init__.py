"""What must outlive a process, in PostgreSQL: one store behind six ports, and its migrations."""

from trunkline.adapters.postgres.pool import StoreBounds
from trunkline.adapters.postgres.schema import migrate, require_current
from trunkline.adapters.postgres.store import PostgresStore

__all__ = ["PostgresStore", "StoreBounds", "migrate", "require_current"]
