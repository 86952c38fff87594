"""Creating and updating the objects several agents share: tools, documents, secrets.

Each is claimed by one ledger row. Who inserts the row creates; everybody else waits for its id
without holding a slot; a dead claimant's claim passes on once its create cannot appear any more.
"""

from typing import Protocol

from temporalio import activity

from activities.creating import Created, create_once
from activities.fingerprints import fingerprint
from activities.needs import Needed, claim_for, claims_of, needed_objects
from activities.types import StepResult, Timing
from trunkline.model.creation import Decision, Found, LookUp, decide_claim
from trunkline.model.desired import DesiredAgent, DesiredDocument
from trunkline.model.errors import ClaimPending, NotFound, Rejected
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt, Claim
from trunkline.model.plans import Step
from trunkline.model.shared_objects import claim_reference, object_key
from trunkline.ports import Accounts, Clock, Ledger, VoicePlatform


class Contents(Protocol):
    """What documents hold."""

    async def content(self, digest: str) -> bytes:
        """What is stored under a content digest. Raises NotFound."""


class SharedWrites:
    """Writes of one step about a shared object."""

    def __init__(self, accounts: Accounts, ledger: Ledger, wishes: Contents, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._wishes = wishes
        self._clock = clock

    async def create(self, desired: DesiredAgent, step: Step, timing: Timing) -> StepResult:
        """Create the object, or take the one that is there, and settle its claim."""
        voice = await self._accounts.voice(desired.project, desired.environment)
        needed = _needed(desired, step)
        row = await self._row(voice, desired, needed)
        creation = ClaimCreation(self, voice, desired, needed, row)
        created = await create_once(creation, self._clock, _patient(desired, needed, timing))
        if row is not None and row.external_id is not None:
            return StepResult(external_id=row.external_id, note="already there")
        await self._settle(creation, created)
        return StepResult(external_id=created.external_id, note=_note(created))

    async def update_secret(self, desired: DesiredAgent, step: Step, timing: Timing) -> StepResult:
        """Write the server's value of a secret again."""
        voice = await self._accounts.voice(desired.project, desired.environment)
        needed = _needed(desired, step)
        row = await self._row(voice, desired, needed)
        if row is None or row.external_id is None:
            raise ClaimPending(f"secret {needed.name} is not there yet")
        value = self._accounts.secret(desired.project, needed.name)
        await voice.update_secret(
            row.external_id, needed.mark, value, timeout_s=timing.request_timeout_s
        )
        await self._ledger.settle(row, row.external_id, fingerprint=await fingerprint(value))
        return StepResult(external_id=row.external_id)

    async def find(self, voice: VoicePlatform, needed: Needed) -> tuple[Found, ...]:
        """Objects on the platform that carry the mark."""
        found = await voice.find_objects(needed.kind, needed.mark)
        return tuple(Found(item.external_id, item.created_at_s) for item in found)

    async def win(self, ours: Claim, previous: Claim | None) -> bool:
        """Insert the claim, or take it over from the row as it was read."""
        if previous is None:
            return await self._ledger.claim(ours) == ours
        return await self._ledger.take_over(ours, previous=previous)

    async def send(
        self, voice: VoicePlatform, desired: DesiredAgent, needed: Needed, timeout_s: float
    ) -> ExternalId:
        """The create itself."""
        if needed.kind == "secret":
            value = self._accounts.secret(desired.project, needed.name)
            return await voice.create_secret(needed.mark, value, timeout_s=timeout_s)
        if needed.kind == "tool":
            tool = next(t for t in desired.tools if t.digest == needed.digest)
            claims = await claims_of(self._ledger, voice.account, desired, tool.secrets())
            secret_ids = {c.name: c.external_id for c in claims if c.external_id is not None}
            return await voice.create_tool(
                tool, mark=needed.mark, secret_ids=secret_ids, timeout_s=timeout_s
            )
        document = next(d for d in desired.documents if d.digest == needed.digest)
        content = b""
        if document.source != "url":
            if document.content_digest is None:
                raise NotFound(f"document {document.name} has no stored content")
            content = await self._wishes.content(document.content_digest)
        try:
            return await voice.create_document(
                document, mark=needed.mark, content=content, timeout_s=timeout_s
            )
        except Rejected as error:
            raise _named(document, error) from error

    async def _settle(self, creation: "ClaimCreation", created: Created) -> None:
        """Record the id. A secret's value is only known to be ours if our attempt created it."""
        known: str | None = None
        if creation.needed.kind == "secret" and creation.attempt is not None:
            value = self._accounts.secret(creation.desired.project, creation.needed.name)
            known = await fingerprint(value)
        claim = creation.claim().model_copy(update={"body": creation.needed.body})
        await self._ledger.settle(claim, created.external_id, fingerprint=known)

    async def _row(
        self, voice: VoicePlatform, desired: DesiredAgent, needed: Needed
    ) -> Claim | None:
        claims = await claims_of(self._ledger, voice.account, desired, (needed.name,))
        return next((c for c in claims if claim_reference(c) == needed.reference), None)


class ClaimCreation:
    """One shared object, for ``creating.create_once``."""

    def __init__(
        self,
        writes: SharedWrites,
        voice: VoicePlatform,
        desired: DesiredAgent,
        needed: Needed,
        row: Claim | None,
    ) -> None:
        self.what = f"{needed.kind} {needed.name}"
        self.needed = needed
        self.desired = desired
        self._writes = writes
        self._voice = voice
        self._row = row

    @property
    def attempt(self) -> Attempt | None:
        """The claim's open attempt as last read."""
        return self._row.attempt if self._row is not None else None

    @property
    def settled_id(self) -> ExternalId | None:
        """The claim's external id as last read."""
        return self._row.external_id if self._row is not None else None

    def claim(self) -> Claim:
        """The row as last read, or a new one by this run."""
        return self._row or claim_for(
            self.needed, self._voice.account, self.desired, claimant=claimant()
        )

    def decide(self, look_up: LookUp, lag_bound_s: float) -> Decision:
        """The core's decision about a claim that is not settled."""
        return decide_claim(self._row, look_up, lag_bound_s=lag_bound_s)

    async def find(self) -> tuple[Found, ...]:
        """Objects that carry the mark."""
        return await self._writes.find(self._voice, self.needed)

    async def win(self, attempt: Attempt) -> bool:
        """Claim the object for this attempt; False if somebody was quicker."""
        claimed = self.claim().model_copy(update={"claimant": claimant(), "attempt": attempt})
        won = await self._writes.win(claimed, self._row)
        if won:
            self._row = claimed
        return won

    async def send(self, timeout_s: float) -> ExternalId:
        """The create itself."""
        return await self._writes.send(self._voice, self.desired, self.needed, timeout_s)

    async def void(self, attempt: Attempt) -> None:
        """Give the claim back without an attempt, if it is still ours."""
        if self._row is not None and self._row.attempt == attempt:
            free = self._row.model_copy(update={"attempt": None})
            await self._writes.win(free, self._row)


def claimant() -> str:
    """This very run: two runs of one activity are two claimants."""
    info = activity.info()
    return f"{info.workflow_id}/{info.workflow_run_id}/{info.activity_id}/{info.attempt}"


def _needed(desired: DesiredAgent, step: Step) -> Needed:
    for needed in needed_objects(desired):
        key = needed.name if needed.kind == "secret" else object_key(needed.name, needed.digest)
        if needed.kind == step.subject and key == step.key:
            return needed
    raise NotFound(f"{step.subject} {step.key} is no longer wished for")


def _named(document: DesiredDocument, error: Rejected) -> Rejected:
    """The refusal with the document's line: its path is one of the document, not of the agent."""
    return Rejected(
        f"document {document.name} ({document.position}): {error.message}",
        hint=error.hint,
        status=error.status,
        request_id=error.request_id,
    )


def _patient(desired: DesiredAgent, needed: Needed, timing: Timing) -> Timing:
    """The timing of a create: a file has to travel, and a page has to be fetched meanwhile."""
    slow = needed.kind == "document" and any(
        document.digest == needed.digest and document.source != "text"
        for document in desired.documents
    )
    if not slow:
        return timing
    return timing.model_copy(update={"request_timeout_s": timing.document_timeout_s})


def _note(created: Created) -> str:
    if created.duplicates:
        return f"adopted; others carry the same mark: {', '.join(created.duplicates)}"
    return "created" if created.sent else "adopted"
