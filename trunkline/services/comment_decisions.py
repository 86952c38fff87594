"""What a person decides by a comment on a pull request, by the very rules that hold elsewhere.

The forge said who wrote it and the server's settings whom that is; from here on it is a request
like any other of that person, with the role they have here.
"""

from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.limits import PROMOTIONS_PER_LOOK
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.pulls.commands import ForgePerson
from trunkline.ports.releasing import Promotions
from trunkline.services.access import Principal
from trunkline.services.control import Caller
from trunkline.services.promotions import PromotionService


class CommentDecisions:
    """Promotions and approvals on behalf of people known here."""

    def __init__(self, service: PromotionService, promotions: Promotions) -> None:
        self._service = service
        self._promotions = promotions

    async def promote(
        self,
        person: ForgePerson,
        project: str,
        agent: str,
        environment: str,
        changes: str,
        *,
        request_id: str,
    ) -> str:
        """Start a promotion, once for a request; what became of it, in words.

        Raises what PromotionService.start raises.
        """
        known = await self._promotions.last_promotion_of(project, environment, agent)
        if known is None or known.request_id != request_id:
            known = await self._service.start(
                _caller(person, project, request_id),
                project,
                agent,
                environment=environment or None,
                changes=changes,
            )
        return f"promotion {known.id} of {agent} to {known.environment} has begun"

    async def approve(
        self,
        person: ForgePerson,
        project: str,
        agent: str,
        environment: str,
        *,
        comment: str,
        request_id: str,
    ) -> str:
        """Agree to the open promotion of an agent; an empty ``environment`` is the only one there
        is. Raises NotFound, InvalidInput, and what PromotionService.approve raises.
        """
        record = await self._open_one(project, agent, environment)
        caller = _caller(person, project, request_id)
        await self._service.approve(caller, project, record.id, comment=comment)
        return f"{record.id} is approved by {person.person}"

    async def _open_one(self, project: str, agent: str, environment: str) -> PromotionRecord:
        found = await self._promotions.promotions(
            project,
            environment=environment or None,
            agent=agent,
            open_only=True,
            limit=PROMOTIONS_PER_LOOK,
        )
        if not found:
            raise NotFound(f"no promotion of {agent} is open")
        if len(found) > 1:
            raise InvalidInput(
                f"several promotions of {agent} are open",
                hint=f"Say which: {', '.join(f'--to {one.environment}' for one in found)}",
            )
        return found[0]


def _caller(person: ForgePerson, project: str, request_id: str) -> Caller:
    return Caller(Principal(person.person, person.role, project), request_id)
