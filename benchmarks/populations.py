"""What a store holds once a fleet has been at work for a while, written without anybody working.

Every agent runs in two environments, was released three times, and left events, promotions and
audit rows behind. Rows are of the models' own shapes and go in as a copy, for it is their number
that matters and not the way they came; statistics are taken as a server takes them by itself.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.rows import json_text
from trunkline.model.base import JsonObject
from trunkline.model.conditions import Condition
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.kinds.project import Promotion
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import (
    GivenApproval,
    PhaseEntry,
    PromotionPhase,
    PromotionRecord,
    TestsRun,
)
from trunkline.model.records import EventRecord, ProjectRecord, SourceState, StatusRecord
from trunkline.model.releases import ReleaseRecord, ReleaseStanding
from trunkline.services.access import AccessService

PROJECT = "bench"
TESTING, PRODUCTION = "testing", "production"
ENVIRONMENTS = (TESTING, PRODUCTION)
VERSIONS = 3
EVENTS = 10
"""Of each agent."""
AUDITED = 2
TEAMS = 20
REGIONS = 400
"""So many that a region's agents are few, and far apart in the order pages are read in."""
AGENTS_A_NUMBER = 10
PROMOTED_ONE_IN = 20
"""One promotion in so many is open."""
BEGAN_AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
MANIFEST: JsonObject = {
    "apiVersion": "trunkline/v1alpha1",
    "kind": "Project",
    "metadata": {"name": PROJECT},
    "spec": {
        "environments": [
            {"name": TESTING, "source": "head", "mode": "enforce"},
            {"name": PRODUCTION, "source": "releases", "mode": "enforce"},
        ]
    },
}
_OPEN_PHASES: tuple[PromotionPhase, ...] = ("Gate", "Soak", "Approval", "Rollout")


@dataclass(frozen=True, slots=True)
class Population:
    """A filled store: its agents by name, and one token for each of the people who ask."""

    agents: tuple[str, ...]
    tokens: tuple[str, ...]
    rows: int


async def populate(database_url: str, agents: int, people: int) -> Population:
    """Fill an empty store."""
    names = tuple(f"agent-{number:05}" for number in range(agents))
    async with PostgresStore(database_url) as store:
        address = "https://git.example.com/team/bench.git"
        await store.register(ProjectRecord(name=PROJECT, repository=address))
        head = _revision(0)
        source = SourceState(project=PROJECT, seen_revision=head, applied_revision=head)
        await store.store_tree(source, [], {}, MANIFEST)
        promotion = Promotion.model_validate({"from": TESTING, "approvals": {"count": 1}})
        await store.put_rules(PROJECT, PRODUCTION, PromotionRules(promotion=promotion))
        access = AccessService(store)
        issued = [await access.issue(f"person-{n}@example.com", "admin") for n in range(people)]
    rows = 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table, columns, values in _tables(names):
            rows += _copy(connection, table, columns, values)
        connection.execute("VACUUM ANALYZE")
    return Population(names, tuple(each.secret for each in issued), rows)


def status_of(name: str, number: int, environment: str) -> StatusRecord:
    """An agent as it is most of the time; one in fifty is not as Git wants it."""
    drifted = number % 50 == 7
    words = "the first message was edited on the platform by somebody" if drifted else ""
    ready = Condition(type="Ready", status="True", reason="Synced")
    edited = Condition(type="Drifted", status="True", reason="Edited", message=words)
    return StatusRecord(
        project=PROJECT,
        environment=environment,
        kind="agent",
        name=name,
        stage="production" if environment == PRODUCTION else "testing",
        sync="OutOfSync" if drifted else "Synced",
        health="Degraded" if drifted else "Healthy",
        version=VERSIONS if environment == PRODUCTION else 0,
        revision=_revision(number),
        digest=_digest(number),
        numbers=(f"+1500555{number:06}"[:15],) if number % AGENTS_A_NUMBER == 0 else (),
        external_id=ExternalId(f"agent_{number:028}"),
        message=words,
        conditions=(ready, edited) if drifted else (ready,),
        labels={
            "team": f"team-{number % TEAMS}",
            "region": f"region-{number % REGIONS}",
            "tier": "gold" if number % 3 else "trial",
        },
    )


def event_of(name: str, environment: str, reason: str, message: str) -> EventRecord:
    """Something that happened to an agent."""
    return EventRecord(
        project=PROJECT,
        environment=environment,
        name=name,
        reason=reason,
        message=message,
        revision=_revision(len(message)),
        details={"fields": ["conversation_config.agent.first_message"], "calls": 2},
    )


def _tables(names: tuple[str, ...]) -> Iterator[tuple[str, str, Iterable[tuple[object, ...]]]]:
    subject = "project environment agent"
    yield (
        "wishes",
        "project environment kind name wish_digest body_digest revision body declared",
        _wishes(names),
    )
    yield "statuses", "project environment kind name status", _statuses(names)
    yield (
        "events",
        "project environment kind name type reason message revision details",
        _events(names),
    )
    yield (
        "audit",
        "actor role action project subject request_id reason details before after",
        _audit(names),
    )
    yield "promotions", f"{subject} number id open record created_at", _promotions(names)
    yield "releases", f"{subject} version record", _releases(names)
    yield "release_standings", f"{subject} standing", _standings(names)


def _copy(
    connection: psycopg.Connection, table: str, columns: str, values: Iterable[tuple[object, ...]]
) -> int:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns.split())
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copied:
        for row in values:
            copied.write_row(row)
            count += 1
    return count


def _wishes(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    prompt = "You answer the phone. Be brief, be kind, and never guess a price. " * 8
    for number, name in enumerate(names):
        body = {"digest": _digest(number), "lifecycle": "active", "prompt": f"{name}: {prompt}"}
        for environment in ENVIRONMENTS:
            yield (
                *(PROJECT, environment, "agent", name, _digest(number), _digest(number)),
                *(_revision(number), json_text(body), True),
            )


def _statuses(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(names):
        for environment in ENVIRONMENTS:
            status = status_of(name, number, environment)
            yield PROJECT, environment, "agent", name, json_text(status)
            if status.numbers and environment == PRODUCTION:
                line = status.model_copy(update={"kind": "number", "name": f"line-{number:05}"})
                yield PROJECT, environment, "number", line.name, json_text(line)


def _events(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    """In the order they happened: those of one agent are far apart."""
    for round_number in range(EVENTS):
        for name in names:
            environment = ENVIRONMENTS[round_number % 2]
            one = event_of(name, environment, "Updated", f"updated in round {round_number}")
            details = json_text(one.details)
            yield (
                *(PROJECT, environment, "agent", name, one.type, one.reason, one.message),
                *(one.revision, details),
            )


def _audit(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for round_number in range(AUDITED):
        for number, name in enumerate(names):
            yield (
                *(f"person-{number % 7}@example.com", "operator", "sync", PROJECT, name),
                *(f"{number:08x}{round_number:08x}", "after the outage"),
                *(json_text({"hardRefresh": False}), None, json_text({"suspended": False})),
            )


def _promotions(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(names):
        record = _promotion(number, name)
        yield (
            *(PROJECT, PRODUCTION, name, record.number, record.id, record.is_open),
            *(json_text(record), BEGAN_AT + timedelta(seconds=number)),
        )


def _promotion(number: int, name: str) -> PromotionRecord:
    is_open = number % PROMOTED_ONE_IN == 3
    phase = _OPEN_PHASES[number % len(_OPEN_PHASES)] if is_open else "Ended"
    at = BEGAN_AT + timedelta(seconds=number)
    walked: tuple[PromotionPhase, ...] = ("Starting", "Gate", "Approval", "Releasing", "Settling")
    ended_at = None if is_open else at + timedelta(minutes=9)
    return PromotionRecord(
        project=PROJECT,
        environment=PRODUCTION,
        agent=name,
        number=VERSIONS,
        phase=phase,
        state="Open" if is_open else "Done",
        origin=TESTING,
        revision=_revision(number),
        digest=_digest(number),
        rendered_digest=_digest(number),
        suite_digest=_digest(number),
        changes="Greets callers in other words than before",
        requested_by="operator@example.com",
        gate=TestsRun(run_id=f"run-{number:08x}", outcome="passed", began_at=at, ended_at=ended_at),
        approvals=()
        if is_open
        else (GivenApproval(person="approver", role="approver", at=at, audit_id=number + 1),),
        approvals_needed=1,
        version=0 if is_open else VERSIONS,
        settled_version=VERSIONS - 1,
        timeline=tuple(
            PhaseEntry(phase=each, began_at=at, ended_at=at + timedelta(minutes=1))
            for each in walked
        ),
        finished_at=ended_at,
    )


def _releases(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(names):
        for version in range(1, VERSIONS + 1):
            spec = _spec(number, version)
            record = ReleaseRecord(
                project=PROJECT,
                environment=PRODUCTION,
                agent=name,
                version=version,
                revision=Revision(spec.revision),
                digest=Digest(spec.digest),
                changes=spec.changes,
                promoted_by=spec.promoted_by,
                promotion=f"{PRODUCTION}.{name}.{version}",
                commit=Revision(spec.revision),
                released_at=BEGAN_AT + timedelta(days=version),
                spec=spec.model_dump(mode="json", exclude_none=True),
            )
            yield PROJECT, PRODUCTION, name, version, json_text(record)


def _standings(names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(names):
        spec = _spec(number, VERSIONS)
        standing = ReleaseStanding(
            project=PROJECT,
            environment=PRODUCTION,
            agent=name,
            seen=spec,
            seen_commit=Revision(spec.revision),
            applied_version=VERSIONS,
            applied=spec,
        )
        yield PROJECT, PRODUCTION, name, json_text(standing)


def _spec(number: int, version: int) -> ReleaseSpec:
    return ReleaseSpec.model_validate(
        {
            "environment": PRODUCTION,
            "version": version,
            "revision": _revision(number * VERSIONS + version),
            "digest": _digest(number * VERSIONS + version),
            "changes": f"Version {version}: greets callers in other words than before",
            "promotedBy": "operator@example.com",
            "evidence": {"suite": _digest(number), "passed": 100, "signature": "5e" * 64},
        }
    )


def _revision(seed: int) -> Revision:
    return Revision(f"{random.Random(seed).getrandbits(160):040x}")  # noqa: S311 - a name


def _digest(seed: int) -> Digest:
    return Digest(f"sha256:{random.Random(seed).getrandbits(256):064x}")  # noqa: S311 - a name
