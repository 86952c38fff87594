"""The envelope every event leaves in as JSON: one shape for agents, promotions and calls.

Type names are dotted: a room, then what happened, such as ``promotion.gate-failed`` or
``call.completed``. Keys of ``data`` may be added within a version; none is renamed or taken away.
"""

import re
from typing import Final, Literal

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.notifications.news import News
from trunkline.model.notifications.words import (
    headline,
    link,
    message_id,
    message_words,
    subject_line,
)

VERSION: Final = "v1"
TEST_TYPE: Final = "notification.test"
SUMMARY_TYPE: Final = "notification.summary"


class Envelope(Frozen):
    """What is signed and sent. ``id`` is the same for every try; ``created_at`` is ISO 8601."""

    id: str
    type: str
    created_at: str
    project: str
    version: Literal["v1"] = VERSION
    data: dict[str, Json]


def envelope_of(news: News, recipient: str, *, public_url: str = "") -> Envelope:
    """A message for programs."""
    data: JsonObject = {
        "severity": news.severity,
        "reason": news.reason,
        "group": news.group,
        "kind": news.subject,
        "name": news.name,
        "environment": news.environment,
        "message": message_words(news),
        "title": headline(news),
        "subject": subject_line(news),
        "revision": news.revision,
        "promotion": news.promotion,
        "eventId": news.event_id,
        "url": link(news, public_url),
        "changes": news.changes,
        "since": news.since.isoformat(),
        "reasons": dict(news.reasons),
        "names": [*news.names],
    }
    if news.call:
        data["call"] = {**news.call, "links": _links(data["url"])}
    return Envelope(
        id=message_id(news, recipient),
        type=event_type(news),
        created_at=news.at.isoformat(),
        project=news.project,
        data=data,
    )


def event_type(news: News) -> str:
    """The dotted name of what happened."""
    if news.kind == "test":
        return TEST_TYPE
    if news.kind == "summary":
        return SUMMARY_TYPE
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", news.reason)
    said = "-".join(word.lower() for word in words) or "changed"
    if news.group == "calls":
        return f"call.{said.removeprefix('call-')}"
    return f"{news.group}.{said}"


def _links(address: Json) -> JsonObject:
    """Where the rest of a call is; nothing without a public address."""
    if not isinstance(address, str) or not address:
        return {}
    return {
        "record": address,
        "transcript": f"{address}/transcript",
        "recording": f"{address}/recording",
    }
