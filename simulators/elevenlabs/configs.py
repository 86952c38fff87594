"""Agent configurations: completed against the defaults, kept as what differs from them.

A complete configuration has some three hundred leaves, nearly all of them defaults. Versions keep
only the difference, so ten thousand agents fit in memory and in the journal.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulators.elevenlabs.shapes import Checker, Nulls, shape_named

Json = dict[str, Any]

SECTIONS = ("conversation_config", "platform_settings", "workflow")
READ_ONLY_SETTINGS = ("safety",)


@lru_cache(maxsize=1)
def _base_text() -> str:
    defaults = Path(__file__).with_name("agent_defaults.json").read_text(encoding="utf-8")
    stated: Json = json.loads(defaults)
    checker = Checker()
    fields = shape_named(shape_named("AgentPatch")["to"])["fields"]
    base = {
        name: checker.complete(fields[name], stated.get(name, {}), (name,)) for name in SECTIONS
    }
    if checker.flaws:
        raise ValueError(f"agent_defaults.json does not fit shapes.json: {checker.flaws}")
    for name in READ_ONLY_SETTINGS:
        base["platform_settings"][name] = stated["platform_settings"][name]
    return json.dumps({**base, "procedures": {}})


def base_config() -> Json:
    """A fresh copy of the configuration of an agent that sets nothing."""
    config: Json = json.loads(_base_text())
    return config


def merged(
    config: Json, patch: Json, *, nulls: Nulls, empty_as_null: bool
) -> tuple[Json, list[Json]]:
    """A complete configuration with a request body merged in, and the flaws of the body."""
    checker = Checker(nulls=nulls, empty_as_null=empty_as_null)
    fields = shape_named(shape_named("AgentPatch")["to"])["fields"]
    result = dict(config)
    for name in SECTIONS:
        if patch.get(name) is not None:
            result[name] = checker.apply(fields[name], config[name], patch[name], ("body", name))
    if patch.get("procedures") is not None:
        result["procedures"] = patch["procedures"]
    return result, checker.flaws


def condensed(config: Json) -> Json:
    """Only what differs from the defaults."""
    return _difference(config, _shared_base())


def expanded(difference: Json) -> Json:
    """The complete configuration again."""
    config = base_config()
    _overlay(config, difference)
    return config


@lru_cache(maxsize=1)
def _shared_base() -> Json:
    return base_config()


def default_voice_id() -> str:
    """The voice of an agent that names none."""
    return str(_shared_base()["conversation_config"]["tts"]["voice_id"])


def _difference(value: Json, base: Json) -> Json:
    result: Json = {}
    for name, item in value.items():
        known = base.get(name)
        if name in base and item == known and type(item) is type(known):
            continue
        if isinstance(item, dict) and isinstance(known, dict) and known:
            result[name] = _difference(item, known)
        else:
            result[name] = item
    return result


def _overlay(target: Json, difference: Json) -> None:
    for name, item in difference.items():
        known = target.get(name)
        if isinstance(item, dict) and isinstance(known, dict) and known:
            _overlay(known, item)
        else:
            target[name] = deepcopy(item)
