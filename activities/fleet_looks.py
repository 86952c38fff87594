"""Looking over every agent of an environment, cheaply, and concluding only from what was read.

The platform's list is read once; an agent that the list and the last whole reading say is as it was
left is not read again until it is its turn (``model.looks``). Ledger rows are read for a batch at
a time. A reading that fails says nothing about its agent: it is counted and read the next time.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from activities.concurrency import each
from activities.experiments import RolloutPorts
from activities.gathering import Gatherer
from activities.heartbeats import Progress, resumed_place
from activities.reading_ahead import Ahead, read_ahead
from activities.rollouts import Rollouts
from activities.telling import Dispatcher
from activities.types import SweepInput
from trunkline import __version__
from trunkline.model.base import Frozen
from trunkline.model.conditions import find
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import (
    AccountUnavailable,
    CredentialsRejected,
    PlatformError,
    RateLimited,
)
from trunkline.model.ids import OWNER_PREFIX, ExternalId
from trunkline.model.ledger import LedgerEntry
from trunkline.model.limits import (
    ORPHANS_SHOWN,
    SIGNAL_BATCH_SIZE,
    SWEEP_READS_CONCURRENT,
    SWEEP_UNREAD_MAX,
)
from trunkline.model.looks import Look, Orphan, is_due, look_mark, may_be_remembered, orphans
from trunkline.model.observed import AgentSummary
from trunkline.model.policies import Policy
from trunkline.model.records import EventRecord, RecordKind, StatusRow, WishRecord
from trunkline.ports import Accounts, Clock, Ledger, Looks, Statuses, VoicePlatform, Wishes

ORPHAN_FOUND = "OrphanFound"
EVENTS_LOOKED_BACK = 50
"""Events of an environment read to see whether an orphan was told of already; it has few."""


class Place(Frozen):
    """How far a sweep came: the last agent looked at, and what was counted up to it."""

    after: str = ""
    tally: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """The agents of an environment as the platform's list shows them, by id."""

    voice: VoicePlatform
    listed_at: datetime
    agents: Mapping[ExternalId, AgentSummary]


@dataclass(frozen=True, slots=True)
class Round:
    """One sweep: what it was asked, what is in force, what it found out before it looks."""

    request: SweepInput
    policy: Policy
    listing: Listing
    showing: frozenset[str]
    tally: Counter[str]


class FleetLooks:
    """Looks at the agents of an environment."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        statuses: Statuses,
        dispatcher: Dispatcher,
        looks: Looks,
        clock: Clock,
        rollouts: RolloutPorts | None = None,
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._statuses = statuses
        self._dispatcher = dispatcher
        self._looks = looks
        self._clock = clock
        self._gatherer = Gatherer(accounts, ledger)
        self._rollouts = Rollouts(rollouts, self._gatherer) if rollouts is not None else None

    async def look(
        self, request: SweepInput, policy: Policy, tally: Counter[str], progress: Progress
    ) -> None:
        """Tell every agent that is not as it was left; goes on where a dead worker stopped.

        Raises what the account as a whole answers with, and an agent's refusal once too many
        could not be read.
        """
        place = _resumed()
        tally.update(place.tally)
        round_of = Round(
            request=request,
            policy=policy,
            listing=await self._listing(request),
            showing=await self._showing_drift(request),
            tally=tally,
        )
        names: set[str] = set()
        known_ids: set[str] = set()
        start = place.after or f"{request.environment}/agent/"
        async for batch in wish_batches(self._wishes, request, "agent", after=start):
            names.update(record.name for record in batch)
            standing = [record for record in batch if not record.removed]
            known_ids.update(await self._look_at(round_of, standing))
            after = f"{request.environment}/agent/{batch[-1].name}"
            progress.words = f"{tally['observed']} looked at, {tally['drifted']} drifted"
            progress.place = Place(after=after, tally=dict(tally)).model_dump_json()
        tally["doubles"] = _doubles(request, round_of.listing.agents.values())
        if not place.after:
            await self._report_orphans(round_of, names, known_ids)

    async def _look_at(self, round_of: Round, batch: list[WishRecord]) -> set[str]:
        """Look at one batch; answers the ids its ledger rows know."""
        request = round_of.request
        wishes = {record.name: DesiredAgent.model_validate(record.body) for record in batch}
        ahead = await read_ahead(self._ledger, round_of.listing.voice, wishes.values())
        looks = {
            look.name: look
            for look in await self._looks.looks(request.project, request.environment, list(wishes))
        }
        found: list[Look] = []
        failed: set[str] = set()

        async def one(record: WishRecord) -> None:
            desired = wishes[record.name]
            if await self._is_rolled_out(round_of, desired):
                round_of.tally["observed"] += 1
                await self._dispatcher.tell(record, "drift", request.timing)
                return
            mark = await self._mark(round_of, record, desired, ahead)
            now = self._clock.now()
            if record.name not in round_of.showing and not is_due(
                looks.get(record.name), mark, now=now
            ):
                round_of.tally["observed"] += 1
                round_of.tally["skipped"] += 1
                return
            clean = await self._is_clean(round_of, record, desired, ahead, failed)
            summary = _summary(round_of.listing, ahead.entries.get(record.name))
            if (
                clean
                and mark is not None
                and summary is not None
                and may_be_remembered(summary, listed_at=round_of.listing.listed_at)
            ):
                found.append(
                    Look(
                        project=record.project,
                        environment=record.environment,
                        name=record.name,
                        mark=mark,
                        at=now,
                    )
                )

        await each(one, batch, concurrent=SWEEP_READS_CONCURRENT)
        again = [record for record in batch if record.name in failed]
        await each(one, again, concurrent=SWEEP_READS_CONCURRENT)
        if found:
            await self._looks.put_looks(found)
        return {entry.external_id for entry in ahead.entries.values() if entry.external_id}

    async def _is_rolled_out(self, round_of: Round, desired: DesiredAgent) -> bool:
        """True while Main is not what the release wants on purpose, or calls are divided: the
        agent's own round then looks at Main, at the branches and at the shares.
        """
        if self._rollouts is None or round_of.policy.prune.follows_head:
            return False
        return await self._rollouts.under_way(desired)

    async def _mark(
        self, round_of: Round, record: WishRecord, desired: DesiredAgent, ahead: Ahead
    ) -> str | None:
        """What a look at the agent rests on; None where only a whole reading will do."""
        entry = ahead.entries.get(record.name)
        summary = _summary(round_of.listing, entry)
        if entry is None or summary is None or entry.digest != desired.digest:
            return None
        if await self._gatherer.stale_secrets(desired, ahead.claims_of(desired)):
            return None
        ignored = round_of.policy.ignored_paths(desired.name)
        return look_mark(summary, rests_on=(record.wish_digest, __version__, *ignored))

    async def _is_clean(
        self,
        round_of: Round,
        record: WishRecord,
        desired: DesiredAgent,
        ahead: Ahead,
        failed: set[str],
    ) -> bool:
        """True if the agent was read and is as it was left; tells it if it is not.

        One that could not be read is remembered in ``failed``, and counted the second time.
        """
        tally = round_of.tally
        try:
            corners = await self._gatherer.agent(desired, remember=False, ahead=ahead)
        except (RateLimited, AccountUnavailable, CredentialsRejected):
            raise
        except PlatformError:
            if record.name not in failed:
                failed.add(record.name)
                return False
            tally["unread"] += 1
            if tally["unread"] > SWEEP_UNREAD_MAX:
                raise
            return False
        plan = corners.plan(round_of.policy.ignored_paths(desired.name))
        differs = bool(plan.steps)
        tally["observed"] += 1
        if differs or record.name in round_of.showing:
            tally["drifted"] += 1
            await self._dispatcher.tell(record, "drift", round_of.request.timing)
        return not differs

    async def _listing(self, request: SweepInput) -> Listing:
        """The environment's agents in the platform's list; those of others are not kept."""
        voice = await self._accounts.voice(request.project, request.environment)
        listed_at = self._clock.now()
        ours = f"{OWNER_PREFIX}{request.project}/{request.environment}/"
        found: dict[ExternalId, AgentSummary] = {}
        async for page in voice.agents():
            found.update(
                (summary.external_id, summary)
                for summary in page
                if any(tag.startswith(ours) for tag in summary.tags)
            )
        return Listing(voice=voice, listed_at=listed_at, agents=found)

    async def _showing_drift(self, request: SweepInput) -> frozenset[str]:
        """Agents whose status says Drifted: they are told when it is so no more, too."""
        names = [
            row.name
            async for row in status_rows(self._statuses, request, "agent")
            if find(row.conditions, "Drifted") is not None
        ]
        return frozenset(names)

    async def _report_orphans(self, round_of: Round, names: set[str], known_ids: set[str]) -> None:
        """An event for marks nobody knows, once for each set of them; nothing is touched."""
        request = round_of.request
        found = orphans(
            round_of.listing.agents.values(),
            project=request.project,
            environment=request.environment,
            names=names,
            known_ids=known_ids,
        )
        round_of.tally["orphans"] = len(found)
        if not found:
            return
        event = orphan_event(request.project, request.environment, found)
        said = await self._statuses.events(
            request.project,
            environment=request.environment,
            kind="environment",
            name=request.environment,
            limit=EVENTS_LOOKED_BACK,
        )
        if not any(each.reason == ORPHAN_FOUND and each.message == event.message for each in said):
            await self._statuses.add_events([event])


def orphan_event(project: str, environment: str, found: tuple[Orphan, ...]) -> EventRecord:
    """What people are told about agents that carry a mark nobody knows."""
    shown = ", ".join(f"{one.name} ({one.external_id})" for one in found[:ORPHANS_SHOWN])
    more = f" and {len(found) - ORPHANS_SHOWN} more" if len(found) > ORPHANS_SHOWN else ""
    return EventRecord(
        project=project,
        environment=environment,
        kind="environment",
        name=environment,
        type="Warning",
        reason=ORPHAN_FOUND,
        message=(
            f"agents carry this environment's mark and neither Git nor the ledger knows them:"
            f" {shown}{more}; they are left alone. Look at them and remove them by hand, or add"
            " them to Git"
        ),
        details={"agents": [one.external_id for one in found[:ORPHANS_SHOWN]]},
    )


async def wish_batches(
    wishes: Wishes, request: SweepInput, kind: str, *, after: str = ""
) -> AsyncIterator[tuple[WishRecord, ...]]:
    """The environment's wishes of one kind, by name; those gone from Git are marked."""
    key = after or f"{request.environment}/{kind}/"
    while batch := await wishes.wishes(
        request.project, request.environment, after=key, limit=SIGNAL_BATCH_SIZE
    ):
        found = tuple(record for record in batch if record.kind == kind)
        if found:
            yield found
        if batch[-1].kind != kind:
            return
        key = f"{request.environment}/{kind}/{batch[-1].name}"


async def status_rows(
    statuses: Statuses, request: SweepInput, kind: RecordKind
) -> AsyncIterator[StatusRow]:
    """Every status of one kind in the environment, by name."""
    after = ""
    while rows := await statuses.statuses(
        request.project,
        environment=request.environment,
        kind=kind,
        after=after,
        limit=SIGNAL_BATCH_SIZE,
    ):
        for row in rows:
            yield row
        after = f"{kind}/{rows[-1].name}/{request.environment}"


def _summary(listing: Listing, entry: LedgerEntry | None) -> AgentSummary | None:
    if entry is None or entry.external_id is None:
        return None
    return listing.agents.get(entry.external_id)


def _doubles(request: SweepInput, summaries: Iterable[AgentSummary]) -> int:
    """How many agents carry the mark of another one."""
    ours = f"{OWNER_PREFIX}{request.project}/{request.environment}/"
    owners = Counter(
        tag
        for summary in summaries
        if not summary.archived
        for tag in summary.tags
        if tag.startswith(ours)
    )
    return sum(count - 1 for count in owners.values())


def _resumed() -> Place:
    """Where the try before this one stopped; the beginning if there was none."""
    place = resumed_place()
    return Place.model_validate_json(place) if place else Place()
