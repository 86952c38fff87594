"""Both published documents made ready, with every departure of the vendors from them named.

A departure that is not here is a mistake of the simulators or of whoever talks to them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from simulators.elevenlabs import distil
from tests.simulators import published
from tests.simulators.conformance import Departures, Described, Exchange

Json = dict[str, Any]

TEXT: Json = {"type": "string", "minLength": 1}
CURRENT: Json = {
    "type": "object",
    "required": ["type", "code", "status", "message", "request_id"],
    "properties": dict.fromkeys(("type", "code", "status", "message", "request_id", "param"), TEXT),
    "additionalProperties": False,
}
OLDER: Json = {
    "type": "object",
    "required": ["status", "message"],
    "properties": {"status": TEXT, "message": TEXT},
    "additionalProperties": False,
}
REFUSAL: Json = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"anyOf": [CURRENT, OLDER]}},
    "additionalProperties": False,
}
TWILIO_ERROR: Json = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "properties": {
        "code": {"type": "integer", "minimum": 10_000},
        "message": TEXT,
        "more_info": {"type": "string", "pattern": "^https://www.twilio.com/docs/errors/\\d+$"},
        "status": {"type": "integer"},
    },
    "additionalProperties": False,
}
STATUSES = (400, 401, 404, 405, 409, 413, 429, 500, 502, 503)
LATER_KEYS = {key for fields in distil.LATER_FIELDS.values() for key in fields}
ELEVENLABS = Departures(
    # Routes of the vendor's client that are not yet in its document.
    routes=frozenset(
        {
            "GET /v1/convai/v2/phone-numbers",
            "GET /v1/convai/agents/{agent_id}/deployments",
            "POST /v1/convai/test-invocations/{test_invocation_id}/cancel",
            # What only Twilio asks, at the addresses numbers are imported with.
            "POST /twilio/inbound_call",
            "POST /twilio/status-callback",
        }
    ),
    keys=frozenset(
        {
            # What the vendor's newer clients send and read.
            *LATER_KEYS,
            "updated_at_unix_secs",
            "cancelled_count",
            "workspace_id",
            # What pydantic adds to each flaw of a 422.
            "input",
            "ctx",
            # The key nobody knows, which real answers have now and then.
            "coaching_settings",
        }
    ),
    # The document declares hardly any refusal but 422; its three shapes come from the clients.
    errors=dict.fromkeys(STATUSES, REFUSAL),
    # The document refers to both and describes neither; the component without a suffix is meant.
    aliases={
        "DynamicVariablesConfig-Input": "DynamicVariablesConfig",
        "DynamicVariablesConfig-Output": "DynamicVariablesConfig",
    },
)
TWILIO = Departures(
    # The vendor's client reads both of a number.
    keys=frozenset({"type", "subresource_uris"}),
    # The document declares no refusal at all.
    errors=dict.fromkeys(STATUSES, TWILIO_ERROR),
)


@cache
def elevenlabs() -> Described:
    """What ElevenLabs publishes. Raises NotToBeHad."""
    return Described(published.document(published.ELEVENLABS), ELEVENLABS)


@cache
def twilio() -> Described:
    """What Twilio publishes. Raises NotToBeHad."""
    return Described(published.document(published.TWILIO), TWILIO)


def problems(described: Described, exchanges: list[Exchange]) -> list[str]:
    """What is wrong with any of the exchanges."""
    return [problem for exchange in exchanges for problem in described.problems(exchange)]
