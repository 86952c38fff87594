"""What we did to the platforms, durably: rows of ours, deletions, and how they come to an end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.ejection import Belonging, Belongings
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import (
    Attempt,
    Claim,
    LedgerEntry,
    LedgerKind,
    ObjectOwner,
    Tombstone,
)
from trunkline.model.looks import Look
from trunkline.model.pruning import Census, Deletion, Gone
from trunkline.model.records import (
    EventRecord,
    WishRecord,
)


class Ledger(Protocol):
    """What we did last, durably."""

    async def entry(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> LedgerEntry | None:
        """One row, or None."""

    async def entries(
        self, project: str, environment: str, kind: LedgerKind
    ) -> tuple[LedgerEntry, ...]:
        """All rows of an environment."""

    async def entries_named(
        self, project: str, environment: str, kind: LedgerKind, names: Sequence[str]
    ) -> tuple[LedgerEntry, ...]:
        """The rows of those names, by name."""

    async def put(self, entry: LedgerEntry) -> None:
        """Insert or replace a row; the nonce of an existing row is never changed."""

    async def reserve_nonce(self, entry: LedgerEntry) -> LedgerEntry:
        """Insert the row with its nonce unless one is there; answers the row that counts."""

    async def renew(self, entry: LedgerEntry, *, gone: ExternalId) -> LedgerEntry:
        """Begin a new incarnation of an object that is ``gone`` from the platform.

        The row takes the nonce of ``entry`` and loses id, version and attempt, unless it no longer
        points at the gone object; answers the row that counts.
        """

    async def open_attempt(self, entry: LedgerEntry, attempt: Attempt) -> bool:
        """Record a create about to be sent; False if another attempt was opened meanwhile."""

    async def claim(self, claim: Claim) -> Claim:
        """Insert the claim unless one is there; answers the row that counts."""

    async def take_over(self, claim: Claim, *, previous: Claim) -> bool:
        """Replace a dead claimant's attempt by ours; False if somebody was quicker."""

    async def settle(
        self, claim: Claim, external_id: ExternalId, *, fingerprint: str | None
    ) -> None:
        """Record the id of a shared object."""

    async def claims(
        self, account: str, project: str, environment: str, *, names: Sequence[str] | None = None
    ) -> tuple[Claim, ...]:
        """All claims of an environment in an account, or those of the named objects.

        Tools that were made for tests are only among them if they are named.
        """

    async def tombstone_claim(self, claim: Claim, tombstone: Tombstone | None) -> None:
        """Set a shared object's tombstone or take it away; one that is there keeps its time."""

    async def forget(self, entry: LedgerEntry) -> None:
        """Remove the row of an object that is deleted, unless it has another external id now."""

    async def forget_claim(self, claim: Claim) -> None:
        """Remove the row of a shared object that is deleted, unless it has another id now."""

    async def own_object(self, wanted: ObjectOwner) -> ObjectOwner:
        """Take an object somebody else had made over, unless it is taken; answers who has it."""

    async def rename(self, entry: LedgerEntry, name: str) -> LedgerEntry | None:
        """Give a row another name in one step; None if there is no such row any more.

        A row that has the new name already is left as it is, and answered.
        """


class Looks(Protocol):
    """When agents were last read whole and found as they were left."""

    async def looks(self, project: str, environment: str, names: Sequence[str]) -> tuple[Look, ...]:
        """The last whole readings of the named agents."""

    async def put_looks(self, looks: Sequence[Look]) -> None:
        """Insert or replace; the later reading of an agent stays."""


class Deletions(Protocol):
    """What is to be deleted and what was: the memory of the budget."""

    async def gone(self, project: str, environment: str) -> tuple[Gone, ...]:
        """Ledger rows with an object whose wish was removed, by kind and name."""

    async def mark(self, project: str, environment: str, at: datetime) -> None:
        """Set a tombstone on everything gone; one of the same removal keeps its time."""

    async def revive(self, project: str, environment: str) -> None:
        """Take the tombstones of everything whose wish stands again."""

    async def census(self, project: str, environment: str) -> dict[str, Census]:
        """Rows and standing wishes by kind."""

    async def references(self, project: str, environment: str) -> frozenset[str]:
        """References (ids.py) to every tool, document and secret a standing wish points at, or a
        configuration under test.
        """

    async def deletions(
        self, project: str, environment: str, *, since: datetime
    ) -> tuple[Deletion, ...]:
        """Deletions that were intended since then, oldest first."""

    async def intend(self, deletion: Deletion, *, at_most: int | None) -> bool:
        """Write the deletion down before it is sent, unless more than ``at_most`` unpermitted
        ones of its kind would then be intended within the window. True if it is written down,
        now or before; one statement at a time decides, whoever asks.
        """

    async def deleted(self, deletion: Deletion) -> None:
        """Its object is gone from the platform."""

    async def bury(self, record: WishRecord, events: Sequence[EventRecord]) -> bool:
        """Forget a removed wish with its status, and add the events; False if the wish came back
        or is forgotten already.
        """

    async def forget_past(self, before: datetime, *, limit: int) -> int:
        """Remove plans older than that nobody refers to, notifications that decide about nothing
        any more, and contents no wish names; answers how many rows went, at most ``limit`` of each.
        """


class Ejections(Protocol):
    """Leaving an environment: what the ledger says of it, and the end of that."""

    async def belongings(self, project: str, environment: str) -> Belongings:
        """Everything with an id on a platform, by kind and name."""

    async def marked(
        self, project: str, environment: str, account: str, *, limit: int
    ) -> tuple[Belonging, ...]:
        """The first of those in an account that carry a mark: agents, tools and documents."""

    async def let_go(self, project: str, environment: str, item: Belonging) -> None:
        """Forget the row of one object, unless it has another id by now."""

    async def forget_environment(self, project: str, environment: str) -> None:
        """Forget ledger, claims, owners and statuses; what Git wishes and people said stays."""
