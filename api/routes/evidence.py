"""An agent's releases, verified anew from Git: what the command line prints with --evidence."""

from fastapi import APIRouter

from api.answers import Answer
from api.parameters import EnvironmentFilter, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.evidence_checks import CheckedRelease

router = APIRouter(prefix="/v1/projects/{project}/agents/{name}", tags=["promotions"])


class CheckedReleasesAnswer(Answer):
    """Verdicts, newest version first."""

    items: tuple[CheckedRelease, ...]


@router.get("/evidence", responses=problem_documents(400, 401, 404, 409, 422, 503))
async def check_evidence(
    services: InstalledServices,
    project: ProjectOfCaller,
    name: NameInPath,
    environment: EnvironmentFilter = None,
) -> CheckedReleasesAnswer:
    """Verify every release of an agent: its signature, that the pinned commit has the digest that
    was tested, that its tag allocated its version, and that no version is missing. Reads the whole
    history from Git, which takes seconds.
    """
    found = await services.release_checks.check(project, name, environment=environment)
    return CheckedReleasesAnswer(items=found)
