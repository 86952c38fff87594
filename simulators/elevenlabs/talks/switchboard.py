"""Who may talk to which agent: signed addresses, places, and the way to a branch.

A handshake comes in; it leaves as a talk with a mind, as a closing code with the vendor's words,
or as 429 because all places are taken. What is left of a talk goes to the conversations.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.elevenlabs import configs
from simulators.elevenlabs.calls import FLAG, REQUIRED_TEXT, TEXT, Call, Endpoint
from simulators.elevenlabs.conversations import Conversations
from simulators.elevenlabs.errors import Refused, current, not_found
from simulators.elevenlabs.history import History
from simulators.elevenlabs.mind import Act, Mind, MissingVariables
from simulators.elevenlabs.talks.hearing import Hearing
from simulators.elevenlabs.talks.initiation import (
    CONTRACT,
    FIRST_MESSAGE,
    Initiation,
    Unacceptable,
    initiation,
    missing_variables,
    system_variables,
    wanted_texts,
)
from simulators.elevenlabs.talks.link import OPERATIONAL, Link, TalkOver
from simulators.elevenlabs.talks.minds import Made, Minds
from simulators.elevenlabs.talks.signatures import Signatures, Ticket
from simulators.elevenlabs.talks.speech import AudioVoice
from simulators.elevenlabs.talks.talk import Subject, Talk, hung_up
from simulators.elevenlabs.talks.transcripts import Transcript
from simulators.elevenlabs.talks.troubles import TalkFaultKind, Troubles
from simulators.elevenlabs.talks.webhooks import Outcome, Webhooks
from simulators.elevenlabs.workspace import Workspace, all_of
from simulators.limits import INITIATION_TIMEOUT_S, MAX_TALKS
from simulators.wire import Admission, Answer, Json, Request, Socket, SocketClosed, json_answer

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
    bursting: bool = False


@dataclass(frozen=True, slots=True)
class _Reached:
    """The agent of a talk at the version that answers."""

    agent: Json
    branch: Json
    version: Json
    config: Json
    conversation_id: str
    authorization: str
    environment: str


class Switchboard:
    """The conversations that are going on, and the way into one."""

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        conversations: Conversations,
        webhooks: Webhooks,
        troubles: Troubles,
        *,
        seed: int,
        commit: Callable[[], None],
    ) -> None:
        self._space = workspace
        self._history = history
        self._conversations = conversations
        self._webhooks = webhooks
        self._troubles = troubles
        self._signatures = Signatures(seed)
        self._commit = commit
        self.minds = Minds(workspace)
        self.hearing = Hearing()
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
        self.hearing.clear()

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
        fault = self._troubles.fault_of(agent_id)
        limit = self._troubles.settings.concurrency
        guest = _Guest(
            agent_id=agent_id,
            signature=request.value("conversation_signature"),
            origin=request.headers.get("origin"),
            fault_kind=fault.kind if fault else None,
            link=partial(Link, fault=fault),
        )
        self._bursts += limit is not None and self._going.total() >= limit
        self._begun += 1
        self._going[agent_id] += 1
        self._most = max(self._most, self._going.total())
        offered = request.headers.get("sec-websocket-protocol", "").split(",")
        wanted = SUBPROTOCOL in (name.strip() for name in offered)
        return Admission(
            speak=partial(self._speak, guest),
            leave=partial(self._leave, agent_id),
            subprotocol=SUBPROTOCOL if wanted else None,
        )

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
            reached = self._reached(agent, ticket, message.get("branch_id"))
            start = initiation(
                message,
                reached.config["conversation_config"],
                reached.config["platform_settings"],
            )
            talk, made, opening = self._begun_talk(link, reached, start)
        except Unacceptable as refusal:
            await socket.close(refusal.code, refusal.reason)
            return
        await self._run(talk, made, opening, reached)

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

    def _reached(self, agent: Json, ticket: Ticket | None, wanted_branch: object) -> _Reached:
        conversation_id = (ticket.conversation_id if ticket else None) or (
            self._space.identifiers.elevenlabs("conv")
        )
        branch_id = ticket.branch_id if ticket else None
        if branch_id is None and isinstance(wanted_branch, str):
            branch_id = wanted_branch
        try:
            if ticket and ticket.version_id:
                version = self._history.version(agent, ticket.version_id)
                branch = self._history.branch(agent, version["branch_id"])
            else:
                branch = (
                    self._history.branch(agent, branch_id)
                    if branch_id
                    else self._routed(agent, conversation_id)
                )
                version = self._history.tip(branch)
        except Refused as error:
            raise Unacceptable(CONTRACT, "The branch or version does not exist.") from error
        if branch["is_archived"]:
            raise Unacceptable(CONTRACT, "The branch is archived.")
        return _Reached(
            agent=agent,
            branch=branch,
            version=version,
            config=configs.expanded(version["config"]),
            conversation_id=conversation_id,
            authorization="signed_url" if ticket else "public",
            environment=(ticket.environment if ticket else None) or "production",
        )

    def _routed(self, agent: Json, conversation_id: str) -> Json:
        """The branch the split of the traffic gives this conversation."""
        branches = all_of(self._space.branches, agent["branches"])
        live = [branch for branch in branches if branch["live_percentage"] > 0]
        dice = self._space.dice("traffic", conversation_id)
        weights = [branch["live_percentage"] for branch in live]
        return dice.choices(live, weights)[0]

    def _begun_talk(
        self, link: Link, reached: _Reached, start: Initiation
    ) -> tuple[Talk, Made, list[Act]]:
        space, conversation_id = self._space, reached.conversation_id
        settings = self._troubles.settings
        made = self.minds.make(start.config, reached.agent["tags"], settings, conversation_id)
        missing = missing_variables(
            wanted_texts(start.config, list(made.tools.values())), start.variables
        )
        if missing:
            raise Unacceptable(CONTRACT, _missing(missing))
        now = _moment(space.clock.now(), start.config["agent"]["prompt"].get("timezone"))
        variables = {
            **system_variables(reached.agent["agent_id"], conversation_id, now),
            **start.variables,
        }
        try:
            opening = made.mind.open(variables, now)
        except MissingVariables as error:
            raise Unacceptable(CONTRACT, _missing(list(error.names))) from error
        began_s = space.clock.now()
        agent_metadata = {
            "agent_id": reached.agent["agent_id"],
            "branch_id": reached.branch["id"],
            "workflow_node_id": None,
            "version_id": reached.version["id"],
        }
        transcript = Transcript(agent_metadata, lambda: space.clock.now() - began_s)
        subject = Subject(
            mind=made.mind,
            tools=made.tools,
            think_s=made.think_s,
            use=partial(self._use, variables),
            renew=partial(self._renewed, reached, start, variables, now),
        )
        link.choose(start.config["conversation"]["client_events"])
        talk = Talk(link, subject, start, transcript, space.clock)
        if not start.text_only:
            talk.voice = AudioVoice(talk, self.hearing)
        return talk, made, opening

    def _renewed(
        self, reached: _Reached, start: Initiation, variables: Mapping[str, Any], now: datetime
    ) -> Mind:
        settings, tags = self._troubles.settings, reached.agent["tags"]
        mind = self.minds.make(start.config, tags, settings, reached.conversation_id).mind
        mind.open(variables, now)
        return mind

    async def _use(self, variables: dict[str, Any], tool: Json, arguments: Json) -> Outcome:
        outcome = await self._webhooks.call(tool, arguments, variables, self._secret)
        variables.update(outcome.updates)
        return outcome

    def _secret(self, secret_id: str) -> str | None:
        record = self._space.secrets.get(secret_id)
        return record["value"] if record else None

    async def _run(self, talk: Talk, made: Made, opening: list[Act], reached: _Reached) -> None:
        record = self._conversations.begin(
            conversation_id=reached.conversation_id,
            agent=reached.agent,
            branch_id=reached.branch["id"],
            version_id=reached.version["id"],
            authorization=reached.authorization,
            environment=reached.environment,
            start=talk.start,
            lines=talk.transcript.lines,
        )
        self._commit()
        over = TalkOver(OPERATIONAL, "The talk was cut short.")
        try:
            await talk.announce(reached.conversation_id)
            over = await talk.run(opening)
        except SocketClosed as closed:
            over = hung_up(closed)
        finally:
            self._conversations.end(
                record,
                talk.transcript,
                over,
                criteria=reached.config["platform_settings"]["evaluation"]["criteria"],
                language=made.mind.language,
                analysis_lag_s=self._troubles.settings.analysis_lag_s,
            )
            self._commit()


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


def _missing(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names)
    return f"Missing required dynamic variables: {shown}."


def _moment(unix_s: float, timezone: str | None) -> datetime:
    try:
        zone = ZoneInfo(timezone) if timezone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return datetime.fromtimestamp(unix_s, zone)
