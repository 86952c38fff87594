"""What checks of pull requests need of the outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.model.pulls.commands import ForgePerson
from trunkline.ports import (
    Access,
    Accounts,
    Clock,
    Operations,
    Projects,
    Sources,
    Wishes,
)
from trunkline.ports.forges import Forges, PullRequests
from trunkline.ports.testing import Holdings, RunReports


class Decisions(Protocol):
    """What a person decides by a comment, by the rules that hold for everybody."""

    async def promote(
        self,
        person: ForgePerson,
        project: str,
        agent: str,
        environment: str,
        changes: str,
        *,
        request_id: str,
    ) -> str:
        """Start a promotion, once for a request; what became of it, in words.

        Raises TrunklineErrors that say why not.
        """

    async def approve(
        self,
        person: ForgePerson,
        project: str,
        agent: str,
        environment: str,
        *,
        comment: str,
        request_id: str,
    ) -> str:
        """Agree to the open promotion of an agent; an empty ``environment`` is the only one there
        is. Raises TrunklineErrors that say why not.
        """


def unchanged(text: str) -> str:
    """Where no secret is known, none can be in a text."""
    return text


@dataclass(frozen=True, slots=True)
class PullRequestPorts:
    """Without ``decisions`` nobody promotes or approves by comments. ``people`` says who logins of
    the forge are here; ``redact`` takes known secrets out of a text.
    """

    access: Access
    accounts: Accounts
    clock: Clock
    forges: Forges
    holdings: Holdings
    operations: Operations
    projects: Projects
    pulls: PullRequests
    reports: RunReports
    sources: Sources
    wishes: Wishes
    decisions: Decisions | None = None
    people: Mapping[str, ForgePerson] = field(default_factory=dict)
    public_url: str | None = None
    redact: Callable[[str], str] = unchanged
