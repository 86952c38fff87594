"""Questions for a judge and what is made of its answers.

A judge sees the conversation up to the turn it is asked about, and one sentence that must hold. It
can fail a run; it never rescues one.
"""

from collections.abc import Sequence

from trunkline.model.base import Frozen
from trunkline.model.testing.transcripts import Line


class Question(Frozen):
    """``criterion`` must hold for ``transcript``; ``about`` is the reply it is about, "" for the
    whole; ``reference`` is a text it must agree with, "" for none.
    """

    criterion: str
    transcript: tuple[Line, ...]
    about: str = ""
    reference: str = ""


class JudgeAnswer(Frozen):
    """``agrees`` None: the judge cannot tell. ``tokens`` as far as it says, ``usd`` what they cost
    at the installation's rate.
    """

    agrees: bool | None
    reason: str
    tokens: int = 0
    usd: float = 0.0


def majority(votes: Sequence[JudgeAnswer]) -> bool | None:
    """What more than half of all votes say; None if neither side has that, or nobody voted.
    Votes that cannot tell count for neither side, and still count.
    """
    for side in (True, False):
        if 2 * sum(vote.agrees is side for vote in votes) > len(votes):
            return side
    return None
