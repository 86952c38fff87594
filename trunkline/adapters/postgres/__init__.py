"""What must outlive a process, in PostgreSQL: one store behind its ports, and its migrations.

Migrating is imported from ``migrating`` by those who migrate: it is the heavier half.
"""

from trunkline.adapters.postgres.pool import StoreBounds
from trunkline.adapters.postgres.schema import require_current
from trunkline.adapters.postgres.store import PostgresStore

__all__ = ["PostgresStore", "StoreBounds", "require_current"]
