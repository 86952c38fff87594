"""May something that others made be taken over, and is it as Git says?

A manifest names the object by its id (``metadata.adopt``), so nothing is guessed. Taking over
writes our marks and nothing else; what differs from Git is shown, and needs a person's word. An
object that carries somebody's mark, or is gone, is a conflict that only Git can end.
"""

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.diffs import Patterns
from trunkline.model.errors import AdoptionConflict
from trunkline.model.ids import OWNER_PREFIX, ExternalId, document_mark, owner
from trunkline.model.observed import ObservedAgent
from trunkline.model.paths import owning_leaf, split
from trunkline.model.plans import Change, Obstacle
from trunkline.model.rendering import ComparisonRules

Claimed = Literal["free", "ours", "taken", "gone"]

FIELDS_SHOWN: Final = 5
"""Differing fields named in one line; the plan has them all."""
TAGS: Final = "tags"


class Adoption(Frozen):
    """An object a manifest wants taken over, as it is now.

    ``claimed`` is ``ours`` if an earlier attempt marked it and its answer was lost. ``owner`` is
    whose mark it carries. ``secrets`` maps names of secrets to the ids the object uses for them.
    """

    kind: Literal["agent", "tool", "document"]
    name: str
    external_id: ExternalId
    claimed: Claimed = "free"
    owner: str = ""
    differences: tuple[Change, ...] = ()
    secrets: dict[str, ExternalId] = Field(default_factory=dict)

    @property
    def possible(self) -> bool:
        """True if our mark alone makes it ours, as Git says."""
        return self.claimed in ("free", "ours") and not self.differences

    @property
    def conflict(self) -> AdoptionConflict | None:
        """Why it cannot be taken over at all."""
        what = f"{self.kind} {self.name}: {self.external_id}"
        if self.claimed == "gone":
            return AdoptionConflict(
                f"{what} is not on the platform any more",
                hint="Take metadata.adopt out of the manifest, and a new one is made.",
            )
        if self.claimed == "taken":
            return AdoptionConflict(
                f"{what} is managed as {self.owner}",
                hint="Remove it there first, or take metadata.adopt out of the manifest.",
            )
        return None


def claimed_by(mark: str | None, *, wanted: str, place: str) -> Claimed | None:
    """Whose an object is by its mark; None if it is an older one of the same name, which is
    replaced as ever. ``place`` is the owner's part of the mark that is ``wanted``.
    """
    if mark is None:
        return "free"
    if mark == wanted:
        return "ours"
    return None if mark.partition("@")[0] == place else "taken"


def agent_adoption(
    observed: ObservedAgent, *, project: str, environment: str, name: str
) -> Adoption:
    """An agent that is to be taken over, and whose it is by its tags."""
    ours = owner(project, environment, name)
    owners = [tag.removeprefix(OWNER_PREFIX) for tag in observed.tags if _is_owner(tag)]
    others = [each for each in owners if each != ours]
    claimed: Claimed = "taken" if others else "ours" if owners else "free"
    return Adoption(
        kind="agent",
        name=name,
        external_id=observed.external_id,
        claimed=claimed,
        owner=others[0] if others else "",
    )


def obstacle_of(conflict: AdoptionConflict) -> Obstacle:
    """The conflict as a plan carries it."""
    return Obstacle(reason=conflict.reason, message=f"{conflict.message}; {conflict.hint}")


def is_marking(change: Change, rules: ComparisonRules) -> bool:
    """True for what taking over always writes: tags, our additions to a set that is shared with
    others, and a title that carries our mark.
    """
    keys = split(owning_leaf(change.path))
    if keys in Patterns(rules.contains):
        return True
    return isinstance(change.new, str) and document_mark(change.new) is not None


def differing(
    name: str, changes: Iterable[Change], rules: ComparisonRules, objects: Iterable[Adoption]
) -> tuple[str, ...]:
    """What of an agent and its objects is not as Git says, in words; empty: our marks suffice."""
    found = [change.path for change in changes if not is_marking(change, rules)]
    words = [_words(f"agent {name}", found)] if found else []
    words.extend(
        _words(f"{each.kind} {each.name}", [change.path for change in each.differences])
        for each in objects
        if each.differences and each.conflict is None
    )
    return tuple(words)


def _words(what: str, paths: list[str]) -> str:
    shown = ", ".join(paths[:FIELDS_SHOWN])
    more = len(paths) - FIELDS_SHOWN
    return f"{what}: {shown} and {more} more" if more > 0 else f"{what}: {shown}"


def _is_owner(tag: str) -> bool:
    return tag.startswith(OWNER_PREFIX)
