"""Tools, documents and secrets: objects several agents point at, made before any of them.

Tools and documents are immutable and addressed by their digest, so a change is a new object that
stands in for an old one. What makes them, and who waits for whom, is decided elsewhere
(``creation``); here is only what an agent needs that is not there yet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trunkline.model.adoption import Adoption
from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredAgent, DesiredDocument, DesiredTool
from trunkline.model.diffs import leaves
from trunkline.model.ids import (
    REFERENCE_PREFIX,
    ExternalId,
    content_mark,
    reference,
    short_digest,
)
from trunkline.model.ledger import Claim
from trunkline.model.limits import RELEASES_KEPT
from trunkline.model.observed import ObservedAgent
from trunkline.model.plans import SENSITIVE, Change, ChangeOrigin, Kept, Step

NOT_PRUNED = "pruning is not enabled"
KEPT_FOR_RETURN = f"one of the last {RELEASES_KEPT} releases of an agent refers to it"

ADOPT_CALLS = 3
"""A look at the object as it is, the write of our mark, a look at what came of it."""
LOOK_UP_AND_CREATE_CALLS = 2
"""A look-up by mark, then the create."""
SECRET_UPDATE_CALLS = 1
"""The write alone: a secret cannot be read back."""


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """What is there already. ``bindings`` maps a reference (ids.py) to an id on the platform;
    ``stale_secrets`` names secrets whose stored value is no longer the server's; ``claims`` are
    all rows of the environment, superseded ones included; ``adoptions`` are what manifests want
    taken over, by reference.
    """

    bindings: Mapping[str, ExternalId] = field(default_factory=dict)
    stale_secrets: frozenset[str] = frozenset()
    claims: tuple[Claim, ...] = ()
    adoptions: Mapping[str, Adoption] = field(default_factory=dict)

    @property
    def expected(self) -> dict[str, ExternalId]:
        """The bindings, with those that taking over will bring."""
        coming = {
            wanted: adoption.external_id
            for wanted, adoption in self.adoptions.items()
            if adoption.possible
        }
        return {**coming, **self.bindings}

    @property
    def adopted_secrets(self) -> frozenset[str]:
        """Names of secrets that come with the tools that are taken over."""
        return frozenset(
            name
            for adoption in self.adoptions.values()
            if adoption.possible
            for name in adoption.secrets
        )


def claim_reference(claim: Claim) -> str:
    """The reference a claim's object is pointed at by."""
    if claim.kind == "secret":
        return reference("secret", claim.name)
    return reference(claim.kind, object_key(claim.name, claim.digest))


def object_key(name: str, digest: str) -> str:
    """``<name>@<digest12>``: a tool or document inside its environment."""
    return f"{name}@{short_digest(digest)}"


def bindings_of(claims: Iterable[Claim]) -> dict[str, ExternalId]:
    """Reference to id, for every claim that has been settled."""
    return {
        claim_reference(claim): claim.external_id
        for claim in claims
        if claim.external_id is not None
    }


def needed_references(desired: DesiredAgent) -> tuple[str, ...]:
    """Every reference the agent's objects need, in the order they are made."""
    secrets = sorted({name for tool in desired.tools for name in tool.secrets()})
    return (
        *(reference("secret", name) for name in secrets),
        *(reference("tool", object_key(tool.name, tool.digest)) for tool in _tools(desired)),
        *(reference("document", object_key(d.name, d.digest)) for d in _documents(desired)),
    )


def doubtful_references(
    desired: DesiredAgent, bindings: Mapping[str, ExternalId], observed: ObservedAgent | None
) -> tuple[str, ...]:
    """Bound tools and documents the agent does not point at: worth a look-up by mark before they
    are trusted, since somebody may have deleted them. Empty while nothing is out of order.
    """
    mentioned = strings_of(observed.body) if observed is not None else frozenset[str]()
    return tuple(
        needed
        for needed in needed_references(desired)
        if not needed.startswith(f"{REFERENCE_PREFIX}secret/")
        and needed in bindings
        and bindings[needed] not in mentioned
    )


def shared_steps(
    desired: DesiredAgent,
    known: KnownObjects,
    observed: ObservedAgent | None,
    previous: DesiredAgent | None,
) -> Iterator[Step]:
    """Creates and updates the agent has to wait for: secrets, then tools, then documents."""
    yield from _secret_steps(desired, known)
    missing_tools = [tool for tool in _tools(desired) if not _is_known("tool", tool, known)]
    missing_documents = [
        document for document in _documents(desired) if not _is_known("document", document, known)
    ]
    if not missing_tools and not missing_documents:
        return
    yield from _adopt_steps(desired, known)
    missing_tools = [tool for tool in missing_tools if not _is_coming("tool", tool, known)]
    missing_documents = [
        document for document in missing_documents if not _is_coming("document", document, known)
    ]
    mentioned = strings_of(observed.body) if observed is not None else frozenset[str]()
    old_tools = {tool.name: tool for tool in previous.tools} if previous else {}
    old_documents = {doc.name: doc for doc in previous.documents} if previous else {}
    for tool in missing_tools:
        old = _superseded("tool", tool.name, tool.digest, known.claims, mentioned)
        before = former_tool(old) or (old_tools.get(tool.name) if old else None)
        yield _create("tool", tool, old, _changes(before, tool, _origin("tool", tool, known)))
    for document in missing_documents:
        old = _superseded("document", document.name, document.digest, known.claims, mentioned)
        known_before = old_documents.get(document.name) if old else None
        before_document = former_document(old) or known_before
        origin = _origin("document", document, known)
        yield _create("document", document, old, _changes(before_document, document, origin))


def _adopt_steps(desired: DesiredAgent, known: KnownObjects) -> Iterator[Step]:
    """Objects of others that only need our mark; they come before what is made anew."""
    items: list[tuple[Literal["tool", "document"], DesiredTool | DesiredDocument]] = [
        *(("tool", tool) for tool in _tools(desired)),
        *(("document", document) for document in _documents(desired)),
    ]
    for kind, item in items:
        key = object_key(item.name, item.digest)
        adoption = known.adoptions.get(reference(kind, key))
        if adoption is None or not adoption.possible or _is_known(kind, item, known):
            continue
        mark = content_mark(desired.project, desired.environment, item.name, item.digest)
        yield Step(
            action="adopt",
            subject=kind,
            name=item.name,
            key=key,
            external_id=adoption.external_id,
            changes=(Change(operation="+", path="mark", new=mark),),
            calls=ADOPT_CALLS,
            summary=f"take over {kind} {item.name}",
        )


def _is_coming(kind: str, item: DesiredTool | DesiredDocument, known: KnownObjects) -> bool:
    adoption = known.adoptions.get(reference(kind, object_key(item.name, item.digest)))
    return adoption is not None and adoption.possible


def former_tool(claim: Claim | None) -> DesiredTool | None:
    """What the claim's tool was made of, as far as it was written down."""
    if claim is None or claim.body is None:
        return None
    return DesiredTool.model_validate(claim.body)


def former_document(claim: Claim | None) -> DesiredDocument | None:
    """The same for a document."""
    if claim is None or claim.body is None:
        return None
    return DesiredDocument.model_validate(claim.body)


def superseded(desired: DesiredAgent, known: KnownObjects) -> tuple[Kept, ...]:
    """Older objects of the names this agent uses; they stay, since nothing is deleted yet."""
    wanted = set(needed_references(desired))
    names = {("tool", tool.name) for tool in desired.tools}
    names |= {("document", document.name) for document in desired.documents}
    return tuple(
        Kept(
            subject=claim.kind,
            name=object_key(claim.name, claim.digest),
            external_id=claim.external_id,
            reason=NOT_PRUNED,
        )
        for claim in _in_order(known.claims)
        if (claim.kind, claim.name) in names
        and claim.external_id is not None
        and claim_reference(claim) not in wanted
    )


def unreferenced(
    claims: Iterable[Claim], agents: Iterable[DesiredAgent], reason: str = NOT_PRUNED
) -> tuple[Kept, ...]:
    """Objects of an environment no agent's wish points at any more, with why they stay."""
    wanted = {needed for agent in agents for needed in needed_references(agent)}
    return tuple(
        Kept(
            subject=claim.kind,
            name=claim.name if claim.kind == "secret" else object_key(claim.name, claim.digest),
            external_id=claim.external_id,
            reason=reason,
        )
        for claim in _in_order(claims)
        if claim.external_id is not None and claim_reference(claim) not in wanted
    )


def _secret_steps(desired: DesiredAgent, known: KnownObjects) -> Iterator[Step]:
    for name in sorted({name for tool in desired.tools for name in tool.secrets()}):
        external_id = known.bindings.get(reference("secret", name))
        if external_id is None and name in known.adopted_secrets:
            continue
        if external_id is None:
            yield Step(
                action="create",
                subject="secret",
                name=name,
                key=name,
                changes=(Change(operation="+", path="value", new=SENSITIVE),),
                calls=LOOK_UP_AND_CREATE_CALLS,
                summary=f"create secret {name}",
            )
        elif name in known.stale_secrets:
            yield Step(
                action="update",
                subject="secret",
                name=name,
                key=name,
                external_id=external_id,
                changes=(Change(operation="~", path="value", old=SENSITIVE, new=SENSITIVE),),
                calls=SECRET_UPDATE_CALLS,
                summary=f"update secret {name}",
            )


def _create(
    subject: str,
    item: DesiredTool | DesiredDocument,
    old: Claim | None,
    changes: tuple[Change, ...],
) -> Step:
    verb = "replace" if old else "create"
    return Step(
        action="create",
        subject="tool" if subject == "tool" else "document",
        name=item.name,
        key=object_key(item.name, item.digest),
        replaces=object_key(old.name, old.digest) if old else None,
        changes=changes,
        calls=LOOK_UP_AND_CREATE_CALLS,
        summary=f"{verb} {subject} {item.name}",
    )


def _is_known(kind: str, item: DesiredTool | DesiredDocument, known: KnownObjects) -> bool:
    return reference(kind, object_key(item.name, item.digest)) in known.bindings


def _origin(kind: str, item: DesiredTool | DesiredDocument, known: KnownObjects) -> ChangeOrigin:
    """Drift if it was made once and is gone; else Git's wish."""
    wanted = reference(kind, object_key(item.name, item.digest))
    return "drift" if wanted in bindings_of(known.claims) else "git"


def _changes(
    before: DesiredTool | DesiredDocument | None,
    after: DesiredTool | DesiredDocument,
    origin: ChangeOrigin,
) -> tuple[Change, ...]:
    old, new = _attributes(before), _attributes(after)
    return tuple(
        Change(
            operation="+" if path not in old else "-" if path not in new else "~",
            path=path,
            old=old.get(path),
            new=new.get(path),
            origin=origin,
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


def _attributes(item: DesiredTool | DesiredDocument | None) -> dict[str, Json]:
    """What people compare of an object: everything it says, without identity and position."""
    if item is None:
        return {}
    said: JsonObject = item.model_dump(
        mode="json", exclude={"name", "digest", "position"}, exclude_none=True
    )
    return {path: value for path, value in leaves(said).items() if value not in ({}, [], "")}


def _superseded(
    kind: str, name: str, digest: str, claims: Iterable[Claim], mentioned: frozenset[str]
) -> Claim | None:
    """The older object of that name the agent points at right now, if there is one."""
    return next(
        (
            claim
            for claim in _in_order(claims)
            if claim.kind == kind
            and claim.name == name
            and short_digest(claim.digest) != short_digest(digest)
            and claim.external_id in mentioned
        ),
        None,
    )


def _in_order(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.kind, claim.name, claim.digest))


def _tools(desired: DesiredAgent) -> list[DesiredTool]:
    return sorted(desired.tools, key=lambda tool: (tool.name, tool.digest))


def _documents(desired: DesiredAgent) -> list[DesiredDocument]:
    return sorted(desired.documents, key=lambda document: (document.name, document.digest))


def strings_of(value: Json) -> frozenset[str]:
    """Every string in a tree: enough to tell whether it mentions an id."""
    found: set[str] = set()
    pending: list[Json] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            found.add(item)
        elif isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return frozenset(found)
