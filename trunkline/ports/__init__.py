"""What the product asks of the outside, as small Protocols.

Activities and services see these and never an adapter. A port speaks model types; every error it
raises is a leaf of ``model.errors``. Every call has a deadline of its own, shorter than that of
the activity around it.
"""

from trunkline.ports.ledgers import Deletions, Ejections, Ledger, Looks
from trunkline.ports.platforms import (
    Accounts,
    Budgets,
    Clock,
    Machine,
    Telephony,
    VoiceInventory,
    VoicePlatform,
)
from trunkline.ports.records import (
    Access,
    Examinable,
    Interventions,
    Operations,
    Projects,
    Statuses,
    Wishes,
)
from trunkline.ports.sources import ManifestSource, SourceHead, Sources

__all__ = [
    "Access",
    "Accounts",
    "Budgets",
    "Clock",
    "Deletions",
    "Ejections",
    "Examinable",
    "Interventions",
    "Ledger",
    "Looks",
    "Machine",
    "ManifestSource",
    "Operations",
    "Projects",
    "SourceHead",
    "Sources",
    "Statuses",
    "Telephony",
    "VoiceInventory",
    "VoicePlatform",
    "Wishes",
]
