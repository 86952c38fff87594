"""Leaving: an environment whose agents go on without us, and how they are found again.

Leaving takes our marks off the platform and our rows out of the ledger and changes nothing else.
Until a person resumes the environment nothing is written there. What was ours is remembered as a
decision of that person: whoever resumes takes exactly these objects over again, and makes none.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.desired import DesiredAgent
from trunkline.model.ids import (
    NONCE_PREFIX,
    OWNER_PREFIX,
    PROTECTED_TAG,
    ExternalId,
    owner_tag,
)
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.ledger import LedgerKind, SharedKind
from trunkline.model.shared_objects import object_key

EJECTED = "ejected"
"""The member of a suspension's details that says why nothing is written."""
EXTERNAL_ID = "externalId"
MarkedKind = Literal["agent", "tool", "document"]


class Belonging(Frozen):
    """One thing the ledger says is ours; ``digest`` is empty for agents, numbers and secrets."""

    kind: LedgerKind | SharedKind
    name: str
    external_id: ExternalId
    digest: str = ""
    account: str = ""


class Belongings(Frozen):
    """Everything of an environment; secrets and numbers carry no mark that could be taken away."""

    environment: str
    items: tuple[Belonging, ...] = ()

    def count(self, kind: LedgerKind | SharedKind) -> int:
        """How many of one kind."""
        return sum(item.kind == kind for item in self.items)


def tags_left(tags: Iterable[str], project: str, environment: str) -> tuple[str, ...]:
    """An agent's tags without the marks of an environment; what others wrote stays.

    Nonce and protection belong to the owner, so they stay with an agent that is another's by now.
    """
    ours = owner_tag(project, environment, "")
    present = tuple(tags)
    without = tuple(tag for tag in present if not tag.startswith(ours))
    if without == present or any(tag.startswith(OWNER_PREFIX) for tag in without):
        return without
    return tuple(
        tag for tag in without if not tag.startswith(NONCE_PREFIX) and tag != PROTECTED_TAG
    )


def is_of(mark: str | None, project: str, environment: str) -> bool:
    """True if an object's mark is one of the environment's."""
    return mark is not None and mark.startswith(f"{project}/{environment}/")


def ejection_of(interventions: Iterable[Intervention], environment: str) -> Intervention | None:
    """The suspension that says an environment was ejected, if it still holds."""
    found = in_force(interventions, "suspend", environment)
    return found if found is not None and found.details.get(EJECTED) is True else None


def ejected(project: str, environment: str, *, by: str, at: datetime, reason: str) -> Intervention:
    """The suspension an environment is left with: without an end, until a person resumes it."""
    return Intervention(
        project=project,
        environment=environment,
        verb="suspend",
        reason=f"ejected: {reason}" if reason else "ejected",
        by=by,
        at=at,
        details={EJECTED: True},
    )


def way_back(said: Intervention, belonging: Belonging) -> Intervention:
    """The word of the person who ejects that this object may be taken over again."""
    kind: Literal["agent", "tool", "document"] = (
        "agent" if belonging.kind == "agent" else "tool" if belonging.kind == "tool" else "document"
    )
    return Intervention(
        project=said.project,
        environment=said.environment,
        kind=kind,
        name=way_back_name(belonging.kind, belonging.name, belonging.digest),
        verb="adopt",
        reason="it was ejected",
        by=said.by,
        at=said.at,
        details={EXTERNAL_ID: belonging.external_id, "allowChanges": False},
    )


def way_back_name(kind: str, name: str, digest: str) -> str:
    """A tool or document is remembered with its content: another content is another object."""
    return name if kind == "agent" else object_key(name, digest)


def as_said(desired: DesiredAgent, decided: Iterable[Intervention]) -> DesiredAgent:
    """The wish, with what a person said it and its objects are, where no manifest says so."""
    said = {
        (one.kind, one.name): one.details.get(EXTERNAL_ID)
        for one in decided
        if one.verb == "adopt" and one.environment == desired.environment and one.name
    }

    def known(
        kind: MarkedKind, adopt: ExternalId | None, name: str, digest: str = ""
    ) -> ExternalId | None:
        found = said.get((kind, way_back_name(kind, name, digest)))
        return ExternalId(found) if adopt is None and isinstance(found, str) else adopt

    tools = tuple(
        tool.model_copy(update={"adopt": known("tool", tool.adopt, tool.name, tool.digest)})
        for tool in desired.tools
    )
    documents = tuple(
        one.model_copy(update={"adopt": known("document", one.adopt, one.name, one.digest)})
        for one in desired.documents
    )
    adopt = known("agent", desired.adopt, desired.name)
    return desired.model_copy(update={"adopt": adopt, "tools": tools, "documents": documents})
