"""SIP trunks of a number: written with credentials, read without them.

The vendor takes one shape and shows another, with a flag in the place of the password.
"""

from __future__ import annotations

from typing import Any

from simulators.elevenlabs.calls import checked
from simulators.wire import Json

OUTBOUND = "outbound_trunk_config"
INBOUND = "inbound_trunk_config"
SHAPES = {
    OUTBOUND: "OutboundSIPTrunkConfigRequestModel",
    INBOUND: "InboundSIPTrunkConfigRequestModel",
}
# What a number of a trunk has besides, with what the vendor fills in.
SETTINGS: Json = {"livekit_stack": "standard", "store_sip_messages": True}


def settings_of(body: Json) -> Json:
    """What a body says about trunks, completed. Raises Refused (422)."""
    found: Json = {name: body[name] for name in SETTINGS if body.get(name) is not None}
    for name, shape in SHAPES.items():
        if name in body:
            config = body[name]
            found[name] = None if config is None else checked(shape, config)
    return found


def shown(number: Json) -> Json:
    """The part of a read that is about trunks."""
    outbound = _outbound(number.get(OUTBOUND))
    return {
        "provider_config": outbound,
        "outbound_trunk": outbound,
        "inbound_trunk": _inbound(number.get(INBOUND)),
        **{name: number.get(name, default) for name, default in SETTINGS.items()},
    }


def _outbound(config: Json | None) -> Json | None:
    if config is None:
        return None
    names = (
        "address",
        "transport",
        "media_encryption",
        "headers",
        "attributes_to_headers",
        "enabled_codecs",
    )
    return {**_shown(config, names), "has_outbound_trunk": True}


def _inbound(config: Json | None) -> Json | None:
    if config is None:
        return None
    names = ("allowed_numbers", "media_encryption", "remote_domains", "attributes_to_headers")
    return {**_shown(config, names), "allowed_addresses": config["allowed_addresses"] or []}


def _shown(config: Json, names: tuple[str, ...]) -> Json:
    credentials: Any = config["credentials"]
    return {
        **{name: config[name] for name in names},
        "has_auth_credentials": credentials is not None,
        "username": credentials["username"] if credentials else None,
    }
