"""Calls as the account keeps them: the published shape, the list and its filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from simulators.listing import InvalidCursor, Page
from simulators.twilio import errors
from simulators.twilio.calls.bounds import MAX_LISTED_CALLS
from simulators.twilio.calls.leg import API_VERSION, OVER
from simulators.twilio.errors import not_found, refused
from simulators.twilio.numbers import API, listing, page_size, rfc2822
from simulators.twilio.workspace import Workspace
from simulators.wire import Answer, Json, Request, json_answer

STATUSES = frozenset({"queued", "ringing", "in-progress", *OVER})
# A minute begun of an outgoing and of an incoming call, in US dollars.
PRICES = {"inbound": 0.0085, "outbound-api": 0.014, "outbound-dial": 0.014}
SUBRESOURCES = [
    "notifications",
    "recordings",
    "streams",
    "payments",
    "siprec",
    "transcriptions",
    "events",
    "user_defined_messages",
    "user_defined_message_subscriptions",
]
PLAIN = re.compile(r"\d{4}-\d{2}-\d{2}")


class CallRecords:
    """The calls of one account."""

    def __init__(self, workspace: Workspace, account_sid: str) -> None:
        self._space = workspace
        self._account_sid = account_sid

    def create(self, **facts: object) -> Json:
        """A new call, put into the list. ``facts`` are fields of the record."""
        now = self._space.clock.now()
        record: Json = {
            "sid": self._space.identifiers.twilio("CA"),
            "account_sid": self._account_sid,
            "parent_call_sid": None,
            "to": "",
            "from": "",
            "phone_number_sid": None,
            "status": "queued",
            "direction": "inbound",
            "created_at": now,
            "updated_at": now,
            "start_at": None,
            "answered_at": None,
            "end_at": None,
            "queue_ms": 0,
            "answered_by": None,
            "forwarded_from": None,
            "caller_name": None,
            "trunk_sid": None,
            **facts,
        }
        self.save(record)
        while len(self._space.calls) > MAX_LISTED_CALLS:
            self.drop(next(iter(self._space.calls))["sid"])
        return record

    def save(self, record: Json) -> None:
        """Keep a record that is new or was changed; the caller commits."""
        record["updated_at"] = self._space.clock.now()
        self._space.calls.put(record["sid"], record)
        self.show(record)

    def show(self, record: Json, *, at_once: bool = False) -> None:
        """Bring the call's row in the list up to date."""
        names = ("sid", "to", "from", "status", "parent_call_sid", "start_at", "end_at")
        row = {name: record[name] for name in names}
        row["created_at"] = record["created_at"]
        self._space.call_index.change(record["sid"], row, at_once=at_once)

    def drop(self, sid: str) -> None:
        """Forget a call."""
        self._space.calls.drop(sid)
        self._space.call_index.change(sid, None)

    def known(self, sid: str) -> Json:
        """A call. Raises Refused (404)."""
        record = self._space.calls.get(sid)
        if record is None:
            raise not_found(f"{API}/{self._account_sid}/Calls/{sid}.json")
        return record

    def listed(self, request: Request) -> Answer:
        """One page of calls, newest first."""
        wanted = _filter(request)
        size = page_size(request)
        token = (request.value("PageToken") or "").removeprefix("PA")
        try:
            page: Page = self._space.call_index.page(
                size=size, cursor=token or None, descending=True, wanted=wanted
            )
        except InvalidCursor as error:
            raise refused(400, errors.INVALID_PARAMETER, "Invalid page token") from error
        bodies = [self.body(self.known(row["sid"])) for row in page.rows]
        return json_answer(listing("calls", request, page, size, bodies))

    def body(self, record: Json) -> Json:
        """A call as reads show it."""
        path = f"{API}/{self._account_sid}/Calls/{record['sid']}"
        duration_s = duration_of(record)
        price = PRICES.get(record["direction"], 0.0) * -(-(duration_s or 0) // 60)
        return {
            "sid": record["sid"],
            "account_sid": self._account_sid,
            "parent_call_sid": record["parent_call_sid"],
            "to": record["to"],
            "to_formatted": formatted(record["to"]),
            "from": record["from"],
            "from_formatted": formatted(record["from"]),
            "phone_number_sid": record["phone_number_sid"],
            "status": record["status"],
            "start_time": _date(record["start_at"]),
            "end_time": _date(record["end_at"]),
            "duration": None if duration_s is None else str(duration_s),
            "price": f"{-price:.5f}" if price else None,
            "price_unit": "USD",
            "direction": record["direction"],
            "answered_by": record["answered_by"],
            "api_version": API_VERSION,
            "forwarded_from": record["forwarded_from"],
            "group_sid": None,
            "caller_name": record["caller_name"],
            "queue_time": str(record["queue_ms"]),
            "trunk_sid": record["trunk_sid"],
            "date_created": _date(record["created_at"]),
            "date_updated": _date(record["updated_at"]),
            "uri": f"{path}.json",
            "subresource_uris": {
                name: f"{path}/{''.join(part.title() for part in name.split('_'))}.json"
                for name in SUBRESOURCES
            },
        }


def formatted(number: str) -> str:
    """``(415) 555-2671`` of a number in the United States; any other as it is."""
    match = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else number


def duration_of(record: Json) -> int | None:
    """Seconds from the answer to the end; None of a call that goes on or was not answered."""
    answered, end = record["answered_at"], record["end_at"]
    return None if answered is None or end is None else max(0, round(end - answered))


def _date(unix_s: float | None) -> str | None:
    return None if unix_s is None else rfc2822(unix_s)


def _filter(request: Request) -> Callable[[Json], bool]:
    status = request.value("Status")
    if status and status not in STATUSES:
        raise refused(400, errors.INVALID_PARAMETER, f"{status} is not a status of calls")
    equal = {
        field: request.value(name)
        for name, field in (
            ("To", "to"),
            ("From", "from"),
            ("Status", "status"),
            ("ParentCallSid", "parent_call_sid"),
        )
    }
    spans = [
        _span(field, comparison, request.value(f"{name}{comparison}"))
        for name, field in (("StartTime", "start_at"), ("EndTime", "end_at"))
        for comparison in ("", "<", ">")
    ]

    def wanted(row: Json) -> bool:
        same = all(row[field] == value for field, value in equal.items() if value)
        return same and all(span(row) for span in spans)

    return wanted


def _span(field: str, comparison: str, given: str | None) -> Callable[[Json], bool]:
    """Whole days as the vendor counts them, or moments, in UTC."""
    if not given:
        return lambda _row: True
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise refused(400, errors.INVALID_PARAMETER, f"{given} is not a date") from error
    first = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    last = first + 86_400 if PLAIN.fullmatch(given) else first + 1

    def within(row: Json) -> bool:
        at = row[field]
        if at is None:
            return False
        if comparison == "<":
            return bool(at < last)
        return bool(at >= first) and (comparison == ">" or bool(at < last))

    return within
