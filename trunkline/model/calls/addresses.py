"""Addresses at which a carrier asks us about calls, below the configured public one.

What was once written to a carrier is asked for a long time, so these never change.
"""

from typing import Final
from urllib.parse import urlsplit

from trunkline.model.desired import DesiredNumber

CARRIER_ROUTE: Final = "/v1/webhooks/twilio"
VOICE_ROUTE: Final = f"{CARRIER_ROUTE}/voice"
AFTER_ROUTE: Final = f"{CARRIER_ROUTE}/after"
STATUS_ROUTE: Final = f"{CARRIER_ROUTE}/status"
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
    place = f"/{desired.project}/{desired.environment}/{desired.name}"
    return public_address(public_url, route + place)
