"""Everything known of one agent or number, gathered for a person who asks what it is.

It reads what others wrote and decides nothing: status, the wish, the ledger, what people said
about it, its newest plan and its last events. Bodies and secrets stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from trunkline.model import limits
from trunkline.model.base import Json, JsonObject
from trunkline.model.ids import agent_workflow_id, number_workflow_id
from trunkline.model.interventions import Intervention
from trunkline.model.ledger import Claim, LedgerEntry
from trunkline.model.records import EventRecord, PlanRecord, RecordKind, StatusRow, WishRecord
from trunkline.model.releases import ReleaseRecord
from trunkline.ports import Interventions, Ledger, Operations, Statuses, Wishes
from trunkline.services.pages import Page, before_cursor
from trunkline.services.promotion_views import PromotionViewService, ReleaseSide
from trunkline.services.status import StatusService

EVENTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The newest plan with a step about the subject, and how many such steps it has."""

    record: PlanRecord
    steps: int


@dataclass(frozen=True, slots=True)
class Description:
    """One subject from every side; what is not there is None or empty."""

    status: StatusRow
    workflow_id: str
    wish: WishRecord | None
    entry: LedgerEntry | None
    objects: tuple[Claim, ...]
    interventions: tuple[Intervention, ...]
    plan: PlanFacts | None
    events: tuple[EventRecord, ...]
    released: ReleaseSide | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What became of the subject at one revision of Git; ``version_id`` is the platform's.

    ``release`` is set where that revision was released; ``oldest_event`` is the id of the first
    of the events that tell of it.
    """

    revision: str
    at: datetime | None
    reason: str
    message: str
    warnings: int
    state: Literal["current", "past"]
    version_id: str | None
    environment: str = ""
    release: ReleaseRecord | None = None
    oldest_event: int | None = None


class DescriptionService:
    """Descriptions and histories of one store."""

    def __init__(
        self,
        status: StatusService,
        statuses: Statuses,
        wishes: Wishes,
        ledger: Ledger,
        operations: Operations,
        interventions: Interventions,
        promotions: PromotionViewService,
    ) -> None:
        self._status = status
        self._statuses = statuses
        self._wishes = wishes
        self._ledger = ledger
        self._operations = operations
        self._interventions = interventions
        self._promotions = promotions

    async def describe(
        self, project: str, kind: RecordKind, name: str, *, environment: str | None
    ) -> Description:
        """Everything known of it. Raises NotFound, InvalidInput as ``StatusService.one`` does."""
        status = await self._status.one(project, kind, name, environment=environment)
        place = status.environment
        wish = await self._wishes.wish(project, place, kind, name)
        entry = await self._ledger.entry(project, place, kind, name)
        events = await self._statuses.events(
            project, environment=place, kind=kind, name=name, limit=EVENTS_SHOWN
        )
        found = await self._interventions.interventions(project, place)
        return Description(
            status=status,
            workflow_id=_workflow_id(status, entry),
            wish=wish,
            entry=entry,
            objects=await self._objects(wish, entry),
            interventions=tuple(each for each in found if each.concerns(place, kind, name)),
            plan=await self._plan(project, place, kind, name),
            events=events,
            released=await self._promotions.side(project, place, name) if kind == "agent" else None,
        )

    async def history(
        self,
        project: str,
        kind: RecordKind,
        name: str,
        *,
        environment: str | None,
        before: int | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[HistoryEntry]:
        """Revisions that touched it, newest first, as far as its events reach back; one that came
        back after another comes again. ``before``: only what events below that id tell.
        """
        status = await self._status.one(project, kind, name, environment=environment)
        entry = await self._ledger.entry(project, status.environment, kind, name)
        runs: list[list[EventRecord]] = []
        for _ in range(limits.API_SCAN_MAX_PAGES):
            events = await self._statuses.events(
                project,
                environment=status.environment,
                kind=kind,
                name=name,
                before=before,
                limit=limits.API_PAGE_MAX,
            )
            for event in events:
                if event.revision is None:
                    continue
                if not runs or runs[-1][0].revision != event.revision:
                    runs.append([])
                runs[-1].append(event)
            if len(events) < limits.API_PAGE_MAX or len(runs) > limit:
                break
            before = events[-1].id
        entries = tuple(_history_entry(run, status, entry) for run in runs[:limit])
        more = len(runs) > limit
        return Page(entries, before_cursor(entries[-1].oldest_event) if more else None)

    async def _objects(
        self, wish: WishRecord | None, entry: LedgerEntry | None
    ) -> tuple[Claim, ...]:
        """The shared objects the wish uses, as the ledger has them."""
        if wish is None or entry is None:
            return ()
        wanted = {
            (kind, name, digest)
            for kind, key in (("tool", "tools"), ("document", "documents"))
            for name, digest in _named(wish.body.get(key))
        }
        if not wanted:
            return ()
        claims = await self._ledger.claims(
            entry.account,
            wish.project,
            wish.environment,
            names=sorted({name for _, name, _ in wanted}),
        )
        return tuple(c for c in claims if (c.kind, c.name, c.digest) in wanted)

    async def _plan(
        self, project: str, environment: str, kind: RecordKind, name: str
    ) -> PlanFacts | None:
        record = await self._operations.last_plan(project, environment, kind, name)
        if record is None:
            return None
        mine = [s for s in record.plan.steps if s.subject == kind and s.name == name]
        return PlanFacts(record, len(mine))


def _history_entry(
    run: Sequence[EventRecord], status: StatusRow, entry: LedgerEntry | None
) -> HistoryEntry:
    """One revision by its events, newest first."""
    revision = run[0].revision or ""
    is_current = revision == status.revision
    return HistoryEntry(
        revision=revision,
        at=run[-1].at,
        reason=run[0].reason,
        message=run[0].message,
        warnings=sum(event.type == "Warning" for event in run),
        state="current" if is_current else "past",
        version_id=entry.version_id if is_current and entry else None,
        environment=status.environment,
        oldest_event=run[-1].id,
    )


def _named(listed: Json) -> list[tuple[str, str]]:
    entries = listed if isinstance(listed, list) else []
    return [
        (str(entry.get("name")), str(entry.get("digest")))
        for entry in entries
        if isinstance(entry, dict)
    ]


def wish_facts(wish: WishRecord) -> JsonObject:
    """What a person wants to know of a wish; prompts and documents are left out."""
    body = wish.body
    if wish.kind == "number":
        keys = ("number", "routing", "agent", "fallbackNumber", "takeover")
        return {key: body.get(key) for key in keys}
    tools: list[Json] = [name for name, _ in _named(body.get("tools"))]
    documents: list[Json] = [name for name, _ in _named(body.get("documents"))]
    builtin = body.get("builtinTools")
    return {
        "displayName": body.get("displayName"),
        "lifecycle": body.get("lifecycle"),
        "direction": body.get("direction"),
        "language": body.get("language"),
        "tools": [*tools, *(builtin if isinstance(builtin, list) else [])],
        "documents": documents,
    }


def _workflow_id(status: StatusRow, entry: LedgerEntry | None) -> str:
    if status.kind == "number":
        number = status.numbers[0] if status.numbers else ""
        account = entry.account if entry else "?"
        return number_workflow_id(account, number)
    return agent_workflow_id(status.project, status.environment, status.name)
