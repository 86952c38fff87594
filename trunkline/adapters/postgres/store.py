"""The store as a whole: every table behind one pool, so that a process holds one set of
connections whatever it asks for. Knows the rooms and no statement.
"""

from types import TracebackType
from typing import Self

from trunkline.adapters.postgres.access import AccessTables
from trunkline.adapters.postgres.baselines import BaselineTables
from trunkline.adapters.postgres.budgets import BudgetTables
from trunkline.adapters.postgres.call_orders import CallOrderTables
from trunkline.adapters.postgres.call_recordings import CallRecordingTables
from trunkline.adapters.postgres.call_steering import CallSteeringTables
from trunkline.adapters.postgres.calls import CallTables
from trunkline.adapters.postgres.counts import CountTables
from trunkline.adapters.postgres.deletions import DeletionTables
from trunkline.adapters.postgres.desks import DeskTables
from trunkline.adapters.postgres.ejections import EjectionTables
from trunkline.adapters.postgres.facts import FactTables
from trunkline.adapters.postgres.happenings import HappeningTables
from trunkline.adapters.postgres.idempotency import IdempotencyTables
from trunkline.adapters.postgres.imports import ImportTables
from trunkline.adapters.postgres.interventions import InterventionTables
from trunkline.adapters.postgres.judge_answers import JudgeAnswerTables
from trunkline.adapters.postgres.ledger import LedgerTables
from trunkline.adapters.postgres.looks import LookTables
from trunkline.adapters.postgres.manual_results import ManualResultTables
from trunkline.adapters.postgres.notifications import NotificationTables
from trunkline.adapters.postgres.numbers import NumberTables
from trunkline.adapters.postgres.operations import OperationTables
from trunkline.adapters.postgres.places import PlaceTables
from trunkline.adapters.postgres.pool import StoreBounds, StorePool
from trunkline.adapters.postgres.projects import ProjectTables
from trunkline.adapters.postgres.promotions import PromotionTables
from trunkline.adapters.postgres.pull_requests import PullRequestTables
from trunkline.adapters.postgres.releases import ReleaseTables
from trunkline.adapters.postgres.rollouts import RolloutTables
from trunkline.adapters.postgres.run_reports import TestRunTables
from trunkline.adapters.postgres.schema import require_current_on
from trunkline.adapters.postgres.shown import ShownTables
from trunkline.adapters.postgres.statuses import StatusTables
from trunkline.adapters.postgres.wishes import WishTables


class PostgresStore(
    LedgerTables,
    WishTables,
    NumberTables,
    LookTables,
    ProjectTables,
    StatusTables,
    ShownTables,
    OperationTables,
    ImportTables,
    InterventionTables,
    DeletionTables,
    EjectionTables,
    AccessTables,
    FactTables,
    BudgetTables,
    CountTables,
    TestRunTables,
    DeskTables,
    PlaceTables,
    JudgeAnswerTables,
    ManualResultTables,
    BaselineTables,
    PromotionTables,
    ReleaseTables,
    RolloutTables,
    PullRequestTables,
    NotificationTables,
    IdempotencyTables,
    CallTables,
    CallSteeringTables,
    CallRecordingTables,
    CallOrderTables,
    HappeningTables,
):
    """Ledger, Wishes, Projects, Statuses, Operations, Interventions
    and Access of ``ports`` on PostgreSQL.

    Use as an async context manager, or call ``open`` and ``close``. Opening succeeds without a
    server; each call then raises StoreUnavailable until it is there.
    """

    def __init__(self, database_url: str, bounds: StoreBounds | None = None) -> None:
        super().__init__(StorePool(database_url, bounds or StoreBounds()))

    async def open(self) -> None:
        """Start connecting in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def check(self) -> None:
        """Raises StoreUnavailable unless the server answers and the tables are current."""
        async with self._pool.connection() as connection:
            await require_current_on(connection)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
