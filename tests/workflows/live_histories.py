"""What the voice platform itself says of the agents of production: how each is, and everything
callers ever met, with who made it.

Read over HTTP as anybody could, from a platform whose answers may go wrong; a version never
changes, so each is read once.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from trunkline.model.ids import OWNER_PREFIX, document_mark, reference

if TYPE_CHECKING:
    from trunkline.model.base import JsonObject

PREFIX = f"{OWNER_PREFIX}acme/production/"
AGENTS = "/v1/convai/agents"
STRANGER = "dashboard.user@example.com"
TRIES = 40
PAGE = {"page_size": "100"}


@dataclass
class LiveVersion:
    """A version callers met, with ids of our objects as references. ``edited``: somebody else made
    it; ``edits`` are what others had made on its branch before it.
    """

    id: str
    body: JsonObject
    edited: bool
    edits: tuple[JsonObject, ...] = ()


@dataclass
class LiveAgent:
    """An agent as it is. ``fresh`` are versions that were not seen at an earlier look."""

    name: str
    ids: list[str]
    body: JsonObject
    branches: list[str]
    shares: dict[str, float]
    tested_live: list[str]
    fresh: list[LiveVersion]


@dataclass
class _Line:
    """Versions of one branch that were read."""

    seen: set[str] = field(default_factory=set)
    last: int = 0
    edits: list[JsonObject] = field(default_factory=list)


class LivePlatform:
    """One account, asked again whenever an answer is none."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._lines: dict[str, _Line] = {}
        self._references: dict[str, str] = {}

    async def agents(self) -> dict[str, LiveAgent]:
        """Every agent with production's mark, by name."""
        found = await self._marked()
        read = await asyncio.gather(*(self._agent(name, ids) for name, ids in found.items()))
        return {agent.name: agent for agent in read}

    async def agent(self, name: str) -> LiveAgent | None:
        """The one with that name, or None."""
        found = await self._marked()
        return await self._agent(name, found[name]) if name in found else None

    async def _marked(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        cursor: str | None = None
        while True:
            page = await self.get(AGENTS, **PAGE, **({"cursor": cursor} if cursor else {}))
            for row in page["agents"]:
                for tag in row["tags"]:
                    if tag.startswith(PREFIX):
                        found.setdefault(tag.removeprefix(PREFIX), []).append(row["agent_id"])
            cursor = page.get("next_cursor")
            if not page["has_more"]:
                return found

    async def _agent(self, name: str, ids: list[str]) -> LiveAgent:
        path = f"{AGENTS}/{ids[0]}"
        branches = (await self.get(f"{path}/branches", include_archived="true"))["results"]
        splits = (await self.get(f"{path}/deployments", **PAGE))["results"]
        carried = {
            branch_id
            for one in splits
            for branch_id, share in one["traffic_percentage_branch_id_map"].items()
            if share
        }
        fresh: list[LiveVersion] = []
        for branch in branches:
            if branch["id"] in carried:
                fresh += await self._fresh(path, branch["id"])
        names = {branch["id"]: branch["name"] for branch in branches}
        return LiveAgent(
            name=name,
            ids=ids,
            body=await self._translated(await self.get(path)),
            branches=[one["name"] for one in branches if not one["is_archived"]],
            shares={
                one["name"]: one["current_live_percentage"]
                for one in branches
                if one["current_live_percentage"]
            },
            tested_live=[
                names[one] for one in carried if names.get(one, "").startswith("trunkline-test")
            ],
            fresh=fresh,
        )

    async def _fresh(self, path: str, branch_id: str) -> list[LiveVersion]:
        """Versions of a branch that were not there before, oldest first."""
        line = self._lines.setdefault(branch_id, _Line())
        recent = (await self.get(f"{path}/branches/{branch_id}"))["most_recent_versions"]
        found = []
        for one in sorted(recent, key=lambda version: version["seq_no_in_branch"]):
            if one["id"] in line.seen:
                continue
            number = one["seq_no_in_branch"]
            assert number == line.last + 1, f"versions {line.last + 1} to {number - 1} went by"
            body = await self.get(path, branch_id=branch_id, version_id=one["id"])
            translated = await self._translated(body)
            edited = one["access_info"]["creator_email"] == STRANGER
            found.append(LiveVersion(one["id"], translated, edited, tuple(line.edits)))
            if edited:
                line.edits.append(translated)
            line.seen.add(one["id"])
            line.last = number
        return found

    async def _translated(self, body: Any) -> JsonObject:
        """The body with references in the place of ids of our tools and documents."""
        agent = body["conversation_config"]["agent"]
        prompt = agent["prompt"]
        ids = {*prompt["tool_ids"], *(one["id"] for one in prompt["knowledge_base"])}
        if not ids <= self._references.keys():
            await self._look_up()
        named = {
            **prompt,
            "tool_ids": [self._references.get(one, one) for one in prompt["tool_ids"]],
            "knowledge_base": [
                {**one, "id": self._references.get(one["id"], one["id"])}
                for one in prompt["knowledge_base"]
            ],
        }
        config = {**body["conversation_config"], "agent": {**agent, "prompt": named}}
        return {**body, "conversation_config": config}

    async def _look_up(self) -> None:
        """Which id is which object of production, by the marks they carry."""
        for tool in (await self.get("/v1/convai/tools", **PAGE))["tools"]:
            held = tool["tool_config"].get("dynamic_variables", {})
            mark = held.get("dynamic_variable_placeholders", {}).get("trunkline_owner", "")
            self._remember("tool", tool["id"], mark)
        for document in (await self.get("/v1/convai/knowledge-base", **PAGE))["documents"]:
            self._remember("document", document["id"], document_mark(document["name"]) or "")

    def _remember(self, kind: str, object_id: str, mark: str) -> None:
        own = PREFIX.removeprefix(OWNER_PREFIX)
        if mark.startswith(own):
            self._references[object_id] = reference(kind, mark.removeprefix(own))

    async def get(self, path: str, **params: str) -> Any:
        """What the platform answers, asked again while it answers nothing that can be read."""
        said = ""
        for _ in range(TRIES):
            try:
                answer = await self._http.get(path, params=params, timeout=60)
                if answer.status_code == 200:
                    return answer.json()
                said = f"{answer.status_code} {answer.text}"
            except (httpx.HTTPError, json.JSONDecodeError) as error:
                said = repr(error)
        raise AssertionError(f"{path}: {said}")
