"""The control planes of the vendors' look-alikes, for tests that have things go wrong and count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx


@dataclass
class Vendor:
    """A simulator's control plane."""

    http: httpx.AsyncClient

    async def control(self, path: str, body: object) -> Any:
        """Turn a switch."""
        answer = await self.http.post(f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def faults(self, *faults: Mapping[str, object]) -> None:
        """Put these faults in force."""
        await self.control("faults", {"faults": list(faults)})

    async def healthy(self) -> None:
        """No faults any more."""
        await self.http.delete("/_sim/faults")

    async def count(self, route: str) -> int:
        """Requests to a route, such as ``POST /v1/convai/agents/create``."""
        counters = (await self.http.get("/_sim/counters")).json()
        return int(counters["requests"].get(route, 0))

    async def agents(self) -> list[dict[str, Any]]:
        """Every agent of the account, as the list shows them once it has caught up."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"page_size": "100", **({"cursor": cursor} if cursor else {})}
            page = (await self.http.get("/v1/convai/agents", params=params)).json()
            found.extend(page["agents"])
            cursor = page.get("next_cursor")
            if not page["has_more"]:
                return found

    async def agent(self, external_id: str) -> dict[str, Any]:
        """One agent as the vendor shows it."""
        body: dict[str, Any] = (await self.http.get(f"/v1/convai/agents/{external_id}")).json()
        return body
