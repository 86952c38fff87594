"""What a name nobody knows may have been meant to be, for whoever mistyped it."""

from trunkline.manifests.suggestions import nearest
from trunkline.model import limits
from trunkline.model.errors import NotFound
from trunkline.ports import Statuses

NOT_READ_YET = "A name exists once a valid commit with it was read from Git"


async def absent(
    statuses: Statuses, project: str, name: str, environment: str | None, *, what: str
) -> NotFound:
    """The error for a name that is not there, with the nearest one that is.

    Looks at the first page of a project's agents and numbers: a suggestion is not worth more.
    """
    known: set[str] = set()
    for kind in ("agent", "number") if "number" in what else ("agent",):
        rows = await statuses.statuses(
            project, environment=environment, kind=kind, limit=limits.API_PAGE_MAX
        )
        known.update(row.name for row in rows)
    meant = nearest(name, known)
    where = f" in {environment}" if environment else ""
    return NotFound(
        f"There is no {what} {name!r}{where} in project {project!r}",
        hint=f"Did you mean {meant}?" if meant else NOT_READ_YET,
    )
