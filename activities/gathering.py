"""Everything a plan of an agent is made of, read once: wish, ledger, platform, shared objects.

Planning one agent, planning an environment and sweeping it look at the same corners; they are put
together here. Looking may show that the ledger is behind the world (an emptied store, a tool
deleted by hand); only a gatherer that may ``remember`` writes that down.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from activities.adoptions import AdoptionReader
from activities.fingerprints import FINGERPRINTS
from activities.needs import Needed, claim_for, claims_of, needed_objects
from activities.reading_ahead import Ahead
from trunkline.model.adoption import Adoption, agent_adoption
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import RemoteMissing
from trunkline.model.ids import NONCE_PREFIX, ExternalId, new_nonce
from trunkline.model.ledger import Claim, LedgerEntry
from trunkline.model.observed import ObservedAgent
from trunkline.model.planner import plan_agent, renamed_entry
from trunkline.model.plans import Plan
from trunkline.model.rendering import Rendering
from trunkline.model.shared_objects import (
    KnownObjects,
    bindings_of,
    claim_reference,
    doubtful_references,
    strings_of,
)
from trunkline.model.writes import identity_tags, is_others, was_given_away
from trunkline.ports import Accounts, Ledger, VoicePlatform


@dataclass(frozen=True, slots=True)
class AgentCorners:
    """One agent's wish, ledger row and observation, and what is known of its objects.

    ``rebuilt``: the ledger knew nothing of an agent that carries our mark. ``adoption``: the
    observed agent is not ours yet and is to be taken over.
    """

    desired: DesiredAgent
    voice: VoicePlatform
    rendering: Rendering
    entry: LedgerEntry | None
    observed: ObservedAgent | None
    known: KnownObjects
    rebuilt: bool = False
    adoption: Adoption | None = None

    def plan(self, ignored: tuple[str, ...], *, keep_drift: bool = False) -> Plan:
        """What the pure planner makes of it."""
        return plan_agent(
            self.desired,
            self.rendering,
            self.voice.rules,
            entry=self.entry,
            observed=self.observed,
            shared=self.known,
            drift_ignored=ignored,
            adoption=self.adoption,
            keep_drift=keep_drift,
        )


class Gatherer:
    """Reads the corners of agents."""

    def __init__(self, accounts: Accounts, ledger: Ledger) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._adoptions = AdoptionReader()

    async def agent(
        self, desired: DesiredAgent, *, remember: bool, ahead: Ahead | None = None
    ) -> AgentCorners:
        """Everything about one agent; what was read ``ahead`` is not read again.

        Raises what its platform and the ledger raise.
        """
        if ahead is not None:
            voice, entry = ahead.voice, ahead.entry(desired)
        else:
            voice = await self._accounts.voice(desired.project, desired.environment)
            entry = await self._entry(desired, remember=remember)
        known_id = entry.external_id if entry is not None else None
        unknown = entry is None
        observed = await self._by_id(voice, known_id)
        if observed is not None and was_given_away(desired, observed.tags):
            observed = None
        adoption: Adoption | None = None
        if observed is None:
            observed, adoption = await self._found(voice, desired, entry)
            if observed is not None and adoption is None:
                entry = _adopted(desired, voice.account, entry, observed)
                if remember:
                    await self._ledger.put(entry)
        adopted = observed is not None and observed.external_id != known_id and adoption is None
        known = await self._known(voice, desired, adopted=adopted, remember=remember, ahead=ahead)
        known = await self._without_lost(voice, desired, known, entry, observed, remember=remember)
        return AgentCorners(
            desired=desired,
            voice=voice,
            rendering=voice.render(desired),
            entry=entry,
            observed=observed,
            known=await self._adoptions.known(voice, desired, known),
            rebuilt=unknown and observed is not None and adoption is None,
            adoption=adoption,
        )

    async def observed(self, desired: DesiredAgent) -> AgentCorners:
        """What an update needs: everything, as it is right now."""
        return await self.agent(desired, remember=True)

    async def unobserved(self, desired: DesiredAgent) -> AgentCorners:
        """What a create needs: everything but the agent, which is looked for by its nonce."""
        voice = await self._accounts.voice(desired.project, desired.environment)
        return AgentCorners(
            desired=desired,
            voice=voice,
            rendering=voice.render(desired),
            entry=await self._entry(desired, remember=True),
            observed=None,
            known=await self._known(voice, desired, adopted=False, remember=True),
        )

    async def beside(self, corners: AgentCorners, desired: DesiredAgent) -> AgentCorners:
        """Another version of an agent that was just read, with what is known of its objects."""
        return replace(
            corners,
            desired=desired,
            rendering=corners.voice.render(desired),
            known=await self._known(corners.voice, desired, adopted=False, remember=True),
            rebuilt=False,
        )

    async def stale_secrets(self, desired: DesiredAgent, claims: Iterable[Claim]) -> frozenset[str]:
        """Secrets whose value on the server is not the one that was written."""
        written = {claim.name: claim for claim in claims if claim.kind == "secret"}
        stale: set[str] = set()
        for name in {name for tool in desired.tools for name in tool.secrets()}:
            claim = written.get(name)
            if claim is None or claim.external_id is None:
                continue
            value = self._accounts.secret(desired.project, name)
            if not await FINGERPRINTS.match(value, claim.fingerprint):
                stale.add(name)
        return frozenset(stale)

    async def _entry(self, desired: DesiredAgent, *, remember: bool) -> LedgerEntry | None:
        project, environment = desired.project, desired.environment
        entry = await self._ledger.entry(project, environment, "agent", desired.name)
        if entry is not None or desired.renamed_from is None:
            return entry
        old = await self._ledger.entry(project, environment, "agent", desired.renamed_from)
        if old is None:
            return None
        if remember:
            return await self._ledger.rename(old, desired.name)
        return renamed_entry(old, desired)

    async def _found(
        self, voice: VoicePlatform, desired: DesiredAgent, entry: LedgerEntry | None
    ) -> tuple[ObservedAgent | None, Adoption | None]:
        """An agent that carries our tag, or else the one the manifest wants taken over.

        While a create of ours may still appear, nothing is taken over: it would be a second one.
        """
        known_id = entry.external_id if entry is not None else None
        wanted = desired.adopt
        creating = entry is not None and entry.attempt is not None
        if wanted is None or known_id is not None or creating:
            return await self._by_mark(voice, desired, known_id), None
        observed = await self._by_id(voice, wanted)
        adoption = Adoption(kind="agent", name=desired.name, external_id=wanted, claimed="gone")
        if observed is not None:
            adoption = agent_adoption(
                observed,
                project=desired.project,
                environment=desired.environment,
                name=desired.name,
            )
            if adoption.claimed == "ours":
                return observed, None
        ours = await self._by_mark(voice, desired, None)
        return (ours, None) if ours is not None else (observed, adoption)

    async def _by_id(
        self, voice: VoicePlatform, external_id: ExternalId | None
    ) -> ObservedAgent | None:
        if external_id is None:
            return None
        try:
            return await voice.agent(external_id)
        except RemoteMissing:
            return None

    async def _by_mark(
        self, voice: VoicePlatform, desired: DesiredAgent, gone: ExternalId | None
    ) -> ObservedAgent | None:
        """The oldest agent that carries our tag and can be read; lists may still show dead ones."""
        for tag in identity_tags(desired):
            for summary in await voice.find_agents(tag):
                if summary.external_id == gone:
                    continue
                observed = await self._by_id(voice, summary.external_id)
                if observed is not None and not is_others(desired, observed.tags):
                    return observed
        return None

    async def _known(
        self,
        voice: VoicePlatform,
        desired: DesiredAgent,
        *,
        adopted: bool,
        remember: bool,
        ahead: Ahead | None = None,
    ) -> KnownObjects:
        needed = needed_objects(desired)
        if not needed:
            return KnownObjects()
        if ahead is not None:
            claims = ahead.claims_of(desired)
        else:
            names = sorted({each.name for each in needed})
            claims = await claims_of(self._ledger, voice.account, desired, names)
        if adopted:
            claims = await self._rebuilt(voice, desired, needed, claims, remember=remember)
        return KnownObjects(
            bindings=bindings_of(claims),
            stale_secrets=await self.stale_secrets(desired, claims),
            claims=claims,
        )

    async def _rebuilt(
        self,
        voice: VoicePlatform,
        desired: DesiredAgent,
        needed: tuple[Needed, ...],
        claims: tuple[Claim, ...],
        *,
        remember: bool,
    ) -> tuple[Claim, ...]:
        """The claims, with those the ledger lost found again by the marks on the platform."""
        bound = bindings_of(claims)
        rebuilt = {claim_reference(claim): claim for claim in claims}
        for each in needed:
            if each.reference in bound:
                continue
            found = await voice.find_objects(each.kind, each.mark)
            if not found:
                continue
            claim = claim_for(each, voice.account, desired, claimant=desired.name)
            if remember:
                claim = await self._ledger.claim(claim)
                await self._ledger.settle(claim, found[0].external_id, fingerprint=None)
            rebuilt[each.reference] = claim.model_copy(
                update={"external_id": found[0].external_id, "fingerprint": None}
            )
        return tuple(rebuilt.values())

    async def _without_lost(
        self,
        voice: VoicePlatform,
        desired: DesiredAgent,
        known: KnownObjects,
        entry: LedgerEntry | None,
        observed: ObservedAgent | None,
        *,
        remember: bool,
    ) -> KnownObjects:
        """Without bindings to objects that were deleted under the agent.

        Only what we once wrote into this agent and is gone from it is doubted: a new object may
        merely not be listed yet.
        """
        written = strings_of(entry.applied) if entry is not None else frozenset()
        bindings = dict(known.bindings)
        for doubtful in doubtful_references(desired, known.bindings, observed):
            if bindings[doubtful] not in written:
                continue
            each = next(e for e in needed_objects(desired) if e.reference == doubtful)
            found = await voice.find_objects(each.kind, each.mark)
            if any(item.external_id == bindings[doubtful] for item in found):
                continue
            if remember:
                await self._unsettle(known, doubtful)
            del bindings[doubtful]
        return replace(known, bindings=bindings)

    async def _unsettle(self, known: KnownObjects, lost: str) -> None:
        claim = next(c for c in known.claims if claim_reference(c) == lost)
        opened = claim.model_copy(update={"external_id": None, "attempt": None})
        await self._ledger.take_over(opened, previous=claim)


def _adopted(
    desired: DesiredAgent, account: str, entry: LedgerEntry | None, observed: ObservedAgent
) -> LedgerEntry:
    """The ledger row of an agent recognised by its tags; it keeps the nonce it carries."""
    carried = [tag for tag in observed.tags if tag.startswith(NONCE_PREFIX)]
    nonce = carried[0].removeprefix(NONCE_PREFIX) if carried else new_nonce()
    return LedgerEntry(
        project=desired.project,
        environment=desired.environment,
        kind="agent",
        name=desired.name,
        account=account,
        nonce=entry.nonce if entry is not None and entry.nonce is not None else nonce,
        external_id=observed.external_id,
        defaults=entry.defaults if entry is not None else {},
    )
