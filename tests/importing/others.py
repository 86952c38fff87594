"""An account filled by somebody who never heard of Trunkline, with the vendor's own client.

The variety is made by counting, not by chance: every run makes the same account, and every feature
meets every other now and then.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from elevenlabs import ElevenLabs

VOICES = ("21m00Tcm4TlvDq8ikWAM", "EXAVITQu4vr4xnSDxMaL", "pNInz6obpgDQGcFmaJgB")
MODELS = ("gemini-2.5-flash", "gpt-4o-mini", "claude-sonnet-4", "gemini-2.0-flash")
TRADES = (
    "Bakery",
    "Garage",
    "Zahnarzt Müller",
    "Salon",
    "Kiosk",
    "Приёмная",
    "Hotel & Spa",
    "喫茶店",
)
GREETINGS = (
    "Hello, how can I help?",
    "{{company}}, good morning: what is it about?",
    "Grüezi! # was darf's sein?",
    "¿En qué puedo ayudarle?",
    "yes",
    "",
)


@dataclass
class Others:
    """What was made: ids by kind, in order."""

    agents: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


def fill(url: str, key: str, count: int) -> Others:
    """So many agents with tools, documents and secrets behind them."""
    with httpx.Client(timeout=60) as connection:
        client = ElevenLabs(base_url=url, api_key=key, httpx_client=connection)
        return _filled(client, count)


def _filled(client: ElevenLabs, count: int) -> Others:
    others = Others()
    for name in ("Booking key", "crm-token", "Booking key (old)"):
        made = client.conversational_ai.secrets.create(name=name, value=f"value of {name}")
        others.secrets.append(made.secret_id)
    for config in _tools(others.secrets):
        tool = client.conversational_ai.tools.create(request={"tool_config": config})
        others.tools.append(tool.id)
    _documents(client, others)
    for index in range(count):
        body = agent_body(index, others)
        made_agent = client.conversational_ai.agents.create(**body)
        others.agents.append(made_agent.agent_id)
    return others


def agent_body(index: int, others: Others) -> dict[str, Any]:
    """The arguments of one create."""
    agent: dict[str, Any] = {"prompt": _prompt(index, others)}
    greeting = GREETINGS[index % len(GREETINGS)]
    if greeting:
        agent["first_message"] = greeting
    if index % 4 == 1:
        agent["language"] = ("de", "es", "pt-br")[index % 3]
    if index % 3 == 0:
        agent["dynamic_variables"] = {"dynamic_variable_placeholders": _variables(index)}
    conversation: dict[str, Any] = {"agent": agent, **_speech(index)}
    return {
        "name": _name(index),
        "conversation_config": conversation,
        "platform_settings": _settings(index),
        "tags": [f"team-{index % 5}", "customer"] if index % 2 else [],
    }


def _name(index: int) -> str:
    trade = TRADES[index % len(TRADES)]
    if index % 10 == 0:
        return trade
    return f"{trade} {index // 3}" if index % 7 else f"  {trade}: line {index} / night/day  "


def _prompt(index: int, others: Others) -> dict[str, Any]:
    words = f"You answer the phone of business {index}.\n\nBe kind.\n"
    if index % 5 == 0:
        words = f"# Role\n\n{words}\n" + "\n".join(
            f"{n}. Rule number {n}: say it plainly — “so”, with ünïcode 😀." for n in range(120)
        )
    if index % 6 == 1:
        words = f"\n  {words}  trailing \n\n"
    prompt: dict[str, Any] = {"prompt": words, "llm": MODELS[index % len(MODELS)]}
    if index % 3 == 1:
        prompt["temperature"] = (0.3, 1, 0.75)[index % 3]
    if index % 9 == 4:
        prompt["max_tokens"] = 500
    if index % 4 != 3:
        prompt["tool_ids"] = [
            others.tools[index % len(others.tools)],
            *([others.tools[0]] if index % len(others.tools) in (1, 2, 3) or index == 4 else []),
        ]
    if index % 2 == 0:
        prompt["built_in_tools"] = _builtins(index)
    if index % 3 != 2:
        prompt["knowledge_base"] = [
            {"type": kind, "id": document, "name": f"doc {n}", "usage_mode": "auto"}
            for n, (kind, document) in enumerate(_used(index, others))
        ]
    if index % 8 == 5:
        prompt["rag"] = {"enabled": True, "max_documents_length": 20000}
    if index % 11 == 3:
        prompt["timezone"] = "Europe/Zurich"
    return prompt


def _used(index: int, others: Others) -> Iterator[tuple[str, str]]:
    for offset in range(1 + index % 2):
        kind, _, document = others.documents[(index + offset) % len(others.documents)].partition(
            ":"
        )
        yield kind, document


def _builtins(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}
    }
    if index % 4 == 0:
        found["end_call"]["description"] = "Hang up once the caller has said goodbye."
    if index % 6 == 0:
        found["language_detection"] = {
            "name": "language_detection",
            "params": {"system_tool_type": "language_detection"},
        }
    if index % 14 == 0:
        found["transfer_to_number"] = {
            "name": "transfer_to_number",
            "params": {
                "system_tool_type": "transfer_to_number",
                "transfers": [
                    {
                        "condition": "the caller asks for a person",
                        "transfer_destination": {"type": "phone", "phone_number": "+15005550009"},
                    }
                ],
            },
        }
    return found


def _variables(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {"company": f"Business {index}", "opening": "9:00", "empty": ""}
    if index % 2:
        found["tables"] = 12
    if index % 5 == 0:
        found["vip"] = True
    return found


def _speech(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tts: dict[str, Any] = {}
    if index % 2:
        tts["voice_id"] = VOICES[index % len(VOICES)]
    if index % 3 == 0:
        tts.update(stability=(0.35, 1, 0.9)[index % 3], similarity_boost=0.6, speed=1.1)
    if index % 7 == 2:
        tts["model_id"] = "eleven_turbo_v2_5"
        tts["agent_output_audio_format"] = "ulaw_8000"
    if tts:
        found["tts"] = tts
    return {**found, **_conversation(index)}


def _conversation(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if index % 5 == 3:
        found["turn"] = {"turn_timeout": 12, "turn_eagerness": "patient"}
    if index % 6 == 2:
        found["asr"] = {"keywords": ["croissant", "no", "12:30"]}
    conversation: dict[str, Any] = {}
    if index % 4 == 2:
        conversation["max_duration_seconds"] = (300, 90, 1800)[index % 3]
    if index % 5 == 4:
        conversation["client_events"] = ["audio", "interruption", "vad_score"]
    if index % 13 == 6:
        conversation["text_only"] = True
    if conversation:
        found["conversation"] = conversation
    if index % 9 == 7:
        found["language_presets"] = {
            "de": {"overrides": {"agent": {"first_message": "Hallo, was kann ich tun?"}}},
            "es": {"overrides": {"tts": {"voice_id": VOICES[0]}}},
        }
    return found


def _settings(index: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if index % 3 == 2:
        found["evaluation"] = {
            "criteria": [
                {
                    "id": f"polite_{n}",
                    "name": f"Polite {n}",
                    "conversation_goal_prompt": "The agent stays polite: always.",
                    "use_knowledge_base": n == 1,
                }
                for n in range(1 + index % 3)
            ]
        }
    if index % 4 == 0:
        found["data_collection"] = {
            "email": {"type": "string", "description": "Where to write to"},
            "guests": {"type": "integer", "description": "How many come"},
        }
    if index % 5 == 1:
        found["widget"] = {"variant": "compact", "bg_color": "#fff7ed", "text_input_enabled": False}
    if index % 6 == 3:
        found["call_limits"] = {"agent_concurrency_limit": 5 + index % 4, "daily_limit": 500}
    if index % 7 == 5:
        found["privacy"] = {"record_voice": False, "retention_days": 30}
    if index % 10 == 9:
        found["auth"] = {"enable_auth": True, "allowlist": [{"hostname": "shop.example.com"}]}
    if index % 12 == 8:
        found["overrides"] = {
            "conversation_config_override": {"agent": {"first_message": True, "language": True}}
        }
    return found


SLOT = {"type": "string", "description": "ISO time of the slot"}


def _tools(secrets: list[str]) -> Iterator[dict[str, Any]]:
    yield from _booking_tools(secrets)
    yield {
        "type": "client",
        "name": "show_map",
        "description": "Shows the way on the caller's screen",
        "expects_response": True,
        "response_timeout_secs": 5,
        "parameters": {
            "type": "object",
            "required": ["place"],
            "properties": {"place": {"type": "string", "description": "Where to"}},
        },
    }
    yield {"type": "client", "name": "wave", "description": "Waves at the caller"}
    yield _tool_of_another_shop(secrets[2])


def _booking_tools(secrets: list[str]) -> Iterator[dict[str, Any]]:
    yield {
        "type": "webhook",
        "name": "book_slot",
        "description": "Books a slot: call it once the caller agreed.",
        "response_timeout_secs": 8,
        "api_schema": {
            "url": "https://booking.example.com/slots",
            "method": "POST",
            "request_headers": {"Authorization": {"secret_id": secrets[0]}, "X-Channel": "phone"},
            "request_body_schema": {
                "type": "object",
                "description": "What to book",
                "required": ["slot", "guest"],
                "properties": {
                    "slot": SLOT,
                    "guest": {
                        "type": "object",
                        "description": "Who comes",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string", "description": "Full name"},
                            "wishes": {
                                "type": "array",
                                "description": "What they want",
                                "items": {"type": "string", "description": "One wish"},
                            },
                        },
                    },
                    "kind": {
                        "type": "string",
                        "description": "Which one",
                        "enum": ["table", "room", "no"],
                    },
                },
            },
        },
    }
    yield {
        "type": "webhook",
        "name": "find_slots",
        "description": "Looks up free slots",
        "api_schema": {
            "url": "https://booking.example.com/slots/{day}",
            "method": "GET",
            "path_params_schema": {"day": {"type": "string", "description": "ISO date"}},
            "query_params_schema": {
                "properties": {
                    "caller": {"type": "string", "dynamic_variable": "system__caller_id"},
                    "limit": {"type": "integer", "constant_value": 5},
                },
                "required": ["caller"],
            },
            "request_headers": {"X-Api-Key": {"secret_id": secrets[1]}},
        },
    }


def _tool_of_another_shop(secret: str) -> dict[str, Any]:
    return {
        "type": "webhook",
        "name": "book_slot",
        "description": "Another shop's booking",
        "interruption_mode": "disable_during_tool",
        "dynamic_variables": {"dynamic_variable_placeholders": {"shop": "north"}},
        "assignments": [{"dynamic_variable": "slot_id", "value_path": "slot.id"}],
        "api_schema": {
            "url": "https://north.example.com/book?channel=phone",
            "method": "PUT",
            "content_type": "application/x-www-form-urlencoded",
            "request_headers": {"Authorization": {"secret_id": secret}},
            "query_params_schema": {
                "properties": {"lang": {"type": "string", "constant_value": "en"}},
                "required": [],
            },
            "request_body_schema": {"type": "object", "properties": {"slot": SLOT}},
        },
    }


def _documents(client: ElevenLabs, others: Others) -> None:
    documents = client.conversational_ai.knowledge_base.documents
    texts = {
        "Opening hours": "# Opening hours\n\nMonday to Friday, nine to five.\nno: 12:30\n",
        "Öffnungszeiten": "Mo-Fr 9-17 Uhr, “ausser” an Feiertagen.",
        "Opening hours ": "Another shop: ten to six.",
        "Prices": "\n".join(f"| item {n} | {n}.50 |" for n in range(200)),
    }
    for title, text in texts.items():
        made = documents.create_from_text(text=text, name=title)
        others.documents.append(f"text:{made.id}")
    page = documents.create_from_url(url="https://shop.example.com/faq", name="FAQ")
    others.documents.append(f"url:{page.id}")
    upload = io.BytesIO(b"# Menu\n\nSoup of the day: leek.\n")
    file = documents.create_from_file(file=("menu.md", upload, "text/markdown"), name="Menu")
    others.documents.append(f"file:{file.id}")
