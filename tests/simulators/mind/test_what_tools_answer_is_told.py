"""After a tool has answered an agent always says something, whatever its prompt leaves open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulators.elevenlabs.mind import Act, CallTool, Mind
from tests.simulators.mind.agents import NOW, calls, last, parameters, spoken

PROMPT = "You answer for a museum. When the caller wants a map, call `show_map`."
SHOW_MAP = {
    "type": "client",
    "name": "show_map",
    "description": "Shows a map of the museum.",
    "parameters": {"type": "object", "properties": {}},
}


def asked(tool: dict[str, Any], words: str, prompt: str = PROMPT) -> tuple[Mind, CallTool]:
    config = {"agent": {"first_message": "Hello.", "prompt": {"prompt": prompt}}}
    mind = Mind(config, (), (tool,))
    mind.open({}, NOW)
    call = mind.hear(words)[-1]
    assert isinstance(call, CallTool)
    return mind, call


def told(tool: dict[str, Any], result: object) -> list[Act]:
    mind, call = asked(tool, "Please show me a map.")
    return mind.tool_answered(call.call_id, result)


@pytest.mark.parametrize("result", ["", '{"ok": true}', '{"shown": true, "zoom": {}}', "null"])
def test_what_says_nothing_in_words_is_done(result: str) -> None:
    assert "That is done." in last(told(SHOW_MAP, result))


def test_what_was_answered_is_read_out() -> None:
    result = json.dumps({"status": "shown", "next_step": "Turn left."})
    assert "Status: shown. Next step: Turn left." in last(told(SHOW_MAP, result))


def test_a_client_may_answer_in_plain_words() -> None:
    assert "It is on the screen." in last(told(SHOW_MAP, "it is on the screen"))


def test_what_is_no_json_from_an_address_is_a_failure() -> None:
    schema = {"url": "http://127.0.0.1/map"}
    webhook = {**SHOW_MAP, "type": "webhook", "api_schema": schema, "parameters": None}
    assert "sorry" in last(told(webhook, "<html>")).lower()


def test_what_the_caller_wants_fills_what_a_tool_needs() -> None:
    stock = {
        **SHOW_MAP,
        "name": "check_stock",
        "description": "Checks whether an atlas is in stock.",
        "parameters": parameters(item="The atlas the caller wants"),
    }
    prompt = "You sell maps. When the caller wants to buy an atlas, call `check_stock`."
    words = "My name is Ada. I'd like to buy a large atlas, please."
    mind, call = asked(stock, words, prompt)
    assert calls([call]) == [("check_stock", {"item": "large atlas"})]
    assert spoken(mind.tool_answered(call.call_id, '{"price": "12 dollars"}'))
