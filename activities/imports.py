"""An import: everything of an account read once, turned into manifests, stored for the person.

Nothing is written on any platform. What the repository already holds is read at its tip, so that
an import can be repeated: what is there keeps its name and is not written again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic_core import to_json
from temporalio import activity

from activities.concurrency import each
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import IMPORT_ACCOUNT
from activities.types import ImportCount, ImportInput
from trunkline.model.errors import (
    CredentialsRejected,
    InvalidInput,
    NotFound,
    RemoteMissing,
    TrunklineError,
)
from trunkline.model.ids import OWNER_PREFIX, ExternalId
from trunkline.model.importing import imported
from trunkline.model.imports import (
    Account,
    DerivedAgent,
    DerivedDocument,
    DerivedNumber,
    ImportedKind,
    ImportedManifest,
    ImportNote,
    ImportReport,
    KnownInGit,
    label_names,
)
from trunkline.model.limits import IMPORT_AGENTS_MAX, IMPORT_MAX_BYTES, SWEEP_READS_CONCURRENT
from trunkline.model.manifests import Manifests
from trunkline.model.observed import AgentSummary, CarrierNumber, ObservedDocument, PlatformNumber
from trunkline.model.records import OperationItem
from trunkline.ports import Accounts, Ledger, Operations, Projects, Sources, VoicePlatform

KIND_OF_CLAIM: Mapping[str, ImportedKind] = {"tool": "Tool", "document": "KnowledgeDocument"}


@dataclass
class _Import:
    """One import under way."""

    request: ImportInput
    voice: VoicePlatform
    known: KnownInGit
    skipped: list[ImportNote] = field(default_factory=list)
    warnings: list[ImportNote] = field(default_factory=list)

    def skip(self, kind: str, external_id: str, name: str, why: str) -> None:
        self.skipped.append(ImportNote(kind=kind, external_id=external_id, name=name, message=why))


class ImportActivities:
    """Imports that somebody asked for."""

    def __init__(
        self,
        sources: Sources,
        projects: Projects,
        accounts: Accounts,
        ledger: Ledger,
        operations: Operations,
    ) -> None:
        self._sources = sources
        self._projects = projects
        self._accounts = accounts
        self._ledger = ledger
        self._operations = operations

    @activity.defn(name=IMPORT_ACCOUNT)
    async def import_account(self, request: ImportInput) -> ImportCount:
        """Read, derive, store, and end the operation."""
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "reading the repository"
                voice = await self._accounts.voice(request.project, request.environment)
                known, unread = await self._known(request, voice.account)
                work = _Import(request, voice, known)
                if unread:
                    work.warnings.append(
                        ImportNote(
                            kind="Project",
                            external_id="",
                            name=request.project,
                            message=f"the repository could not be read, so names may be taken "
                            f"there: {unread}",
                        )
                    )
                progress.words = "looking at the account"
                account = await self._account(work)
                manifests, report = imported(
                    account,
                    project=request.project,
                    environment=request.environment,
                    known=known,
                )
                report = report.model_copy(
                    update={
                        "skipped": (*work.skipped, *report.skipped),
                        "warnings": (*work.warnings, *report.warnings),
                    }
                )
                _require_bounded(manifests)
                await self._operations.put_import(
                    request.operation_id,
                    request.project,
                    request.environment,
                    manifests,
                    report,
                )
                words = _words(report)
                await self._operations.finish_operation(request.operation_id, "Succeeded", words)
                return ImportCount(
                    agents=report.agents,
                    tools=report.tools,
                    documents=report.documents,
                    numbers=report.numbers,
                    message=words,
                )

    async def _known(self, request: ImportInput, account: str) -> tuple[KnownInGit, str]:
        """What the repository and the ledger already stand for, and why Git could not be read."""
        by_id: dict[tuple[ImportedKind, str], str] = {}
        secrets: dict[str, str] = {}
        place = (request.project, request.environment)
        for entry in await self._ledger.entries(*place, "agent"):
            if entry.external_id is not None:
                by_id["Agent", entry.external_id] = entry.name
        for claim in await self._ledger.claims(account, *place):
            if claim.external_id is None:
                continue
            if claim.kind in KIND_OF_CLAIM:
                by_id[KIND_OF_CLAIM[claim.kind], claim.external_id] = claim.name
            elif claim.kind == "secret":
                secrets[claim.external_id] = claim.name
        try:
            source = await self._sources.source(request.project)
            state = await self._projects.source(request.project)
            head = await source.head(known=state.applied_revision if state else None)
            manifests = await source.manifests(head.revision)
        except TrunklineError as error:
            return KnownInGit(by_id=by_id, secrets=secrets), error.message
        names: dict[ImportedKind, frozenset[str]] = {
            "Agent": frozenset(manifests.agents),
            "Tool": frozenset(manifests.tools),
            "KnowledgeDocument": frozenset(manifests.documents),
            "PhoneNumber": frozenset(manifests.numbers),
        }
        by_id.update(_adopting(manifests, request.environment))
        gone = [key for key, name in by_id.items() if name not in names[key[0]]]
        for key in gone:
            del by_id[key]
        return KnownInGit(names=names, by_id=by_id, secrets=secrets), ""

    async def _account(self, work: _Import) -> Account:
        summaries = await _listed(work.voice)
        wanted = _wanted(work, summaries)
        await self._operations.add_items(
            work.request.operation_id,
            [
                OperationItem(
                    environment=work.request.environment, kind="agent", name=summary.external_id
                )
                for summary in wanted
            ],
        )

        async def read(summary: AgentSummary) -> DerivedAgent | None:
            return await self._agent(work, summary)

        found = await each(read, wanted, concurrent=SWEEP_READS_CONCURRENT)
        agents = tuple(agent for agent in found if agent is not None)
        inventory = work.voice.inventory
        tools = await inventory.tools()
        documents = await inventory.documents()
        ours = {
            kind: {i for (each_kind, i) in work.known.by_id if each_kind == kind}
            for kind in ("Agent", "Tool", "KnowledgeDocument")
        }
        taken = work.known.names
        return Account(
            agents=agents,
            tools=tuple(inventory.derive_tool(tool) for tool in tools),
            documents=await _documents(work, documents, agents),
            numbers=await self._numbers(work, {agent.external_id for agent in agents}),
            secret_names={secret.external_id: secret.name for secret in await inventory.secrets()}
            if any(agent.tool_ids for agent in agents)
            else {},
            agent_names=label_names(
                (
                    (s.external_id, s.name)
                    for s in summaries
                    if s.external_id not in ours["Agent"] and not _owner(s)
                ),
                taken=taken.get("Agent", ()),
                otherwise="agent",
            ),
            tool_names=label_names(
                ((t.external_id, t.function) for t in tools if t.external_id not in ours["Tool"]),
                taken=taken.get("Tool", ()),
                otherwise="tool",
            ),
            document_names=label_names(
                (
                    (d.external_id, d.title)
                    for d in documents
                    if d.external_id not in ours["KnowledgeDocument"]
                ),
                taken=taken.get("KnowledgeDocument", ()),
                otherwise="document",
            ),
        )

    async def _agent(self, work: _Import, summary: AgentSummary) -> DerivedAgent | None:
        request = work.request
        item = OperationItem(
            environment=request.environment,
            kind="agent",
            name=summary.external_id,
            state="Succeeded",
        )
        try:
            observed = await work.voice.agent(summary.external_id)
        except RemoteMissing:
            work.skip("Agent", summary.external_id, summary.name, "it is gone")
            await self._operations.finish_item(request.operation_id, item)
            return None
        await self._operations.finish_item(request.operation_id, item)
        return work.voice.inventory.derive_agent(observed)

    async def _numbers(self, work: _Import, agents: set[ExternalId]) -> tuple[DerivedNumber, ...]:
        listed = await work.voice.numbers()
        if not listed:
            return ()
        request = work.request
        try:
            telephony = await self._accounts.telephony(request.project, request.environment)
            carried = {number.number: number for number in await telephony.numbers()}
        except CredentialsRejected as error:
            words = f"numbers are not imported: {error.message}"
            note = ImportNote(kind="PhoneNumber", external_id="", name="", message=words)
            work.warnings.append(note)
            return ()
        found: list[DerivedNumber] = []
        for number in listed:
            holder = number.assigned_agent_id
            if request.agent_ids and holder not in agents:
                continue
            known = work.known.name_of("PhoneNumber", number.number)
            if known is not None:
                words = f"it is number {known} in Git"
                work.skip("PhoneNumber", number.external_id, number.number, words)
                continue
            why = _refused_number(work, number, carried.get(number.number))
            if why:
                work.skip("PhoneNumber", number.external_id, number.number, why)
                continue
            found.append(DerivedNumber(number.external_id, number.number, number.label, holder))
        return tuple(found)


async def _listed(voice: VoicePlatform) -> list[AgentSummary]:
    """Every agent of the account in the order they were made. Raises InvalidInput."""
    summaries: list[AgentSummary] = []
    async for page in voice.agents():
        summaries.extend(page)
        if len(summaries) > IMPORT_AGENTS_MAX:
            raise InvalidInput(f"the account has more than {IMPORT_AGENTS_MAX} agents")
    return sorted(summaries, key=lambda each: (each.created_at_s, each.external_id))


def _wanted(work: _Import, summaries: Iterable[AgentSummary]) -> list[AgentSummary]:
    """The agents to import; why others are not is noted. Raises NotFound."""
    asked = set(work.request.agent_ids)
    missing = set(asked)
    wanted: list[AgentSummary] = []
    for summary in summaries:
        if asked and summary.external_id not in asked:
            continue
        missing.discard(summary.external_id)
        known = work.known.name_of("Agent", summary.external_id)
        owner = _owner(summary)
        if known is not None:
            work.skip("Agent", summary.external_id, summary.name, f"it is agent {known} in Git")
        elif owner:
            work.skip("Agent", summary.external_id, summary.name, f"it is managed as {owner}")
        elif summary.archived:
            work.skip("Agent", summary.external_id, summary.name, "it is archived")
        else:
            wanted.append(summary)
    if missing:
        raise NotFound(f"the account has no agent {', '.join(sorted(missing))}")
    return wanted


def _owner(summary: AgentSummary) -> str:
    """Whose an agent is by its tags; empty for nobody's."""
    owners = [tag for tag in summary.tags if tag.startswith(OWNER_PREFIX)]
    return owners[0].removeprefix(OWNER_PREFIX) if owners else ""


async def _documents(
    work: _Import, documents: Iterable[ObservedDocument], agents: Iterable[DerivedAgent]
) -> tuple[DerivedDocument, ...]:
    """The documents the agents use; only their texts are read."""
    used = {use.external_id for agent in agents for use in agent.documents}
    inventory = work.voice.inventory

    async def read(document: ObservedDocument) -> DerivedDocument:
        try:
            has_text = document.kind in ("text", "file")
            text = await inventory.document_text(document.external_id) if has_text else None
        except RemoteMissing:
            text = None
        return inventory.derive_document(document, text)

    known = {i for (kind, i) in work.known.by_id if kind == "KnowledgeDocument"}
    wanted = [d for d in documents if d.external_id in used and d.external_id not in known]
    return tuple(await each(read, wanted, concurrent=SWEEP_READS_CONCURRENT))


def _refused_number(work: _Import, number: PlatformNumber, carrier: CarrierNumber | None) -> str:
    """Why a number cannot be imported so that nothing changes; empty if it can."""
    if number.provider != "twilio":
        return f"it comes from {number.provider}, not from Twilio"
    if carrier is None:
        return "it is not in the environment's telephony account"
    if carrier.trunk_sid or carrier.voice_application_sid:
        return "calls go to a trunk or an application instead"
    if number.assigned_agent_id and not work.voice.is_native_voice_url(carrier.voice_url):
        return f"calls go to {carrier.voice_url or 'nobody'} instead"
    return ""


def _adopting(manifests: Manifests, environment: str) -> dict[tuple[ImportedKind, str], str]:
    """Names of what the repository already wants taken over, by external id."""
    found: dict[tuple[ImportedKind, str], str] = {}
    for agent in manifests.agents.values():
        if environment in agent.manifest.metadata.adopt:
            found["Agent", agent.manifest.metadata.adopt[environment]] = agent.manifest.name
    for tool in manifests.tools.values():
        if environment in tool.manifest.metadata.adopt:
            found["Tool", tool.manifest.metadata.adopt[environment]] = tool.manifest.name
    for placed in manifests.documents.values():
        named = placed.manifest.metadata.adopt
        if environment in named:
            found["KnowledgeDocument", named[environment]] = placed.manifest.name
    for number in manifests.numbers.values():
        found["PhoneNumber", number.manifest.spec.number] = number.manifest.name
    return found


def _require_bounded(manifests: Iterable[ImportedManifest]) -> None:
    size = sum(len(to_json(manifest)) for manifest in manifests)
    if size > IMPORT_MAX_BYTES:
        raise InvalidInput(
            f"the account comes to {size} bytes of manifests, more than {IMPORT_MAX_BYTES}",
            hint="Import it in parts: trunkline import --agent ID …",
        )


def _words(report: ImportReport) -> str:
    counts = (
        (report.agents, "agent"),
        (report.tools, "tool"),
        (report.documents, "document"),
        (report.numbers, "number"),
    )
    said = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return f"{said}; {len(report.skipped)} skipped, {len(report.left_out)} paths left out"
