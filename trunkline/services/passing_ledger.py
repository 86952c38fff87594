"""A ledger that lives as long as one look: filled with the identities the platforms show.

It lets a plan without an installation use the very gatherers a worker uses. Nothing is ever
created on the strength of it, so it knows neither attempts nor other claimants.
"""

from collections.abc import Sequence

from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim, LedgerEntry, LedgerKind, ObjectOwner, Tombstone

EntryKey = tuple[str, str, str, str]
ClaimKey = tuple[str, str, str, str, str, str]


class PassingLedger:
    """``ports.Ledger`` in memory."""

    def __init__(self) -> None:
        self._entries: dict[EntryKey, LedgerEntry] = {}
        self._claims: dict[ClaimKey, Claim] = {}

    async def entry(
        self, project: str, environment: str, kind: LedgerKind, name: str
    ) -> LedgerEntry | None:
        """One row, or None."""
        return self._entries.get((project, environment, kind, name))

    async def entries(
        self, project: str, environment: str, kind: LedgerKind
    ) -> tuple[LedgerEntry, ...]:
        """All rows of an environment."""
        place = (project, environment, kind)
        return tuple(entry for key, entry in self._entries.items() if key[:3] == place)

    async def entries_named(
        self, project: str, environment: str, kind: LedgerKind, names: Sequence[str]
    ) -> tuple[LedgerEntry, ...]:
        """The rows of those names."""
        known = await self.entries(project, environment, kind)
        return tuple(entry for entry in known if entry.name in names)

    async def put(self, entry: LedgerEntry) -> None:
        """Insert or replace a row; a nonce that is there stays."""
        known = self._entries.get(_entry_key(entry))
        if known is not None and known.nonce is not None:
            entry = entry.model_copy(update={"nonce": known.nonce})
        self._entries[_entry_key(entry)] = entry

    async def reserve_nonce(self, entry: LedgerEntry) -> LedgerEntry:
        """The row that is there, else this one."""
        return self._entries.setdefault(_entry_key(entry), entry)

    async def rename(self, entry: LedgerEntry, name: str) -> LedgerEntry | None:
        """The row under its new name."""
        known = self._entries.pop(_entry_key(entry), None)
        if known is not None:
            renamed = known.model_copy(update={"name": name})
            self._entries.setdefault(_entry_key(renamed), renamed)
        return self._entries.get((entry.project, entry.environment, entry.kind, name))

    async def renew(self, entry: LedgerEntry, *, gone: ExternalId) -> LedgerEntry:
        """A new incarnation, unless the row no longer points at what is gone."""
        known = self._entries.get(_entry_key(entry), entry)
        if known.external_id != gone:
            return known
        fresh = {"nonce": entry.nonce, "external_id": None, "version_id": None, "attempt": None}
        self._entries[_entry_key(entry)] = known.model_copy(update=fresh)
        return self._entries[_entry_key(entry)]

    async def own_object(self, wanted: ObjectOwner) -> ObjectOwner:
        """Whoever asks first."""
        return wanted

    async def open_attempt(
        self,
        entry: LedgerEntry,  # noqa: ARG002 - the signature is the port's
        attempt: Attempt,  # noqa: ARG002
    ) -> bool:
        """Never: who plans without an installation creates nothing."""
        return False

    async def claim(self, claim: Claim) -> Claim:
        """The claim that is there, else this one."""
        return self._claims.setdefault(_claim_key(claim), claim)

    async def take_over(self, claim: Claim, *, previous: Claim) -> bool:
        """Replace a claim that is still as it was."""
        if self._claims.get(_claim_key(claim)) != previous:
            return False
        self._claims[_claim_key(claim)] = claim
        return True

    async def settle(
        self, claim: Claim, external_id: ExternalId, *, fingerprint: str | None
    ) -> None:
        """Record the id of a shared object."""
        known = {"external_id": external_id, "fingerprint": fingerprint}
        self._claims[_claim_key(claim)] = claim.model_copy(update=known)

    async def tombstone_claim(self, claim: Claim, tombstone: Tombstone | None) -> None:
        """Set a shared object's tombstone, unless it has one, or take it away."""
        known = self._claims.get(_claim_key(claim))
        if known is not None and (tombstone is None or known.tombstone is None):
            marked = known.model_copy(update={"tombstone": tombstone})
            self._claims[_claim_key(claim)] = marked

    async def forget(self, entry: LedgerEntry) -> None:
        """Remove the row, unless it has another external id now."""
        known = self._entries.get(_entry_key(entry))
        if known is not None and known.external_id == entry.external_id:
            del self._entries[_entry_key(entry)]

    async def forget_claim(self, claim: Claim) -> None:
        """Remove the claim, unless it has another external id now."""
        known = self._claims.get(_claim_key(claim))
        if known is not None and known.external_id == claim.external_id:
            del self._claims[_claim_key(claim)]

    async def claims(
        self, account: str, project: str, environment: str, *, names: Sequence[str] | None = None
    ) -> tuple[Claim, ...]:
        """All claims of an environment in an account, or those of the named objects."""
        place = (account, project, environment)
        return tuple(
            claim
            for key, claim in self._claims.items()
            if key[:3] == place and (names is None or claim.name in names)
        )


def _entry_key(entry: LedgerEntry) -> EntryKey:
    return entry.project, entry.environment, entry.kind, entry.name


def _claim_key(claim: Claim) -> ClaimKey:
    return (
        claim.account,
        claim.project,
        claim.environment,
        claim.kind,
        claim.name,
        claim.digest,
    )
