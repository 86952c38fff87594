"""Addresses at which a carrier asks us about calls, below the configured public one.

What was once written to a carrier is asked for a long time, so these never change.
"""

from typing import Final
from urllib.parse import urlsplit

from trunkline.model.calls.records import CallRecord
from trunkline.model.desired import DesiredNumber

CARRIER_ROUTE: Final = "/v1/webhooks/twilio"
VOICE_ROUTE: Final = f"{CARRIER_ROUTE}/voice"
AFTER_ROUTE: Final = f"{CARRIER_ROUTE}/after"
STATUS_ROUTE: Final = f"{CARRIER_ROUTE}/status"
WHISPER_ROUTE: Final = f"{CARRIER_ROUTE}/whisper"
STREAM_ROUTE: Final = f"{CARRIER_ROUTE}/stream"
MEDIA_ROUTE: Final = "/v1/media"


def public_address(public_url: str, target: str) -> str:
    """A path (and query) of ours as a carrier reaches it."""
    return public_url.rstrip("/") + target


def media_address(public_url: str, target: str = MEDIA_ROUTE) -> str:
    """Where media streams are opened: always ``wss``, as that is what carriers sign."""
    parts = urlsplit(public_address(public_url, target))
    return parts._replace(scheme="wss").geturl()


def number_address(public_url: str, route: str, desired: DesiredNumber) -> str:
    """An address of one number below ``VOICE_ROUTE`` or ``AFTER_ROUTE``."""
    return _address(public_url, route, desired.project, desired.environment, desired.name)


def after_address(public_url: str, record: CallRecord) -> str:
    """Where a carrier asks how a call that was passed on goes on."""
    place = (record.project, record.environment, record.number)
    return _address(public_url, AFTER_ROUTE, *place)


def whisper_address(public_url: str, record: CallRecord) -> str:
    """Where a carrier asks what whoever takes a call over hears first; "" if there is nothing."""
    if not record.summary:
        return ""
    return _address(public_url, WHISPER_ROUTE, record.project, record.environment, record.id)


def _address(public_url: str, route: str, *place: str) -> str:
    return public_address(public_url, "/".join((route, *place)))
