"""The rules of promotion of an environment, as they are in force.

They are those of the last applied revision, and a commit that weakens them does not make them
weaker: the former ones stay in force until an admin agrees.
"""

from trunkline.model.base import Frozen
from trunkline.model.kinds.project import Person, Promotion


class PromotionRules(Frozen):
    """What a promotion into an environment has to satisfy, who people are, and whose signatures
    count. ``revision`` is the commit they are from; ``pending`` says which weaker rules of a newer
    commit wait for an admin, in words.
    """

    promotion: Promotion
    people: tuple[Person, ...] = ()
    public_keys: tuple[str, ...] = ()
    revision: str = ""
    pending: str = ""
