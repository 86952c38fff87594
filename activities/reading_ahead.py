"""Ledger rows of many agents, read at once before each of them is looked at.

A sweep of a large fleet must not ask PostgreSQL for one agent at a time; what is known of a batch
is read in two queries and handed to whoever looks at one of its agents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from activities.needs import needed_objects
from trunkline.model.desired import DesiredAgent
from trunkline.model.ledger import Claim, LedgerEntry
from trunkline.model.planner import renamed_entry
from trunkline.ports import Ledger, VoicePlatform


@dataclass(frozen=True, slots=True)
class Ahead:
    """Ledger rows by the agent's name, claims by the object's."""

    voice: VoicePlatform
    entries: Mapping[str, LedgerEntry]
    claims: Mapping[str, tuple[Claim, ...]]

    def entry(self, desired: DesiredAgent) -> LedgerEntry | None:
        """The agent's row, a renamed one's under its new name."""
        entry = self.entries.get(desired.name)
        if entry is not None or desired.renamed_from is None:
            return entry
        old = self.entries.get(desired.renamed_from)
        return renamed_entry(old, desired) if old is not None else None

    def claims_of(self, desired: DesiredAgent) -> tuple[Claim, ...]:
        """The claims on what the agent needs."""
        names = sorted({needed.name for needed in needed_objects(desired)})
        return tuple(claim for name in names for claim in self.claims.get(name, ()))


async def read_ahead(ledger: Ledger, voice: VoicePlatform, wishes: Iterable[DesiredAgent]) -> Ahead:
    """What the ledger knows of agents of one environment and of what they need."""
    listed = list(wishes)
    if not listed:
        return Ahead(voice=voice, entries={}, claims={})
    place = (listed[0].project, listed[0].environment)
    former = [desired.renamed_from for desired in listed if desired.renamed_from]
    names = [*(desired.name for desired in listed), *former]
    entries = await ledger.entries_named(*place, "agent", names)
    objects = sorted({needed.name for desired in listed for needed in needed_objects(desired)})
    claims = await ledger.claims(voice.account, *place, names=objects) if objects else ()
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(claim.name, []).append(claim)
    return Ahead(
        voice=voice,
        entries={entry.name: entry for entry in entries},
        claims={name: tuple(found) for name, found in by_name.items()},
    )
