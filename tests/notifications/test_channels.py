"""What each channel sends, taken by real servers."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.notifications.receivers import HookServer, MailBox, mail_server
from tests.notifications.worlds import PROJECT, project_of
from trunkline.adapters.notifying import (
    AddressGuard,
    NotifierOptions,
    RecipientNotifier,
    mail_options,
)
from trunkline.adapters.notifying.signatures import signed_headers
from trunkline.model.errors import (
    InvalidSettings,
    NotificationRefused,
    NotificationUnavailable,
)
from trunkline.model.notifications.news import News, single
from trunkline.model.records import EventRecord

SIGNED = {"secret": "TRUNKLINE_SECRET_ACME_HOOK"}
OLD, NEW = "whsec_b2xkLW9sZC1vbGQ=", "whsec_bmV3LW5ldy1uZXc="


def news(message: str = "1 line fails") -> News:
    return single(
        EventRecord(
            project=PROJECT,
            environment="production",
            name="front-desk",
            type="Warning",
            reason="GateFailed",
            message=message,
            id=7,
            at=datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        )
    )


def notifier(secret: str = NEW, mail: str = "") -> RecipientNotifier:
    def secrets(project: str, name: str) -> str:
        if name != SIGNED["secret"]:
            raise InvalidSettings(f"project {project} has no secret {name} on this server")
        return secret

    options = NotifierOptions(
        guard=AddressGuard(["127.0.0.1"]),
        mail=mail_options(mail, "Trunkline <trunkline@example.com>") if mail else None,
        public_url="https://trunkline.example.com",
        timeout_s=60.0,
    )
    return RecipientNotifier(options, secrets, redact=lambda text: text.replace("hunter2", "***"))


async def send(told: RecipientNotifier, entry: dict[str, Any], said: News | None = None) -> str:
    (place,) = project_of(entry).spec.notifications
    return await told.notify(PROJECT, place, said or news(), "r1")


@pytest.mark.parametrize("checked_with", [OLD, NEW])
async def test_both_secrets_sign_while_one_is_replaced(
    hooks: HookServer, checked_with: str
) -> None:
    entry = {"type": "webhook", "url": hooks.url, "secret": SIGNED}
    assert await send(notifier(f"{OLD} {NEW}"), entry) == "200 ok"
    (request,) = hooks.received
    assert Webhook(checked_with).verify(request.body, request.headers)["id"] == "msg_acme_7_r1"


def test_a_secret_without_the_prefix_is_taken_as_it_is() -> None:
    now_s = int(datetime.now(UTC).timestamp())
    headers = signed_headers("raw-secret", message_id="m", at_s=now_s, body=b"{}")
    key = base64.b64encode(b"raw-secret").decode()
    assert Webhook(key).verify(b"{}", headers) == {}


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%"])
async def test_a_secret_that_is_none_refuses(hooks: HookServer, secret: str) -> None:
    entry = {"type": "webhook", "url": hooks.url, "secret": SIGNED}
    with pytest.raises(NotificationRefused, match="base64"):
        await send(notifier(secret), entry)
    assert hooks.received == []


async def test_an_address_may_be_a_secret(hooks: HookServer) -> None:
    entry = {"type": "slack", "url": SIGNED}
    await send(notifier(f"{hooks.url}/services/T0"), entry)
    assert hooks.received[0].path == "/services/T0"
    with pytest.raises(NotificationRefused, match="has no secret"):
        await send(notifier(), {"type": "slack", "url": {"secret": "TRUNKLINE_SECRET_ACME_NONE"}})


async def test_secrets_of_the_server_are_struck_out(hooks: HookServer) -> None:
    await send(notifier(), {"type": "slack", "url": hooks.url}, news("password hunter2 is wrong"))
    assert b"hunter2" not in hooks.received[0].body
    assert b"***" in hooks.received[0].body


async def test_a_mail_is_taken(mailbox: MailBox) -> None:
    entry = {"type": "email", "to": ["ada@example.com", "bob@example.com"]}
    async with mail_server(mailbox) as port:
        await send(notifier(mail=f"smtp://127.0.0.1:{port}"), entry)
    (mail,) = mailbox.mails
    assert mailbox.recipients == [["ada@example.com", "bob@example.com"]]
    assert mail["Subject"] == "[acme] front-desk in production: GateFailed"
    assert mail["Message-ID"] == "<msg_acme_7_r1@example.com>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "1 line fails" in plain.get_content()
    assert "agents/front-desk?environment=production" in html.get_content()


async def test_a_mailbox_that_is_full_is_tried_again(mailbox: MailBox) -> None:
    entry = {"type": "email", "to": ["ada@example.com"]}
    async with mail_server(mailbox) as port:
        told = notifier(mail=f"smtp://127.0.0.1:{port}")
        mailbox.refusal = "452 mailbox is full"
        with pytest.raises(NotificationUnavailable):
            await send(told, entry)
        mailbox.refusal = "550 nobody of that name"
        with pytest.raises(NotificationRefused):
            await send(told, entry)


async def test_a_mail_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(NotificationUnavailable):
        await send(
            notifier(mail="smtp://127.0.0.1:1"), {"type": "email", "to": ["ada@example.com"]}
        )


async def test_a_server_without_starttls_gets_no_mail_where_it_is_demanded(
    mailbox: MailBox,
) -> None:
    entry = {"type": "email", "to": ["ada@example.com"]}
    async with mail_server(mailbox) as port:
        with pytest.raises((NotificationUnavailable, NotificationRefused)):
            await send(notifier(mail=f"smtp://127.0.0.1:{port}?tls=required"), entry)
    assert mailbox.mails == []


async def test_without_a_mail_server_mail_is_refused() -> None:
    with pytest.raises(NotificationRefused, match="sends no mail"):
        await send(notifier(), {"type": "email", "to": ["ada@example.com"]})


@pytest.mark.parametrize(
    "url",
    ["http://mail.example.com", "smtp://", "smtp://mail.example.com?tls=maybe", "smtp://a:x"],
)
def test_addresses_of_mail_servers_that_are_none(url: str) -> None:
    with pytest.raises(InvalidSettings):
        mail_options(url, "a@example.com")


def test_a_password_does_not_travel_in_the_clear() -> None:
    with pytest.raises(InvalidSettings, match="does not travel"):
        mail_options("smtp://ada:secret@mail.example.com?tls=none", "a@example.com")
    options = mail_options("smtps://ada:s%40cret@mail.example.com", "a@example.com")
    assert (options.port, options.password, options.implicit_tls) == (465, "s@cret", True)
    assert "cret" not in repr(options)


def test_a_sender_must_be_named() -> None:
    with pytest.raises(InvalidSettings, match="TRUNKLINE_MAIL_FROM"):
        mail_options("smtp://mail.example.com", "")
