"""A small account as somebody set it up by clicking: the one of the golden tree."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
from elevenlabs import ElevenLabs

PROMPT = """# Role

You answer the phone of a small animal clinic.

- Ask one question at a time.
- Read times back: "nine thirty", never "9:30".

Say {{clinic}} when you greet.
"""


@dataclass
class Clinic:
    """Ids on the platform, and what they are called in the golden tree."""

    names: dict[str, str] = field(default_factory=dict)
    front_desk: str = ""


def open_clinic(url: str, key: str) -> Clinic:
    """The account of the clinic."""
    with httpx.Client(timeout=60) as connection:
        return _opened(ElevenLabs(base_url=url, api_key=key, httpx_client=connection))


def _opened(client: ElevenLabs) -> Clinic:
    clinic = Clinic()
    talking = client.conversational_ai
    secret = talking.secrets.create(name="Booking API", value="a secret").secret_id
    clinic.names[secret] = "secret_booking"
    book = talking.tools.create(request={"tool_config": _book_slot(secret)}).id
    clinic.names[book] = "tool_book_slot"
    show = talking.tools.create(request={"tool_config": _show_map()}).id
    clinic.names[show] = "tool_show_map"
    hours = talking.knowledge_base.documents.create_from_text(
        name="Opening hours", text="# Opening hours\n\nMonday to Friday, 9 to 17.\n"
    ).id
    clinic.names[hours] = "doc_opening_hours"
    prices = talking.knowledge_base.documents.create_from_url(
        name="Prices", url="https://clinic.example.com/prices"
    ).id
    clinic.names[prices] = "doc_prices"
    clinic.front_desk = talking.agents.create(**_front_desk(book, show, hours, prices)).agent_id
    clinic.names[clinic.front_desk] = "agent_front_desk"
    night = talking.agents.create(**_night_line(book, hours)).agent_id
    clinic.names[night] = "agent_night_line"
    return clinic


def _book_slot(secret: str) -> dict[str, object]:
    return {
        "type": "webhook",
        "name": "book_slot",
        "description": "Books an appointment. Call it once the caller agreed to a time.",
        "response_timeout_secs": 10,
        "assignments": [{"dynamic_variable": "slot_id", "value_path": "slot.id"}],
        "api_schema": {
            "url": "https://booking.clinic.example.com/v1/slots",
            "method": "POST",
            "request_headers": {"Authorization": {"secret_id": secret}, "X-Channel": "phone"},
            "request_body_schema": {
                "type": "object",
                "required": ["slot", "animal"],
                "properties": {
                    "slot": {"type": "string", "description": "ISO time of the slot"},
                    "animal": {"type": "string", "description": "Name of the animal"},
                    "kind": {
                        "type": "string",
                        "description": "Which animal",
                        "enum": ["dog", "cat", "other"],
                    },
                    "caller": {"type": "string", "dynamic_variable": "system__caller_id"},
                },
            },
        },
    }


def _show_map() -> dict[str, object]:
    return {
        "type": "client",
        "name": "show_map",
        "description": "Shows the way to the clinic on the caller's screen",
        "expects_response": True,
    }


def _front_desk(book: str, show: str, hours: str, prices: str) -> dict[str, object]:
    return {
        "name": "Front desk",
        "tags": ["clinic"],
        "conversation_config": {
            "agent": {
                "first_message": "{{clinic}}, good morning. How can I help you?",
                "language": "en",
                "dynamic_variables": {
                    "dynamic_variable_placeholders": {"clinic": "Brindle Lane", "floor": 2}
                },
                "prompt": {
                    "prompt": PROMPT,
                    "llm": "gpt-4o-mini",
                    "temperature": 0.3,
                    "tool_ids": [show, book],
                    "built_in_tools": {
                        "end_call": {
                            "name": "end_call",
                            "description": "Hang up after the goodbye.",
                            "params": {"system_tool_type": "end_call"},
                        }
                    },
                    "knowledge_base": [
                        {"type": "url", "id": prices, "name": "Prices"},
                        {"type": "text", "id": hours, "name": "Hours", "usage_mode": "prompt"},
                    ],
                },
            },
            "tts": {"voice_id": "21m00Tcm4TlvDq8ikWAM", "stability": 0.6},
            "turn": {"turn_eagerness": "patient"},
            "conversation": {"max_duration_seconds": 480},
            "language_presets": {
                "es": {"overrides": {"agent": {"first_message": "¿En qué puedo ayudarle?"}}}
            },
        },
        "platform_settings": {
            "call_limits": {"agent_concurrency_limit": 4},
            "auth": {"enable_auth": True},
            "evaluation": {
                "criteria": [
                    {
                        "id": "polite",
                        "name": "Polite",
                        "conversation_goal_prompt": "The agent stays polite: always.",
                    }
                ]
            },
            "data_collection": {
                "email": {"type": "string", "description": "Where to write to"},
            },
        },
    }


def _night_line(book: str, hours: str) -> dict[str, object]:
    return {
        "name": "Nachtlinie (24/7)",
        "conversation_config": {
            "agent": {
                "language": "de",
                "prompt": {
                    "prompt": "Nimm den Namen auf und ruf zurück.",
                    "tool_ids": [book],
                    "knowledge_base": [
                        {"type": "text", "id": hours, "name": "Hours", "usage_mode": "prompt"}
                    ],
                },
            }
        },
    }
