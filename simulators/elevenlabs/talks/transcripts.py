"""What was said in a conversation, line by line, as reads of it show it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from simulators.elevenlabs.talks.webhooks import Outcome
from simulators.limits import MAX_TRANSCRIPT_LINES
from simulators.wire import Json


class Transcript:
    """The lines of one conversation; ``elapsed_s`` says how long it lasts."""

    def __init__(self, agent_metadata: Json, elapsed_s: Callable[[], float]) -> None:
        self.lines: list[Json] = []
        self.tool_names: list[str] = []
        self._agent_metadata = agent_metadata
        self._elapsed_s = elapsed_s

    def _add(self, role: str, message: str | None, medium: str | None) -> Json:
        line: Json = {
            "role": role,
            "agent_metadata": self._agent_metadata if role == "agent" else None,
            "message": message,
            "tool_calls": [],
            "tool_results": [],
            "feedback": None,
            "time_in_call_secs": int(self._elapsed_s()),
            "interrupted": False,
            "original_message": None,
            "source_medium": medium,
        }
        self.lines.append(line)
        del self.lines[:-MAX_TRANSCRIPT_LINES]
        return line

    def heard(self, text: str, medium: str) -> None:
        """The caller's words."""
        self._add("user", text, medium)

    def said(self, text: str) -> Json:
        """The agent's words; the line is given back for a correction."""
        return self._add("agent", text, None)

    def asked(self, name: str, call_id: str, kind: str, arguments: Json) -> None:
        """The agent uses a tool."""
        self.tool_names.append(name)
        line = self._add("agent", None, None)
        line["tool_calls"] = [tool_call(name, call_id, kind, arguments)]

    def answered(self, name: str, call_id: str, kind: str, outcome: Outcome) -> None:
        """The tool's answer."""
        line = self._add("agent", None, None)
        line["tool_results"] = [tool_result(name, call_id, kind, outcome)]

    def rate(self, score: str | None) -> None:
        """The caller likes or dislikes the newest reply, or takes it back."""
        for line in reversed(self.lines):
            if line["role"] == "agent" and line["message"]:
                feedback = {"score": score, "time_in_call_secs": int(self._elapsed_s())}
                line["feedback"] = feedback if score else None
                return


def corrected(line: Json, spoken: str) -> None:
    """Of this line of the agent only so much was spoken."""
    line["original_message"] = line["message"]
    line["message"] = spoken
    line["interrupted"] = True


def tool_call(name: str, call_id: str, kind: str, arguments: Json) -> Json:
    """A use of a tool as transcripts show it."""
    return {
        "type": kind,
        "request_id": call_id,
        "tool_name": name,
        "params_as_json": json.dumps(arguments),
        "tool_has_been_called": True,
        "tool_details": None,
    }


def tool_result(name: str, call_id: str, kind: str, outcome: Outcome) -> Json:
    """What a tool answered, as transcripts show it."""
    return {
        "type": kind,
        "request_id": call_id,
        "tool_name": name,
        "result_value": as_text(outcome.result),
        "is_error": outcome.is_error,
        "tool_has_been_called": outcome.is_called,
        "tool_latency_secs": round(outcome.latency_s, 3),
    }


def as_text(value: Any) -> str:
    """A result as the text an agent reads."""
    return value if isinstance(value, str) else json.dumps(value)
