"""An error nobody foresaw is an answer with a request id; its trace goes to the log alone."""

from typing import Any, cast

import httpx
import pytest

from api.app import create_app
from trunkline.services.catalogue import Services


async def test_no_trace_leaves_the_server(caplog: pytest.LogCaptureFixture) -> None:
    broken = create_app(cast("Services", object()), version="0")
    transport: Any = httpx.ASGITransport(broken)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/readyz", headers={"X-Request-ID": "call-42"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:trunkline:problem:internal-server-error"
    assert answer.json()["requestId"] == answer.headers["x-request-id"] == "call-42"
    assert "AttributeError" not in answer.text
    assert "AttributeError" in caplog.text
