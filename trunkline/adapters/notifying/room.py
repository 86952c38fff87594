"""Sends a message to its place by whichever channel that is.

Addresses and secrets that a manifest only names are looked up at every use, so that a new one
counts at once. Nothing leaves with a secret of the server in it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.adapters.notifying.addresses import AddressGuard
from trunkline.adapters.notifying.email import MailOptions, send_mail
from trunkline.adapters.notifying.posting import Poster
from trunkline.adapters.notifying.signatures import signed_headers
from trunkline.model.canonical import canonical
from trunkline.model.errors import InvalidSettings, NotificationRefused
from trunkline.model.kinds.base import SecretValue
from trunkline.model.kinds.notifications import Notification
from trunkline.model.notifications.bounds import REQUEST_TIMEOUT_S
from trunkline.model.notifications.envelope import envelope_of
from trunkline.model.notifications.news import News
from trunkline.model.notifications.slack import slack_body

Secrets = Callable[[str, str], str]
"""The value of a project's secret by its name. Raises InvalidSettings."""
JSON = {"Content-Type": "application/json; charset=utf-8"}


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class NotifierOptions:
    """What an installation's operator says about telling people."""

    guard: AddressGuard = field(default_factory=AddressGuard)
    mail: MailOptions | None = None
    public_url: str = ""
    timeout_s: float = REQUEST_TIMEOUT_S


class RecipientNotifier:
    """The Notifier port. ``redact`` strikes the server's secrets out of a text."""

    def __init__(
        self,
        options: NotifierOptions,
        secrets: Secrets,
        *,
        redact: Callable[[str], str] = _as_it_is,
    ) -> None:
        self._options = options
        self._secrets = secrets
        self._redact = redact
        self._poster = Poster(options.guard, timeout_s=options.timeout_s)

    async def notify(self, project: str, place: Notification, news: News, recipient: str) -> str:
        """Send once. Raises NotificationRefused, NotificationUnavailable."""
        clean = news.model_copy(update={"message": self._redact(news.message)})
        match place.type:
            case "slack":
                return await self._slack(project, place, clean)
            case "webhook":
                return await self._webhook(project, place, clean, recipient)
            case "email":
                return await self._email(place, clean, recipient)

    async def _slack(self, project: str, place: Notification, news: News) -> str:
        body = slack_body(news, public_url=self._options.public_url)
        answer = await self._poster.post(
            self._address(project, place), canonical(body).encode(), JSON
        )
        return f"{answer.status} {answer.text}".rstrip()

    async def _webhook(self, project: str, place: Notification, news: News, recipient: str) -> str:
        envelope = envelope_of(news, recipient, public_url=self._options.public_url)
        body = envelope.model_dump_json(by_alias=True).encode()
        headers = {**JSON, "webhook-id": envelope.id}
        if place.secret is not None:
            secret = self._secret(project, place.secret.secret)
            now_s = int(time.time())
            headers |= signed_headers(secret, message_id=envelope.id, at_s=now_s, body=body)
        answer = await self._poster.post(self._address(project, place), body, headers)
        return f"{answer.status} {answer.text}".rstrip()

    async def _email(self, place: Notification, news: News, recipient: str) -> str:
        if self._options.mail is None:
            raise NotificationRefused(
                "this server sends no mail",
                hint="its operator sets TRUNKLINE_SMTP_URL and TRUNKLINE_MAIL_FROM",
            )
        return await send_mail(
            self._options.mail,
            place,
            news,
            recipient,
            public_url=self._options.public_url,
            timeout_s=self._options.timeout_s,
        )

    def _address(self, project: str, place: Notification) -> str:
        if isinstance(place.url, SecretValue):
            return self._secret(project, place.url.secret)
        return place.url or ""

    def _secret(self, project: str, name: str) -> str:
        try:
            return self._secrets(project, name)
        except InvalidSettings as error:
            raise NotificationRefused(error.message, hint=error.hint) from error
