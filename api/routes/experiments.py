"""Experiments: a second version that answers a share of the calls, and how both do."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from api.actions import needs
from api.answers import Answer, Name
from api.deciding import Deciding
from api.parameters import EnvironmentFilter, NameInPath
from api.problems import problem_documents
from api.routes.testing import Names
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.base import Frozen
from trunkline.model.testing import limits as testing_limits
from trunkline.model.testing.experiments import SideBySide
from trunkline.services.experiments import ExperimentOrder, ExperimentView

router = APIRouter(prefix="/v1/projects/{project}", tags=["promotions"])

_READ = problem_documents(400, 401, 404, 409, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)


class ExperimentStart(Frozen):
    """Begin an experiment: ``against`` is a version that was released before, ``percent`` its share
    of the calls.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "production", "against": 6, "percent": 20}}
    )

    environment: Name | None = None
    against: Annotated[int, Field(ge=1)]
    percent: Annotated[int, Field(ge=1, le=99)]


class ExperimentTests(Frozen):
    """Test both versions by the tests with any of the tags; none means all of them."""

    model_config = ConfigDict(json_schema_extra={"example": {"tags": ["smoke"], "repeat": 10}})

    environment: Name | None = None
    tags: Names = ()
    repeat: Annotated[int, Field(ge=1, le=testing_limits.TEST_RUNS_MAX)] | None = None


class ExperimentShare(Answer):
    """The second version and its share in percent."""

    version: int
    revision: str
    digest: str
    percent: int


class ExperimentAnswer(Answer):
    """What runs side by side. ``version`` is the release's, ``baseVersion`` the one its closure was
    first released as; ``experiment`` is null while one version answers every call. ``pending``
    says why a newer commit does not count. ``results`` are of the newest tests of both;
    ``testing``: newer ones are running.
    """

    environment: str
    agent: str
    version: int
    base_version: int
    experiment: ExperimentShare | None
    pending: str
    results: SideBySide | None
    testing: bool


class ExperimentRuns(Answer):
    """The two runs of tests that were started."""

    items: tuple[str, str]


@router.get("/agents/{name}/experiment", responses=_READ)
async def read_experiment(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> ExperimentAnswer:
    """What runs side by side, and the newest results of both."""
    return _answer(await services.experiments.read(project, name, environment=environment))


@router.post(
    "/agents/{name}/experiment",
    status_code=202,
    responses=_WRITE,
    openapi_extra=needs("experiment.start"),
)
async def start_experiment(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ExperimentStart,
) -> ExperimentAnswer:
    """Commit a release with the experiment. Needs the role operator, and an open window."""
    return _answer(
        await services.experiments.start(
            by,
            project,
            name,
            ExperimentOrder(against=order.against, percent=order.percent),
            environment=order.environment,
        )
    )


@router.delete(
    "/agents/{name}/experiment",
    status_code=202,
    responses=_WRITE,
    openapi_extra=needs("experiment.stop"),
)
async def stop_experiment(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> ExperimentAnswer:
    """Commit a release without it. Needs the role operator; no window stands in its way."""
    return _answer(await services.experiments.stop(by, project, name, environment=environment))


@router.post(
    "/agents/{name}/experiment/test-runs",
    status_code=202,
    responses=_WRITE,
    openapi_extra=needs("test.run"),
)
async def test_experiment(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: ExperimentTests,
) -> ExperimentRuns:
    """Run the same tests of both versions. Nothing live changes. Needs the role operator."""
    return ExperimentRuns(
        items=await services.experiments.test(
            by,
            project,
            name,
            environment=order.environment,
            tags=order.tags,
            repeat=order.repeat,
        )
    )


def _answer(found: ExperimentView) -> ExperimentAnswer:
    said = found.experiment
    return ExperimentAnswer(
        environment=found.environment,
        agent=found.agent,
        version=found.version,
        base_version=found.base_version,
        experiment=None
        if said is None
        else ExperimentShare.model_validate(said.model_dump(by_alias=False)),
        pending=found.pending,
        results=found.results,
        testing=found.testing,
    )
