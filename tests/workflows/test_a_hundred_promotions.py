"""A hundred promotions of ten agents in random order, with everything going wrong that can.

What happens is drawn from a seed; ``TRUNKLINE_FAULT_SEED`` replays one. After every step the rules
of promotion hold, by what Git, the platform, and the rows say. A tenth of them, all of them with
``TRUNKLINE_TEST_SHARE=1``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import TemporalServer
from tests.workflows.promotion_crowds import (
    ADA,
    ADA_AT_HOME,
    AGENTS,
    BEN,
    CY,
    DOCUMENT,
    ELSE,
    EVE,
    OP,
    PATIENCE_S,
    TOOL,
    Crowd,
    crowd,
)
from tests.workflows.promotion_invariants import ENVIRONMENT, PROJECT
from tests.workflows.released_histories import HistoryReader, cloned, file_of
from trunkline.model.errors import Forbidden, NotFound, PromotionRefused
from trunkline.model.ids import owner_tag, promotion_workflow_id
from trunkline.model.promotions.records import PHASES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.promotions.records import PromotionRecord

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
SEED = int(os.environ.get("TRUNKLINE_FAULT_SEED", "5"))
PROMOTIONS = max(10, round(100 * SHARE))
LANES = 5
FAULT_SHARE = 0.01
HANG_S = 1.3

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300 + 12 * PROMOTIONS)]

ENDINGS = (
    *("released", "released", "released", "released"),
    *("gate-fails", "rejected", "aborted", "superseded", "degraded", "taken-back"),
)
TROUBLES = (
    *("worker-killed", "database-cut", "protected", "closed", "faults"),
    *("pushed-between", "edited-by-hand", "dashboard", "rolled-back-meanwhile", ""),
)
APPROVALS = (*("on-time", "early", "late", "wrong-first") * 2, "on-time", "late")
POINTS = (*("Gate", "Approval", "Releasing", "Rollout", "Settling") * 2,)
EXPECTED = {
    "released": {"Done"},
    "gate-fails": {"Failed"},
    "rejected": {"Rejected"},
    "aborted": {"Aborted", "RolledBack", "Done"},
    "superseded": {"Superseded", "Done"},
    "degraded": {"RolledBack"},
    "taken-back": {"Done"},
}
UNLUCKY = {"Inconclusive", "Superseded"}
"""What any promotion may come to while requests fail and others push what all agents share."""
CERTAIN = {"Done"} if SHARE < 1 else {"Done", "Failed", "Rejected"}
"""Endings that some promotion surely has; of few, the only one whose gate fails may be unlucky."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop-before"},
    {"kind": "drop-after"},
    {"kind": "status-before", "status": 500},
    {"kind": "status-after", "status": 503},
    {"kind": "status-before", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "truncate"},
    {"kind": "malformed"},
    {"kind": "hang-after", "seconds": HANG_S},
    {"kind": "delayed", "method": "POST", "seconds": 0.5},
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Course:
    """One promotion, and what happens to it."""

    number: int
    agent: str
    ending: str
    trouble: str
    approval: str
    point: str

    @property
    def words(self) -> str:
        """The course in a line."""
        parts = (self.agent, self.ending, self.trouble or "no trouble", self.approval, self.point)
        return f"#{self.number} {' / '.join(parts)}"


def courses(count: int, seed: int) -> list[Course]:
    """What happens; in every ten everything comes once, and five of the agents twice."""
    dice = random.Random(seed)  # noqa: S311 - repeatable dice, no secret
    found: list[Course] = []
    for start in range(0, count, 10):
        half = AGENTS[:5] if start % 20 == 0 else AGENTS[5:]
        decks = [list(deck) for deck in (half * 2, ENDINGS, TROUBLES, APPROVALS, POINTS)]
        for deck in decks:
            dice.shuffle(deck)
        found.extend(
            Course(start + place, *drawn) for place, drawn in enumerate(zip(*decks, strict=True))
        )
    return found[:count]


class Hundred:
    """The courses, several at a time, never two of one agent."""

    def __init__(self, here: Crowd) -> None:
        self._here = here
        self._alone = asyncio.Lock()
        self._degraded: set[str] = set()
        self._faulty = 0
        self.ends: Counter[str] = Counter()

    async def run(self, planned: list[Course]) -> None:
        """All of them; the agents are divided among the lanes."""
        lane_of = {agent: place % LANES for place, agent in enumerate(AGENTS)}

        async def lane(number: int) -> None:
            for course in planned:
                if lane_of[course.agent] == number:
                    await self._one(course)

        async with asyncio.TaskGroup() as lanes:
            for number in range(LANES):
                lanes.create_task(lane(number))

    async def _one(self, course: Course) -> None:
        here = self._here
        good = course.ending != "gate-fails"
        text = f"{'Acme clinic' if good else 'Hello'}, this is change {course.number}."
        author = ADA_AT_HOME if course.number % 3 == 0 else ADA
        await here.change(course.agent, text, author)
        await here.step(f"{course.words}: pushed")
        record = await here.promote(course.agent, f"Greets callers in way {course.number}")
        await here.step(f"{course.words}: asked for as {record.id}")
        async with self._troubled(course, record):
            if course.ending == "degraded":
                await self._degrade(course.agent, worse=True)
            await self._decided(course, record)
            over = await here.until(record, lambda now: not now.is_open)
        if course.ending == "degraded":
            await self._degrade(course.agent, worse=False)
        told = f"{over.state} {over.reason} v{over.version}: {over.message}"
        await here.step(f"{course.words}: {told}")
        self.ends[over.state] += 1
        excused = UNLUCKY | ({"Aborted"} if course.trouble == "rolled-back-meanwhile" else set())
        assert over.state in EXPECTED[course.ending] | excused, (course, told, here.told[-40:])
        if course.ending == "taken-back":
            await self._taken_back(course.agent)
        await here.settled(course.agent)
        await here.step(f"{course.words}: settled")
        logger.info("%s: %s", course.words, told)

    async def _decided(self, course: Course, record: PromotionRecord) -> None:
        """What people say of it until it is released."""
        here = self._here
        if course.approval == "early":
            await here.write_approval(record, CY)
            await here.step(f"{course.words}: approved early")
        if course.approval == "wrong-first":
            await self._wrong(record)
            await here.step(f"{course.words}: approved by those who may not")
        waiting = await here.until(record, lambda now: _is_at(now, "Approval"))
        if course.approval in ("wrong-first", "late") and waiting.phase == "Approval":
            assert not waiting.approvals, waiting.approvals
        if course.approval == "late":
            await here.applied(await here.push({"notes.md": f"before {record.id}"}, ELSE))
            await here.step(f"{course.words}: waits")
        if course.ending == "superseded":
            await here.change(course.agent, f"Acme clinic, newer than {course.number}.")
            await here.step(f"{course.words}: superseded")
        elif course.ending == "rejected":
            await self._say(record, "reject")
        elif course.ending == "aborted":
            await self._aborted(course, record)
            return
        await self._approve(record)
        await here.step(f"{course.words}: approved")

    async def _aborted(self, course: Course, record: PromotionRecord) -> None:
        if PHASES.index("Approval") < _place(course.point):
            await self._approve(record)
        await self._here.until(record, lambda now: _is_at(now, course.point))
        await self._say(record, "abort")
        await self._here.step(f"{course.words}: aborted")

    async def _approve(self, record: PromotionRecord) -> None:
        try:
            await self._here.approve(record, BEN)
        except PromotionRefused:
            now = await self._here.read(record)
            assert not now.is_open or now.version or now.phase == "Releasing", now

    async def _say(self, record: PromotionRecord, what: str) -> None:
        """Reject or abort, unless it is too late."""
        here, promotions = self._here, self._here.services.promotions
        said = promotions.reject if what == "reject" else promotions.abort
        by = here.by(BEN, "approver")
        try:
            await here.asked(lambda: said(by, PROJECT, record.id, reason="not today"))
        except PromotionRefused:
            now = await here.read(record)
            assert not now.is_open or now.phase not in PHASES[:5], now

    async def _wrong(self, record: PromotionRecord) -> None:
        """Agreement of authors, strangers, the wrong role, about something else, and of nobody."""
        here = self._here
        for author in (ADA, ADA_AT_HOME):
            await here.write_approval(record, author.email)
        await here.write_approval(record, EVE)
        await here.write_approval(record, CY, "operator")
        await here.write_approval(record, CY, digest="sha256:" + "0" * 64)
        await here.write_approval(record, CY, suite="sha256:" + "0" * 64)
        place = promotion_workflow_id(PROJECT, ENVIRONMENT, record.agent, record.number)
        handle = here.stack.client.get_workflow_handle(place)
        await handle.signal("wake", {"reason": "approved by everybody"})
        with pytest.raises((Forbidden, PromotionRefused)):
            await here.approve(record, EVE)

    async def _taken_back(self, agent: str) -> None:
        """A person goes back to what ran before, if anything did."""
        here = self._here
        try:
            back = await here.asked(
                lambda: here.services.promotions.rollback(
                    here.by(OP, "operator"),
                    PROJECT,
                    agent,
                    environment=ENVIRONMENT,
                    to=None,
                    reason="callers complained",
                )
            )
        except PromotionRefused as error:
            here.told.append(f"{agent}: {error.message}")
            return
        await here.step(f"{agent}: goes back to v{back.restores}")
        over = await here.until(back, lambda now: not now.is_open)
        assert over.state in ("Done", "Aborted"), over
        self.ends[f"rollback {over.state}"] += 1
        await here.step(f"{agent}: went back, {over.state} v{over.version}")

    async def _degrade(self, agent: str, *, worse: bool) -> None:
        """Production of an agent becomes clearly worse, though nobody touched it."""
        tag = owner_tag(PROJECT, ENVIRONMENT, agent)
        (self._degraded.add if worse else self._degraded.discard)(tag)
        tags = sorted(self._degraded)
        await self._here.stack.elevenlabs.control("talks", {"degraded_tags": tags})

    @asynccontextmanager
    async def _troubled(self, course: Course, record: PromotionRecord) -> AsyncIterator[None]:
        """The course's trouble comes by itself, at its point; all of it is over afterwards."""
        trouble = asyncio.create_task(self._trouble(course, record))
        try:
            yield
        except BaseException:
            trouble.cancel()
            raise
        await trouble

    async def _trouble(self, course: Course, record: PromotionRecord) -> None:
        here, kind = self._here, course.trouble
        if kind in ("protected", "closed"):
            await here.until(record, lambda now: _is_at(now, "Approval"))
            async with self._alone:
                await (self._protect(record) if kind == "protected" else self._close(record))
        elif kind == "faults":
            await self._fail(record)
        elif kind:
            await here.until(record, lambda now: _is_at(now, course.point))
            await self._happen(course)
        await here.step(f"{course.words}: {kind or 'nothing'} happened")

    async def _happen(self, course: Course) -> None:
        """Trouble of a moment."""
        here, kind = self._here, course.trouble
        if kind == "worker-killed":
            await asyncio.to_thread(here.worker.kill)
        elif kind == "database-cut":
            await here.cut_database()
        elif kind == "dashboard":
            await here.edit_in_dashboard(course.agent, 0.8 + course.number % 4 / 10)
        elif kind == "pushed-between":
            await self._push_between(course)
        elif kind == "edited-by-hand":
            await self._edit_by_hand(course)
        elif kind == "rolled-back-meanwhile":
            await self._taken_back(course.agent)

    async def _push_between(self, course: Course) -> None:
        """Others push, some of it what all agents share."""
        here = self._here
        for place in range(3):
            await here.push({"notes.md": f"{course.number} {place}"}, ELSE)
        if course.number % 4 == 1:
            path, word = ((TOOL, "Books"), (DOCUMENT, "nine"))[course.number // 4 % 2]
            text = here.files[path].replace(word, f"{word} {course.number}")
            await here.push({path: text}, ELSE)
            await here.stack.refresh()

    async def _edit_by_hand(self, course: Course) -> None:
        """Somebody rewrites what production runs, is told that it does not count, and gives up."""
        here, path = self._here, file_of(course.agent)
        before = await here.release_text(course.agent)
        if not before:
            return
        written = await self._forgery(course, before)
        if not written or written == before:
            return
        await here.push({path: written}, ELSE)
        await here.stack.refresh()
        await here.step(f"{course.words}: its release was rewritten")

        async def noticed() -> bool:
            place = (PROJECT, ENVIRONMENT, course.agent)
            standing = await here.asked(lambda: here.stack.store.standing_of(*place))
            refused = standing is not None and bool(standing.reason)
            return refused or await here.release_text(course.agent) != written

        await here.stack.until(noticed, timeout_s=PATIENCE_S)
        await here.step(f"{course.words}: its rewritten release does not count")
        if await here.release_text(course.agent) == written:
            await here.push({path: before}, ELSE)
            await here.stack.refresh()

    async def _forgery(self, course: Course, before: str) -> str:
        """A release nobody released: other words, somebody else's, or one that is over."""
        kind = course.number % 3
        if kind == 0:
            return before.replace("changes: ", "changes: Very ", 1)
        history = await asyncio.to_thread(self._here.reader.history)
        if kind == 1:
            other = next(
                (one.agent for one in history.written if one.agent != course.agent), course.agent
            )
            text = await self._here.release_text(other)
            return text.replace(f"name: {other}\n", f"name: {course.agent}\n", 1)
        own = [one for one in history.written if one.agent == course.agent and one.ours]
        return await asyncio.to_thread(self._here.reader.text, own[0].commit, course.agent)

    async def _protect(self, record: PromotionRecord) -> None:
        here = self._here
        await asyncio.to_thread(here.protect, protected=True)
        try:
            await here.until(
                record, lambda now: now.reason == "PushRefused" or _is_at(now, "Rollout")
            )
        finally:
            await asyncio.to_thread(here.protect, protected=False)

    async def _close(self, record: PromotionRecord) -> None:
        here = self._here
        await here.close_windows(closed=True)
        await here.step(f"{record.id}: windows closed")
        try:
            await here.until(record, lambda now: now.phase == "Window" or _is_at(now, "Rollout"))
            await here.step(f"{record.id}: outside its window")
        finally:
            await here.close_windows(closed=False)

    async def _fail(self, record: PromotionRecord) -> None:
        """Requests fail in every way until it is over."""
        here = self._here
        self._faulty += 1
        faults = [{**fault, "probability": FAULT_SHARE} for fault in FAULTS]
        for vendor in (here.stack.elevenlabs, here.stack.twilio):
            await vendor.control("faults", {"faults": faults, "seed": SEED})
        try:
            await here.until(record, lambda now: not now.is_open)
        finally:
            self._faulty -= 1
            if not self._faulty:
                await here.stack.elevenlabs.healthy()
                await here.stack.twilio.healthy()


def _place(phase: str) -> int:
    return [str(each) for each in PHASES].index(phase)


def _is_at(record: PromotionRecord, phase: str) -> bool:
    """True once a promotion has come as far, or is over."""
    return not record.is_open or _place(record.phase) >= _place(phase)


async def _same_from_a_clone(here: Crowd, folder: Path) -> None:
    """Git alone says who runs what, and it is what the status says."""
    bare = await asyncio.to_thread(cloned, here.stack.repository, folder / "clone.git")
    reader = HistoryReader(bare, folder / "clone-reader")
    running = await asyncio.to_thread(reader.running)
    for agent in AGENTS:
        found = running.get(agent)
        try:
            row = await here.services.status.one(PROJECT, "agent", agent, environment=ENVIRONMENT)
        except NotFound:
            row = None
        told = (row.version, row.digest) if row is not None and row.version else None
        if found is None or found.spec is None:
            assert told is None, agent
            continue
        wanted = {found.spec.version}
        wanted.update(spec.version for spec in await here.invariants.kept_instead(found))
        assert told in {(version, found.spec.digest) for version in wanted}, agent


async def test_whatever_happens_only_what_was_tested_and_agreed_to_is_live(
    make_stack: MakeStack, texts: Texts, postgres_url: str, tmp_path: Path
) -> None:
    server = TemporalServer(namespaces=["hundred"])
    with server.running():
        async with crowd(make_stack, texts, postgres_url, tmp_path, temporal=server) as here:
            await here.stack.sync(timeout_s=PATIENCE_S)
            hundred = Hundred(here)
            try:
                await hundred.run(courses(PROMOTIONS, SEED))
            except BaseException as error:
                error.add_note("\n".join(here.told))
                error.add_note(here.worker.last_words())
                raise
            await here.stack.sync(hard=True, timeout_s=PATIENCE_S)
            for agent in AGENTS:
                await here.settled(agent)
            await here.step("the end")
            await _same_from_a_clone(here, tmp_path)
            logger.info(
                "%s, %s checks, %s kills", hundred.ends, here.invariants.checks, here.worker.kills
            )
            assert sum(hundred.ends.values()) >= PROMOTIONS
            assert hundred.ends.keys() >= CERTAIN
