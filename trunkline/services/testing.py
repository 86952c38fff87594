"""Conversation tests on request: started, listed, read, cancelled. Roles and audit are kept here.

A run is carried out by its own workflow; its row is there from the start, so that whoever asked
can look at it at once, whatever Temporal does.
"""

import secrets

from activities.testing_types import TestRunInput
from trunkline.model.base import Frozen, Json
from trunkline.model.errors import EngineUnavailable, NotFound
from trunkline.model.kinds.conversation import Mode
from trunkline.model.testing import limits as testing_limits
from trunkline.model.testing.results import TestRunReport
from trunkline.ports.testing import RunReports
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.pages import Page, key_cursor, parse_key
from trunkline.services.projects import ProjectService


class TestOrder(Frozen):
    """Which tests somebody wants, and how; what is empty does not restrict.

    ``branch`` is of the repository; ``repeat`` and ``mode`` stand in for what the tests say;
    ``compare`` is an environment whose agents results are compared with.
    """

    __test__ = False

    environment: str = ""
    branch: str = ""
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    repeat: int | None = None
    mode: Mode | None = None
    runner: str = "conversations"
    compare: str = ""


class TestRunService:
    """Runs of tests. Every method takes a project that was found for the caller."""

    __test__ = False

    def __init__(
        self,
        reports: RunReports,
        *,
        projects: ProjectService,
        access: AccessService,
        engine: Engine,
    ) -> None:
        self._reports = reports
        self._projects = projects
        self._access = access
        self._engine = engine

    async def start(
        self, principal: Principal, project: str, order: TestOrder, *, request_id: str
    ) -> TestRunReport:
        """Start a run. Raises Forbidden, InvalidInput, EngineUnavailable."""
        principal.require("test.run")
        for environment in filter(None, (order.environment, order.compare)):
            await self._projects.require_environment(project, environment, applied=True)
        run_id = f"tests-{secrets.token_hex(8)}"
        details: dict[str, Json] = {"run": run_id, **order.model_dump(mode="json")}
        await self._access.record(
            principal,
            "test.run",
            project=project,
            subject=", ".join(order.tests or order.agents) or project,
            request_id=request_id,
            details=details,
        )
        report = TestRunReport.model_validate(
            {
                "id": run_id,
                "project": project,
                "environment": order.environment,
                "requested_by": principal.person,
                "runner": order.runner,
                "agents": order.agents,
            }
        )
        await self._reports.open_run(report)
        request = TestRunInput.model_validate(
            {
                **order.model_dump(by_alias=False, exclude={"mode"}),
                "mode": order.mode or "",
                "run_id": run_id,
                "project": project,
                "requested_by": principal.person,
                "request_id": request_id,
            }
        )
        try:
            await self._engine.test_run(request)
        except EngineUnavailable as error:
            await self._reports.finish_run(
                report.model_copy(
                    update={
                        "state": "Finished",
                        "outcome": "inconclusive",
                        "reason": error.reason,
                        "message": error.message,
                    }
                )
            )
            raise
        return await self.read(project, run_id)

    async def cancel(
        self, principal: Principal, project: str, run_id: str, *, request_id: str
    ) -> TestRunReport:
        """Ask a run to end; one that has ended stays as it is.

        Raises Forbidden, NotFound, EngineUnavailable.
        """
        principal.require("test.run")
        report = await self.read(project, run_id)
        if report.state != "Running":
            return report
        await self._access.record(
            principal, "test.cancel", project=project, subject=run_id, request_id=request_id
        )
        if not await self._engine.cancel_test_run(project, run_id):
            words = "its workflow is not there any more"
            await self._reports.finish_run(
                report.model_copy(update={"state": "Cancelled", "message": words})
            )
        return await self.read(project, run_id)

    async def read(self, project: str, run_id: str) -> TestRunReport:
        """One run with everything that was said. Raises NotFound."""
        report = await self._reports.run_report(run_id)
        if report is None or report.project != project:
            raise NotFound(f"There is no test run {run_id!r} in project {project!r}")
        return report

    async def page(
        self, project: str, *, agent: str | None, cursor: str | None, limit: int
    ) -> Page[TestRunReport]:
        """Runs without transcripts, newest first."""
        after = parse_key(cursor)
        size = min(limit, testing_limits.TEST_RUNS_PAGE_MAX)
        found = await self._reports.run_reports(project, agent=agent, after=after, limit=size)
        last = len(found) < size
        return Page(items=found, cursor=None if last else key_cursor(found[-1].id))
