"""What every channel says of a message, before it is put into the channel's own form."""

from datetime import timedelta
from urllib.parse import quote

from trunkline.model.notifications.bounds import MESSAGE_SHOWN_CHARACTERS
from trunkline.model.notifications.news import News

_MINUTE_S = 60
_HOUR_S = 3_600


def message_id(news: News, recipient: str) -> str:
    """The id of a message: the same however often it is sent, so that a receiver can tell."""
    return f"msg_{news.project}_{news.event_id}_{recipient}"


def place_words(news: News) -> str:
    """What it is about: an agent in an environment, an environment, the project."""
    if news.kind in {"summary", "test"} or news.subject == "project":
        return f"project {news.project}"
    if news.subject == "environment":
        return f"environment {news.name}"
    where = f" in {news.environment}" if news.environment else ""
    return f"{'' if news.subject == 'agent' else f'{news.subject} '}{news.name}{where}"


def headline(news: News) -> str:
    """One line that says what happened, without the message of the event."""
    if news.kind == "test":
        return "this is a test"
    if news.kind == "summary":
        return f"{news.changes} more events within {_span(news)}"
    if news.kind == "flapping":
        return f"changed {news.changes} times within {_span(news)}, now {news.reason}"
    return news.reason


def subject_line(news: News) -> str:
    """Project, subject and what happened, as the subject of a mail and the head of a message."""
    return " ".join(f"[{news.project}] {place_words(news)}: {headline(news)}".split())


def message_words(news: News) -> str:
    """What the event says, cut to a length every channel takes."""
    said = news.message
    if news.names:
        more = len(news.reasons) and news.changes > len(news.names)
        said = f"{said}. About {', '.join(news.names)}{' and others' if more else ''}"
    if len(said) > MESSAGE_SHOWN_CHARACTERS:
        return f"{said[: MESSAGE_SHOWN_CHARACTERS - 1]}…"
    return said


def link(news: News, public_url: str) -> str:
    """Where to read on: the status of the subject; empty without a public address."""
    if not public_url:
        return ""
    base = f"{public_url.rstrip('/')}/v1/projects/{quote(news.project, safe='')}"
    if news.kind in {"summary", "test"}:
        return f"{base}/notifications"
    if news.promotion:
        return f"{base}/promotions/{quote(news.promotion, safe='')}"
    if news.subject == "call":
        return f"{base}/calls/{quote(news.name, safe='')}"
    if news.subject == "agent" and news.name:
        query = f"?environment={quote(news.environment, safe='')}" if news.environment else ""
        return f"{base}/agents/{quote(news.name, safe='')}{query}"
    return f"{base}/numbers" if news.subject == "number" else base


def _span(news: News) -> str:
    span: timedelta = news.at - news.since
    seconds = max(1, round(span.total_seconds()))
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < 2 * _HOUR_S:
        return f"{round(seconds / _MINUTE_S)} min"
    return f"{round(seconds / _HOUR_S)} h"
