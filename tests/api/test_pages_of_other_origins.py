"""Pages of origins that are listed may ask from a browser; those of others may not."""

import httpx
import pytest

from trunkline.model.errors import InvalidSettings
from trunkline.settings import load_settings

PAGE = "https://status.example.com"


async def test_a_listed_origin_may_ask_and_read_what_matters(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.get("agents", headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = answer.headers["Access-Control-Expose-Headers"]
    for name in ("X-Request-ID", "ETag", "Retry-After", "RateLimit", "Location"):
        assert name in exposed


async def test_a_refusal_can_be_read_too(http: httpx.AsyncClient) -> None:
    refused = await http.get("/v1/projects", headers={"Origin": PAGE})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE


async def test_a_browser_is_told_beforehand(http: httpx.AsyncClient) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key,content-type",
    }
    allowed = await http.options("/v1/projects", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
    refused = await http.options(
        "/v1/projects", headers={**asked, "Origin": "https://evil.example.com"}
    )
    assert refused.status_code == 400
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_other_origins_read_nothing(viewer: httpx.AsyncClient) -> None:
    for origin in ("https://evil.example.com", f"{PAGE}.evil.example", "null", "http" + PAGE[5:]):
        answer = await viewer.get("agents", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "listed", ["*", "https://*.example.com", "status.example.com", "https://a.example/x", "ftp://a"]
)
def test_only_exact_origins_can_be_listed(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    monkeypatch.setenv("TRUNKLINE_CORS_ORIGINS", f"https://ok.example, {listed}")
    with pytest.raises(InvalidSettings, match="TRUNKLINE_CORS_ORIGINS"):
        load_settings()


def test_several_origins_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_CORS_ORIGINS", f"{PAGE}, http://localhost:3000")
    assert load_settings().allowed_origins == (PAGE, "http://localhost:3000")
