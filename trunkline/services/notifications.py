"""What people were told, who cannot be reached, and a test of everybody at once."""

from dataclasses import dataclass

from pydantic import ValidationError

from trunkline.model import limits
from trunkline.model.conditions import Condition, Conditions
from trunkline.model.errors import Blocked, InvalidInput
from trunkline.model.kinds.project import Project
from trunkline.model.notifications.bounds import UNREACHED_AFTER_S
from trunkline.model.notifications.groups import REFUSED, TESTED
from trunkline.model.notifications.recipients import Recipient, recipients
from trunkline.model.notifications.records import NotificationRecord, OpenBatch, Unreached
from trunkline.model.records import EventRecord
from trunkline.ports import Wishes
from trunkline.ports.notifying import Notifications
from trunkline.services.access import AccessService, Principal
from trunkline.services.deliveries import TEST_PATIENCE, Deliveries
from trunkline.services.pages import Page, key_cursor, parse_key

FORMER = "a recipient of before"
TOPIC = "//project/notifications"
UNREACHED_ADVICE = "Correct the address or the secret, then: trunkline notifications test"


@dataclass(frozen=True, slots=True)
class NotificationView:
    """One message, and its recipient in words."""

    record: NotificationRecord
    words: str


class NotificationService:
    """Messages of a project. Every method takes a project that was found for the caller."""

    def __init__(
        self,
        notifications: Notifications,
        wishes: Wishes,
        *,
        access: AccessService,
        deliveries: Deliveries,
    ) -> None:
        self._notifications = notifications
        self._wishes = wishes
        self._access = access
        self._deliveries = deliveries

    async def page(
        self,
        project: str,
        *,
        event_id: int | None = None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[NotificationView]:
        """Messages, newest first; those of one event if it is named. Raises InvalidInput."""
        rows = await self._notifications.notifications(
            project, event_id=event_id, before=_parsed(cursor), limit=limit
        )
        known = {each.id: each.words for each in await self._recipients(project)}
        last = rows[-1] if len(rows) == limit else None
        return Page(
            tuple(NotificationView(row, known.get(row.recipient, FORMER)) for row in rows),
            key_cursor(f"{last.event_id}/{last.recipient}") if last else None,
        )

    async def test(
        self, principal: Principal, project: str, *, request_id: str
    ) -> tuple[NotificationView, ...]:
        """Send a message to every recipient; how it goes is in the list of messages.

        Raises Forbidden, Blocked for a project that tells nobody, EngineUnavailable.
        """
        principal.require("notification.test")
        told = await self._recipients(project)
        if not told:
            raise Blocked(
                f"Project {project} tells nobody",
                hint="Name recipients under spec.notifications of kind Project",
            )
        event = EventRecord(
            project=project,
            kind="project",
            name=project,
            reason=TESTED,
            message=f"{principal.person} asked whether this arrives",
        )
        wanted = [
            NotificationRecord(
                project=project, event_id=0, recipient=each.id, topic=TOPIC, state="sending"
            )
            for each in told
        ]
        rows = await self._notifications.put_test(event, wanted)
        await self._access.record(
            principal,
            "notification.test",
            project=project,
            subject=project,
            request_id=request_id,
            details={"recipients": [each.words for each in told]},
        )
        for row, each in zip(rows, told, strict=True):
            batch = OpenBatch(
                project=project,
                recipient=row.recipient,
                batch=row.batch,
                event_ids=(row.event_id,),
            )
            await self._deliveries.start(batch, each.words, patience=TEST_PATIENCE)
        return tuple(
            NotificationView(row, each.words) for row, each in zip(rows, told, strict=True)
        )

    async def _recipients(self, project: str) -> tuple[Recipient, ...]:
        return await recipients_of(self._wishes, project)


async def recipients_of(wishes: Wishes, project: str) -> tuple[Recipient, ...]:
    """Who is told by the manifest in force; nobody by one that another release stored."""
    manifest = await wishes.project_manifest(project)
    if manifest is None:
        return ()
    try:
        return recipients(Project.model_validate(manifest).spec.notifications)
    except ValidationError:
        return ()


@dataclass(frozen=True, slots=True)
class Silence:
    """A recipient, by its words, that takes no messages; ``said`` is all that is known of it."""

    words: str
    said: str


async def unreached(
    notifications: Notifications, wishes: Wishes, project: str
) -> tuple[int, tuple[Silence, ...]]:
    """How many recipients there are, and which of them take no messages."""
    told = {each.id: each.words for each in await recipients_of(wishes, project)}
    failing = await notifications.unreached(project, after_s=UNREACHED_AFTER_S) if told else ()
    return len(told), tuple(
        Silence(told[each.recipient], _silence(told[each.recipient], each))
        for each in failing
        if each.recipient in told
    )


async def unreached_conditions(
    notifications: Notifications, wishes: Wishes, project: str
) -> Conditions:
    """The same as conditions of the project; none is there while everybody is reached."""
    if not await notifications.unreached(project, after_s=UNREACHED_AFTER_S):
        return ()
    _, failing = await unreached(notifications, wishes, project)
    return tuple(
        Condition(
            type="Stalled",
            status="True",
            reason=REFUSED,
            message=f"{each.said}. {UNREACHED_ADVICE}",
        )
        for each in failing
    )


def _silence(words: str, each: Unreached) -> str:
    verb = "are refused" if each.state == "refused" else "do not arrive"
    return f"notifications to {words} {verb} since {each.since:%Y-%m-%d %H:%M %Z}: {each.message}"


def _parsed(cursor: str | None) -> tuple[int, str] | None:
    key = parse_key(cursor)
    if not key:
        return None
    event, slash, recipient = key.partition("/")
    if not slash or not (event.isascii() and event.isdecimal()) or len(event) >= len(str(2**63)):
        raise InvalidInput(
            "The cursor is not one of ours",
            hint="Use the nextCursor of the page before, or none to start over",
        )
    return int(event), recipient
