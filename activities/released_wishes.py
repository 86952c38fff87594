"""What runs in an environment of releases, put into the wishes of a commit for those who plan all.

What releases want is in the store, where the look that verified it left it; a plan of the whole
environment that took only the branch's word would want everything there gone.
"""

from dataclasses import replace

from trunkline.model.desired import DesiredAgent
from trunkline.model.limits import SIGNAL_BATCH_SIZE
from trunkline.model.resolution import Wishlist
from trunkline.ports import Wishes


async def with_released(wishes: Wishes, wishlist: Wishlist, environment: str) -> Wishlist:
    """The wishlist with the agents that verified releases want in an environment."""
    found: list[DesiredAgent] = []
    after = f"{environment}/agent/"
    while batch := await wishes.wishes(
        wishlist.project, environment, after=after, limit=SIGNAL_BATCH_SIZE
    ):
        found.extend(
            DesiredAgent.model_validate(record.body)
            for record in batch
            if record.kind == "agent" and not record.removed
        )
        last = batch[-1]
        if last.kind != "agent":
            break
        after = f"{environment}/agent/{last.name}"
    names = {agent.name for agent in found}
    return replace(
        wishlist,
        agents=(*wishlist.agents, *found),
        waiting=tuple(
            each
            for each in wishlist.waiting
            if each.environment != environment or each.name not in names
        ),
    )
