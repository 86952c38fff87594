"""Sending one message, and writing down what came of it.

Where it goes is read from the manifest in force at every try. An answer that was written down is
never sent again; one that was lost is, under the same id, by which a receiver can tell.
"""

from temporalio import activity

from activities.errors import application_error, translated, try_again_in
from activities.heartbeats import beating
from activities.names import CONCLUDE_NOTIFICATION, DELIVER_NOTIFICATION
from activities.notification_types import DeliveryConclusion, DeliveryRequest, DeliveryResult
from trunkline.model.errors import NotificationRefused, NotificationUnavailable
from trunkline.model.kinds.project import Project
from trunkline.model.notifications.groups import ACCEPTED, REFUSED
from trunkline.model.notifications.quiet import ChapterState
from trunkline.model.notifications.recipients import Recipient, recipients
from trunkline.model.records import EventRecord
from trunkline.ports import Statuses, Wishes
from trunkline.ports.notifying import Notifications, Notifier

GONE = "the manifest names this recipient no longer"
FAILED: frozenset[ChapterState] = frozenset({"refused", "unanswered"})


class NotificationActivities:
    """Deliveries."""

    def __init__(
        self, notifications: Notifications, statuses: Statuses, wishes: Wishes, notifier: Notifier
    ) -> None:
        self._notifications = notifications
        self._statuses = statuses
        self._wishes = wishes
        self._notifier = notifier

    @activity.defn(name=DELIVER_NOTIFICATION)
    async def deliver_notification(self, request: DeliveryRequest) -> DeliveryResult:
        """Send one message, unless it is known to have ended."""
        with translated(request.timing, patient=True):
            async with beating():
                return await self._deliver(request)

    @activity.defn(name=CONCLUDE_NOTIFICATION)
    async def conclude_notification(self, request: DeliveryConclusion) -> DeliveryResult:
        """Write down that a message will not arrive; the first of them is an event."""
        with translated(request.timing, patient=True):
            place = (request.project, request.event_id, request.recipient)
            refused = request.failure.reason == NotificationRefused.reason
            state: ChapterState = "refused" if refused else "unanswered"
            hint = f"; {request.failure.hint}" if request.failure.hint else ""
            words = f"{request.failure.message}{hint}"
            ended = await self._notifications.conclude_notification(*place, state, words)
            if ended.is_first and ended.before not in FAILED:
                recipient = await self._recipient(request.project, request.recipient)
                if recipient is not None:
                    verb = "are refused" if refused else "do not arrive"
                    said = f"notifications to {recipient.words} {verb}: {words}"
                    await self._tell(request.project, recipient, REFUSED, said, warning=True)
            return DeliveryResult(state=state, message=words)

    async def _deliver(self, request: DeliveryRequest) -> DeliveryResult:
        place = (request.project, request.event_id, request.recipient)
        row = await self._notifications.notification(*place)
        if row is None or row.news is None or row.state != "sending":
            return DeliveryResult(state=row.state if row is not None else "covered")
        recipient = await self._recipient(request.project, request.recipient)
        if recipient is None:
            raise application_error(NotificationRefused(GONE))
        try:
            said = await self._notifier.notify(
                request.project, recipient.place, row.news, recipient.id
            )
        except NotificationUnavailable as error:
            await self._notifications.note_attempt(*place, error.message)
            if error.retry_after_s is None:
                raise
            raise try_again_in(error, error.retry_after_s) from None
        ended = await self._notifications.conclude_notification(*place, "delivered", said)
        if ended.is_first and ended.before in FAILED:
            words = f"notifications to {recipient.words} arrive again"
            await self._tell(request.project, recipient, ACCEPTED, words)
        return DeliveryResult(state="delivered", message=said)

    async def _recipient(self, project: str, identifier: str) -> Recipient | None:
        """The recipient as the manifest in force has it, or None."""
        manifest = await self._wishes.project_manifest(project)
        if manifest is None:
            return None
        entries = Project.model_validate(manifest).spec.notifications
        return next((each for each in recipients(entries) if each.id == identifier), None)

    async def _tell(
        self,
        project: str,
        recipient: Recipient,
        reason: str,
        words: str,
        *,
        warning: bool = False,
    ) -> None:
        event = EventRecord(
            project=project,
            kind="project",
            name=project,
            type="Warning" if warning else "Normal",
            reason=reason,
            message=words,
            details={"recipient": recipient.id},
        )
        await self._statuses.add_events([event])
