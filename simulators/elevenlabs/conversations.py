"""Conversations as lists and reads show them: those that were held here, and those put here.

A talk begins a record and ends it; the control plane puts records there of calls nobody made. Some
moments after its end a conversation is analysed: until then it is ``processing``. What is said in
one is the business of the talks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulators.elevenlabs.calls import (
    DIRECTION,
    FLAG,
    OPTIONAL_FLAG,
    PAGE_SIZE,
    TEXT,
    TEXTS,
    Call,
    Endpoint,
    invalid_cursor,
)
from simulators.elevenlabs.conversation_bodies import SOURCES, STATUSES, SUCCESS, body, row
from simulators.elevenlabs.errors import not_found
from simulators.elevenlabs.recordings import silence
from simulators.elevenlabs.talks.initiation import SECRET_PREFIX, Initiation
from simulators.elevenlabs.talks.judging import analysed
from simulators.elevenlabs.talks.link import NORMAL, TalkOver
from simulators.elevenlabs.talks.transcripts import Transcript
from simulators.elevenlabs.workspace import Workspace
from simulators.limits import MAX_KEPT_CONVERSATIONS
from simulators.listing import InvalidCursor, read_cursor, write_cursor
from simulators.wire import LOST, Answer, Json, json_answer

PREFIX = "/v1/convai/conversations"
SECONDS: Json = {"kind": "integer", "nullable": True}
PHONE = "twilio"
ENDED_BY_RESTART = "The service was restarted."


class ConversationRequest(BaseModel):
    """Body of ``POST /_sim/conversations``: a call of an agent that began so many seconds ago.

    With ``conversation_id`` it stands in for a call that is there. Without a branch it was on Main.
    ``phone_call`` is how it came by telephone, ``transcript`` its turns, in the vendor's
    shapes; so is ``analysis``.
    """

    model_config = ConfigDict(extra="forbid")

    conversation_id: str | None = None
    agent_id: str
    status: Literal["initiated", "in-progress", "processing", "done", "failed"] = "done"
    seconds_ago: int = 0
    branch_id: str | None = None
    version_id: str | None = None
    duration_s: int = 0
    text_only: bool = False
    call_successful: Literal["success", "failure", "unknown"] = "unknown"
    termination_reason: str = ""
    phone_call: Json | None = None
    transcript: list[Json] = Field(default_factory=list)
    analysis: Json | None = None


class Conversations:
    """The conversations of one account, newest first."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def endpoints(self) -> list[Endpoint]:
        """Routes of conversations."""
        one = PREFIX + "/{conversation_id}"
        listing = {
            "agent_id": TEXT,
            "branch_id": TEXT,
            "version_id": TEXT,
            "user_id": TEXT,
            "search": TEXT,
            "text_only": OPTIONAL_FLAG,
            "call_successful": {"kind": "enum", "values": list(SUCCESS), "nullable": True},
            "conversation_initiation_source": {
                "kind": "enum",
                "values": list(SOURCES),
                "nullable": True,
            },
            "exclude_statuses": {
                "kind": "list",
                "of": {"kind": "enum", "values": list(STATUSES)},
                "nullable": True,
            },
            "tool_names": TEXTS,
            "main_languages": TEXTS,
            "termination_reasons": TEXTS,
            "call_start_after_unix": SECONDS,
            "call_start_before_unix": SECONDS,
            "call_duration_min_secs": SECONDS,
            "call_duration_max_secs": SECONDS,
            "include_invalid_tool_calls": FLAG,
            "summary_mode": {
                "kind": "enum",
                "values": ["exclude", "include"],
                "default": "exclude",
            },
            "sort_direction": DIRECTION,
            "page_size": PAGE_SIZE,
            "cursor": TEXT,
        }
        return [
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get, query={"format": FORMAT}),
            Endpoint("DELETE", one, self.delete),
            Endpoint("GET", one + "/audio", self.audio),
            Endpoint("POST", one + "/feedback", self.feedback, body="ConversationFeedback"),
        ]

    def add(self, request: ConversationRequest) -> str:
        """A conversation nobody held; answers its id."""
        known_id = request.conversation_id
        conversation_id = known_id or self._space.identifiers.elevenlabs("conv")
        agent = self._space.agents.get(request.agent_id)
        given = request.model_dump(exclude={"conversation_id", "seconds_ago", "duration_s"})
        record = {
            **_blank(conversation_id),
            **given,
            "agent_name": agent["name"] if agent else None,
            "branch_id": request.branch_id or (agent["main_branch_id"] if agent else None),
            "start_time_unix_secs": self._space.now() - request.seconds_ago,
            "duration_s": request.duration_s,
        }
        self._put(record)
        return conversation_id

    def begin(
        self,
        *,
        conversation_id: str,
        agent: Json,
        branch_id: str,
        version_id: str,
        authorization: str,
        environment: str,
        start: Initiation,
        lines: list[Json],
        phone_call: Json | None = None,
    ) -> Json:
        """The record of a talk that begins; ``lines`` grow while it lasts."""
        variables = {
            name: value
            for name, value in start.variables.items()
            if not name.startswith(SECRET_PREFIX)
        }
        record = {
            **_blank(conversation_id),
            "agent_id": agent["agent_id"],
            "agent_name": agent["name"],
            "branch_id": branch_id,
            "version_id": version_id,
            "status": "in-progress",
            "talk": True,
            "start_time_unix_secs": self._space.now(),
            "authorization": authorization,
            "environment": environment,
            "text_only": start.text_only,
            "source": start.source if start.source in SOURCES else PHONE if phone_call else None,
            "source_version": start.source_version,
            "user_id": start.user_id,
            "variables": variables,
            "transcript": lines,
            "phone_call": phone_call,
        }
        self._put(record)
        return record

    def expect(
        self,
        *,
        conversation_id: str,
        agent: Json,
        branch_id: str,
        version_id: str,
        environment: str,
        phone_call: Json,
    ) -> None:
        """The record of a call whose sound has not arrived yet."""
        record = {
            **_blank(conversation_id),
            "agent_id": agent["agent_id"],
            "agent_name": agent["name"],
            "branch_id": branch_id,
            "version_id": version_id,
            "status": "initiated",
            "talk": True,
            "start_time_unix_secs": self._space.now(),
            "environment": environment,
            "source": PHONE,
            "phone_call": phone_call,
        }
        self._put(record)

    def ringing(self, conversation_id: str, call_sid: str) -> None:
        """The telephone company's id of an expected call became known."""
        record = self._space.conversations.get(conversation_id)
        if record is not None and record["status"] == "initiated":
            phone_call = {**record["phone_call"], "call_sid": call_sid}
            self._put({**record, "phone_call": phone_call})

    def fail(self, conversation_id: str, code: int, reason: str) -> None:
        """A call that was expected did not come about."""
        record = self._space.conversations.get(conversation_id)
        if record is not None:
            error = {"code": code, "reason": reason}
            failed = {"status": "failed", "termination_reason": reason, "error": error}
            self._put({**record, **failed})

    def end(
        self,
        record: Json,
        transcript: Transcript,
        over: TalkOver,
        *,
        criteria: list[Json],
        language: str,
        analysis_lag_s: float,
    ) -> None:
        """The talk is over; its analysis comes some moments later."""
        if record["conversation_id"] not in self._space.conversations:
            return
        failed = over.code != NORMAL
        now = self._space.clock.now()
        record.update(
            status="failed" if failed else "done",
            duration_s=max(0, int(now) - record["start_time_unix_secs"]),
            transcript=transcript.lines,
            tool_names=transcript.tool_names,
            termination_reason=over.reason,
            error={"code": over.code, "reason": over.reason} if failed else None,
            language=language,
            analysis=None if failed else analysed(transcript.lines, criteria),
            analysed_at=now + analysis_lag_s,
        )
        self._put(record)

    def close_abandoned(self) -> None:
        """Talks that were going on when the process ended are over."""
        for record in list(self._space.conversations):
            if record.get("talk") and record["status"] in ("initiated", "in-progress"):
                error = {"code": LOST, "reason": ENDED_BY_RESTART}
                self._put(
                    {
                        **record,
                        "status": "failed",
                        "termination_reason": ENDED_BY_RESTART,
                        "error": error,
                    }
                )

    def _put(self, record: Json) -> None:
        kept = self._space.conversations
        if record["conversation_id"] not in kept and len(kept) >= MAX_KEPT_CONVERSATIONS:
            kept.drop(next(iter(kept))["conversation_id"])
        kept.put(record["conversation_id"], record)

    def settled(self, conversation_id: str) -> Json | None:
        """A conversation as a read shows it once it is analysed; None when it is gone."""
        record = self._space.conversations.get(conversation_id)
        return None if record is None else body({**_blank(conversation_id), **record})

    def _shown(self, record: Json) -> Json:
        """The record as of now: what is not analysed yet is still being processed."""
        whole = {**_blank(record["conversation_id"]), **record}
        analysed_at = record.get("analysed_at")
        if analysed_at is not None and self._space.clock.now() < analysed_at:
            whole.update(status="processing", analysis=None)
        return whole

    def listed(self, call: Call) -> Answer:
        """One page of conversations; the cursor is where the last one shown stands, which holds
        when that one is deleted meanwhile.
        """
        query = call.query
        sign = -1 if query["sort_direction"] == "desc" else 1

        def place(conversation_id: str, start_s: int) -> tuple[int, str]:
            return sign * start_s, conversation_id

        placed = sorted(
            (
                (place(record["conversation_id"], record["start_time_unix_secs"]), record)
                for record in map(self._shown, self._space.conversations)
                if _wanted(record, query)
            ),
            key=itemgetter(0),
        )
        try:
            after = place(*read_cursor(query["cursor"])) if query["cursor"] else None
        except InvalidCursor as error:
            raise invalid_cursor() from error
        found = [record for at, record in placed if after is None or at > after]
        page = found[: query["page_size"]]
        more = len(page) < len(found)
        ended = (page[-1]["conversation_id"], page[-1]["start_time_unix_secs"]) if more else None
        with_summary = query["summary_mode"] == "include"
        return json_answer(
            {
                "conversations": [row(one, with_summary=with_summary) for one in page],
                "next_cursor": write_cursor(ended),
                "has_more": more,
            }
        )

    def _known(self, call: Call) -> Json:
        record = self._space.conversations.get(call.values["conversation_id"])
        if record is None:
            raise not_found("Conversation", call.values["conversation_id"])
        return record

    def get(self, call: Call) -> Answer:
        """One conversation with everything that was said."""
        return json_answer(body(self._shown(self._known(call))))

    def delete(self, call: Call) -> Answer:
        """Forget a conversation."""
        self._space.conversations.drop(self._known(call)["conversation_id"])
        return json_answer({})

    def audio(self, call: Call) -> Answer:
        """As long as the conversation, but silent: nothing is recorded here."""
        record = self._known(call)
        if record.get("text_only"):
            raise not_found("Audio of conversation", record["conversation_id"])
        return Answer(200, silence(record.get("duration_s", 0)), content_type="audio/mpeg")

    def feedback(self, call: Call) -> Answer:
        """Like or dislike the conversation as a whole, or take it back."""
        record = self._known(call)
        record["feedback"] = call.body.get("feedback")
        self._put(record)
        return json_answer({})


FORMAT: Json = {"kind": "enum", "values": ["json", "opentelemetry"], "default": "json"}


def _blank(conversation_id: str) -> Json:
    return {
        "conversation_id": conversation_id,
        "agent_name": None,
        "branch_id": None,
        "version_id": None,
        "duration_s": 0,
        "text_only": False,
        "call_successful": "unknown",
        "authorization": "public",
        "environment": "production",
        "source": None,
        "source_version": None,
        "user_id": None,
        "variables": {},
        "transcript": [],
        "tool_names": [],
        "termination_reason": "",
        "error": None,
        "language": None,
        "analysis": None,
        "feedback": None,
        "phone_call": None,
    }


def _wanted(record: Json, query: Mapping[str, Any]) -> bool:
    equal = ("agent_id", "branch_id", "version_id", "user_id", "text_only")
    if any(query[name] is not None and query[name] != record[name] for name in equal):
        return False
    search = (query["search"] or "").casefold()
    checks: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("call_start_after_unix", lambda v: record["start_time_unix_secs"] >= v),
        ("call_start_before_unix", lambda v: record["start_time_unix_secs"] <= v),
        ("call_duration_min_secs", lambda v: record["duration_s"] >= v),
        ("call_duration_max_secs", lambda v: record["duration_s"] <= v),
        ("exclude_statuses", lambda v: record["status"] not in v),
        ("tool_names", lambda v: not v or not set(v).isdisjoint(record["tool_names"])),
        ("main_languages", lambda v: not v or record["language"] in v),
        ("termination_reasons", lambda v: not v or record["termination_reason"] in v),
        ("conversation_initiation_source", lambda v: (record["source"] or "unknown") == v),
        ("call_successful", lambda v: row(record, with_summary=False)["call_successful"] == v),
        ("search", lambda v: not v or search in _words(record)),
    )
    return all(query[name] is None or holds(query[name]) for name, holds in checks)


def _words(record: Json) -> str:
    return " ".join(line["message"] or "" for line in record["transcript"]).casefold()
