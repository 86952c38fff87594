"""Inputs and outputs of the workflow of one promotion, and of its activities.

The workflow carries the promotion's record, so that a lost PostgreSQL gets its row again, and a
move: what to do next, decided elsewhere. Bodies of evidence and tests stay in PostgreSQL and Git.
"""

from typing import Literal

from pydantic import Field

from activities.testing_types import TestRunInput
from activities.types import Failure, Timing
from trunkline.model.base import Frozen
from trunkline.model.promotions.records import PromotionRecord

MoveKind = Literal[
    "wait",
    "run_tests",
    "release",
    "propose",
    "tag",
    "withdraw",
    "roll_back",
    "check_step",
    "abort_rollout",
    "disable",
    "end",
]
"""What a promotion does next. ``wait``: for a time or for a word. ``disable``: take the calls away
from an agent that has nothing to go back to, and hold its release."""


class PromotionInput(Frozen):
    """State the workflow of a promotion carries over continue-as-new."""

    record: PromotionRecord
    timing: Timing = Timing()
    troubles: int = 0


class PromotionWake(Frozen):
    """Look again. ``reason`` is shown to people who read the history and decides nothing."""

    reason: str = ""


class LostRun(Frozen):
    """A run of tests that will never write down how it ended, and why."""

    run_id: str
    failure: Failure


class PromotionLookRequest(Frozen):
    """Look at everything a promotion depends on, and say what comes next.

    ``trouble`` is what the last move ended with, ``troubles`` how many ended like that in a row.
    """

    record: PromotionRecord
    lost_runs: tuple[LostRun, ...] = ()
    trouble: Failure | None = None
    troubles: int = 0
    timing: Timing = Timing()


class PromotionMove(Frozen):
    """What to do next. ``run`` is set for tests; ``wait_s`` is how long nothing happens by itself.
    ``step`` is of a rollout, ``restores`` the version a rollback goes back to, ``reason`` why.
    """

    kind: MoveKind
    words: str = ""
    wait_s: float = 0.0
    run: TestRunInput | None = None
    step: int = -1
    restores: int = 0
    reason: str = ""


class PromotionLook(Frozen):
    """The promotion as it is now, and the next move; ``details`` is what Temporal shows."""

    record: PromotionRecord
    move: PromotionMove
    details: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)


class PromotionStepRequest(Frozen):
    """Carry out one move of a promotion."""

    record: PromotionRecord
    move: PromotionMove
    timing: Timing = Timing()


class PromotionStep(Frozen):
    """What a move came to, in words for the Temporal UI."""

    note: str = ""
    version: int = 0
    commit: str = ""


class TendRequest(Frozen):
    """Tell the open promotions of a project to look again, and open those that open by themselves.

    ``environment`` empty: all of them. ``tell`` False: only the second half.
    """

    project: str
    environment: str = ""
    tell: bool = True
    timing: Timing = Timing()


class TendReport(Frozen):
    """How many promotions were told, and how many were opened."""

    told: int = 0
    opened: int = 0
