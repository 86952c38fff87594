"""What people were told, and a test of everybody who is told."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, JsonValue

from api.actions import needs
from api.answers import Answer, PageAnswer, page_answer
from api.parameters import Cursor, Limit, RequestId
from api.problems import problem_documents
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.notifications.news import News, NewsKind
from trunkline.model.notifications.quiet import ChapterState
from trunkline.services.notifications import NotificationView

router = APIRouter(prefix="/v1/projects/{project}/notifications", tags=["notifications"])

_READ = problem_documents(400, 401, 404, 422, 503)
_WRITE = problem_documents(401, 403, 404, 409, 422, 503)
_MESSAGE: dict[str, JsonValue] = {
    "event": 4711,
    "recipient": "9f2c1a7be04d",
    "to": "slack at hooks.slack.com",
    "kind": "event",
    "state": "delivered",
    "answer": "200 ok",
    "severity": "Warning",
    "reason": "GateFailed",
    "message": "1 required test fails",
    "environment": "production",
    "name": "front-desk",
    "changes": 1,
    "createdAt": "2026-03-02T09:15:00Z",
    "updatedAt": "2026-03-02T09:15:01Z",
}
EventFilter = Annotated[
    int | None, Query(ge=1, le=2**53, description="Only messages about this event")
]


class NotificationAnswer(Answer):
    """One message to one recipient. ``answer`` is what the recipient said, or why it has not
    arrived; ``changes`` counts the events it tells of. ``state``: `sending`, `delivered`,
    `refused`, or `unanswered` once it is too old to be tried again.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": _MESSAGE})

    event: int
    recipient: str
    to: str
    kind: NewsKind
    state: ChapterState
    answer: str
    severity: str
    reason: str
    message: str
    environment: str
    name: str
    changes: int
    created_at: datetime | None
    updated_at: datetime | None


class NotificationTestAnswer(Answer):
    """Messages on their way; `GET …/notifications?event=` says how they go."""

    __test__ = False

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {"event": 4711, "items": [{**_MESSAGE, "kind": "test", "state": "sending"}]}
        },
    )

    event: int
    items: tuple[NotificationAnswer, ...]


@router.get("", responses=_READ)
async def list_notifications(
    services: InstalledServices,
    project: ProjectOfCaller,
    event: EventFilter = None,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[NotificationAnswer]:
    """Messages to everybody who is told, newest first."""
    page = await services.notifications.page(project, event_id=event, cursor=cursor, limit=limit)
    return page_answer(page, _answer, PageAnswer[NotificationAnswer])


@router.post("/test", status_code=202, responses=_WRITE, openapi_extra=needs("notification.test"))
async def test_notifications(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    request_id: RequestId,
    response: Response,
) -> NotificationTestAnswer:
    """Send a test message to every recipient. Needs the role operator; 409 if nobody is told."""
    sent = await services.notifications.test(caller, project, request_id=request_id)
    event = sent[0].record.event_id
    response.headers["Location"] = f"/v1/projects/{project}/notifications?event={event}"
    return NotificationTestAnswer(event=event, items=tuple(map(_answer, sent)))


def _answer(view: NotificationView) -> NotificationAnswer:
    row = view.record
    news: News | None = row.news
    return NotificationAnswer(
        event=row.event_id,
        recipient=row.recipient,
        to=view.words,
        kind=news.kind if news else "event",
        state=row.state,
        answer=row.message,
        severity=news.severity if news else "Normal",
        reason=news.reason if news else "",
        message=news.message if news else "",
        environment=news.environment if news else "",
        name=news.name if news else "",
        changes=news.changes if news else 0,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
