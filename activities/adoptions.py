"""Objects of others that manifests want taken over: looked at, and marked as ours.

Looking is part of every plan that needs such an object; marking is one write, with the claim that
makes it ours written after it. Who may have an object that two want is decided by one row.
"""

from dataclasses import replace

from activities.fingerprints import fingerprint
from activities.needs import Needed, claim_for, needed_objects
from activities.types import StepResult, Timing
from trunkline.model.adoption import Adoption, claimed_by
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.desired import DesiredAgent, DesiredDocument, DesiredTool
from trunkline.model.errors import (
    AdoptionConflict,
    Conflict,
    NotPersisted,
    OutcomeUnknown,
    RemoteMissing,
)
from trunkline.model.ids import ExternalId, owner
from trunkline.model.ledger import Claim, ObjectOwner
from trunkline.model.observed import ObservedDocument
from trunkline.model.plans import Change, Step
from trunkline.model.shared_objects import KnownObjects, object_key
from trunkline.ports import Accounts, Ledger, VoicePlatform

KINDS_OF_SOURCE = {"text": "text", "file": "file", "url": "url", "website": "url"}
"""What the platform calls a source."""


class AdoptionReader:
    """Looks at what is to be taken over, as it is right now."""

    async def known(
        self, voice: VoicePlatform, desired: DesiredAgent, known: KnownObjects
    ) -> KnownObjects:
        """What is known, with the objects of others that manifests want and nobody bound yet."""
        found: dict[str, Adoption] = {}
        for needed in needed_objects(desired):
            if needed.reference in known.bindings or needed.kind == "secret":
                continue
            item = item_of(desired, needed)
            if item.adopt is None or _is_replaced(known, needed, item.adopt):
                continue
            adoption = await self.adoption(voice, desired, needed)
            if adoption is not None:
                found[needed.reference] = adoption
        return replace(known, adoptions=found) if found else known

    async def adoption(
        self, voice: VoicePlatform, desired: DesiredAgent, needed: Needed
    ) -> Adoption | None:
        """One object; None if it is an older one of ours, which is replaced as ever."""
        item = item_of(desired, needed)
        if item.adopt is None:
            return None
        if isinstance(item, DesiredTool):
            return await self._tool(voice, desired, needed, item, item.adopt)
        return await self._document(voice, desired, needed, item, item.adopt)

    async def _tool(
        self,
        voice: VoicePlatform,
        desired: DesiredAgent,
        needed: Needed,
        tool: DesiredTool,
        external_id: ExternalId,
    ) -> Adoption | None:
        try:
            observed = await voice.inventory.tool(external_id)
        except RemoteMissing:
            return _gone(needed, external_id)
        adoption = _by_mark(desired, needed, external_id, observed.mark)
        if adoption is None:
            return None
        secrets = voice.inventory.secret_uses(tool, observed)
        differences = voice.inventory.tool_differences(tool, observed, secrets)
        return adoption.model_copy(update={"differences": differences, "secrets": secrets})

    async def _document(
        self,
        voice: VoicePlatform,
        desired: DesiredAgent,
        needed: Needed,
        document: DesiredDocument,
        external_id: ExternalId,
    ) -> Adoption | None:
        try:
            observed = await voice.inventory.document(external_id)
            text = await _text(voice, document, observed)
        except RemoteMissing:
            return _gone(needed, external_id)
        adoption = _by_mark(desired, needed, external_id, observed.mark)
        if adoption is None:
            return None
        return adoption.model_copy(update={"differences": _differences(document, observed, text)})


class AdoptionWrites:
    """Marks of one step about an object that is taken over."""

    def __init__(self, accounts: Accounts, ledger: Ledger) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._reader = AdoptionReader()

    async def take_over(
        self, desired: DesiredAgent, step: Step, timing: Timing, *, claimant: str
    ) -> StepResult:
        """Mark the object and settle its claim; done before, it changes nothing.

        Raises AdoptionConflict, and Conflict if it is no longer as it was planned.
        """
        voice = await self._accounts.voice(desired.project, desired.environment)
        needed = _needed(desired, step)
        adoption = await self._reader.adoption(voice, desired, needed)
        if adoption is None:
            raise Conflict(f"{needed.kind} {needed.name} was changed since the plan was made")
        if adoption.conflict is not None:
            raise adoption.conflict
        if adoption.differences:
            raise Conflict(f"{needed.kind} {needed.name} was changed since the plan was made")
        prints = {
            name: await fingerprint(self._accounts.secret(desired.project, name))
            for name in adoption.secrets
        }
        await own(self._ledger, desired, voice.account, needed.kind, needed.name, adoption)
        if adoption.claimed == "free":
            await self._mark(voice, desired, needed, timing)
        place = claim_for(needed, voice.account, desired, claimant=claimant)
        for name, external_id in adoption.secrets.items():
            await self._settle_secret(place, name, external_id, prints[name])
        claim = await self._ledger.claim(place)
        await self._ledger.settle(claim, adoption.external_id, fingerprint=None)
        return StepResult(external_id=adoption.external_id, note="taken over")

    async def _mark(
        self, voice: VoicePlatform, desired: DesiredAgent, needed: Needed, timing: Timing
    ) -> None:
        item = item_of(desired, needed)
        inventory = voice.inventory
        external_id = ExternalId(item.adopt or "")
        timeout_s = timing.request_timeout_s
        try:
            if isinstance(item, DesiredTool):
                tool = await inventory.tool(external_id)
                await inventory.mark_tool(tool, needed.mark, timeout_s=timeout_s)
            else:
                document = await inventory.document(external_id)
                await inventory.mark_document(
                    document, item.title, needed.mark, timeout_s=timeout_s
                )
        except OutcomeUnknown:
            after = await self._reader.adoption(voice, desired, needed)
            if after is None or after.claimed != "ours":
                raise
            return
        after = await self._reader.adoption(voice, desired, needed)
        if after is None or after.claimed != "ours" or after.differences:
            raise NotPersisted(
                f"{needed.kind} {needed.name}: the platform accepted our mark and did not keep it",
                hint="Look at the object on the platform; it was not changed otherwise.",
            )

    async def _settle_secret(
        self, place: Claim, name: str, external_id: ExternalId, known: str
    ) -> None:
        """The secret behind a tool's header: its value stays, and is what the server has."""
        secret = place.model_copy(update={"kind": "secret", "name": name, "digest": ""})
        claim = await self._ledger.claim(secret)
        if claim.external_id is None:
            await self._ledger.settle(claim, external_id, fingerprint=known)


async def own(
    ledger: Ledger,
    desired: DesiredAgent,
    account: str,
    kind: str,
    name: str,
    adoption: Adoption,
) -> None:
    """Take the one row that says whose an object is. Raises AdoptionConflict."""
    wanted = ObjectOwner.model_validate(
        {
            "account": account,
            "kind": kind,
            "external_id": adoption.external_id,
            "project": desired.project,
            "environment": desired.environment,
            "name": name,
        }
    )
    has = await ledger.own_object(wanted)
    if has != wanted:
        taken = adoption.model_copy(
            update={"claimed": "taken", "owner": owner(has.project, has.environment, has.name)}
        )
        raise taken.conflict or AdoptionConflict(f"{kind} {name} is managed by somebody else")


def item_of(desired: DesiredAgent, needed: Needed) -> DesiredTool | DesiredDocument:
    """The tool or document a reference stands for."""
    items = (*desired.tools, *desired.documents)
    kind = DesiredTool if needed.kind == "tool" else DesiredDocument
    return next(
        each
        for each in items
        if isinstance(each, kind) and (each.name, each.digest) == (needed.name, needed.digest)
    )


def _needed(desired: DesiredAgent, step: Step) -> Needed:
    for needed in needed_objects(desired):
        if needed.kind == step.subject and object_key(needed.name, needed.digest) == step.key:
            return needed
    raise Conflict(f"{step.subject} {step.key} is no longer wished for")


def _is_replaced(known: KnownObjects, needed: Needed, external_id: ExternalId) -> bool:
    """True if the object was taken over before: what Git says now is made in its place."""
    return any(
        claim.kind == needed.kind and claim.name == needed.name and claim.external_id == external_id
        for claim in known.claims
    )


def _by_mark(
    desired: DesiredAgent, needed: Needed, external_id: ExternalId, mark: str | None
) -> Adoption | None:
    place = owner(desired.project, desired.environment, needed.name)
    claimed = claimed_by(mark, wanted=needed.mark, place=place)
    if claimed is None:
        return None
    return Adoption.model_validate(
        {
            "kind": needed.kind,
            "name": needed.name,
            "external_id": external_id,
            "claimed": claimed,
            "owner": mark or "",
        }
    )


def _gone(needed: Needed, external_id: ExternalId) -> Adoption:
    return Adoption.model_validate(
        {
            "kind": needed.kind,
            "name": needed.name,
            "external_id": external_id,
            "claimed": "gone",
        }
    )


async def _text(
    voice: VoicePlatform, document: DesiredDocument, observed: ObservedDocument
) -> str | None:
    if document.content_digest is None or observed.kind not in ("text", "file"):
        return None
    return await voice.inventory.document_text(observed.external_id)


def _differences(
    document: DesiredDocument, observed: ObservedDocument, text: str | None
) -> tuple[Change, ...]:
    """What of a document is not as wished; a text is compared by its digest, and so is what the
    platform shows of a file.
    """
    if text is not None and document.source != "file":
        text = text.replace("\r\n", "\n")
    said = None if text is None else digest_of_bytes(text.encode())
    pairs = (
        ("title", observed.title, document.title),
        ("type", observed.kind, KINDS_OF_SOURCE[document.source]),
        ("url", observed.url, document.url),
        ("content", said, document.content_digest),
    )
    return tuple(
        Change(operation="~", path=path, old=old, new=new) for path, old, new in pairs if old != new
    )
