"""What people may know of pull requests and their checks: pages of them, and one by its number.

Only read: what is done about a pull request is said on its forge, where its author sees it.
"""

from trunkline.model import limits
from trunkline.model.errors import NotFound
from trunkline.model.pull_requests import PullRequestRecord
from trunkline.ports.forges import PullRequests
from trunkline.services.pages import Page, before_cursor, parse_before


class PullRequestService:
    """Pull requests. Every method takes a project that was found for the caller."""

    def __init__(self, pulls: PullRequests) -> None:
        self._pulls = pulls

    async def page(
        self,
        project: str,
        *,
        open_only: bool = False,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[PullRequestRecord]:
        """The newest first. Raises InvalidInput for a cursor of somebody else's."""
        rows = await self._pulls.pull_request_records(
            project, open_only=open_only, before=parse_before(cursor), limit=limit
        )
        last = rows[-1].number if len(rows) == limit else None
        return Page(rows, before_cursor(last))

    async def read(self, project: str, number: int) -> PullRequestRecord:
        """One. Raises NotFound for one that was never looked at."""
        found = await self._pulls.pull_request_record(project, number)
        if found is None:
            raise NotFound(f"No pull request {number} of project {project!r} was looked at")
        return found
