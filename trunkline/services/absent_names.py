"""What a name nobody knows may have been meant to be, for whoever mistyped it."""

from trunkline.manifests.suggestions import nearest
from trunkline.model import limits
from trunkline.model.errors import NotFound
from trunkline.ports import Statuses

NOT_READ_YET = "A name exists once a valid commit with it was read from Git"
NOT_RELEASED_YET = "An environment of releases knows it from its first release on"
_PLACES = 20
"""Environments that are looked for: more would fill no sentence."""


async def absent(
    statuses: Statuses, project: str, name: str, environment: str | None, *, what: str
) -> NotFound:
    """The error for a name that is not there, with where it is, else with the nearest one.

    Looks at the first page of a project's agents and numbers: a suggestion is not worth more.
    """
    known: set[str] = set()
    elsewhere: set[str] = set()
    for kind in ("agent", "number") if "number" in what else ("agent",):
        rows = await statuses.statuses(
            project, environment=environment, kind=kind, limit=limits.API_PAGE_MAX
        )
        known.update(row.name for row in rows)
        rows = await statuses.statuses(project, kind=kind, after=f"{kind}/{name}/", limit=_PLACES)
        elsewhere.update(row.environment for row in rows if row.name == name)
    if environment and elsewhere:
        hint = f"It is in {', '.join(sorted(elsewhere))}. {NOT_RELEASED_YET}"
    else:
        meant = nearest(name, known)
        hint = f"Did you mean {meant}?" if meant else NOT_READ_YET
    where = f" in {environment}" if environment else ""
    return NotFound(
        f"There is no {what} {name!r}{where} in project {project!r}",
        hint=hint,
    )
