"""Phone numbers: imported from Twilio or a SIP trunk, assigned to agents.

Writing takes a flat ``agent_id``, reading gives a nested ``assigned_agent``; credentials are never
read back. Importing and re-assigning a Twilio number writes the vendor's addresses into the
Twilio account; deleting takes them out again if they are still there.
"""

from __future__ import annotations

from simulators.elevenlabs import telephony, trunks
from simulators.elevenlabs.calls import (
    OPTIONAL_FLAG,
    PAGE_SIZE,
    PAGING,
    TEXT,
    Call,
    Endpoint,
    page_of,
)
from simulators.elevenlabs.errors import Refused, not_found, refused, unprocessable
from simulators.elevenlabs.shapes import Checker, shape_named
from simulators.elevenlabs.telephony import Credentials, TwilioAccount
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/phone-numbers"
SHAPES = {"twilio": "TwilioNumberImport", "sip_trunk": "SipNumberImport"}
FILTERS: dict[str, Json] = {"provider": TEXT, "agent_id": TEXT, "branch_id": TEXT}


class PhoneNumbers:
    """The phone numbers of one account."""

    def __init__(self, workspace: Workspace, twilio: TwilioAccount) -> None:
        self._space = workspace
        self._twilio = twilio

    def endpoints(self) -> list[Endpoint]:
        """Routes of phone numbers, the older list and the newer one."""
        one = PREFIX + "/{phone_number_id}"
        paged = {
            **PAGING,
            **FILTERS,
            "page_size": PAGE_SIZE,
            "label": TEXT,
            "phone_number": TEXT,
            "supports_outbound": OPTIONAL_FLAG,
        }
        return [
            Endpoint("POST", PREFIX, self.create, body=_checked_import),
            Endpoint("GET", PREFIX, self.listed, query=FILTERS),
            Endpoint("GET", "/v1/convai/v2/phone-numbers", self.page, query=paged),
            Endpoint("GET", one, self.get),
            Endpoint("PATCH", one, self.patch, body="NumberPatch", partial=True),
            Endpoint("DELETE", one, self.delete),
        ]

    async def create(self, call: Call) -> Answer:
        """Import a number; a number can be imported once."""
        body = call.body
        phone_number = body["phone_number"]
        self._check_agent(body.get("agent_id"), None)
        self._check_free(phone_number)
        number: Json = {
            "phone_number": phone_number,
            "label": body["label"],
            "provider": body["provider"],
            "created_at_unix_secs": self._space.now(),
            "assigned": None,
        }
        if body["provider"] == "twilio":
            await self._link(number, body)
            self._check_free(phone_number)
        else:
            number.update(trunks.settings_of(body))
        number["phone_number_id"] = self._space.identifiers.elevenlabs("phnum")
        if body.get("agent_id"):
            number["assigned"] = _assignment(body["agent_id"], None, None)
        self._put(number)
        return json_answer({"phone_number_id": number["phone_number_id"]})

    def _check_free(self, phone_number: str) -> None:
        if any(number["phone_number"] == phone_number for number in self._space.numbers):
            raise refused(
                409,
                "phone_number_already_exists",
                f"Phone number {phone_number} is imported already.",
                param="phone_number",
            )

    def _check_agent(self, agent_id: str | None, branch_id: str | None) -> None:
        if agent_id and agent_id not in self._space.agents:
            raise refused(
                400,
                "document_not_found",
                f"Agent with id {agent_id} not found.",
                param="agent_id",
            )
        if branch_id:
            branch = self._space.branches.get(branch_id)
            if branch is None or branch["agent_id"] != agent_id:
                raise refused(
                    400,
                    "document_not_found",
                    f"Branch with id {branch_id} not found.",
                    param="branch_id",
                )

    async def _link(self, number: Json, body: Json) -> None:
        if body["sid"].startswith("SK") and not body.get("account_auth_token"):
            raise refused(
                400,
                "missing_account_auth_token",
                "account_auth_token is required to import with an API key.",
                param="account_auth_token",
            )
        region = body.get("region_config") or {}
        number["twilio"] = {
            "sid": body["sid"],
            "token": body["token"],
            "auth_token": body.get("account_auth_token") or body["token"],
        }
        number["region_id"] = region.get("region_id")
        number["enable_sms"] = body["enable_sms"]
        account_sid, number_sid = await self._twilio.find(
            credentials_of(number), number["phone_number"]
        )
        number["twilio"].update(account_sid=account_sid, number_sid=number_sid)
        await self._assert_addresses(number)

    async def _assert_addresses(self, number: Json) -> None:
        region_id = number["region_id"]
        fields = {
            "VoiceUrl": telephony.voice_url(region_id),
            "VoiceMethod": "POST",
            "StatusCallback": telephony.status_url(region_id),
            "StatusCallbackMethod": "POST",
        }
        if number["enable_sms"]:
            fields["SmsUrl"] = telephony.sms_url(region_id)
        linked = number["twilio"]
        await self._twilio.write(
            credentials_of(number), linked["account_sid"], linked["number_sid"], fields
        )

    def _put(self, number: Json) -> None:
        self._space.numbers.put(number["phone_number_id"], number)
        self.show(number)

    def show(self, number: Json, *, at_once: bool = False) -> None:
        """Bring the number's row in the lists, and the agent's, up to date."""
        number_id = number["phone_number_id"]
        for ids in self._space.numbers_by_agent.values():
            ids.discard(number_id)
        if number["assigned"]:
            agent_id = number["assigned"]["agent_id"]
            self._space.numbers_by_agent.setdefault(agent_id, set()).add(number_id)
        row = {"name": number["label"], "number": dict(number)}
        self._space.number_index.change(number_id, row, at_once=at_once)

    def _row_body(self, row: Json) -> Json:
        return number_body(self._space, row["number"])

    def listed(self, call: Call) -> Answer:
        """All numbers, as a bare array."""
        page = page_of(
            self._space.number_index,
            {"sort_direction": "asc"},
            wanted=lambda row: _matches(self._row_body(row), call.query),
        )
        return json_answer([self._row_body(row) for row in page.rows])

    def page(self, call: Call) -> Answer:
        """One page of numbers."""
        query = call.query
        search = (query["search"] or "").casefold()

        def wanted(row: Json) -> bool:
            body = self._row_body(row)
            return (
                _matches(body, query)
                and query["label"] in (None, body["label"])
                and query["phone_number"] in (None, body["phone_number"])
                and (search in body["label"].casefold() or search in body["phone_number"])
            )

        page = page_of(self._space.number_index, query, wanted=wanted)
        return json_answer(
            {
                "phone_numbers": [self._row_body(row) for row in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def get(self, call: Call) -> Answer:
        """One number."""
        number = self.known(call.values["phone_number_id"])
        return json_answer(number_body(self._space, number))

    async def patch(self, call: Call) -> Answer:
        """Assign, unassign or relabel; for a Twilio number this links it again."""
        number = await self.edit(self.known(call.values["phone_number_id"]), call.body)
        return json_answer(number_body(self._space, number))

    async def edit(self, number: Json, body: Json) -> Json:
        """Someone's change of a number, which is then answered. Raises Refused."""
        trunk = trunks.settings_of(body) if number["provider"] == "sip_trunk" else {}
        before = number["assigned"] or _assignment(None, None, None)
        agent_id = body.get("agent_id", before["agent_id"])
        moved = agent_id != before["agent_id"]
        branch_id = body.get("branch_id", None if moved else before["branch_id"])
        self._check_agent(agent_id, branch_id)
        if number["provider"] == "twilio" and agent_id and "agent_id" in body:
            await self._assert_addresses(number)
            number = self.known(number["phone_number_id"])
        environment = body.get("environment", before["environment"])
        number["assigned"] = _assignment(agent_id, branch_id, environment) if agent_id else None
        if body.get("label") is not None:
            number["label"] = body["label"]
        number.update(trunk)
        self._put(number)
        return number

    async def delete(self, call: Call) -> Answer:
        """Forget a number and take the vendor's addresses out of Twilio."""
        await self.remove(self.known(call.values["phone_number_id"]))
        return json_answer({})

    async def remove(self, number: Json) -> None:
        """Forget a number whoever asks."""
        if number["provider"] == "twilio":
            await self._unlink(number)
        number_id = number["phone_number_id"]
        if number_id in self._space.numbers:
            self._space.numbers.drop(number_id)
            for ids in self._space.numbers_by_agent.values():
                ids.discard(number_id)
            self._space.number_index.change(number_id, None)

    async def _unlink(self, number: Json) -> None:
        linked = number["twilio"]
        ours = {
            "voice_url": telephony.voice_url(number["region_id"]),
            "status_callback": telephony.status_url(number["region_id"]),
            "sms_url": telephony.sms_url(number["region_id"]),
        }
        names = {"voice_url": "VoiceUrl", "status_callback": "StatusCallback", "sms_url": "SmsUrl"}
        where = (credentials_of(number), linked["account_sid"], linked["number_sid"])
        try:
            seen = await self._twilio.read(*where)
            fields = {names[key]: "" for key, url in ours.items() if seen.get(key) == url}
            if fields:
                await self._twilio.write(*where, fields)
        except Refused:
            # A number that left the account or whose credentials changed is still forgotten here.
            return

    def known(self, number_id: str) -> Json:
        """The number of this id. Raises Refused (404)."""
        number = self._space.numbers.get(number_id)
        if number is None:
            raise not_found("Document", number_id)
        return number


def number_body(space: Workspace, number: Json) -> Json:
    """A number as reads show it."""
    assigned = number["assigned"]
    agent = space.agents.get(assigned["agent_id"]) if assigned else None
    body: Json = {
        "phone_number": number["phone_number"],
        "label": number["label"],
        "supports_inbound": True,
        "supports_outbound": True,
        "phone_number_id": number["phone_number_id"],
        "assigned_agent": None,
        "provider": number["provider"],
    }
    if assigned and agent is not None:
        body["assigned_agent"] = {
            "agent_id": assigned["agent_id"],
            "agent_name": agent["name"],
            "environment": assigned["environment"],
            "branch_id": assigned["branch_id"],
        }
    if number["provider"] == "sip_trunk":
        body.update(trunks.shown(number))
    return body


def _checked_import(body: object) -> Json:
    provider = body.get("provider", "twilio") if isinstance(body, dict) else "twilio"
    if not isinstance(provider, str) or provider not in SHAPES:
        expected = " or ".join(f"'{name}'" for name in SHAPES)
        flaw = {
            "type": "literal_error",
            "loc": ["body", "provider"],
            "msg": f"Input should be {expected}",
            "input": provider,
        }
        raise unprocessable([flaw])
    checker = Checker()
    checked: Json = checker.complete(shape_named(SHAPES[provider]), body, ("body",))
    if checker.flaws:
        raise unprocessable(checker.flaws)
    return checked


def _matches(body: Json, query: object) -> bool:
    filters = query if isinstance(query, dict) else {}
    assigned = body["assigned_agent"] or {}
    return (
        filters.get("provider") in (None, body["provider"])
        and filters.get("agent_id") in (None, assigned.get("agent_id"))
        and filters.get("branch_id") in (None, assigned.get("branch_id"))
    )


def _assignment(agent_id: str | None, branch_id: str | None, environment: str | None) -> Json:
    return {"agent_id": agent_id, "branch_id": branch_id, "environment": environment}


def credentials_of(number: Json) -> Credentials:
    """What the vendor itself shows Twilio for a number."""
    return Credentials(number["twilio"]["sid"], number["twilio"]["token"])


def signing_token(number: Json) -> str:
    """What Twilio signs with when it asks about calls of a number."""
    linked = number["twilio"]
    return str(linked.get("auth_token") or linked["token"])
