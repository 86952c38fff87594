"""Pages of listings as both dialects count them: from one, with links to the other pages.

Sources: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api and
https://docs.gitea.com/development/api-usage
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from simulators.forges.bounds import (
    GITEA_MAX_PAGE_SIZE,
    GITEA_PAGE_SIZE,
    GITHUB_MAX_PAGE_SIZE,
    GITHUB_PAGE_SIZE,
)
from simulators.store import Json
from simulators.wire import Answer, Request, json_answer


def github_page(request: Request, url: str, rows: Sequence[Json]) -> Answer:
    """``page`` and ``per_page``, and a ``Link`` header unless everything is on one page."""
    size = _number(request, "per_page", GITHUB_PAGE_SIZE, GITHUB_MAX_PAGE_SIZE)
    return _page(request, url, rows, size, {})


def gitea_page(request: Request, url: str, rows: Sequence[Json]) -> Answer:
    """``page`` and ``limit``, with ``X-Total-Count`` beside the links."""
    size = _number(request, "limit", GITEA_PAGE_SIZE, GITEA_MAX_PAGE_SIZE)
    return _page(request, url, rows, size, {"X-Total-Count": str(len(rows))})


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.value(name) or ""
    given = int(text) if text.isascii() and text.isdecimal() else default
    return min(max(given, 1), most)


def _page(
    request: Request, url: str, rows: Sequence[Json], size: int, headers: dict[str, str]
) -> Answer:
    page = _number(request, "page", 1, len(rows) + 2)
    last = max(1, -(-len(rows) // size))
    answer = json_answer(rows[(page - 1) * size : page * size])
    wanted = {
        "prev": page - 1 if page > 1 else None,
        "next": page + 1 if page < last else None,
        "last": last if page < last else None,
        "first": 1 if page > 1 else None,
    }
    links = [
        f'<{url}{request.path}?{_query(request, number)}>; rel="{name}"'
        for name, number in wanted.items()
        if number is not None
    ]
    named = {**headers, **({"Link": ", ".join(links)} if links else {})}
    return Answer(answer.status, answer.body, headers=named)


def _query(request: Request, page: int) -> str:
    kept = [(name, value) for name, value in request.query if name != "page"]
    return urlencode([*kept, ("page", str(page))])
