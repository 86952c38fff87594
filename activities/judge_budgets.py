"""Whether a judge may still be asked: the day's budget for tests holds in the middle of a run too.

A run that began within the budget may turn out dearer than it was estimated. Its conversations go
on, because a platform bills them anyway; what is left to be judged stays open.
"""

from datetime import timedelta

from activities.judging import Allowed
from trunkline.model.kinds.project import Project
from trunkline.ports import Clock, Wishes
from trunkline.ports.testing import RunReports

A_DAY = timedelta(days=1)


def within_the_day(wishes: Wishes, reports: RunReports, clock: Clock, project: str) -> Allowed:
    """Answers each vote: true unless the project's tests have cost more than a day may cost.

    A running run counts as it was estimated until it has cost more, votes included, so the price of
    the vote itself is not added.
    """

    async def allowed(_usd: float) -> bool:
        manifest = await wishes.project_manifest(project)
        budget = Project.model_validate(manifest).spec.budgets.tests_per_day if manifest else None
        if budget is None:
            return True
        return await reports.spent_usd(project, clock.now() - A_DAY) <= budget.usd

    return allowed
