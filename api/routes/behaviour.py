"""How released agents behave beside how they did, and testing one again."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import ConfigDict

from api.actions import needs
from api.answers import Answer, Name
from api.deciding import Deciding
from api.parameters import EnvironmentFilter, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.base import Frozen
from trunkline.model.durations import format_duration
from trunkline.model.testing.baselines import Baseline, Retest, TestCounts
from trunkline.services.behaviour import BehaviourView

router = APIRouter(prefix="/v1/projects/{project}", tags=["tests"])

_READ = problem_documents(400, 401, 404, 409, 422, 503)
_WRITE = problem_documents(400, 401, 403, 404, 409, 413, 422, 503)


class RetestOrder(Frozen):
    """Test a released agent again; ``environment`` may be left out if only one runs releases."""

    model_config = ConfigDict(json_schema_extra={"example": {"environment": "production"}})

    environment: Name | None = None


class RetestPolicyAnswer(Answer):
    """What the Project says: how often, by which tests, how many runs of each."""

    every: str
    tags: tuple[str, ...]
    runs: int


class BaselineAnswer(Answer):
    """What the agent did when it was as released; ``retests`` are counted in it."""

    digest: str
    since_version: int
    retests: int
    tests: tuple[TestCounts, ...]


class BehaviourMarkAnswer(Answer):
    """Since when it is worse, and the failing lines."""

    message: str
    since: datetime
    lines: tuple[str, ...] = ()


class BehaviourAnswer(Answer):
    """Behaviour of one released agent. ``drifted`` is null while it does as it did; ``last`` is the
    newest retest of all. ``running``: a retest somebody asked for goes on, null while Temporal does
    not say so; ``said`` is what their last one came to.
    """

    environment: str
    agent: str
    version: int
    policy: RetestPolicyAnswer | None
    baseline: BaselineAnswer | None
    last: Retest | None
    drifted: BehaviourMarkAnswer | None
    running: bool | None
    said: str


@router.get("/agents/{name}/behaviour", responses=_READ)
async def read_behaviour(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> BehaviourAnswer:
    """The baseline of what is released, and the last retest beside it."""
    return _answer(await services.behaviour.read(project, name, environment=environment))


@router.post(
    "/agents/{name}/retest", status_code=202, responses=_WRITE, openapi_extra=needs("test.run")
)
async def retest(
    services: InstalledServices,
    by: Deciding,
    project: ProjectOfCaller,
    name: NameInPath,
    order: RetestOrder,
) -> BehaviourAnswer:
    """Test what is released again now. Nothing live changes. Needs the role operator."""
    return _answer(
        await services.behaviour.retest(by, project, name, environment=order.environment)
    )


def _answer(found: BehaviourView) -> BehaviourAnswer:
    policy, mark = found.policy, found.mark
    lines = mark.details.get("lines") if mark is not None else None
    return BehaviourAnswer(
        environment=found.environment,
        agent=found.agent,
        version=found.version,
        policy=None
        if policy is None
        else RetestPolicyAnswer(
            every=format_duration(policy.every), tags=policy.tags, runs=policy.runs
        ),
        baseline=_baseline(found.baseline),
        last=found.baseline.last if found.baseline is not None else None,
        drifted=None
        if mark is None
        else BehaviourMarkAnswer(
            message=mark.reason,
            since=mark.at,
            lines=tuple(str(line) for line in lines) if isinstance(lines, list) else (),
        ),
        running=found.running,
        said=found.said,
    )


def _baseline(found: Baseline | None) -> BaselineAnswer | None:
    if found is None:
        return None
    return BaselineAnswer(
        digest=found.digest,
        since_version=found.version,
        retests=found.retests,
        tests=found.tests,
    )
