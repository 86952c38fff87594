"""Each of ElevenLabs' error bodies becomes the leaf of our tree that says what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.adapters.elevenlabs.answers import CreatedAgent
from trunkline.adapters.elevenlabs.refusals import dotted
from trunkline.adapters.retry_after import retry_after_s
from trunkline.model.errors import (
    Conflict,
    CredentialsRejected,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.limits import RETRY_AFTER_MAX_S

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors


def current(code: str, status: str = "", **more: str) -> dict[str, Any]:
    detail = {"type": "t", "code": code, "status": status or code, "message": "vendor words"}
    return {"detail": {**detail, "request_id": "req_1", **more}}


def legacy(status: str) -> dict[str, Any]:
    return {"detail": {"status": status, "message": "vendor words"}}


def checked(*locations: Sequence[str | int]) -> dict[str, Any]:
    detail = [
        {"type": "missing", "loc": place, "msg": "Field required", "input": "echo"}
        for place in locations
    ]
    return {"detail": detail}


BODIES: list[tuple[str, int, Any, type[PlatformError], str]] = [
    ("current 401", 401, current("unauthorized", "invalid_api_key"), CredentialsRejected, ""),
    ("legacy 401", 401, legacy("needs_authorization"), CredentialsRejected, ""),
    ("401 of a quota", 401, legacy("quota_exceeded"), RateLimited, ""),
    ("402", 402, current("insufficient_credits"), RateLimited, ""),
    ("403", 403, current("authorization_error"), CredentialsRejected, ""),
    ("legacy 404", 404, legacy("document_not_found"), RemoteMissing, ""),
    ("current 404", 404, current("not_found"), RemoteMissing, ""),
    ("404 of a route", 404, {"detail": "Not Found"}, Unavailable, ""),
    ("404 of a proxy", 404, b"<html>nothing here</html>", Unavailable, ""),
    ("409", 409, current("conflict"), Conflict, ""),
    ("400", 400, current("both_tools_and_tool_ids_provided"), Rejected, ""),
    (
        "400 with a parameter",
        400,
        current("invalid", param="body.conversation_config.tts.voice_id"),
        Rejected,
        "conversation_config.tts.voice_id",
    ),
    (
        "422 with a place",
        422,
        checked(["body", "conversation_config", "tts", "speed"]),
        Rejected,
        "conversation_config.tts.speed",
    ),
    (
        "422 inside an array",
        422,
        checked(["body", "platform_settings", "evaluation", "criteria", 0, "id"]),
        Rejected,
        "platform_settings.evaluation.criteria",
    ),
    ("422 without words", 422, b"", Rejected, ""),
    ("413", 413, legacy("too_large"), Rejected, ""),
    ("429", 429, current("rate_limit_exceeded"), RateLimited, ""),
    ("legacy 429", 429, legacy("too_many_concurrent_requests"), RateLimited, ""),
    ("500 in words", 500, current("internal_error"), OutcomeUnknown, ""),
]


@pytest.mark.parametrize(("status", "body", "leaf", "path"), [b[1:] for b in BODIES])
async def test_a_refused_write_is_the_leaf_its_body_means(
    status: int,
    body: Any,
    leaf: type[PlatformError],
    path: str,
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
) -> None:
    vendor.script(reply(status=status, body=body, headers={"request-id": "header_1"}))
    with pytest.raises(leaf) as raised:
        await vendors.client(vendor.url).write(
            CreatedAgent.model_validate, "PATCH", "/agents/a", {}, timeout_s=60
        )
    error = raised.value
    assert type(error) is leaf
    assert error.status == status
    assert getattr(error, "path", "") == path
    assert "PATCH /agents/a" in error.message
    structured = isinstance(body, dict) and isinstance(body["detail"], dict)
    own = structured and "request_id" in body["detail"]
    assert error.request_id == ("req_1" if own else "header_1")
    assert ("vendor words" in error.message) == structured


async def test_the_values_a_schema_check_echoes_are_not_repeated(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=422, body=checked(*[["body", f"f{n}"] for n in range(8)])))
    with pytest.raises(Rejected) as raised:
        await vendors.client(vendor.url).read(CreatedAgent.model_validate, "/x")
    assert "echo" not in raised.value.message
    assert "body.f4: Field required; and 3 more" in raised.value.message
    assert raised.value.path == "f0"


@pytest.mark.parametrize(
    ("status", "code", "header", "expected_s"),
    [
        (429, "rate_limit_exceeded", "7", 7.0),
        (429, "rate_limit_exceeded", "0.5", 0.5),
        (429, "concurrent_limit_exceeded", "", 1.0),
        (429, "rate_limit_exceeded", "soon", 5.0),
        (401, "quota_exceeded", "", 300.0),
    ],
)
async def test_a_limit_says_when_to_ask_again(
    status: int,
    code: str,
    header: str,
    expected_s: float,
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
) -> None:
    headers = {"Retry-After": header} if header else {}
    vendor.script(reply(status=status, body=current(code), headers=headers))
    with pytest.raises(RateLimited) as raised:
        await vendors.client(vendor.url).read(CreatedAgent.model_validate, "/x")
    assert raised.value.retry_after_s == expected_s


def test_retry_after_as_a_date_is_seconds_from_now() -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after_s(later, default_s=5, now=now) == 90
    assert retry_after_s(format_datetime(now), default_s=5, now=now + timedelta(hours=1)) == 0


def test_retry_after_is_never_trusted_beyond_an_hour() -> None:
    assert retry_after_s("9" * 30, default_s=5) == RETRY_AFTER_MAX_S


def test_a_place_inside_an_array_is_the_path_of_the_array() -> None:
    assert dotted(["a", "b.c", 0, "d"]) == 'a["b.c"]'
