"""Schedules that test released agents again, kept to what the Project manifest says."""

from datetime import timedelta

from temporalio.client import Client

from activities.names import RETEST_WORKFLOW
from activities.schedules import Recurring, drop_schedule, put_schedule
from activities.testing_types import RetestInput
from activities.types import Timing
from trunkline.model.ids import retest_id
from trunkline.model.kinds.project import Environment

CATCH_UP = timedelta(hours=1)
"""A retest that was missed for a restart is made up for, and days of an outage are not."""


class RetestSchedules:
    """One Temporal Schedule per environment whose promotions say `retest`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ensure(self, project: str, environment: Environment, timing: Timing) -> None:
        """Create, change or drop the schedule of an environment. Raises EngineUnavailable."""
        promotion = environment.promotion
        if promotion is None or promotion.retest is None:
            await self.drop(project, environment.name)
            return
        await put_schedule(
            self._client,
            Recurring(
                place=retest_id(project, environment.name),
                workflow=RETEST_WORKFLOW,
                order=RetestInput(project=project, environment=environment.name, timing=timing),
                every=promotion.retest.every,
                summary=f"Test what {environment.name} runs again",
                catch_up=CATCH_UP,
            ),
        )

    async def drop(self, project: str, environment: str) -> None:
        """Remove the schedule; nothing if there is none. Raises EngineUnavailable."""
        await drop_schedule(self._client, retest_id(project, environment))
