"""Who is told, and whether an event concerns them.

A recipient is known by where the news goes, so that a change of what it wants to hear keeps its
history. What stands for it in lists and logs never shows an address that is a secret by itself.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from trunkline.model.base import Frozen
from trunkline.model.canonical import digest
from trunkline.model.ids import short_digest
from trunkline.model.kinds.base import SecretValue
from trunkline.model.kinds.notifications import Notification, NotificationType
from trunkline.model.notifications.groups import NOT_BY_DEFAULT, TESTED, group_of, tone_of
from trunkline.model.records import EventRecord


class Recipient(Frozen):
    """One place that is told; ``id`` is a short digest of it, ``rules`` say what it wants to hear.

    Several entries of a manifest may name one place: it is told once of what any of them wants.
    """

    id: str
    type: NotificationType
    words: str
    rules: tuple[Notification, ...]

    @property
    def place(self) -> Notification:
        """Where the news goes."""
        return self.rules[0]


def recipients(notifications: Sequence[Notification]) -> tuple[Recipient, ...]:
    """The places of a manifest, in its order."""
    found: dict[str, list[Notification]] = {}
    for each in notifications:
        found.setdefault(recipient_id(each), []).append(each)
    return tuple(
        Recipient(id=key, type=rules[0].type, words=recipient_words(rules[0]), rules=tuple(rules))
        for key, rules in found.items()
    )


def recipient_id(notification: Notification) -> str:
    """A short digest of where the news goes; how it is signed is no part of it."""
    where = notification.model_dump(mode="json", include={"type", "url", "to"})
    return short_digest(digest(where))


def recipient_words(notification: Notification) -> str:
    """The place in words that anybody may read: no path, which may be a secret by itself."""
    if notification.type == "email":
        first, *others = notification.to
        more = f" and {len(others)} more" if others else ""
        return f"e-mail to {first}{more}"
    if isinstance(notification.url, SecretValue):
        return f"{notification.type} at {notification.url.secret}"
    return f"{notification.type} at {urlsplit(notification.url or '').hostname}"


def wants(recipient: Recipient, event: EventRecord, labels: Mapping[str, str]) -> bool:
    """True if any rule asks for the event, whatever was told before."""
    return any(
        _is_near(recipient, rule, event, labels) and _asks_for(rule, event)
        for rule in recipient.rules
    )


def is_bounded(recipient: Recipient, event: EventRecord) -> bool:
    """True unless a program is told of each call: whoever counts calls must not miss any."""
    return recipient.type != "webhook" or group_of(event) != "calls"


def wants_recovery(recipient: Recipient, event: EventRecord, labels: Mapping[str, str]) -> bool:
    """True for good news about a subject that a rule is about, if bad news of it was told."""
    return tone_of(event) == "good" and any(
        _is_near(recipient, rule, event, labels) for rule in recipient.rules
    )


def _is_near(
    recipient: Recipient, rule: Notification, event: EventRecord, labels: Mapping[str, str]
) -> bool:
    """True if it is about what a rule is about; nobody hears about their own deliveries."""
    if event.reason == TESTED or event.details.get("recipient") == recipient.id:
        return False
    if rule.environments and event.environment not in rule.environments:
        return False
    return all(labels.get(key) == value for key, value in rule.labels.items())


def _asks_for(rule: Notification, event: EventRecord) -> bool:
    if event.reason in rule.events:
        return True
    if rule.minimum == "Warning" and event.type != "Warning":
        return False
    if tone_of(event) == "moving":
        return False
    group = group_of(event)
    return group in rule.events or (not rule.events and group not in NOT_BY_DEFAULT)
