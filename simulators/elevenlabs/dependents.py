"""Who uses what: agents by the tools and documents their branches name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.elevenlabs.calls import Person
from simulators.elevenlabs.errors import refused
from simulators.elevenlabs.history import History
from simulators.elevenlabs.workspace import Workspace, all_of
from simulators.wire import Json


class Dependents:
    """Looks through the tips of all branches that are not archived."""

    def __init__(self, workspace: Workspace, history: History) -> None:
        self._space = workspace
        self._history = history

    def of_tool(self, tool_id: str) -> list[str]:
        """Ids of agents that name the tool."""
        return _agents_of(self.branches_with_tool(tool_id))

    def branches_with_tool(self, tool_id: str) -> list[Json]:
        """Branches that name the tool."""
        return self._branches_where("tool_ids", lambda items: tool_id in items)

    def of_document(self, document_id: str) -> list[str]:
        """Ids of agents that name the document."""
        return _agents_of(self.branches_with_document(document_id))

    def branches_with_document(self, document_id: str) -> list[Json]:
        """Branches that name the document."""

        def named(items: list[Any]) -> bool:
            return any(item["id"] == document_id for item in items)

        return self._branches_where("knowledge_base", named)

    def of_secrets(self) -> dict[str, list[Json]]:
        """Agents by the ids of secrets their branches name."""
        found: dict[str, dict[str, None]] = {}
        for branch in self._space.branches:
            if not branch["is_archived"]:
                for secret_id in named_secrets(self._history.tip(branch)["config"]):
                    found.setdefault(secret_id, {})[branch["agent_id"]] = None
        return {name: all_of(self._space.agents, list(ids)) for name, ids in found.items()}

    def _branches_where(self, field: str, matches: Any) -> list[Json]:
        found: list[Json] = []
        for branch in self._space.branches:
            items = _prompt(self._history.tip(branch)["config"]).get(field)
            if items and not branch["is_archived"] and matches(items):
                found.append(branch)
        return found

    def detach_tool(self, agent_id: str, tool_id: str) -> None:
        """Take the tool out of every branch of an agent, as a forced deletion does."""
        self._detach(agent_id, "tool_ids", lambda item: item != tool_id)

    def detach_document(self, agent_id: str, document_id: str) -> None:
        """Take the document out of every branch of an agent, as a forced deletion does."""
        self._detach(agent_id, "knowledge_base", lambda item: item["id"] != document_id)

    def _detach(self, agent_id: str, field: str, keeps: Any) -> None:
        agent = self._space.agents.get(agent_id)
        if agent is None:
            return
        for branch in all_of(self._space.branches, agent["branches"]):
            config = self._history.config_of(branch)
            prompt = config["conversation_config"]["agent"]["prompt"]
            kept = [item for item in prompt[field] if keeps(item)]
            if kept != prompt[field] and not branch["is_archived"]:
                prompt[field] = kept
                owner = Person(agent["creator"]["name"], agent["creator"]["email"])
                self._history.commit(agent, branch, config, owner, description="")

    def page(self, branches: list[Json], query: Mapping[str, Any]) -> Json:
        """One page of the agents these branches belong to, as the vendor shows them."""
        agent_ids = _agents_of(branches)
        start = _read_position(query.get("cursor"))
        size = query.get("page_size") or len(agent_ids) or 1
        shown = all_of(self._space.agents, agent_ids[start : start + size])
        more = start + size < len(agent_ids)
        by_id = {agent["agent_id"]: agent for agent in shown}
        return {
            "agents": [identifier(agent) for agent in shown],
            "branches": [
                _branch_of(by_id[branch["agent_id"]], branch)
                for branch in branches
                if branch["agent_id"] in by_id
            ],
            "next_cursor": _write_position(start + size) if more else None,
            "has_more": more,
        }


def named_secrets(tree: object) -> Iterator[str]:
    """Ids of secrets that a tree of JSON refers to."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "secret_id" and isinstance(value, str):
                yield value
            else:
                yield from named_secrets(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from named_secrets(item)


def identifier(agent: Json) -> Json:
    """An agent as lists of dependents name it."""
    return {
        "referenced_resource_ids": [],
        "id": agent["agent_id"],
        "name": agent["name"],
        "type": "available",
        "created_at_unix_secs": agent["created_at_unix_secs"],
        "access_level": "admin",
    }


def _branch_of(agent: Json, branch: Json) -> Json:
    return {
        "agent_id": agent["agent_id"],
        "agent_name": agent["name"],
        "branch_id": branch["id"],
        "branch_name": branch["name"],
        "is_main": branch["id"] == agent["main_branch_id"],
    }


def _agents_of(branches: list[Json]) -> list[str]:
    return list(dict.fromkeys(branch["agent_id"] for branch in branches))


def _prompt(difference: Json) -> Json:
    value: Any = difference
    for name in ("conversation_config", "agent", "prompt"):
        value = value.get(name) or {}
    return dict(value)


def _write_position(position: int) -> str:
    return base64.urlsafe_b64encode(f"@{position}".encode()).decode()


def _read_position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("@"))
    except (binascii.Error, ValueError) as error:
        raise refused(400, "invalid_cursor", "Invalid cursor.", param="cursor") from error
