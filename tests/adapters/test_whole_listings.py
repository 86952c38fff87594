"""A listing is read to its end or is an error: a short answer could be taken for absence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import TypeAdapter

from trunkline.model.errors import PlatformError, Unavailable
from trunkline.model.limits import PLATFORM_MAX_PAGES

if TYPE_CHECKING:
    from tests.adapters.conftest import Heard, Reply, ScriptedVendor, Vendors
    from trunkline.adapters.elevenlabs.client import ElevenLabsClient

NAMES = TypeAdapter(tuple[str, ...]).validate_python


def page(names: list[str], **more: Any) -> dict[str, Any]:
    return {"things": names, **more}


async def names_of(client: ElevenLabsClient) -> list[str]:
    pages = client.pages(NAMES, "/things", "things", [("types", "a"), ("types", "b")])
    return [name async for names in pages for name in names]


def cursor_of(heard: Heard) -> str:
    return parse_qs(urlsplit(heard.target).query).get("cursor", [""])[0]


async def test_pages_are_followed_to_the_end(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(
        reply(body=page(["a", "b"], has_more=True, next_cursor="p/2=")),
        reply(body=page(["c"], next_cursor="p3")),
        reply(body=page([], has_more=False, next_cursor="left over")),
    )
    assert await names_of(vendors.client(vendor.url)) == ["a", "b", "c"]
    assert [cursor_of(heard) for heard in vendor.heard] == ["", "p/2=", "p3"]
    assert all("types=a&types=b&page_size=100" in heard.target for heard in vendor.heard)


@pytest.mark.parametrize(
    "last",
    [
        page(["b"], has_more=True, next_cursor="again"),
        page(["b"], has_more=True, next_cursor=None),
        page(["b"], has_more=True),
        {"things": None, "has_more": False},
        {"has_more": False},
        ["b"],
    ],
)
async def test_a_listing_that_cannot_be_whole_is_an_error(
    last: Any, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(body=page(["a"], has_more=True, next_cursor="again")), reply(body=last))
    with pytest.raises(Unavailable):
        await names_of(vendors.client(vendor.url))
    assert len(vendor.heard) == 2


@pytest.mark.parametrize("status", [429, 401, 500, 404])
async def test_a_page_refused_in_the_middle_fails_the_listing(
    status: int, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(
        reply(body=page(["a"], has_more=True, next_cursor="p2")),
        reply(status=status, body={"detail": {"status": "some", "message": "words"}}),
    )
    with pytest.raises(PlatformError):
        await names_of(vendors.client(vendor.url))


@pytest.mark.slow
async def test_a_listing_without_an_end_is_an_error(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    def another(heard: Heard) -> Reply:
        turn = int(cursor_of(heard) or "0") + 1
        return reply(body=page(["a"], has_more=True, next_cursor=str(turn)))

    vendor.make = another
    with pytest.raises(Unavailable, match="more than"):
        await names_of(vendors.client(vendor.url))
    assert len(vendor.heard) == PLATFORM_MAX_PAGES
