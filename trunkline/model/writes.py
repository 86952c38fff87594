"""From a plan to what is sent, and from what came back to what is remembered.

These are the pure halves of a step's execution: bodies with ids in place of references, the
smallest patch, what to store, what did not persist, what somebody else did meanwhile. They know
no client and no ledger table.
"""

from collections.abc import Mapping, Sequence

from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.diffs import Comparator, Leaves, Patterns, leaves
from trunkline.model.errors import ClaimPending
from trunkline.model.ids import OWNER_PREFIX, REFERENCE_PREFIX, nonce_tag, owner_tag
from trunkline.model.ledger import LedgerEntry
from trunkline.model.observed import ObservedAgent
from trunkline.model.paths import MISSING, find, owning_leaf, put, split
from trunkline.model.plans import Change, Step
from trunkline.model.rendering import ComparisonRules, Rendering

TAGS = "tags"


def resolve_references(body: Json, bindings: Mapping[str, str]) -> Json:
    """The body with every known reference replaced by its id; unknown ones stay as they are."""
    if isinstance(body, str):
        return bindings.get(body, body) if body.startswith(REFERENCE_PREFIX) else body
    if isinstance(body, dict):
        return {key: resolve_references(value, bindings) for key, value in body.items()}
    if isinstance(body, list):
        return [resolve_references(value, bindings) for value in body]
    return body


def unresolved_references(body: Json) -> tuple[str, ...]:
    """References still in a body, sorted."""
    if isinstance(body, str):
        return (body,) if body.startswith(REFERENCE_PREFIX) else ()
    below = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return tuple(sorted({found for value in below for found in unresolved_references(value)}))


def resolved_body(rendering: Rendering, bindings: Mapping[str, str]) -> JsonObject:
    """The rendering's body with what is known of ids filled in."""
    return {key: resolve_references(value, bindings) for key, value in rendering.body.items()}


def identity_tags(desired: DesiredAgent) -> tuple[str, ...]:
    """Tags by which the agent may be found: its own, then that of the name it had before."""
    own = owner_tag(desired.project, desired.environment, desired.name)
    if desired.renamed_from is None:
        return (own,)
    return own, owner_tag(desired.project, desired.environment, desired.renamed_from)


def is_others(desired: DesiredAgent, tags: Sequence[str]) -> bool:
    """True if the tags name an owner that is not this wish, under this name or its former one."""
    ours = identity_tags(desired)
    return any(tag.startswith(OWNER_PREFIX) and tag not in ours for tag in tags)


def was_given_away(desired: DesiredAgent, tags: Sequence[str]) -> bool:
    """True if the tags name another owner and this wish no more: it is not ours to write."""
    return is_others(desired, tags) and not set(identity_tags(desired)) & set(tags)


def with_nonce(body: JsonObject, nonce: str | None) -> JsonObject:
    """The body with the tag that tells this incarnation from every other."""
    if nonce is None:
        return body
    tags = body.get(TAGS)
    own: list[Json] = list(tags) if isinstance(tags, list) else []
    return {**body, TAGS: [*own, nonce_tag(nonce)]}


def create_body(
    rendering: Rendering, bindings: Mapping[str, str], *, nonce: str | None
) -> JsonObject:
    """The body of a create. Raises ClaimPending while an id is still unknown."""
    body = with_nonce(resolved_body(rendering, bindings), nonce)
    _require_resolved(body)
    return body


def update_patch(
    step: Step,
    rendering: Rendering,
    bindings: Mapping[str, str],
    *,
    nonce: str | None,
    observed_tags: Sequence[str],
    former_tags: Sequence[str] = (),
    observed_body: JsonObject | None = None,
    shared_sets: Sequence[str] = (),
) -> JsonObject:
    """The smallest partial body that makes the step's changes: changed leaves only, arrays whole,
    null for a removed key. Tags of others stay, and so do their elements of ``shared_sets``;
    ``former_tags`` (a name of ours that is no longer true) go. Raises ClaimPending while an id is
    still unknown.
    """
    body = with_nonce(resolved_body(rendering, bindings), nonce)
    patch: JsonObject = {}
    for change in step.changes:
        keys = split(owning_leaf(change.path))
        wanted = find(body, keys)
        put(patch, keys, change.new if change.origin == "reset" or wanted is MISSING else wanted)
    if TAGS in patch:
        patch[TAGS] = _merged_tags(body.get(TAGS), observed_tags, former_tags)
    for path in shared_sets:
        ours, theirs = find(patch, split(path)), find(observed_body or {}, split(path))
        if path != TAGS and isinstance(ours, list) and isinstance(theirs, list):
            put(patch, split(path), [*ours, *(each for each in theirs if each not in ours)])
    _require_resolved(patch)
    return patch


def applied_after(
    rendering: Rendering, bindings: Mapping[str, str], *, nonce: str | None
) -> Leaves:
    """The owned leaves as written, by path: what the ledger remembers after a write."""
    return leaves(with_nonce(resolved_body(rendering, bindings), nonce))


def defaults_before(
    observed: ObservedAgent, rendering: Rendering, entry: LedgerEntry, rules: ComparisonRules
) -> Leaves:
    """Values found at paths we are about to own for the first time, added to those remembered.

    An absent leaf is remembered as null only inside a map's key that is there already: then the
    key is somebody else's and must outlive our leaf. Nothing is learnt from an agent whose applied
    leaves are unknown (a new or rebuilt ledger row): what is there may be our own.
    """
    learnt = dict(entry.defaults)
    if not entry.applied:
        return learnt
    maps = Patterns(rules.maps)
    for path in leaves(rendering.body):
        if path in entry.applied or path in learnt or path == TAGS:
            continue
        keys = split(path)
        found = find(observed.body, keys)
        within = maps.prefix_of(keys)
        if found is not MISSING:
            learnt[path] = found
        elif within is not None and isinstance(find(observed.body, keys[: len(within) + 1]), dict):
            learnt[path] = None
    return learnt


def verify_read_back(
    patch: JsonObject, observed: ObservedAgent, rules: ComparisonRules
) -> tuple[Change, ...]:
    """What of a written body did not persist; empty is good. A key that was deleted and is still
    there with null is no failure (see ``unremovable``).
    """
    return tuple(
        Change(operation=d.operation, path=d.path, old=d.old, new=d.new)
        for d in Comparator(rules).differences(patch, observed_tree(observed))
    )


def unremovable(
    patch: JsonObject, observed: ObservedAgent, rules: ComparisonRules
) -> tuple[str, ...]:
    """Keys of maps that were to be deleted and that the platform kept with null instead."""
    tree, maps = observed_tree(observed), Patterns(rules.maps)
    deleted = (path for path, value in leaves(patch).items() if value is None)
    return tuple(
        sorted(
            path
            for path in deleted
            if (keys := split(path))[:-1] in maps and find(tree, keys) is None
        )
    )


def foreign_changes(
    base: ObservedAgent, between: ObservedAgent, rules: ComparisonRules
) -> tuple[Change, ...]:
    """What somebody else committed between the reading we planned on and our own write."""
    return Comparator(rules).changed(observed_tree(base), observed_tree(between))


def observed_tree(observed: ObservedAgent) -> JsonObject:
    """The observed body with name and tags in their places."""
    return {**observed.body, "name": observed.name, TAGS: list(observed.tags)}


def settled_entry(
    entry: LedgerEntry, rendering: Rendering, bindings: Mapping[str, str], desired: DesiredAgent
) -> LedgerEntry:
    """The ledger row of an agent that is as wished. Equal to ``entry`` if there is nothing to
    store; differs also without a write when a path left Git that needed no reset.
    """
    return entry.model_copy(
        update={
            "digest": desired.digest,
            "rendered_digest": rendering.digest,
            "applied": applied_after(rendering, bindings, nonce=entry.nonce),
        }
    )


def _merged_tags(ours: Json, observed: Sequence[str], former: Sequence[str]) -> list[Json]:
    own = [tag for tag in ours if isinstance(tag, str)] if isinstance(ours, list) else []
    kept = [tag for tag in observed if tag not in own and tag not in former]
    return [*own, *kept]


def _require_resolved(body: JsonObject) -> None:
    missing = unresolved_references(body)
    if missing:
        named = ", ".join(name.removeprefix(REFERENCE_PREFIX) for name in missing)
        raise ClaimPending(f"not created yet: {named}")
