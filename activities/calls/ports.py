"""What calls somebody asked for need of the outside."""

from dataclasses import dataclass
from typing import Protocol

from trunkline.ports import Clock, Interventions, Statuses, Wishes
from trunkline.ports.calls import CallOrders, Calls, Carrier
from trunkline.ports.testing import Places


class CallRows(Calls, CallOrders, Places, Protocol):
    """Rows of calls and orders, and places that only so many may have."""


class Carriers(Protocol):
    """Carriers by project and environment."""

    async def carrier(self, project: str, environment: str) -> Carrier:
        """Raises CredentialsRejected if the account is unset."""


@dataclass(frozen=True, slots=True)
class OutboundPorts:
    """Everything a call needs to be placed; ``public_url`` is where carriers reach our API."""

    rows: CallRows
    carriers: Carriers
    wishes: Wishes
    statuses: Statuses
    interventions: Interventions
    clock: Clock
    public_url: str | None = None
