"""A vendor's time, from the Date header of its answers (RFC 9110, 6.6.1)."""

from datetime import datetime
from email.utils import parsedate_to_datetime

from trunkline.adapters.wire import Answer


def vendor_time(answer: Answer) -> datetime | None:
    """When the vendor answered, to the second and with a zone; None if it does not say."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
