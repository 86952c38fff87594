"""What the accounts at both vendors hold, and which requests they were asked, by REST alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from tests.workflows.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.workflows.conftest import Stack

GONE = 404
"""What was made for a test may go between two requests of ours."""
PATIENCE_S = 150.0
BY_THE_CLOCK = ("trunkline:callkeeping:", "trunkline:sweep:")
"""Rounds of the minute and of the day."""


@dataclass(frozen=True)
class Account:
    """What the accounts at both vendors hold, complete, as their REST shows it."""

    agents: dict[str, Any]
    branches: dict[str, Any]
    deployments: dict[str, Any]
    tools: dict[str, Any]
    documents: dict[str, Any]
    tests: dict[str, Any]
    secrets: dict[str, Any]
    numbers: dict[str, Any]
    lines: dict[str, Any]

    @property
    def without_archived(self) -> Account:
        """Without branches that were put away: the vendor has no way to delete one."""
        kept = {
            agent: [one for one in branches if not one["is_archived"]]
            for agent, branches in self.branches.items()
        }
        return replace(self, branches=kept)


async def account(stack: Stack) -> Account:
    """Read all of it."""
    http = stack.elevenlabs.http

    async def listed(path: str, key: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        params: dict[str, str] = {"page_size": "100"}
        while True:
            answer = await http.get(f"/v1/convai/{path}", params=params)
            assert answer.is_success, answer.text
            page = answer.json()
            rows = page[key] if isinstance(page, dict) else page
            found |= {row[name]: row for row in rows}
            if not isinstance(page, dict) or not page.get("has_more"):
                return found
            params["cursor"] = page["next_cursor"]

    async def each(path: str, ids: Mapping[str, Any], more: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in ids:
            answer = await http.get(f"/v1/convai/{path}/{one}{more}")
            if answer.status_code != GONE:
                assert answer.is_success, answer.text
                found[one] = answer.json()
        return found

    agents = await listed("agents", "agents", "agent_id")
    documents = await listed("knowledge-base", "documents", "id")
    tests = await listed("agent-testing", "tests", "id")
    branches = await each("agents", agents, "/branches")
    sid = stack.simulators.twilio_account_sid
    lines = await stack.twilio.http.get(f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json")
    return Account(
        agents=await each("agents", agents),
        branches={one: _sorted(body["results"]) for one, body in branches.items()},
        deployments=await each("agents", agents, "/deployments"),
        tools=await listed("tools", "tools", "id"),
        documents=await each("knowledge-base", documents),
        tests=await each("agent-testing", tests),
        secrets=await listed("secrets", "secrets", "secret_id"),
        numbers=await listed("phone-numbers", "phone_numbers", "phone_number_id"),
        lines={row["sid"]: row for row in lines.json()["incoming_phone_numbers"]},
    )


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["id"]))


def changed(before: Account, now: Account) -> list[str]:
    """What of ``before`` is gone or other than it was; what was made since is not asked about."""
    kept = now.without_archived
    found: list[str] = []
    for kind in fields(before):
        are = getattr(kept, kind.name)
        for one, was in getattr(before, kind.name).items():
            new = are.get(one)
            if isinstance(was, list) and isinstance(new, list):
                new = [row for row in new if row in was]
            if new != was:
                found.append(f"{kind.name} {one}: {was} became {new}")
    return found


async def nothing_changed(stack: Stack, before: Account) -> None:
    """Whatever was there is as it was, while checks are under way that make things of their own."""
    found = changed(before, await account(stack))
    assert not found, "\n".join(found)


async def as_before(stack: Stack, before: Account) -> Account:
    """The account once it holds what it held and nothing else: what checks made goes after them."""

    async def look() -> Account | None:
        now = await account(stack)
        found = changed(before, now)
        assert not found, "\n".join(found)
        return now if now.without_archived == before else None

    found: Account = await eventually(
        look, timeout_s=PATIENCE_S, what="the end of what was made for checks"
    )
    return found


async def traffic(stack: Stack) -> Counter[tuple[str, str]]:
    """Requests both vendors were asked: routes, and on whose behalf; less what is asked by the
    clock, at any moment and whatever anybody proposes.
    """
    found: Counter[tuple[str, str]] = Counter()
    for vendor in (stack.elevenlabs, stack.twilio):
        entries = (await vendor.http.get("/_sim/requests")).json()["requests"]
        asked = ((f"{row['method']} {row['route']}", row.get("request_id", "")) for row in entries)
        found.update(one for one in asked if not one[1].startswith(BY_THE_CLOCK))
    return found
