"""Incoming phone numbers: list, fetch, buy, update, release.

Requests are forms with PascalCase names, answers JSON with snake_case ones; an empty setting reads
back as an empty string or as null, one as well as the other. A trunk and an application exclude
each other, and either one makes Twilio ignore the voice URL, which stays where it was.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from simulators.limits import TWILIO_MAX_PAGE_SIZE, TWILIO_PAGE_SIZE
from simulators.listing import InvalidCursor, Page
from simulators.twilio import errors
from simulators.twilio.errors import not_found, refused
from simulators.twilio.workspace import Workspace
from simulators.wire import Answer, Json, Request, json_answer

API = "/2010-04-01/Accounts"
URLS = (
    "voice_url",
    "voice_fallback_url",
    "status_callback",
    "sms_url",
    "sms_fallback_url",
)
METHODS = (
    "voice_method",
    "voice_fallback_method",
    "status_callback_method",
    "sms_method",
    "sms_fallback_method",
)
SIDS = {
    "voice_application_sid": "AP",
    "sms_application_sid": "AP",
    "trunk_sid": "TK",
    "address_sid": "AD",
    "emergency_address_sid": "AD",
    "bundle_sid": "BU",
    "identity_sid": "RI",
}
# The vendor's own examples show these as an empty text, the other ids as null.
BLANK_SIDS = frozenset({"voice_application_sid", "sms_application_sid"})
EXCLUSIVE = {"trunk_sid": "voice_application_sid", "voice_application_sid": "trunk_sid"}
MAX_FRIENDLY_NAME = 64
E164 = re.compile(r"\+[1-9]\d{6,14}")
FIELD_NAMES = {
    "".join(part.title() for part in name.split("_")): name
    for name in (*URLS, *METHODS, *SIDS, "friendly_name", "voice_receive_mode")
}


class Numbers:
    """The numbers of one account."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def listed(self, account_sid: str, request: Request) -> Answer:
        """One page of numbers that match the filters."""
        pattern = request.value("PhoneNumber")
        friendly_name = request.value("FriendlyName")
        matches = _number_pattern(pattern) if pattern else None

        def wanted(row: Json) -> bool:
            return (matches is None or matches.search(row["phone_number"]) is not None) and (
                friendly_name in (None, "", row["name"])
            )

        size = page_size(request)
        token = (request.value("PageToken") or "").removeprefix("PA")
        try:
            page = self._space.number_index.page(
                size=size, cursor=token or None, descending=False, wanted=wanted
            )
        except InvalidCursor as error:
            raise refused(400, errors.INVALID_PARAMETER, "Invalid page token") from error
        numbers = [self.body(self._known(account_sid, row["sid"])) for row in page.rows]
        return json_answer(listing("incoming_phone_numbers", request, page, size, numbers))

    def fetch(self, account_sid: str, request: Request) -> Answer:
        """One number."""
        return json_answer(self.body(self._known(account_sid, request.path_values["Sid"])))

    def create(self, account_sid: str, form: dict[str, str]) -> Answer:
        """Buy a number that is named."""
        phone_number = form.get("PhoneNumber", "")
        number = self.stock(account_sid, phone_number)
        try:
            self._set(number, form)
        except errors.Refused:
            self._space.numbers.drop(number["sid"])
            self._space.number_index.change(number["sid"], None)
            raise
        return json_answer(self.body(number), status=201)

    def stock(self, account_sid: str, phone_number: str) -> Json:
        """Put a number into the account. Raises Refused (400)."""
        if not E164.fullmatch(phone_number):
            raise refused(400, errors.INVALID_NUMBER, f"{phone_number} is not a valid phone number")
        if any(number["phone_number"] == phone_number for number in self._space.numbers):
            raise refused(400, errors.NUMBER_TAKEN, f"{phone_number} is not available")
        now = self._space.clock.now()
        number: Json = {
            "sid": self._space.identifiers.twilio("PN"),
            "account_sid": account_sid,
            "phone_number": phone_number,
            "friendly_name": phone_number,
            "created_at": now,
            "updated_at": now,
            "revision": 0,
            "voice_receive_mode": "voice",
            **dict.fromkeys((*URLS, *SIDS), ""),
            **dict.fromkeys(METHODS, "POST"),
        }
        self._put(number)
        return number

    def _put(self, number: Json) -> None:
        self._space.numbers.put(number["sid"], number)
        self.show(number)

    def show(self, number: Json, *, at_once: bool = False) -> None:
        """Bring the number's row in the list up to date."""
        row = {
            "sid": number["sid"],
            "phone_number": number["phone_number"],
            "name": number["friendly_name"],
        }
        self._space.number_index.change(number["sid"], row, at_once=at_once)

    def update(self, account_sid: str, sid: str, form: dict[str, str]) -> Answer:
        """Set the fields that were sent, and only those."""
        number = self._known(account_sid, sid)
        self._set(number, form)
        return json_answer(self.body(number))

    def _set(self, number: Json, form: dict[str, str]) -> None:
        changes: Json = {}
        for name, value in form.items():
            field = FIELD_NAMES.get(name)
            if field is not None:
                _check(field, value)
                changes[field] = value
        for field, other in EXCLUSIVE.items():
            if changes.get(field):
                changes.setdefault(other, "")
                if changes[other]:
                    text = f"{field} and {other} exclude each other"
                    raise refused(400, errors.INVALID_PARAMETER, text)
        number.update(changes)
        number["updated_at"] = self._space.clock.now()
        number["revision"] += 1
        self._put(number)

    def release(self, account_sid: str, sid: str) -> Answer:
        """Give a number back."""
        number = self._known(account_sid, sid)
        self._space.numbers.drop(number["sid"])
        self._space.number_index.change(number["sid"], None)
        return Answer(status=204)

    def _known(self, account_sid: str, sid: str) -> Json:
        number = self._space.numbers.get(sid)
        if number is None or number["account_sid"] != account_sid:
            raise not_found(f"{API}/{account_sid}/IncomingPhoneNumbers/{sid}.json")
        return number

    def find(self, phone_number: str) -> Json | None:
        """The number with these digits, in E.164."""
        for number in self._space.numbers:
            if number["phone_number"] == phone_number:
                return number
        return None

    def body(self, number: Json) -> Json:
        """A number as reads show it."""
        return {
            "sid": number["sid"],
            "account_sid": number["account_sid"],
            "phone_number": number["phone_number"],
            "friendly_name": number["friendly_name"],
            "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            "voice_caller_id_lookup": False,
            "voice_receive_mode": number["voice_receive_mode"] or "voice",
            "api_version": "2010-04-01",
            "date_created": rfc2822(number["created_at"]),
            "date_updated": rfc2822(number["updated_at"]),
            "address_requirements": "none",
            "beta": False,
            "emergency_status": "Inactive",
            "emergency_address_status": "unregistered",
            "origin": "twilio",
            "status": "in-use",
            "type": "local",
            "subresource_uris": {
                "assigned_add_ons": f"{_path(number)}/AssignedAddOns.json",
            },
            "uri": f"{_path(number)}.json",
            **{name: number[name] or "POST" for name in METHODS},
            **{name: number[name] or self._nothing(number, name) for name in (*URLS, *SIDS)},
        }

    def _nothing(self, number: Json, field: str) -> str | None:
        if field in SIDS and field not in BLANK_SIDS:
            return None
        if not self._space.noise:
            return None if field in SIDS else ""
        dice = self._space.dice(number["sid"], field, number["revision"])
        return dice.choice(["", None])


def _check(field: str, value: str) -> None:
    if field == "friendly_name" and len(value) > MAX_FRIENDLY_NAME:
        raise refused(400, errors.INVALID_PARAMETER, "FriendlyName is too long")
    if field in METHODS and value not in ("", "GET", "POST"):
        raise refused(400, errors.INVALID_METHOD, f"{value} is not a valid HTTP method")
    if field in URLS and value and not re.match(r"https?://[^/\s]+", value):
        raise refused(400, errors.INVALID_URL, f"{value} is not a valid URL")
    if field in SIDS and value and not re.fullmatch(SIDS[field] + "[0-9a-fA-F]{32}", value):
        raise refused(400, errors.INVALID_PARAMETER, f"{value} is not a valid sid")


def rfc2822(unix_s: float) -> str:
    """Such as ``Thu, 30 Jul 2015 23:19:04 +0000``."""
    return formatdate(int(unix_s), localtime=False)[:-5] + "+0000"


def _path(number: Json) -> str:
    return f"{API}/{number['account_sid']}/IncomingPhoneNumbers/{number['sid']}"


def _number_pattern(pattern: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in pattern.replace(" ", "").split("*")]
    return re.compile(r"\d*".join(parts))


def page_size(request: Request) -> int:
    """How many items a page has. Raises Refused (400)."""
    given = request.value("PageSize")
    if given is None:
        return TWILIO_PAGE_SIZE
    if not given.isdigit() or not 1 <= int(given) <= TWILIO_MAX_PAGE_SIZE:
        text = f"PageSize must be between 1 and {TWILIO_MAX_PAGE_SIZE}"
        raise refused(400, errors.INVALID_PARAMETER, text)
    return int(given)


def listing(
    resource: str, request: Request, page: Page, size: int, items: list[Json]
) -> dict[str, Any]:
    """The body of a list."""
    number = int(request.value("Page") or 0) if (request.value("Page") or "0").isdigit() else 0
    kept = [
        (name, value)
        for name, value in request.query
        if name not in ("Page", "PageToken", "PageSize")
    ]

    def uri(position: int, token: str | None) -> str:
        query = [*kept, ("PageSize", str(size)), ("Page", str(position))]
        if token:
            query.append(("PageToken", f"PA{token}"))
        return f"{request.path}?{urlencode(query)}"

    start = number * size
    return {
        resource: items,
        "first_page_uri": uri(0, None),
        "next_page_uri": uri(number + 1, page.next_cursor) if page.next_cursor else None,
        "previous_page_uri": uri(number - 1, None) if number == 1 else None,
        "uri": f"{request.path}?{urlencode(request.query)}" if request.query else request.path,
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(len(items) - 1, 0),
    }


def plain_listing(resource: str, request: Request, items: list[Json]) -> Json:
    """A list that always fits one page."""
    return listing(resource, request, Page(items, None), page_size(request), items)
