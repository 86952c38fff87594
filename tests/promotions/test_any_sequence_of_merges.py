"""Whatever people do to a release's pull request, and whenever: one release, and none unearned.

The world of ``test_any_sequence_of_looks`` gets a forge: its people merge and close at any moment,
it tells late, and sometimes not at all.
"""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.promotions.situations import rules
from tests.promotions.test_any_sequence_of_looks import LOOKS, RULES, STATES, WORLDS, World
from trunkline.model.ids import Revision
from trunkline.model.promotions.facts import Facts, MergedFound, ProposalFound, ReleaseFound
from trunkline.model.promotions.records import PromotionRecord

MERGED = Revision("e" * 40)


class ForgeWorld(World):
    """A world whose rules mostly ask for a pull request."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._change(rules=self._by_request())
        self.soaks = [self.soak()]
        self.one.facts = self.truth
        self.pulls: list[str] = []
        self.gate = ""
        self.merged_at: datetime | None = None
        self.merged_gate = ""
        self.away = False

    def step(self) -> None:
        """People come by before it is looked."""
        self.away = not self.mended and self.rng.random() < 0.1
        if self._state == "open":
            dice = self.rng.random()
            if dice < 0.3 or (self.mended and dice < 0.9):
                self.pulls[-1] = "merged"
                self.merged_at, self.merged_gate = self.one.now, self.gate
            elif dice < 0.34 and not self.mended:
                self.pulls[-1] = "closed"
        super().step()

    @property
    def _state(self) -> str:
        return self.pulls[-1] if self.pulls else ""

    def _by_request(self) -> Any:
        return rules(**{**self.rng.choice(RULES), "via": "pull-request"})

    def _something_happens(self) -> None:
        super()._something_happens()
        asked = self.truth.rules
        if asked is not None and asked.promotion.via == "commit" and self.rng.random() < 0.8:
            self._change(rules=self._by_request())
            self.soaks.append(self.soak())

    def _run(self) -> str:
        run = self.record.gate
        return run.run_id if run is not None and self.record.gate_passed_at is not None else ""

    def _known(self) -> Facts:
        facts = super()._known()
        if not facts.release_known:
            return facts
        said: dict[str, Any] = {"proposal_known": not self.away}
        if self.pulls and not self.away:
            said["proposal"] = ProposalFound(
                number=len(self.pulls),
                state=self.pulls[-1],
                version=7,
                is_current=self._state == "merged" or self.gate == self._run(),
                closed_by="bob",
            )
        if self.merged_at is not None and facts.release is None:
            said["merged"] = MergedFound(
                version=7,
                commit=MERGED,
                at=self.merged_at,
                is_current=self.merged_gate == self._run(),
            )
        return facts.model_copy(update=said)

    def _carry_out(self) -> None:
        kind = self.one.move.kind
        if kind == "propose":
            if self._state != "open":
                self.pulls.append("open")
            self.gate = self._run()
        elif kind == "withdraw":
            if self._state == "open":
                self.pulls[-1] = "withdrawn"
        elif kind == "tag":
            version = max(self.before, self._tip()) + 1
            self.commits.append(("release", version))
            found = ReleaseFound(version=version, commit=MERGED, steps=self._steps(version))
            self._change(release=found, merged=None)
            self.merged_at = None
        else:
            super()._carry_out()
        if self._state == "withdrawn":
            self.pulls[-1] = "closed"

    def _check(self, before: PromotionRecord) -> None:
        super()._check(before)
        now, move = self.record, self.one.move
        if move.kind == "propose":
            self._check_release(now)
        if move.kind == "tag":
            assert self.merged_at is not None
            assert now.gate_passed_at is not None
            asked = self.truth.rules
            assert asked is not None
            assert self.merged_at <= now.gate_passed_at + asked.promotion.evidence.expires
            assert self.merged_gate == self._run(), "what is tagged is what was tested"
        if before.is_open and not now.is_open and now.state != "Done":
            left_open = self._state == "open" and not now.version
            assert not left_open or "could not be closed" in now.message


@pytest.mark.slow
@settings(max_examples=WORLDS, deadline=None)
@given(st.integers(0, 2**32))
def test_no_sequence_of_merges_releases_what_was_not_earned(seed: int) -> None:
    world = ForgeWorld(seed)
    for _ in range(LOOKS):
        world.step()
    world.mend()
    for _ in range(2 * LOOKS):
        world.step()
    assert world.record.state in STATES, (world.record.reason, world.record.message)
    assert world.one.move.kind == "end"


@pytest.mark.slow
def test_every_move_of_a_proposal_is_made() -> None:
    moves: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for seed in range(200):
        world = ForgeWorld(seed)
        for _ in range(LOOKS):
            world.step()
            moves[world.one.move.kind] += 1
        states[world.record.state] += 1
    assert {"propose", "tag", "withdraw"} <= set(moves)
    assert {"Done", "Rejected", "Aborted", "Superseded"} <= set(states)
