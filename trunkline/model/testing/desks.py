"""The desk at which a conversation under test has its tools answered.

Webhook tools of a rendering for tests point at the tool gateway. Each conversation brings a token
of its own (a dynamic variable the model never sees), so that a call finds its script; a call
without one, or after the conversation, is refused.
"""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field, field_serializer

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.desired import DesiredTool
from trunkline.model.kinds.conversation import Stub
from trunkline.model.testing.scripts import written_stubs


class Desk(Frozen):
    """What is prepared for one conversation. Only the digest of its token is kept.

    ``types`` are the JSON types of the literal parameters of each function: arguments that come in
    an address are texts, and stand for numbers all the same.
    """

    id: str
    project: str
    token_digest: str
    stubs: dict[str, tuple[Stub, ...]] = Field(default_factory=dict)
    types: dict[str, dict[str, str]] = Field(default_factory=dict)
    expires_at: datetime

    @field_serializer("stubs")
    def _as_written(self, stubs: dict[str, tuple[Stub, ...]]) -> dict[str, list[dict[str, Any]]]:
        return written_stubs(stubs)

    def typed(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Arguments that came as texts, as the values they stand for; others stay texts."""
        types = self.types.get(tool, {})
        return {name: _typed(value, types.get(name, "")) for name, value in arguments.items()}


class DeskCall(Frozen):
    """A call that was taken, with what it was answered; ``stubbed`` False: nothing was prepared.

    ``answer`` is None when the answer was a fault (``fail`` names it). ``after_ms`` is the pause
    before the answer.
    """

    ordinal: int
    tool: str
    arguments: JsonObject
    stubbed: bool
    answer: Json = None
    fail: str | None = None
    after_ms: int = 0
    at: datetime


def parameter_types(tools: Iterable[DesiredTool]) -> dict[str, dict[str, str]]:
    """JSON types of the literal parameters of each tool, by function and name."""
    return {tool.function: _types(tool.parameters) for tool in tools}


def _types(schema: JsonObject) -> dict[str, str]:
    properties = schema.get("properties")
    listed = properties.items() if isinstance(properties, dict) else ()
    return {
        name: str(below["type"])
        for name, below in listed
        if isinstance(below, dict) and isinstance(below.get("type"), str)
    }


def _typed(value: Json, kind: str) -> Json:
    if not isinstance(value, str) or kind not in ("integer", "number", "boolean"):
        return value
    try:
        found: Json = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if isinstance(found, bool):
        return found if kind == "boolean" else value
    finite = isinstance(found, int) or (isinstance(found, float) and math.isfinite(found))
    return found if kind != "boolean" and finite else value
