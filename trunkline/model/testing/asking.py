"""What a check still wants to know of a judge once everything else about it is decided.

An ``Asked`` says what the question is about, not yet what the judge is shown; whoever holds the
whole conversation makes the question of it.
"""

from trunkline.model.base import Frozen
from trunkline.model.testing.judging import Question


class Asked(Frozen):
    """``criterion`` must hold for ``about`` (a reply or a value; "" for the conversation so far).

    ``path`` is the check's; ``number`` tells several questions of one check apart; ``turn`` is the
    last turn the judge may see, None for all.
    """

    path: str
    criterion: str
    about: str = ""
    reference: str = ""
    turn: int | None = None
    number: int = 0

    @property
    def id(self) -> str:
        """By this its answers are found: ``spec.turns[1].expect[2]#0``."""
        return f"{self.path}#{self.number}"


class OpenQuestion(Frozen):
    """A question to put to the judge, with the id its answers are filed under."""

    id: str
    question: Question
