"""Whichever write of a promotion a worker is killed at, and when: one release, and nothing left.

What the writes are is recorded, not remembered: the page of kills is compared with a recording,
and written by one with ``TRUNKLINE_RECORD_KILLS=1``.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.workflows.external_writes import GIT, WHENS, When, Write
from tests.workflows.kill_tables import PAGE, listed, page
from tests.workflows.killed_promotions import SCENARIOS, killing

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SHARE: Final = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
SEED: Final = 62
SOME: Final = 3
"""Cells where the counts are not in full: each costs a promotion and a killed process."""
FULL_TIMEOUT_S: Final = 3600
RECORDING: Final = "TRUNKLINE_RECORD_KILLS"
SPLIT: Final = "POST /v1/convai/agents/{agent_id}/deployments"
CERTAIN: Final[tuple[tuple[str, Write, When], ...]] = (
    (
        "forward",
        Write("ElevenLabs", SPLIT, 2),
        "after-recorded",
    ),
    ("back", Write(GIT, "push", 2), "after-lost"),
)
"""During the rollout, and between push and record of the rollback that follows from it."""
Cell = tuple[str, Write, When]


def _chosen() -> dict[str, list[Cell]]:
    """Cells that go through one installation together."""
    cells = [
        (scenario, write, when)
        for scenario in SCENARIOS
        for when in WHENS
        for write in listed(scenario)
    ]
    if SHARE >= 1:
        together: dict[str, list[Cell]] = {}
        for cell in cells:
            together.setdefault(f"{cell[0]}-{cell[2]}", []).append(cell)
        return together
    others = [cell for cell in cells if cell not in CERTAIN]
    dice = random.Random(SEED)  # noqa: S311 - repeatable dice, no secret
    return {"some": [*CERTAIN, *dice.sample(others, min(len(others), SOME - len(CERTAIN)))]}


async def test_the_page_lists_every_write_of_a_promotion(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    async with killing(make_stack, texts, postgres_url, own_temporal, unhurried=True) as here:
        recorded = {scenario: await here.recorded(scenario) for scenario in SCENARIOS}
    if os.environ.get(RECORDING):
        PAGE.write_text(page(recorded), "utf-8")
    for scenario in SCENARIOS:
        assert list(recorded[scenario]) == list(listed(scenario))
    shown = {
        scenario: {write: row.phase for write, row in listed(scenario).items()}
        for scenario in SCENARIOS
    }
    assert PAGE.read_text("utf-8") == page(shown)


@pytest.mark.timeout(FULL_TIMEOUT_S)
@pytest.mark.parametrize("together", [*_chosen()])
async def test_a_worker_killed_at_any_write_leaves_one_release(
    make_stack: MakeStack,
    texts: Texts,
    postgres_url: str,
    own_temporal: TemporalServer,
    together: str,
) -> None:
    async with killing(make_stack, texts, postgres_url, own_temporal) as here:
        for scenario, write, when in _chosen()[together]:
            try:
                ended = await here.killed_at(write, when, scenario)
            except BaseException as error:
                error.add_note(f"{scenario}: {when} {write}")
                raise
            assert ended == listed(scenario)[write].ends[when]
