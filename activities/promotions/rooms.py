"""Everything the workflow of a promotion asks for, put together once for a worker."""

from activities.promotions.calls import PromotionCalls
from activities.promotions.looking import LookActivities, PromotionLooks
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposing import ProposalActivities, Proposals
from activities.promotions.releasing import ReleaseActivities
from activities.promotions.steering import SteeringActivities
from activities.promotions.tending import TendingActivities
from activities.telling import Dispatcher


def promotion_rooms(
    ports: PromotionPorts, calls: PromotionCalls, dispatcher: Dispatcher
) -> tuple[object, ...]:
    """The rooms whose methods are activities."""
    looks, proposals = PromotionLooks(ports), Proposals(ports)
    return (
        LookActivities(ports, looks, calls),
        ReleaseActivities(ports, looks, calls, proposals),
        ProposalActivities(ports, looks, calls, proposals),
        SteeringActivities(ports, dispatcher),
        TendingActivities(ports, calls),
    )
