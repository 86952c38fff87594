"""The rules of promotion as facts that anybody can check, whatever happened on the way to them.

Reads only Git (the bare repository), what the voice platform answers, rows of the audit log and
rows of promotions. It asks no service, no plan and no status what should be, so it cannot repeat
their mistakes; only what a closure looks like on the platform comes from the product's renderer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from tests.workflows.released_histories import Written
from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.diffs import Comparator
from trunkline.model.errors import StoreUnavailable
from trunkline.model.evidence import Evidence, parse_evidence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime

    from tests.workflows.live_histories import LiveAgent, LivePlatform, LiveVersion
    from tests.workflows.released_histories import History, HistoryReader
    from trunkline.adapters.postgres import PostgresStore
    from trunkline.model.base import JsonObject
    from trunkline.model.kinds.release import ReleaseSpec
    from trunkline.model.promotions.records import PromotionRecord
    from trunkline.model.records import AuditRecord

T = TypeVar("T")
PROJECT, ENVIRONMENT = "acme", "production"
PAGE = 200
UNDER_WAY = timedelta(seconds=5)
"""A release that was decided on before a rule came into force may still be on its way."""
VERSIONED = ("conversation_config", "platform_settings", "workflow", "procedures")


class Invariants:
    """What must hold after every step; ``closed`` are times in which nothing may be promoted."""

    def __init__(self, reader: HistoryReader, platform: LivePlatform, store: PostgresStore) -> None:
        self._reader = reader
        self._platform = platform
        self._store = store
        self._comparator = Comparator(RULES)
        self._bodies: dict[tuple[str, str], JsonObject] = {}
        self._judged: set[str] = set()
        self._unjudged: defaultdict[str, list[LiveVersion]] = defaultdict(list)
        self._alone = asyncio.Lock()
        self.closed: list[tuple[datetime, datetime | None]] = []
        self.checks = 0

    async def problems(self) -> list[str]:
        """Everything that does not hold now."""
        async with self._alone:
            self.checks += 1
            live = await self._look()
            history = await asyncio.to_thread(self._reader.history)
            found = [
                *_dense(history),
                *_committed_once(history),
                *await self._open_twice(),
                *[each for agent in live.values() for each in self._live(agent, history)],
            ]
            for one in history.written:
                if one.ours and one.spec is not None and one.commit not in self._judged:
                    found += (wrong := await self._release(one, history))
                    if not wrong:
                        self._judged.add(one.commit)
            return found

    async def unsettled(self, agent: str) -> list[str]:
        """What is not so of an agent that nobody promotes and no rollout moves."""
        async with self._alone:
            live = await self._platform.agent(agent)
            if live is not None:
                self._unjudged[agent] += live.fresh
            running = (await asyncio.to_thread(self._reader.running)).get(agent)
        if running is None or running.spec is None:
            return [f"{agent} is live, and nothing of it was released"] if live else []
        if live is None:
            return [f"{agent} v{running.spec.version} is not on the platform"]
        kept = [running.spec, *await self.kept_instead(running)]
        closest = min(
            (
                self._comparator.differences(
                    self._body(agent, spec.revision, whole=True), live.body
                )
                for spec in kept
            ),
            key=len,
        )
        found = [
            f"{agent} Main is not v{running.spec.version}: {each.path} is {each.old!r}"
            for each in closest
        ]
        history = await asyncio.to_thread(self._reader.history)
        if running.spec.hold is None and await self._failed_alone(running, history):
            found.append(f"{agent} v{running.spec.version} failed, and nothing holds it")
        if live.shares != {"Main": 100.0}:
            found.append(f"{agent} calls are divided: {live.shares}")
        left = [name for name in live.branches if name.startswith("trunkline-")]
        return [*found, *(f"{agent} has a branch left over: {name}" for name in left)]

    async def kept_instead(self, running: Written) -> list[ReleaseSpec]:
        """What stays on Main, taking no calls, where a rollout failed and nothing was there to go
        back to.
        """
        spec, history = running.spec, await asyncio.to_thread(self._reader.history)
        if spec is None or not await self._failed_alone(running, history):
            return []
        return [
            one.spec
            for one in history.written
            if one.agent == running.agent
            and one.spec is not None
            and one.spec.version == spec.version - 1
            and not self._reader.problem(one)
        ]

    async def _failed_alone(self, running: Written, history: History) -> bool:
        """True for a release that failed, and had no predecessor."""
        assert running.spec is not None
        (trailer,) = {
            trailer
            for one in history.written
            if one.agent == running.agent and one.spec and one.ours
            if one.spec.version == running.spec.version
            for trailer in one.trailers
        }
        record = await self._promotion(trailer)
        return record is not None and record.reason == "NoPredecessor"

    async def _look(self) -> dict[str, LiveAgent]:
        """The platform now; Git is always read after it, since a release is there first."""
        live = await self._platform.agents()
        for name, agent in live.items():
            self._unjudged[name] += agent.fresh
        return live

    async def _open_twice(self) -> list[str]:
        rows = await self._rows(open_only=True)
        count: defaultdict[str, list[str]] = defaultdict(list)
        for row in rows:
            count[row.agent].append(row.id)
        return [f"{agent} has {ids} open" for agent, ids in count.items() if len(ids) > 1]

    async def _rows(self, *, open_only: bool) -> tuple[PromotionRecord, ...]:
        return await read(
            lambda: self._store.promotions(
                PROJECT, environment=ENVIRONMENT, open_only=open_only, limit=PAGE
            )
        )

    def _live(self, agent: LiveAgent, history: History) -> Iterator[str]:
        """Whatever callers of an agent ever met was released, or somebody's edit."""
        if len(agent.ids) > 1:
            yield f"{agent.name} is there {len(agent.ids)} times"
        released = [
            one.spec.revision
            for one in history.written
            if one.agent == agent.name and one.spec is not None and not self._reader.problem(one)
        ]
        for name in agent.tested_live:
            yield f"{agent.name}: calls went to {name}"
        for version in self._unjudged.pop(agent.name, ()):
            if version.edited:
                continue
            closest = min(
                (self._differing(agent.name, revision, version) for revision in set(released)),
                key=len,
                default=["nothing was released"],
            )
            if closest:
                yield f"{agent.name}: callers met what was never released: {closest}"

    def _differing(self, agent: str, revision: str, version: LiveVersion) -> list[str]:
        """Paths in which a version is not the release, apart from what somebody had set there."""
        wanted = self._body(agent, revision, whole=False)
        found = self._comparator.differences(wanted, version.body)
        return [
            f"{each.path}={each.old!r}"
            for each in found
            if not any(_holds(edit, each.leaf, version.body) for edit in version.edits)
        ]

    def _body(self, agent: str, revision: str, *, whole: bool) -> JsonObject:
        key = (agent, revision)
        if key not in self._bodies:
            wish = self._reader.wish(agent, revision)
            assert wish is not None, f"{agent} is not in {revision}"
            self._bodies[key] = render_agent(wish).body
        body = self._bodies[key]
        return body if whole else {name: body[name] for name in VERSIONED if name in body}

    async def _release(self, one: Written, history: History) -> list[str]:
        """What is wrong with a commit of ours below ``releases/``."""
        name = f"{one.agent} {one.commit[:10]}"
        assert one.spec is not None
        before = _before(one, history)
        if before is not None and before.spec is not None:
            same = before.spec.model_copy(update={"hold": one.spec.hold}) == one.spec
            if same and not one.trailers:
                return []
        words = self._reader.problem(one)
        found = [f"{name}: {words}"] if words else []
        if len(one.trailers) != 1:
            return [*found, f"{name} has the trailers {one.trailers}"]
        record = await self._promotion(one.trailers[0])
        if record is None or (record.agent, record.environment) != (one.agent, ENVIRONMENT):
            return [*found, f"{name}: {one.trailers[0]} is no promotion of it"]
        if words:
            return found
        evidence = parse_evidence(one.spec.evidence)
        if one.spec.restores is not None:
            found += _taken_back(one, history)
            return [f"{name}: {each}" for each in found]
        found += _gated(one, record, evidence, self._reader.suite(one.agent, one.spec.revision))
        found += await self._approved(one, record, evidence, history)
        for begin, end in self.closed:
            if begin + UNDER_WAY < evidence.issued_at < (end or evidence.issued_at + UNDER_WAY):
                found.append(f"released at {evidence.issued_at} while nothing may be")
        return [f"{name}: {each}" for each in found]

    async def _promotion(self, trailer: str) -> PromotionRecord | None:
        project, _, own = trailer.partition("/")
        return await read(lambda: self._store.promotion(project, own))

    async def _approved(
        self, one: Written, record: PromotionRecord, evidence: Evidence, history: History
    ) -> list[str]:
        """Whether somebody who may, and is no author, had agreed to exactly this before."""
        assert one.spec is not None
        revision = one.spec.revision
        environment = self._reader.tree(revision).project.manifest.environment(ENVIRONMENT)
        assert environment is not None
        assert environment.promotion is not None
        asked = environment.promotion.approvals
        people = self._reader.people(revision)
        since = next(
            (
                each.spec.revision
                for each in reversed(history.written)
                if each.agent == one.agent
                and each.spec is not None
                and each.spec.version == one.spec.version - 1
                and not self._reader.problem(each)
            ),
            "",
        )
        authors = {
            people.get(email, "") for email in self._reader.authors(one.agent, since, revision)
        }
        rows = await read(
            lambda: self._store.audit(project=PROJECT, action="promotion.approve", limit=1000)
        )
        given = {
            people[row.actor]
            for row in rows
            if _agrees(row, record, evidence)
            and row.role in asked.roles
            and row.at is not None
            and row.at <= evidence.issued_at
            and people.get(row.actor, "") not in {"", *authors}
        }
        listed = {each.person for each in evidence.approvals}
        found = []
        if "" in authors:
            found.append(f"an author is nobody's: {authors}")
        if len(given) < asked.count:
            found.append(f"{len(given)} of {asked.count} approvals")
        if not listed <= given:
            found.append(f"approvals nobody gave: {sorted(listed - given)}")
        return found


async def read(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a store whose connections may be cut."""
    for _ in range(9):
        try:
            return await ask()
        except StoreUnavailable:
            continue
    return await ask()


def _dense(history: History) -> Iterator[str]:
    """Versions go up by one from one, each with an annotated tag on the commit it pins."""
    versions: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for tag in history.tags:
        versions[tag.agent][tag.version] = tag.revision
        if tag.kind != "tag":
            yield f"{tag.agent} v{tag.version}: its tag is a bare {tag.kind}"
    for agent, found in versions.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"{agent} has the versions {sorted(found)}"
    for one in history.written:
        if one.ours and one.spec is not None:
            tagged = versions[one.agent].get(one.spec.version)
            if tagged != one.spec.revision:
                yield f"{one.agent} v{one.spec.version}: tag on {tagged}, not {one.spec.revision}"


def _committed_once(history: History) -> Iterator[str]:
    """Each version is one commit of ours with one trailer, and no promotion makes two releases."""
    commits: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    made: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    for one in history.written:
        if one.ours and one.spec is not None and one.trailers:
            commits[one.agent, one.spec.version].append(one.commit)
            for trailer in one.trailers:
                made[trailer, one.spec.restores is not None].append(one.spec.version)
    for (agent, version), found in commits.items():
        if len(found) > 1:
            yield f"{agent} v{version} was committed by {found}"
    for (trailer, _), versions in made.items():
        if len(versions) > 1:
            yield f"{trailer} made the versions {versions}"
    for tag in history.tags:
        if (tag.agent, tag.version) not in commits:
            yield f"{tag.agent} v{tag.version} has a tag and no commit of ours"


def _before(one: Written, history: History) -> Written | None:
    """What the file said before a commit."""
    own = [each for each in history.written if each.agent == one.agent]
    place = own.index(one)
    return own[place - 1] if place else None


def _taken_back(one: Written, history: History) -> list[str]:
    """A rollback is to what was released before, and leaves a hold."""
    spec = one.spec
    assert spec is not None
    former = [
        each.spec.digest
        for each in history.written
        if each.agent == one.agent
        and each.spec is not None
        and each.ours
        and each.spec.version == spec.restores
        and each.spec.version < spec.version
    ]
    found = [] if spec.digest in former else [f"v{spec.restores} was never this"]
    return found if spec.hold is not None else [*found, "it holds nothing"]


def _gated(one: Written, record: PromotionRecord, evidence: Evidence, suite: str) -> list[str]:
    """The gate passed before, for exactly this digest and these tests."""
    spec, run = one.spec, record.gate
    assert spec is not None
    found = []
    if record.digest != spec.digest:
        found.append(f"promoted was {record.digest}")
    if not suite or {record.suite_digest, evidence.suite_digest} != {suite}:
        found.append(f"its tests were {record.suite_digest}, {evidence.suite_digest}: {suite}")
    if run is None or run.outcome != "passed" or run.run_id != evidence.test_run:
        found.append(f"its gate was {run}")
    elif run.ended_at is None or run.ended_at > evidence.issued_at:
        found.append(f"its gate ended at {run.ended_at}, issued at {evidence.issued_at}")
    required = [test for test in evidence.tests if test.required]
    if not required or any(test.outcome != "passed" for test in required):
        found.append(f"its tests are {required}")
    if not evidence.gate_ended_at <= evidence.issued_at <= evidence.expires_at:
        found.append(f"its evidence had expired at {evidence.expires_at}")
    return found


def _agrees(row: AuditRecord, record: PromotionRecord, evidence: Evidence) -> bool:
    said = (row.details.get("promotion"), row.details.get("digest"), row.details.get("suite"))
    return said == (record.id, evidence.digest, evidence.suite_digest)


def _holds(edit: JsonObject, leaf: str, body: JsonObject) -> bool:
    """True if what stands at a leaf is what somebody's edit had left there."""
    return bool(_at(edit, leaf) == _at(body, leaf))


def _at(tree: Any, leaf: str) -> Any:
    for name in leaf.split("."):
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    return tree
