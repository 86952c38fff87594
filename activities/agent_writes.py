"""Creating and updating an agent on its platform: one write, its intent, its read-back, its rows.

Nobody else is locked out while we write, so an update checks the version it was planned on before,
and the parent of the version it made after: what somebody committed in between is kept as an event.
"""

from dataclasses import dataclass

from activities.adoptions import own
from activities.creating import create_once
from activities.entries import EntryCreation
from activities.gathering import AgentCorners
from activities.types import StepResult, Timing
from trunkline.model.adoption import is_marking
from trunkline.model.base import JsonObject
from trunkline.model.creation import Found
from trunkline.model.diffs import Leaves
from trunkline.model.errors import Conflict, NotPersisted, OutcomeUnknown, RemoteMissing
from trunkline.model.ids import ExternalId, Revision, new_nonce, nonce_tag, owner_tag, short_digest
from trunkline.model.ledger import LedgerEntry
from trunkline.model.limits import FOREIGN_VERSIONS_MAX
from trunkline.model.observed import AgentVersion, ObservedAgent
from trunkline.model.paths import MISSING, find, owning_leaf, split
from trunkline.model.plans import Change, Step
from trunkline.model.records import EventRecord
from trunkline.model.writes import (
    create_body,
    defaults_before,
    foreign_changes,
    settled_entry,
    unremovable,
    update_patch,
    verify_read_back,
    was_given_away,
)
from trunkline.ports import Clock, Ledger, Statuses

FIELDS_SHOWN = 20
"""Fields named in one event; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Writing:
    """One step about one agent: what it was planned from, and for which commit."""

    corners: AgentCorners
    step: Step
    base_version_id: str | None
    revision: Revision | None
    timing: Timing

    @property
    def description(self) -> str:
        """How our versions are named on the platform, and recognised after a lost answer."""
        revision = (self.revision or "")[:12]
        return f"trunkline {revision} {short_digest(self.corners.rendering.digest)}"


class AgentWrites:
    """Writes of one step about an agent."""

    def __init__(self, ledger: Ledger, statuses: Statuses, clock: Clock) -> None:
        self._ledger = ledger
        self._statuses = statuses
        self._clock = clock

    async def create(self, writing: Writing) -> StepResult:
        """Create the agent, or adopt the one an earlier run created."""
        corners = writing.corners
        fresh = _fresh(corners)
        entry = await self._incarnation(corners, fresh)
        new = entry.nonce == fresh.nonce
        create = EntryCreation(
            self._ledger,
            entry,
            what=f"agent {corners.desired.name}",
            find=_nobody if new else lambda row: _find(corners, row),
            send=lambda row, timeout_s: _send(corners, row, timeout_s),
        )
        created = await create_once(create, self._clock, writing.timing)
        current = await self._current(corners) or entry
        known = current.model_copy(update={"external_id": created.external_id, "attempt": None})
        await self._ledger.put(known)
        observed = await corners.voice.agent(created.external_id)
        if not created.sent and _missing(corners, known, observed):
            raise Conflict(f"{create.what} was found and is not as wished; it is planned again")
        missing = _missing(corners, known, observed)
        if missing:
            raise _not_persisted(corners, missing, moved=False)
        settled = settled_entry(
            known, corners.rendering, corners.known.bindings, corners.desired
        ).model_copy(update={"version_id": observed.version_id})
        await self._ledger.put(settled)
        if created.duplicates:
            await self._report_duplicates(writing, created.duplicates)
        note = "created" if created.sent else "adopted"
        return StepResult(external_id=created.external_id, note=note)

    async def update(self, writing: Writing) -> StepResult:
        """Patch what differs, unless somebody committed since the plan was made."""
        corners = writing.corners
        before, entry = corners.observed, corners.entry
        if before is None or entry is None:
            raise RemoteMissing(f"agent {corners.desired.name} is not there any more")
        return await self._write(writing, entry, before)

    async def adopt(self, writing: Writing) -> StepResult:
        """Make an agent of others ours, or learn that an earlier run did.

        Nothing is remembered before the agent carries our tags: until then it is not ours.
        """
        corners, before = writing.corners, writing.corners.observed
        if corners.adoption is None or before is None:
            return await self.update(writing)
        if corners.adoption.conflict is not None:
            raise corners.adoption.conflict
        name = corners.desired.name
        await own(
            self._ledger, corners.desired, corners.voice.account, "agent", name, corners.adoption
        )
        reserved = await self._ledger.reserve_nonce(_fresh(corners))
        if reserved.external_id is not None or reserved.attempt is not None:
            raise Conflict(f"agent {name} was made or taken over meanwhile")
        entry = reserved.model_copy(
            update={
                "account": corners.voice.account,
                "external_id": before.external_id,
                "defaults": _found_there(writing, before),
            }
        )
        return await self._write(writing, entry, before)

    async def _write(
        self, writing: Writing, entry: LedgerEntry, before: ObservedAgent
    ) -> StepResult:
        """One patch on the version the plan was made on, its read-back and its row."""
        corners = writing.corners
        if before.version_id != writing.base_version_id:
            return await self._resume(writing, entry, before)
        patch = update_patch(
            writing.step,
            corners.rendering,
            corners.known.bindings,
            nonce=entry.nonce,
            observed_tags=before.tags,
            former_tags=_former_tags(corners),
            observed_body=before.body,
            shared_sets=corners.voice.rules.contains,
        )
        try:
            written = await corners.voice.update_agent(
                before.external_id,
                patch,
                description=writing.description,
                timeout_s=writing.timing.request_timeout_s,
            )
        except OutcomeUnknown as error:
            tip = await corners.voice.agent(before.external_id)
            if tip.version_id == before.version_id:
                raise
            if not await self._is_ours(writing, tip):
                raise Conflict(f"{error.message}; somebody else committed since") from error
            written = tip
        await self._report_between(writing, before, written)
        read_back = await corners.voice.agent(before.external_id)
        missing = verify_read_back(patch, read_back, corners.voice.rules)
        if missing:
            raise _not_persisted(corners, missing, moved=read_back.version_id != written.version_id)
        await self._report_stuck(writing, unremovable(patch, read_back, corners.voice.rules))
        await self._settle(corners, entry, before, read_back)
        return StepResult(external_id=before.external_id, note=read_back.version_id)

    async def _resume(self, writing: Writing, entry: LedgerEntry, tip: ObservedAgent) -> StepResult:
        """The tip moved since the plan: by an earlier run of this step, or by somebody else."""
        corners = writing.corners
        if not await self._is_ours(writing, tip):
            raise Conflict(f"agent {corners.desired.name} was changed since the plan was made")
        if _missing(corners, entry, tip):
            raise Conflict(f"agent {corners.desired.name} was changed after our own write")
        await self._settle(corners, entry, tip, tip)
        return StepResult(external_id=tip.external_id, note=tip.version_id)

    async def _is_ours(self, writing: Writing, tip: ObservedAgent) -> bool:
        version = await writing.corners.voice.version(tip.external_id, tip.version_id)
        return version.description == writing.description

    async def _settle(
        self,
        corners: AgentCorners,
        entry: LedgerEntry,
        before: ObservedAgent,
        after: ObservedAgent,
    ) -> None:
        settled = settled_entry(entry, corners.rendering, corners.known.bindings, corners.desired)
        defaults = defaults_before(before, corners.rendering, entry, corners.voice.rules)
        await self._ledger.put(
            settled.model_copy(
                update={"defaults": defaults, "version_id": after.version_id, "attempt": None}
            )
        )

    async def _incarnation(self, corners: AgentCorners, fresh: LedgerEntry) -> LedgerEntry:
        """The row with its nonce; a new nonce if what it points at is gone or another's."""
        entry = await self._ledger.reserve_nonce(fresh)
        if entry.external_id is None:
            return entry
        try:
            observed = await corners.voice.agent(entry.external_id)
        except RemoteMissing:
            return await self._ledger.renew(fresh, gone=entry.external_id)
        if was_given_away(corners.desired, observed.tags):
            return await self._ledger.renew(fresh, gone=entry.external_id)
        return entry

    async def _current(self, corners: AgentCorners) -> LedgerEntry | None:
        desired = corners.desired
        return await self._ledger.entry(desired.project, desired.environment, "agent", desired.name)

    async def _report_between(
        self, writing: Writing, before: ObservedAgent, written: ObservedAgent
    ) -> None:
        """An event for what somebody committed between our reading and our write."""
        foreign = await self._foreign_versions(writing, before, written)
        if not foreign:
            return
        voice = writing.corners.voice
        between = await voice.agent(before.external_id, version_id=foreign[0].version_id)
        changes = foreign_changes(before, between, voice.rules)
        await self._warn(
            writing,
            "ForeignEdit",
            f"{_people(foreign)} changed {_fields(changes)} while Trunkline wrote; "
            "what Git owns was overwritten, the rest stays",
            details={
                "versions": [version.version_id for version in foreign],
                "changes": [change.model_dump(mode="json") for change in changes[:FIELDS_SHOWN]],
            },
        )

    async def _foreign_versions(
        self, writing: Writing, before: ObservedAgent, written: ObservedAgent
    ) -> tuple[AgentVersion, ...]:
        """Versions between the one we read and the one we made, newest first."""
        voice = writing.corners.voice
        foreign: list[AgentVersion] = []
        version = await voice.version(before.external_id, written.version_id)
        parent_id = version.parent_id
        while parent_id not in (None, before.version_id) and len(foreign) < FOREIGN_VERSIONS_MAX:
            version = await voice.version(before.external_id, str(parent_id))
            foreign.append(version)
            parent_id = version.parent_id
        return tuple(foreign)

    async def _report_stuck(self, writing: Writing, paths: tuple[str, ...]) -> None:
        """Once, because what is settled next no longer owns these paths."""
        if not paths:
            return
        await self._warn(
            writing,
            "CannotBeRemoved",
            f"{', '.join(paths)} cannot be removed: the platform keeps the key with an empty "
            "value. It is left like that.",
        )

    async def _report_duplicates(
        self, writing: Writing, duplicates: tuple[ExternalId, ...]
    ) -> None:
        await self._warn(
            writing,
            "DuplicateFound",
            "Other agents carry the same mark and were left alone: "
            f"{', '.join(duplicates)}. Look at them and remove them by hand.",
        )

    async def _warn(
        self, writing: Writing, reason: str, message: str, *, details: JsonObject | None = None
    ) -> None:
        """An event about this agent that is no transition of its status."""
        desired = writing.corners.desired
        event = EventRecord(
            project=desired.project,
            environment=desired.environment,
            name=desired.name,
            type="Warning",
            reason=reason,
            message=message,
            revision=writing.revision,
            details=details or {},
        )
        await self._statuses.add_events([event])


def _fresh(corners: AgentCorners) -> LedgerEntry:
    return LedgerEntry(
        project=corners.desired.project,
        environment=corners.desired.environment,
        kind="agent",
        name=corners.desired.name,
        account=corners.voice.account,
        nonce=new_nonce(),
    )


def _found_there(writing: Writing, before: ObservedAgent) -> Leaves:
    """What stood where we now write something else: a path that leaves Git goes back to it."""
    rules = writing.corners.voice.rules
    found: Leaves = {}
    for change in writing.step.changes:
        leaf = owning_leaf(change.path)
        value = find(before.body, split(leaf))
        if not is_marking(change, rules) and value is not MISSING:
            found[leaf] = value
    return found


async def _nobody(_: LedgerEntry) -> tuple[Found, ...]:
    """Nobody can carry a nonce that this very run has just made up."""
    return ()


async def _find(corners: AgentCorners, entry: LedgerEntry) -> tuple[Found, ...]:
    if entry.nonce is None:
        return ()
    found = await corners.voice.find_agents(nonce_tag(entry.nonce))
    return tuple(Found(item.external_id, item.created_at_s) for item in found)


async def _send(corners: AgentCorners, entry: LedgerEntry, timeout_s: float) -> ExternalId:
    body = create_body(corners.rendering, corners.known.bindings, nonce=entry.nonce)
    return await corners.voice.create_agent(body, timeout_s=timeout_s)


def _missing(
    corners: AgentCorners, entry: LedgerEntry, observed: ObservedAgent
) -> tuple[Change, ...]:
    body = create_body(corners.rendering, corners.known.bindings, nonce=entry.nonce)
    return verify_read_back(body, observed, corners.voice.rules)


def _former_tags(corners: AgentCorners) -> tuple[str, ...]:
    desired = corners.desired
    if desired.renamed_from is None:
        return ()
    return (owner_tag(desired.project, desired.environment, desired.renamed_from),)


def _not_persisted(
    corners: AgentCorners, missing: tuple[Change, ...], *, moved: bool
) -> NotPersisted | Conflict:
    name = corners.desired.name
    if moved:
        return Conflict(f"agent {name} was changed right after our write")
    return NotPersisted(
        f"agent {name}: the platform accepted the write and did not keep {_fields(missing)}",
        hint="Take the field out of the manifest, or give it a value the platform keeps.",
    )


def _fields(changes: tuple[Change, ...]) -> str:
    if not changes:
        return "nothing that is compared"
    named = ", ".join(change.path for change in changes[:FIELDS_SHOWN])
    more = len(changes) - FIELDS_SHOWN
    return f"{named} and {more} more" if more > 0 else named


def _people(versions: tuple[AgentVersion, ...]) -> str:
    return ", ".join(sorted({version.author or "somebody" for version in versions}))
