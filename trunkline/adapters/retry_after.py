"""When a vendor says it may be asked again: seconds or an HTTP date, never trusted beyond reason.

Kept apart from the vendors because both say it in the same header, in either of two forms.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from trunkline.model.limits import RETRY_AFTER_MAX_S


def retry_after_s(header: str | None, *, default_s: float, now: datetime | None = None) -> float:
    """Seconds to wait; ``default_s`` if the header is absent or says nothing usable."""
    if not header:
        return default_s
    text = header.strip()
    if text.replace(".", "", 1).isdecimal():
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return default_s
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait_s = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)
