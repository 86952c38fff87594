"""A cursor is taken from whoever shows it: torn, forged or of another list, it breaks nothing."""

import base64
from collections import defaultdict
from typing import Any

import httpx
import pytest

from api.rates import Rates

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEYS = (
    *("/", "agent/front-desk/testing", "before:", "before:-1", "before:9999999999999999999"),
    *("before:\u0661", "1/1", "1/", "9223372036854775808/x", "-1/x", "1/\U0001f600"),
    *("2026-03-02T09:15:00+00:00/call-1", "2026-03-02T09:15:00/call-1", "2026-03-02/x"),
    *("0001-01-01T00:00:00+23:59/x", "9999-12-31T23:59:59-23:59/x", "%s%(project)s", "x" * 300),
)
TORN = ("%", "====", "A", "_w", "-_-_", "Z" * 512, "\u00e9", "%00")
GIT = "/v1/projects/{project}/manifests"
"""Asks the repository first, and here is none."""


@pytest.fixture
def rates() -> Rates:
    """More than are asked here, however fast the machine is."""
    return Rates(per_s=10_000, burst=10_000)


def encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


@pytest.mark.usefixtures("fleet")
async def test_no_cursor_breaks_a_list(
    http: httpx.AsyncClient, admin: httpx.AsyncClient, project: str
) -> None:
    document = (await http.get("/openapi.json", timeout=60)).json()
    lists = [
        path
        for path, operations in document["paths"].items()
        if path != GIT
        and any(
            each["name"] == "cursor" for each in operations.get("get", {}).get("parameters", ())
        )
    ]
    assert len(lists) > 10
    shown = [*TORN, *map(encoded, KEYS)]
    for path in lists:
        known = defaultdict(lambda: "front-desk", project=project)
        place = path.format_map(known)
        for cursor in shown:
            answer = await admin.get(
                str(admin.base_url.copy_with(path=place)), params=asked(document, path, cursor)
            )
            assert answer.status_code in (200, 400, 404, 422), (path, cursor, answer.text)


def asked(document: dict[str, Any], path: str, cursor: str) -> dict[str, str]:
    """The question with the cursor, and whatever else it cannot do without."""
    parameters = document["paths"][path]["get"]["parameters"]
    needed = [one["name"] for one in parameters if one["in"] == "query" and one.get("required")]
    return {**dict.fromkeys(needed, "front-desk"), "cursor": cursor}


@pytest.mark.usefixtures("fleet")
async def test_a_cursor_of_another_project_opens_nothing_there(
    admin: httpx.AsyncClient, project: str, foreign_project: str
) -> None:
    first = (await admin.get("events", params={"limit": 1})).json()
    assert first["nextCursor"]
    elsewhere = str(admin.base_url.copy_with(path=f"/v1/projects/{foreign_project}/events"))
    answer = await admin.get(elsewhere, params={"cursor": first["nextCursor"]})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert project not in answer.text
