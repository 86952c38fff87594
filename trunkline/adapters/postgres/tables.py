"""What every group of tables has: the pool they share."""

from trunkline.adapters.postgres.pool import StorePool


class Tables:
    """A group of tables; it borrows connections and never keeps one."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool
