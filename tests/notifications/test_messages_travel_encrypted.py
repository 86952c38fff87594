"""Mail by STARTTLS and by TLS from the first byte, webhooks by https to the judged address; whom no
authority we trust vouches for gets neither a message nor a password.
"""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.notifications.authorities import Authority
from tests.notifications.receivers import HookServer, MailBox, hook_server, mail_server
from tests.notifications.test_channels import notifier, send
from trunkline.model.errors import NotificationRefused, NotificationUnavailable

MAIL = {"type": "email", "to": ["ada@example.com"]}
USER = "trunkline:s%40cret@"
EXPIRED = timedelta(days=-1)


class Passwords:
    """What a mail server was shown; ``right`` is the only password it takes."""

    def __init__(self, right: str = "s@cret") -> None:
        self.right = right
        self.shown: list[tuple[str, str]] = []

    def __call__(self, _server: Any, _session: Any, _envelope: Any, _how: str, said: Any) -> Any:
        assert isinstance(said, LoginPassword)
        self.shown.append((said.login.decode(), said.password.decode()))
        return AuthResult(success=said.password.decode() == self.right, handled=False)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts, and no other."""
    found = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(found.path))
    return found


@pytest.fixture
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


async def test_mail_goes_by_starttls_and_the_password_with_it(
    authority: Authority, mailbox: MailBox
) -> None:
    passwords = Passwords()
    tls = authority.serves("localhost")
    async with mail_server(mailbox, starttls=tls, passwords=passwords) as port:
        await send(notifier(mail=f"smtp://{USER}localhost:{port}?tls=required"), MAIL)
    assert [mail["To"] for mail in mailbox.mails] == ["ada@example.com"]
    assert passwords.shown == [("trunkline", "s@cret")]
    assert mailbox.encrypted == [True]


async def test_mail_goes_by_tls_from_the_first_byte(authority: Authority, mailbox: MailBox) -> None:
    passwords = Passwords()
    tls = authority.serves("localhost")
    async with mail_server(mailbox, implicit=tls, passwords=passwords) as port:
        await send(notifier(mail=f"smtps://{USER}localhost:{port}"), MAIL)
    assert (len(mailbox.mails), passwords.shown) == (1, [("trunkline", "s@cret")])


@pytest.mark.parametrize("words", ["stranger", "other-name", "expired"])
@pytest.mark.parametrize("implicit", [True, False])
async def test_a_mail_server_nobody_vouches_for_sees_no_password(
    authority: Authority, stranger: Authority, mailbox: MailBox, words: str, *, implicit: bool
) -> None:
    tls = _doubtful(authority, stranger, words)
    passwords = Passwords()
    place = {"implicit": tls} if implicit else {"starttls": tls}
    scheme, query = ("smtps", "") if implicit else ("smtp", "?tls=required")
    async with mail_server(mailbox, passwords=passwords, **place) as port:
        with pytest.raises(NotificationUnavailable, match="certificate"):
            await send(notifier(mail=f"{scheme}://{USER}localhost:{port}{query}"), MAIL)
    assert (mailbox.mails, passwords.shown) == ([], [])


async def test_a_wrong_password_is_a_definite_no(authority: Authority, mailbox: MailBox) -> None:
    tls = authority.serves("localhost")
    async with mail_server(mailbox, starttls=tls, passwords=Passwords("another")) as port:
        with pytest.raises(NotificationRefused, match="does not know the user"):
            await send(notifier(mail=f"smtp://{USER}localhost:{port}?tls=required"), MAIL)
    assert mailbox.mails == []


async def test_starttls_that_is_taken_if_offered(authority: Authority, mailbox: MailBox) -> None:
    entry, url = MAIL, "smtp://localhost:{}?tls=opportunistic"
    async with mail_server(mailbox, starttls=authority.serves("localhost")) as port:
        await send(notifier(mail=url.format(port)), entry)
    async with mail_server(mailbox) as port:
        await send(notifier(mail=url.format(port)), entry)
    assert mailbox.encrypted == [True, False]


async def test_a_webhook_goes_to_the_judged_address_under_its_name(
    authority: Authority,
) -> None:
    async with hook_server(authority.serves("localhost")) as hooks:
        assert await send(notifier(), {"type": "slack", "url": _named(hooks)}) == "200 ok"
    (request,) = hooks.received
    assert request.headers["Host"] == _named(hooks).removeprefix("https://")


@pytest.mark.parametrize("words", ["stranger", "other-name", "expired"])
async def test_a_webhook_nobody_vouches_for_gets_no_message(
    authority: Authority, stranger: Authority, words: str
) -> None:
    async with hook_server(_doubtful(authority, stranger, words)) as hooks:
        with pytest.raises(NotificationUnavailable, match=r"localhost.*certificate"):
            await send(notifier(), {"type": "slack", "url": _named(hooks)})
    assert hooks.received == []


def _doubtful(authority: Authority, stranger: Authority, words: str) -> ssl.SSLContext:
    if words == "stranger":
        return stranger.serves("localhost")
    if words == "other-name":
        return authority.serves("mail.example.com")
    return authority.serves("localhost", ends_in=EXPIRED)


def _named(hooks: HookServer) -> str:
    """The address by the name on the certificate, and not by the number it is judged by."""
    return hooks.url.replace("127.0.0.1", "localhost")
