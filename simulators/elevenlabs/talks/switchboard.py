"""Who may talk to which agent: signed addresses, places, and the way to a branch.

A handshake comes in; it leaves as a talk with a mind, as a closing code with the vendor's words,
or as 429 because all places are taken. What is left of a talk goes to the conversations.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from simulators.elevenlabs.calls import FLAG, REQUIRED_TEXT, TEXT, Call, Endpoint
from simulators.elevenlabs.errors import current, not_found
from simulators.elevenlabs.history import History
from simulators.elevenlabs.talks.beginnings import Beginnings, Wish
from simulators.elevenlabs.talks.initiation import CONTRACT, FIRST_MESSAGE, Unacceptable
from simulators.elevenlabs.talks.link import OPERATIONAL, Link
from simulators.elevenlabs.talks.signatures import Signatures, Ticket
from simulators.elevenlabs.talks.troubles import TalkFaultKind, Troubles
from simulators.elevenlabs.workspace import Workspace
from simulators.limits import INITIATION_TIMEOUT_S, MAX_TALKS
from simulators.wire import Admission, Answer, Json, Request, Socket, json_answer

PATH = "/v1/convai/conversation"
SUBPROTOCOL = "convai"
NO_AGENT = "The AI agent you are trying to reach does not exist."
NO_AUTH = "This agent requires authentication: connect with a signed URL."
TOO_MANY = 429


@dataclass(slots=True)
class _Guest:
    """Somebody at the door, and how they came."""

    agent_id: str
    signature: str | None
    origin: str | None
    fault_kind: TalkFaultKind | None
    link: Callable[[Socket], Link]


class Telephones(Protocol):
    """Who speaks over a connection that names no agent: a telephone company's stream of a call."""

    async def speak(self, socket: Socket) -> None:
        """Serve it from its first message to its end."""


class Switchboard:
    """The conversations that are going on, and the way into one."""

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        beginnings: Beginnings,
        troubles: Troubles,
        telephones: Telephones,
        *,
        seed: int,
    ) -> None:
        self._space = workspace
        self._history = history
        self._beginnings = beginnings
        self._troubles = troubles
        self._telephones = telephones
        self._signatures = Signatures(seed)
        self._going: Counter[str] = Counter()
        self._most = 0
        self._begun = 0
        self._bursts = 0

    def endpoints(self) -> list[Endpoint]:
        """Routes that lead to a conversation."""
        pinned = {
            "agent_id": REQUIRED_TEXT,
            "branch_id": TEXT,
            "version_id": TEXT,
            "environment": TEXT,
            "debug_events_request": FLAG,
        }
        signed = {**pinned, "include_conversation_id": FLAG}
        token = {**pinned, "participant_name": TEXT}
        return [
            Endpoint("GET", PATH + "/get-signed-url", self.signed_url, query=signed),
            Endpoint("GET", PATH + "/token", self.token, query=token),
        ]

    def describe(self) -> Json:
        """The settings, and what is going on."""
        return {
            **self._troubles.describe(),
            "in_progress": self._going.total(),
            "most_in_progress": self._most,
            "begun": self._begun,
            "bursts": self._bursts,
        }

    def forget(self) -> None:
        """Count afresh, as at the start."""
        self._most = self._begun = self._bursts = 0
        self._troubles.clear()
        self._beginnings.hearing.clear()
        self._beginnings.steady.clear()

    def _ticket(self, call: Call, *, with_conversation: bool) -> Ticket:
        query = call.query
        agent = self._space.agents.get(query["agent_id"])
        if agent is None:
            raise not_found("Document", query["agent_id"])
        if query["version_id"]:
            self._history.version(agent, query["version_id"])
        if query["branch_id"]:
            self._history.branch(agent, query["branch_id"])
        lifetime_s = self._troubles.settings.signature_lifetime_s
        return Ticket(
            agent_id=agent["agent_id"],
            expires_at=self._space.clock.now() + lifetime_s,
            branch_id=query["branch_id"],
            version_id=query["version_id"],
            environment=query["environment"],
            conversation_id=(
                self._space.identifiers.elevenlabs("conv") if with_conversation else None
            ),
        )

    def signed_url(self, call: Call) -> Answer:
        """An address that opens one agent for a quarter of an hour."""
        ticket = self._ticket(call, with_conversation=call.query["include_conversation_id"])
        query = {"agent_id": ticket.agent_id}
        if ticket.conversation_id:
            query["conversation_id"] = ticket.conversation_id
        query["conversation_signature"] = self._signatures.signed(ticket)
        body = {"signed_url": f"ws://{call.host}{PATH}?{urlencode(query)}"}
        return replace(json_answer(body), headers=self._place_headers())

    def token(self, call: Call) -> Answer:
        """A token of the other transport; nothing here takes it."""
        ticket = self._ticket(call, with_conversation=True)
        body = {
            "token": self._signatures.signed(ticket),
            "conversation_id": ticket.conversation_id,
        }
        return replace(json_answer(body), headers=self._place_headers())

    def _place_headers(self) -> dict[str, str]:
        headers = {"current-concurrent-requests": str(self._going.total())}
        limit = self._troubles.settings.concurrency
        if limit is not None:
            headers["maximum-concurrent-requests"] = str(limit)
        return headers

    async def admit(self, request: Request) -> Answer | Admission:
        """A talk, or 429 when the account or the agent has no place left."""
        agent_id = request.value("agent_id") or ""
        full = self._full(agent_id)
        if full is not None:
            return full
        speak = self._telephones.speak if not agent_id else self._welcome(request, agent_id)
        limit = self._troubles.settings.concurrency
        self._bursts += limit is not None and self._going.total() >= limit
        self._begun += 1
        self._going[agent_id] += 1
        self._most = max(self._most, self._going.total())
        offered = request.headers.get("sec-websocket-protocol", "").split(",")
        wanted = SUBPROTOCOL in (name.strip() for name in offered)
        return Admission(
            speak=speak,
            leave=partial(self._leave, agent_id),
            subprotocol=SUBPROTOCOL if wanted else None,
        )

    def _welcome(self, request: Request, agent_id: str) -> Callable[[Socket], Awaitable[None]]:
        fault = self._troubles.fault_of(agent_id)
        guest = _Guest(
            agent_id=agent_id,
            signature=request.value("conversation_signature"),
            origin=request.headers.get("origin"),
            fault_kind=fault.kind if fault else None,
            link=partial(Link, fault=fault),
        )
        return partial(self._speak, guest)

    def _leave(self, agent_id: str) -> None:
        self._going[agent_id] -= 1
        self._going += Counter()

    def _full(self, agent_id: str) -> Answer | None:
        agent = self._space.agents.get(agent_id)
        limits = self._settings_of(agent)["call_limits"] if agent else {}
        places = self._troubles.places(bursting=bool(limits.get("bursting_enabled")))
        own = limits.get("agent_concurrency_limit", -1)
        if self._going.total() >= (MAX_TALKS if places is None else places):
            message = "Too many concurrent conversations in this account."
        elif 0 <= own <= self._going[agent_id]:
            message = "This agent has reached its limit of concurrent conversations."
        else:
            return None
        answer = current(
            TOO_MANY, "concurrent_limit_exceeded", message, legacy="too_many_concurrent_requests"
        )
        return replace(answer, headers={**self._place_headers(), "Retry-After": "1"})

    def _settings_of(self, agent: Json) -> Json:
        branch = self._history.branch(agent, agent["main_branch_id"])
        settings: Json = self._history.config_of(branch)["platform_settings"]
        return settings

    async def _speak(self, guest: _Guest, socket: Socket) -> None:
        link = guest.link(socket)
        try:
            agent, ticket = self._let_in(guest)
            message = await _first_message(socket)
            reached = self._beginnings.reached(agent, self._wish(ticket, message))
            await self._beginnings.hold(link, reached, message)
        except Unacceptable as refusal:
            await socket.close(refusal.code, refusal.reason)

    def _wish(self, ticket: Ticket | None, message: Json) -> Wish:
        wanted = message.get("branch_id")
        branch_id = wanted if isinstance(wanted, str) else None
        fresh_id = partial(self._space.identifiers.elevenlabs, "conv")
        if ticket is None:
            return Wish(conversation_id=fresh_id(), branch_id=branch_id)
        return Wish(
            conversation_id=ticket.conversation_id or fresh_id(),
            branch_id=ticket.branch_id or branch_id,
            version_id=ticket.version_id,
            environment=ticket.environment or "production",
            authorization="signed_url",
        )

    def _let_in(self, guest: _Guest) -> tuple[Json, Ticket | None]:
        agent = self._space.agents.get(guest.agent_id)
        if agent is None:
            raise Unacceptable(CONTRACT, NO_AGENT)
        if guest.signature:
            now = self._space.clock.now()
            if guest.fault_kind is TalkFaultKind.EXPIRED_SIGNATURE:
                now += self._troubles.settings.signature_lifetime_s + 1
            ticket = self._signatures.opened(guest.signature, guest.agent_id, now)
            if ticket.conversation_id and ticket.conversation_id in self._space.conversations:
                raise Unacceptable(CONTRACT, "The conversation signature was used already.")
            return agent, ticket
        auth = self._settings_of(agent)["auth"]
        hosts = [entry["hostname"] for entry in auth["allowlist"]]
        host = urlsplit(guest.origin or "").netloc
        if auth["enable_auth"]:
            raise Unacceptable(CONTRACT, NO_AUTH)
        if hosts and host not in hosts and (guest.origin or auth["require_origin_header"]):
            raise Unacceptable(CONTRACT, "The host is not allowed to connect to this agent.")
        return agent, None


async def _first_message(socket: Socket) -> Json:
    try:
        async with asyncio.timeout(INITIATION_TIMEOUT_S):
            text = await socket.receive()
    except TimeoutError as error:
        raise Unacceptable(OPERATIONAL, "No conversation initiation data received.") from error
    try:
        message = json.loads(text)
    except ValueError as error:
        raise Unacceptable(CONTRACT, "Invalid message received.") from error
    if not isinstance(message, dict) or message.get("type") != FIRST_MESSAGE:
        raise Unacceptable(CONTRACT, f"The first message has to be {FIRST_MESSAGE}.")
    return message
