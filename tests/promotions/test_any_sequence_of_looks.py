"""Whatever happens in whatever order: nothing is skipped, one release, and the right end.

A small world lives beside a promotion: it carries out moves, or is killed before or after them, it
forgets facts, loses pushes, changes rules, approves, tests and fails by one seed. Its checker knows
the rules and none of the code that decides.
"""

import os
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.promotions.situations import (
    RENDERED,
    SUITE,
    TESTED,
    Promoting,
    record,
    rules,
    running,
    standing,
)
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.approvals import counted
from trunkline.model.promotions.authors import mapped
from trunkline.model.promotions.facts import (
    Candidate,
    Deployed,
    Facts,
    PushTried,
    ReleaseFound,
    RunFound,
)
from trunkline.model.promotions.records import PHASES, PromotionRecord
from trunkline.model.records import AuditRecord
from trunkline.model.releases import RolloutState
from trunkline.model.windows import decide

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
WORLDS = round(1_500 * max(SHARE, 0.1))
LOOKS = 60
STATES = {
    *("Done", "Failed", "Inconclusive", "Rejected"),
    *("Aborted", "Superseded", "RolledBack"),
}
DONE_ALL_THE_SAME = {"VerificationInconclusive", "VerificationFailed"}
RULES: list[dict[str, Any]] = [
    {"approvals": {"count": 1}},
    {"approvals": {"count": 2}, "soak": "30m"},
    {"approvals": {"count": 0}, "soak": "0s", "rollout": {"steps": [10]}},
    {"windows": [{"allow": "Mon-Sun 13:00-18:00"}], "verify": {"tags": ["smoke"]}},
    {"verify": {"tags": ["smoke"]}, "rollout": {"steps": [10, 50]}, "soak": "1m"},
    {"verify": {"tags": ["smoke"], "rollback": False}, "evidence": {"expires": "20m"}},
]


class World:
    """Git, a platform, people and tests around one promotion."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311
        self.one = Promoting(**self.rng.choice(RULES))
        if self.rng.random() < 0.15:
            self.one.record = record(kind="rollback", restores=5)
        self.before = 0 if self.rng.random() < 0.35 else 6
        self.shares = self.rng.choice([(0.03, 0.1)] * 6 + [(0.4, 0.3), (0.02, 0.95)])
        self.calm = self.rng.random() < 0.6
        self.truth = self.one.facts.model_copy(update=self._begin())
        self.commits: list[tuple[str, int]] = []
        self.tests: dict[str, str] = {}
        self.mended = False
        self.soaks = [self.soak()]

    def _begin(self) -> dict[str, Any]:
        if self.before:
            return {}
        return {"standing": None, "target": Deployed(there=False)}

    @property
    def record(self) -> PromotionRecord:
        """The promotion as it is now."""
        return self.one.record

    def soak(self) -> timedelta:
        """What the rules in force ask for."""
        assert self.truth.rules is not None
        return self.truth.rules.promotion.soak

    def step(self) -> None:
        """Something happens, then one look, then perhaps its move."""
        self._time_passes()
        if not self.mended and (not self.calm or self.rng.random() < 0.1):
            self._something_happens()
        before = self.record
        self.one.facts = self._known()
        self.one.look(self.rng.choice([0, 1, 30, 200]))
        self._check(before)
        if self.rng.random() < 0.85:
            self._carry_out()

    def mend(self) -> None:
        """From now on everything works, and people do what they are asked for."""
        self.calm, self.shares, self.mended = True, (0.0, 0.0), True
        healthy = Deployed(there=True, sync="Synced", health="Healthy", digest=TESTED)
        key = self.one.rules.public_keys[0]
        self._change(origin=healthy, public_key=key, interventions=())
        for actor in ("bob", "cyd"):
            self._says("promotion.approve", actor)

    def _chance(self, share: float) -> bool:
        calmer = 0.0 if self.mended else 0.3 if self.calm else 1.0
        return self.rng.random() < share * calmer

    def _change(self, **changed: Any) -> None:
        self.truth = self.truth.model_copy(update=changed)

    def _known(self) -> Facts:
        """The truth, less what could not be found out this time."""
        facts = self.truth
        for name in ("rules", "candidate", "origin", "target", "standing", "rollout", "authors"):
            if self._chance(0.08):
                facts = facts.model_copy(update={name: None})
        if self._chance(0.1):
            gone = {"release": None, "rolled_back": None, "release_known": False}
            facts = facts.model_copy(update=gone)
        if facts.target is not None and self._chance(0.1):
            unknown = facts.target.model_copy(update={"sync": "Unknown"})
            facts = facts.model_copy(update={"target": unknown})
        return facts

    def _time_passes(self) -> None:
        self.one.now += timedelta(seconds=self.rng.choice([1, 60, 600, 3600]))
        for run_id, state in list(self.tests.items()):
            if state == "running" and self.rng.random() < 0.7:
                self.tests[run_id] = "ended"
                self._change(runs=(*self.truth.runs, self._ended(run_id)))
        version = self._tip()
        if version and self.rng.random() < 0.8:
            self._apply(version)

    def _ended(self, run_id: str) -> RunFound:
        dice = self.rng.random()
        outcome = (
            "failed"
            if dice < self.shares[0]
            else "inconclusive"
            if dice < sum(self.shares)
            else "passed"
        )
        said = {"run_id": run_id, "outcome": outcome, "digest": TESTED, "ended_at": self.one.now}
        return RunFound.model_validate(
            said | ({"suite_digest": SUITE} if "-gate-" in run_id else {})
        )

    def _tip(self) -> int:
        return self.commits[-1][1] if self.commits else 0

    def _apply(self, version: int) -> None:
        """The reconciler and the agent's rounds do their work."""
        spec = {"hold": {"reason": "x", "by": "trunkline"}} if self._is_back(version) else {}
        self._change(standing=standing(version, spec=spec))
        steps = self._steps(version)
        state = self.truth.rollout
        if not steps or (state is not None and state.version == version and state.phase == "Done"):
            self._change(target=self._target(version))
            return
        if state is None or state.version != version:
            state = RolloutState(
                project="acme",
                environment="production",
                agent="front-desk",
                version=version,
                phase="Shifting",
                step=0,
                step_began_at=self.one.now,
                percent=float(steps[0]),
                needs_checks=True,
                abort_reason=state.abort_reason if state is not None and not state.step else "",
            )
        elif state.abort_reason:
            state = state.model_copy(update={"phase": "Aborted", "percent": 0.0})
        elif state.checked_step >= state.step:
            last = state.step + 1 >= len(steps)
            update: dict[str, Any] = (
                {"phase": "Done", "percent": 100.0} if last else {"step": state.step + 1}
            )
            state = state.model_copy(update=update)
        self._change(rollout=state)

    def _target(self, version: int) -> Deployed:
        taken = bool(self.truth.interventions)
        health = "Suspended" if taken else "Progressing" if self._chance(0.3) else "Healthy"
        return running(version, health=health)

    def _steps(self, version: int) -> tuple[int, ...]:
        if self._is_back(version) or self.before == 0 or self.record.kind == "rollback":
            return ()
        rollout = self.one.rules.promotion.rollout
        return rollout.steps if rollout is not None else ()

    def _is_back(self, version: int) -> bool:
        return ("roll_back", version) in self.commits

    def _something_happens(self) -> None:
        dice = self.rng.choice(
            ["approve"] * 6 + ["reject", "abort", "commit", "rules", "origin", "key", "enable"]
        )
        if dice == "approve":
            self._says("promotion.approve", self.rng.choice(["ada", "bob", "cyd", "eve"]))
        elif dice in ("reject", "abort") and self._chance(0.4):
            self._says(f"promotion.{dice}", "bob")
        elif dice == "commit" and self._chance(0.5):
            digest = f"sha256:{'9' * 64}" if self._chance(0.5) else TESTED
            said = {"revision": "d" * 40, "digest": digest, "suite_digest": SUITE}
            rendered = self.rng.choice([RENDERED, f"sha256:{'7' * 64}"])
            self._change(candidate=Candidate.model_validate({**said, "rendered_digest": rendered}))
        elif dice == "rules" and self._chance(0.3):
            self._change(rules=rules(**self.rng.choice(RULES)))
            self.soaks.append(self.soak())
        elif dice == "origin":
            self._change(
                origin=Deployed(
                    there=True,
                    sync="Synced",
                    health=self.rng.choice(["Healthy", "Healthy", "Degraded"]),
                    digest=TESTED,
                )
            )
        elif dice == "key":
            key = self.one.rules.public_keys[0]
            self._change(public_key=self.rng.choice([key, key, key, ""]))
        elif dice == "enable":
            self._change(interventions=())

    def _says(self, action: str, actor: str) -> None:
        role = "viewer" if self._chance(0.2) else "approver"
        said = {
            "actor": actor,
            "role": role,
            "action": action,
            "project": "acme",
            "subject": "front-desk",
            "request_id": "r",
            "id": len(self.truth.audit) + 1,
            "at": self.one.now,
            "details": {
                "promotion": self.record.id,
                "digest": "other" if self._chance(0.1) else TESTED,
                "suite": "other" if self._chance(0.1) else SUITE,
            },
        }
        row = AuditRecord.model_validate(said)
        self._change(audit=(*self.truth.audit, row))

    def _carry_out(self) -> None:
        """The move takes effect, or nearly."""
        move = self.one.move
        if move.tests is not None:
            self.tests.setdefault(move.tests.run_id, "running")
        elif move.kind in ("release", "roll_back"):
            self._push(move.kind)
        elif move.kind == "check_step" and self.truth.rollout is not None:
            state = self.truth.rollout.model_copy(update={"checked_step": move.step})
            self._change(rollout=state)
        elif move.kind == "abort_rollout":
            state = self.truth.rollout or RolloutState(
                project="acme",
                environment="production",
                agent="front-desk",
                version=self.record.version,
            )
            self._change(rollout=state.model_copy(update={"abort_reason": move.reason}))
        elif move.kind == "disable":
            self._change(interventions=(disabled(self.one.now),))

    def _push(self, kind: str) -> None:
        """A push looks for its trailer first, as the activity does."""
        known = [version for done, version in self.commits if done == kind]
        if not known:
            dice = self.rng.random()
            if self.calm or dice < 0.5:
                self.commits.append((kind, max(self.before, self._tip()) + 1))
            elif dice < 0.9:
                reason = self.rng.choice(["PushRejected", "PushRefused", "PushUnanswered"])
                tried = {"reason": reason, "message": reason, "at": self.one.now}
                self._change(push=PushTried.model_validate(tried))
                if reason == "PushUnanswered" and self.rng.random() < 0.5:
                    self.commits.append((kind, max(self.before, self._tip()) + 1))
            if not any(done == kind for done, _ in self.commits):
                return
        version = next(version for done, version in self.commits if done == kind)
        found = ReleaseFound(version=version, commit="c" * 40, steps=self._steps(version))
        self._change(**{"release" if kind == "release" else "rolled_back": found})

    def _check(self, before: PromotionRecord) -> None:
        """What must hold after every look."""
        now, move = self.record, self.one.move
        counts = Counter(kind for kind, _ in self.commits)
        assert counts["release"] <= 1
        assert counts["roll_back"] <= 1
        if not before.is_open:
            assert now == before
        if before.version:
            assert now.version == before.version
            assert PHASES.index(now.phase) >= PHASES.index(before.phase)
            assert move.kind != "release"
        if now.state == "Done" and before.is_open:
            self._check_done(now)
        if now.state in ("Failed", "Inconclusive", "Rejected", "Aborted"):
            assert now.version == 0
        if move.kind == "release":
            self._check_release(now)
        if move.kind in ("roll_back", "disable"):
            runs = [*now.checks, *([now.verification] if now.verification else [])]
            failed = any(run.outcome == "failed" for run in runs)
            assert failed or now.abort_requested_by
            assert (move.kind == "roll_back") == (now.settled_version > 0)

    def _check_done(self, now: PromotionRecord) -> None:
        assert now.version == self.commits[0][1]
        if now.kind == "rollback" or now.reason in DONE_ALL_THE_SAME:
            return
        verify = self.one.facts.rules.promotion.verify if self.one.facts.rules else None
        passed = now.verification is not None and now.verification.outcome == "passed"
        assert passed or verify is None

    def _check_release(self, now: PromotionRecord) -> None:
        if now.kind == "rollback":
            return
        facts, at = self.one.facts, self.one.now
        assert facts.rules is not None
        asked = facts.rules.promotion
        runs = [run for run in facts.runs if "-gate-" in run.run_id and run.outcome == "passed"]
        ended = [run.ended_at for run in runs if run.ended_at is not None]
        assert ended, "no gate passed"
        assert min(ended) + min(self.soaks) <= at
        assert max(ended) + asked.evidence.expires > at
        assert decide(asked.windows, at)[0]
        given, _ = counted(
            facts.audit,
            rules=facts.rules,
            promotion=now.id,
            digest=TESTED,
            suite_digest=SUITE,
            authors=mapped(self.truth.authors or (), facts.rules.people),
        )
        people = {one.person for one in given}
        assert len(people) >= asked.approvals.count
        assert "ada" not in people or not asked.approvals.not_author
        assert "eve" not in people


def disabled(at: datetime) -> Intervention:
    """What is done to an agent without a predecessor."""
    return Intervention(
        project="acme",
        environment="production",
        kind="agent",
        name="front-desk",
        verb="disable",
        reason="failed",
        by="trunkline",
        at=at,
    )


@pytest.mark.slow
@settings(max_examples=WORLDS, deadline=None)
@given(st.integers(0, 2**32))
def test_no_sequence_of_facts_skips_anything_or_releases_twice(seed: int) -> None:
    world = World(seed)
    for _ in range(LOOKS):
        world.step()
    world.mend()
    for _ in range(LOOKS):
        world.step()
    assert world.record.state in STATES, "once everything works it comes to an end"
    assert world.one.move.kind == "end"


@pytest.mark.slow
def test_every_phase_and_every_end_is_reached() -> None:
    phases: Counter[str] = Counter()
    states: Counter[str] = Counter()
    moves: Counter[str] = Counter()
    for seed in range(300):
        world = World(seed)
        for _ in range(LOOKS):
            world.step()
            moves[world.one.move.kind] += 1
        phases.update(set(world.one.phases))
        states[world.record.state] += 1
    assert set(phases) == set(PHASES)
    assert set(states) == STATES | {"Open"}
    assert set(moves) == {
        *("run_tests", "wait", "release", "check_step"),
        *("abort_rollout", "roll_back", "disable", "end"),
    }
