"""Leaving an environment: our marks come off the platform, our rows go, nothing else is changed.

Everything rests on the suspension a person put in force before: it keeps whatever still runs from
writing, and the moment somebody lifts it the leaving ends. Each mark is one activity; its row goes
after it, and the word that lets the object be taken over again comes before, so that a crash at
any point leaves either a row or that word, never neither.
"""

from collections.abc import AsyncIterator

from temporalio import activity

from activities.concurrency import each
from activities.ending import Endings
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import BEGIN_EJECTION, FINISH_EJECTION, LOOK_TO_EJECT, TAKE_MARK_AWAY
from activities.sweeps import SweepSchedules
from activities.types import EjectLook, EjectRequest, MarkReference, MarkRequest, StepResult
from trunkline.model.conditions import Condition
from trunkline.model.ejection import (
    Belonging,
    ejection_of,
    is_of,
    tags_left,
    way_back,
)
from trunkline.model.errors import Blocked, NotPersisted, OutcomeUnknown, RemoteMissing
from trunkline.model.ids import ExternalId, owner_tag
from trunkline.model.interventions import Intervention
from trunkline.model.limits import EJECT_BATCH_SIZE, SWEEP_READS_CONCURRENT
from trunkline.model.records import EventRecord, OperationItem, StatusRecord
from trunkline.ports import (
    Accounts,
    Ejections,
    Interventions,
    Operations,
    Statuses,
    VoicePlatform,
)

DESCRIPTION = "trunkline eject"
ENDED = "the environment was ejected"


class EjectActivities:
    """What the workflow of an ejection asks for."""

    def __init__(
        self,
        accounts: Accounts,
        ejections: Ejections,
        interventions: Interventions,
        operations: Operations,
        statuses: Statuses,
        *,
        endings: Endings,
        schedules: SweepSchedules,
    ) -> None:
        self._accounts = accounts
        self._ejections = ejections
        self._interventions = interventions
        self._operations = operations
        self._statuses = statuses
        self._endings = endings
        self._schedules = schedules

    @activity.defn(name=BEGIN_EJECTION)
    async def begin_ejection(self, request: EjectRequest) -> None:
        """No sweep starts any more, and nothing of the environment runs."""
        with translated(request.timing, patient=True):
            async with beating():
                await self._said(request)
                place = (request.project, request.environment)
                await self._schedules.pause(*place, note=DESCRIPTION)
                await self._endings.end(*place, ENDED)
                found = await self._ejections.belongings(*place)
                items = [
                    OperationItem(environment=request.environment, kind="agent", name=item.name)
                    for item in found.items
                    if item.kind == "agent"
                ]
                await self._operations.add_items(request.operation_id, items)

    @activity.defn(name=LOOK_TO_EJECT)
    async def look_to_eject(self, request: EjectRequest) -> EjectLook:
        """Some of the objects that carry our marks: those of the ledger, then any others."""
        with translated(request.timing):
            async with beating():
                await self._said(request)
                voice = await self._accounts.voice(request.project, request.environment)
                known = await self._ejections.marked(
                    request.project,
                    request.environment,
                    voice.account,
                    limit=EJECT_BATCH_SIZE + len(request.unreachable),
                )
                marks = [_reference(item) for item in known]
                left = [mark for mark in marks if mark.external_id not in request.unreachable]
                if not left:
                    left = [mark async for mark in self._strays(request, voice)]
                return EjectLook(marks=tuple(left[:EJECT_BATCH_SIZE]))

    @activity.defn(name=TAKE_MARK_AWAY)
    async def take_mark_away(self, request: MarkRequest) -> StepResult:
        """One write, its read-back, and the end of its row; done before, it changes nothing."""
        with translated(request.timing):
            async with beating():
                said = await self._said(request)
                place = (request.project, request.environment)
                voice = await self._accounts.voice(*place)
                mark = request.mark
                item = Belonging.model_validate(
                    {**mark.model_dump(by_alias=False, exclude={"known"}), "account": voice.account}
                )
                if mark.known and mark.kind != "test":
                    await self._interventions.put_intervention(way_back(said, item))
                note = await self._unmark(request, voice)
                await self._ejections.let_go(*place, item)
                if mark.kind == "agent":
                    done = OperationItem(
                        environment=request.environment,
                        kind="agent",
                        name=mark.name,
                        state="Succeeded",
                        message=note,
                    )
                    await self._operations.finish_item(request.operation_id, done)
                return StepResult(external_id=mark.external_id, note=note)

    @activity.defn(name=FINISH_EJECTION)
    async def finish_ejection(self, request: EjectRequest) -> None:
        """Forget the environment's rows, or say what could not be left."""
        with translated(request.timing, patient=True):
            async with beating():
                said = await self._said(request)
                if request.unreachable:
                    listed = ", ".join(request.unreachable)
                    message = f"these still carry our marks: {listed}. Try again: eject it again"
                    await self._operations.finish_operation(request.operation_id, "Error", message)
                    return
                place = (request.project, request.environment)
                await self._endings.end(*place, ENDED)
                await self._ejections.forget_environment(*place)
                await self._tell(request, said)

    async def _tell(self, request: EjectRequest, said: Intervention) -> None:
        words = (
            f"ejected by {said.by}; nothing is written until"
            f" `trunkline resume -e {request.environment}`"
        )
        event = EventRecord(
            project=request.project,
            environment=request.environment,
            kind="environment",
            name=request.environment,
            type="Warning",
            reason="Ejected",
            message=f"{request.taken} marks taken away; {words}",
        )
        await self._statuses.put_status(_status(request, words), [event])
        await self._operations.finish_operation(request.operation_id, "Succeeded", event.message)

    async def _said(self, request: EjectRequest | MarkRequest) -> Intervention:
        """The ejection as it is in force. Raises Blocked once somebody resumed."""
        decided = await self._interventions.interventions(request.project, request.environment)
        found = ejection_of(decided, request.environment)
        if found is None:
            raise Blocked(f"{request.environment} was resumed, so it is not left any further")
        return found

    async def _unmark(self, request: MarkRequest, voice: VoicePlatform) -> str:
        """What was done, in words."""
        timeout_s = request.timing.request_timeout_s
        try:
            if not await _is_marked(voice, request):
                return "carries no mark of ours"
            try:
                await _write(voice, request, timeout_s=timeout_s)
            except OutcomeUnknown:
                if await _is_marked(voice, request):
                    raise
            if await _is_marked(voice, request):
                raise NotPersisted(
                    f"{request.mark.kind} {request.mark.name}: the platform accepted the change"
                    " and kept our mark",
                    hint="Take it away by hand on the platform.",
                )
        except RemoteMissing:
            return "it is not on the platform any more"
        return "our mark was taken away"

    async def _strays(
        self, request: EjectRequest, voice: VoicePlatform
    ) -> AsyncIterator[MarkReference]:
        """Marked objects the ledger does not know; lists may lag, so each is read by its id."""
        place = (request.project, request.environment)
        ours = owner_tag(*place, "")
        found: list[MarkReference] = []
        async for page in voice.agents():
            found.extend(
                MarkReference(kind="agent", name=summary.name, external_id=summary.external_id)
                for summary in page
                if any(tag.startswith(ours) for tag in summary.tags)
            )
        found.extend(
            MarkReference(kind="tool", name=tool.function, external_id=tool.external_id)
            for tool in await voice.inventory.tools()
            if is_of(tool.mark, *place)
        )
        found.extend(
            MarkReference(kind="document", name=one.title, external_id=one.external_id)
            for one in await voice.inventory.documents()
            if is_of(one.mark, *place)
        )
        found.extend(
            MarkReference(kind="test", name=one.mark, external_id=one.external_id)
            for one in await voice.tests.marked_tests()
            if is_of(one.mark, *place)
        )
        left = [mark for mark in found if mark.external_id not in request.unreachable]

        async def confirmed(mark: MarkReference) -> bool:
            try:
                return await _is_marked(voice, _asked(request, mark))
            except RemoteMissing:
                return False

        really = await each(confirmed, left, concurrent=SWEEP_READS_CONCURRENT)
        for mark, carries in zip(left, really, strict=True):
            if carries:
                yield mark


async def _is_marked(voice: VoicePlatform, request: MarkRequest) -> bool:
    """True if the object carries a mark of the environment right now. Raises RemoteMissing."""
    place = (request.project, request.environment)
    external_id = ExternalId(request.mark.external_id)
    if request.mark.kind == "agent":
        observed = await voice.agent(external_id)
        return tags_left(observed.tags, *place) != observed.tags
    if request.mark.kind == "tool":
        return is_of((await voice.inventory.tool(external_id)).mark, *place)
    if request.mark.kind == "test":
        return is_of((await voice.object_usage("test", external_id)).mark, *place)
    return is_of((await voice.inventory.document(external_id)).mark, *place)


async def _write(voice: VoicePlatform, request: MarkRequest, *, timeout_s: float) -> None:
    external_id = ExternalId(request.mark.external_id)
    if request.mark.kind == "agent":
        observed = await voice.agent(external_id)
        left = tags_left(observed.tags, request.project, request.environment)
        await voice.set_tags(external_id, left, description=DESCRIPTION, timeout_s=timeout_s)
    elif request.mark.kind == "tool":
        tool = await voice.inventory.tool(external_id)
        await voice.inventory.unmark_tool(tool, timeout_s=timeout_s)
    elif request.mark.kind == "test":
        await voice.tests.unmark_test(external_id, timeout_s=timeout_s)
    else:
        document = await voice.inventory.document(external_id)
        await voice.inventory.unmark_document(document, timeout_s=timeout_s)


def _reference(item: Belonging) -> MarkReference:
    found = item.model_dump(by_alias=False, exclude={"account"})
    return MarkReference.model_validate({**found, "known": True})


def _asked(request: EjectRequest, mark: MarkReference) -> MarkRequest:
    return MarkRequest(
        operation_id=request.operation_id,
        project=request.project,
        environment=request.environment,
        mark=mark,
        timing=request.timing,
    )


def _status(request: EjectRequest, words: str) -> StatusRecord:
    return StatusRecord(
        project=request.project,
        environment=request.environment,
        kind="environment",
        name=request.environment,
        sync="Unknown",
        health="Suspended",
        message=words,
        conditions=(Condition(type="Ready", status="False", reason="Ejected", message=words),),
    )
