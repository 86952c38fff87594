"""Branches of an agent on a platform that has them, as data."""

from trunkline.model.base import Frozen


class Branch(Frozen):
    """One line of versions of an agent. ``live_percentage`` is its share of the traffic."""

    id: str
    name: str
    version_id: str = ""
    live_percentage: float = 0.0
    archived: bool = False
    main: bool = False
    description: str = ""


Split = dict[str, float]
"""Percentages of traffic by branch id; 100 in all."""
