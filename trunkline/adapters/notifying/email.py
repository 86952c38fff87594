"""News by mail, through the one server the operator named.

TLS is demanded unless the server is this machine or the operator said otherwise; which answer is
definite follows the mail's own codes: 4xx is later, 5xx is never.
"""

import hashlib
import logging
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit

from trunkline.adapters.notifying.posting import why_not
from trunkline.adapters.wire import LOOPBACK_HOSTS
from trunkline.model.errors import InvalidSettings, NotificationRefused, NotificationUnavailable
from trunkline.model.kinds.notifications import Notification
from trunkline.model.notifications.bounds import REQUEST_TIMEOUT_S
from trunkline.model.notifications.mail import mail_of
from trunkline.model.notifications.news import News
from trunkline.model.notifications.words import message_id

SMTPS_PORT = 465
SUBMISSION_PORT = 587
PERMANENT = 500
TLS_CHOICES = ("required", "opportunistic", "none")
_MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
"""An address that is one and nothing else in a header: no list, no group, no quotes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailOptions:
    """The mail server of an installation; ``tls`` None is TLS from the first byte."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    implicit_tls: bool = False
    tls: str = "required"


def mail_options(url: str, sender: str) -> MailOptions:
    """Options from ``smtp[s]://user:password@host:port?tls=required``. Raises InvalidSettings."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    implicit = parts.scheme == "smtps"
    here = host in LOOPBACK_HOSTS
    tls = parse_qs(parts.query).get("tls", ["none" if here else "required"])[0]
    if parts.scheme not in {"smtp", "smtps"} or not host or tls not in TLS_CHOICES:
        raise InvalidSettings(
            "TRUNKLINE_SMTP_URL is no address of a mail server",
            hint="write smtp://user:password@host:587 or smtps://user:password@host:465; add"
            " ?tls=opportunistic or ?tls=none for a server without STARTTLS",
        )
    if not sender:
        raise InvalidSettings(
            "TRUNKLINE_MAIL_FROM is not set",
            hint="give the address that mails come from, such as trunkline@example.com",
        )
    if parts.password and tls != "required" and not implicit and not here:
        raise InvalidSettings(
            f"TRUNKLINE_SMTP_URL: a password does not travel with tls={tls}",
            hint="use smtps://, or leave ?tls= out",
        )
    return MailOptions(
        host=host,
        port=port or (SMTPS_PORT if implicit else SUBMISSION_PORT),
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        implicit_tls=implicit,
        tls=tls,
    )


async def send_mail(
    options: MailOptions,
    place: Notification,
    news: News,
    recipient: str,
    *,
    public_url: str = "",
    timeout_s: float = REQUEST_TIMEOUT_S,
) -> str:
    """Hand one mail to the server; what it answered. Raises NotificationErrors."""
    import aiosmtplib  # noqa: PLC0415 - it takes memory

    message = mail_message(options.sender, place, news, recipient, public_url=public_url)
    starts_tls = {"required": True, "opportunistic": None, "none": False}[options.tls]
    try:
        refused, said = await aiosmtplib.send(
            message,
            sender=options.sender,
            recipients=list(place.to),
            hostname=options.host,
            port=options.port,
            username=options.user or None,
            password=options.password or None,
            use_tls=options.implicit_tls,
            start_tls=False if options.implicit_tls else starts_tls,
            timeout=timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [each.code for each in error.recipients]
        raise _judged(min(codes, default=0), f"{options.host} takes no mail for them") from error
    except aiosmtplib.SMTPAuthenticationError as error:
        raise _judged(error.code, f"{options.host} does not know the user") from error
    except aiosmtplib.SMTPResponseException as error:
        words = f"{options.host} answered {error.code}: {' '.join(str(error.message).split())}"
        raise _judged(error.code, words) from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise NotificationUnavailable(f"{options.host} {why_not(error)}") from error
    logger.info("%s took a mail for %s addresses", options.host, len(place.to))
    some = f"; not for {', '.join(refused)}" if refused else ""
    return f"{' '.join(said.split())}{some}"


def mail_message(
    sender: str, place: Notification, news: News, recipient: str, *, public_url: str = ""
) -> EmailMessage:
    """The mail as it is sent: its Message-ID is the same for every try. Raises
    NotificationRefused for a recipient that is no address.
    """
    for address in place.to:
        if not _MAILBOX.fullmatch(address):
            raise NotificationRefused(f"{address!r} is no address that mail goes to")
    mail = mail_of(news, public_url=public_url)
    domain = sender.rpartition("@")[2].rstrip(">") or "trunkline"
    thread = hashlib.sha256(mail.thread.encode()).hexdigest()[:24]
    message = EmailMessage()
    message["Subject"] = mail.subject
    message["From"] = sender
    message["To"] = ", ".join(place.to)
    message["Date"] = format_datetime(news.at)
    message["Message-ID"] = f"<{message_id(news, recipient)}@{domain}>"
    message["References"] = f"<{thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _judged(code: int, words: str) -> NotificationRefused | NotificationUnavailable:
    return NotificationRefused(words) if code >= PERMANENT else NotificationUnavailable(words)
