"""Agents: create, read, patch, list, duplicate, delete.

What an agent says and does lives in versions on branches (`history`); the agent itself carries
only its name, tags and dates, which no version remembers. Reads carry the noise real answers have.
"""

from __future__ import annotations

from typing import Any

from simulators.elevenlabs import configs
from simulators.elevenlabs.calls import (
    DIRECTION,
    FLAG,
    OPTIONAL_FLAG,
    PAGING,
    TEXT,
    TEXTS,
    Call,
    Endpoint,
    Person,
    page_of,
)
from simulators.elevenlabs.errors import not_found, refused, unprocessable
from simulators.elevenlabs.history import History
from simulators.elevenlabs.phone_numbers import number_body
from simulators.elevenlabs.references import References
from simulators.elevenlabs.tools import Tools
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.wire import Answer, Json, json_answer

AGENT_IDS: Json = {"kind": "list", "of": {"kind": "string"}, "required": True}
PREFIX = "/v1/convai/agents"
HOLD_AUDIO_URL = "https://storage.googleapis.com/eleven-public-prod/hold-audio/default.mp3"
VERSIONED = (*configs.SECTIONS, "procedures", "version_description")
DEFAULT_NAME = "New agent"
START_NODES: Json = {
    "start_node": {"type": "start", "position": {"x": 0.0, "y": 0.0}, "edge_order": []}
}


class Agents:
    """The agents of one account."""

    def __init__(
        self, workspace: Workspace, history: History, tools: Tools, references: References
    ) -> None:
        self._space = workspace
        self._history = history
        self._tools = tools
        self._references = references

    def endpoints(self) -> list[Endpoint]:
        """Routes of agents themselves."""
        one = PREFIX + "/{agent_id}"
        listing = {
            **PAGING,
            "archived": {**OPTIONAL_FLAG, "default": False},
            "tags": TEXTS,
            "show_only_owned_agents": FLAG,
            "created_by_user_id": TEXT,
            "sort_direction": DIRECTION,
        }
        at = {"branch_id": TEXT, "version_id": TEXT}
        return [
            Endpoint("POST", PREFIX + "/create", self.create, body="AgentCreate", partial=True),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", PREFIX + "/summaries", self.summaries, query={"agent_ids": AGENT_IDS}),
            Endpoint("GET", one, self.get, query=at),
            Endpoint(
                "PATCH",
                one,
                self.patch,
                body="AgentPatch",
                partial=True,
                query={"branch_id": TEXT},
            ),
            Endpoint("DELETE", one, self.delete),
            Endpoint("POST", one + "/duplicate", self.duplicate, body="AgentDuplicate"),
            Endpoint("GET", one + "/link", self.link),
        ]

    def create(self, call: Call) -> Answer:
        """A new agent with its first version on Main."""
        config = self._merged(configs.base_config(), call.body, call.person)
        return json_answer({"agent_id": self._create(call.body, config, call.person)})

    def _create(self, body: Json, config: Json, person: Person) -> str:
        space = self._space
        agent_id = space.identifiers.elevenlabs("agent")
        now = space.now()
        agent: Json = {
            "agent_id": agent_id,
            "name": body.get("name") or DEFAULT_NAME,
            "tags": body.get("tags") or [],
            "created_at_unix_secs": now,
            "updated_at_unix_secs": now,
            "creator": recorded(person),
            "branches": [],
        }
        branch = self._history.begin_main(agent, config, person)
        agent["main_branch_id"] = branch["id"]
        space.agents.put(agent_id, agent)
        self.show(agent)
        return agent_id

    def show(self, agent: Json, *, at_once: bool = False) -> None:
        """Bring the agent's row in the list up to date."""
        self._space.agent_index.change(agent["agent_id"], self._row(agent), at_once=at_once)

    def _row(self, agent: Json) -> Json:
        config = self._history.tip(self.main(agent))["config"]
        voice_id = _at(config, "conversation_config", "tts", "voice_id")
        return {
            "agent_id": agent["agent_id"],
            "name": agent["name"],
            "voice_id": voice_id or configs.default_voice_id(),
            "tags": list(agent["tags"]),
            "created_at_unix_secs": agent["created_at_unix_secs"],
            "updated_at_unix_secs": agent.get("hinted_at_unix_secs", agent["updated_at_unix_secs"]),
            "access_info": access(agent["creator"]),
            "last_call_time_unix_secs": None,
            "archived": bool(_at(config, "platform_settings", "archived")),
        }

    def listed(self, call: Call) -> Answer:
        """One page of agents, newest first unless asked otherwise."""
        search = (call.query["search"] or "").casefold()
        archived = call.query["archived"]

        def wanted(row: Json) -> bool:
            return (archived is None or row["archived"] == archived) and (
                not search or search in row["name"].casefold()
            )

        page = page_of(self._space.agent_index, call.query, tags=call.query["tags"], wanted=wanted)
        return json_answer(
            {
                "agents": page.rows,
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def summaries(self, call: Call) -> Answer:
        """Agents by id, with what is wrong with the ids that are not."""
        result: Json = {}
        for agent_id in call.query["agent_ids"] or ():
            agent = self._space.agents.get(agent_id)
            if agent is None:
                result[agent_id] = {
                    "status": "failure",
                    "error_code": 404,
                    "error_status": "document_not_found",
                    "error_message": f"Document with id {agent_id} not found.",
                }
            else:
                result[agent_id] = {"status": "success", "data": self._row(agent)}
        return json_answer(result)

    def get(self, call: Call) -> Answer:
        """The agent at a branch's tip (Main by default) or at a version."""
        agent = self.known(call.values["agent_id"])
        version_id = call.query["version_id"]
        if version_id:
            version = self._history.version(agent, version_id)
            branch = self._history.branch(agent, version["branch_id"])
        else:
            branch = self._branch(agent, call.query["branch_id"])
            version = self._history.tip(branch)
        return json_answer(self.body(agent, branch, version, call.person))

    def patch(self, call: Call) -> Answer:
        """Merge a body into a branch's tip (Main by default) as a new version."""
        agent = self.known(call.values["agent_id"])
        branch = self._branch(agent, call.query["branch_id"])
        self.edit(agent, branch, call.body, call.person)
        return json_answer(self.body(agent, branch, self._history.tip(branch), call.person))

    def edit(self, agent: Json, branch: Json, body: Json, person: Person) -> None:
        """Someone's change of an agent. Raises Refused when the vendor would."""
        if branch["is_archived"]:
            raise refused(
                400, "publish_to_archived_branch", "Cannot publish to an archived branch."
            )
        config = self._merged(self._history.config_of(branch), body, person)
        if any(body.get(name) is not None for name in VERSIONED):
            self._history.commit(
                agent, branch, config, person, description=body.get("version_description") or ""
            )
        if "name" in body:
            agent["name"] = body["name"] or DEFAULT_NAME
        if "tags" in body:
            agent["tags"] = body["tags"] or []
        hinted_at = agent.get("hinted_at_unix_secs", agent["updated_at_unix_secs"])
        now = self._space.now()
        agent["updated_at_unix_secs"] = now
        agent["hinted_at_unix_secs"] = hinted_at if self._space.behaviour.stale_hints else now
        self._space.agents.put(agent["agent_id"], agent)
        self.show(agent)

    def edit_branch(self, agent: Json, branch_id: str | None, body: Json, person: Person) -> str:
        """Someone's change of a branch (Main by default); its new version. Raises Refused."""
        branch = self._branch(agent, branch_id)
        self.edit(agent, branch, body, person)
        return str(branch["versions"][-1])

    def _merged(self, config: Json, body: Json, person: Person) -> Json:
        body = self._tools.taken_from_prompt(body, recorded(person))
        behaviour = self._space.behaviour
        merged, flaws = configs.merged(
            config, body, nulls=behaviour.nulls, empty_as_null=behaviour.noise
        )
        if flaws:
            raise unprocessable(flaws)
        self._references.check(merged, body)
        return merged

    def merged_onto(self, version: Json, body: Json, person: Person) -> Json:
        """A version's configuration with a body merged in. Raises Refused (400, 422)."""
        return self._merged(configs.expanded(version["config"]), body, person)

    def candidate(self, body: Json) -> Json:
        """A complete configuration that is stored nowhere. Raises Refused (400, 422)."""
        merged, flaws = configs.merged(
            configs.base_config(), body, nulls=self._space.behaviour.nulls, empty_as_null=False
        )
        if flaws:
            raise unprocessable(flaws)
        self._references.check(merged, body)
        return merged

    def delete(self, call: Call) -> Answer:
        """Forget the agent with its branches and versions; its numbers become unassigned."""
        self.remove(self.known(call.values["agent_id"]))
        return Answer(status=204)

    def remove(self, agent: Json) -> None:
        """Forget an agent whoever asks."""
        agent_id = agent["agent_id"]
        space = self._space
        for number_id in sorted(space.numbers_by_agent.pop(agent_id, ())):
            number = space.numbers.get(number_id)
            if number is not None:
                number["assigned"] = None
                space.numbers.put(number_id, number)
        self._history.forget(agent)
        space.agents.drop(agent_id)
        space.agent_index.change(agent_id, None)

    def duplicate(self, call: Call) -> Answer:
        """A new agent with the configuration of this one's Main."""
        agent = self.known(call.values["agent_id"])
        name = call.body.get("name") or f"{agent['name']} (copy)"
        config = self._history.config_of(self.main(agent))
        body = {"name": name, "tags": list(agent["tags"])}
        return json_answer({"agent_id": self._create(body, config, call.person)})

    def link(self, call: Call) -> Answer:
        """The agent's public link, which needs no token."""
        agent = self.known(call.values["agent_id"])
        return json_answer({"agent_id": agent["agent_id"], "token": None})

    def known(self, agent_id: str) -> Json:
        """The agent of this id. Raises Refused (404)."""
        agent = self._space.agents.get(agent_id)
        if agent is None:
            raise not_found("Document", agent_id)
        return agent

    def main(self, agent: Json) -> Json:
        """The agent's main branch."""
        return self._history.branch(agent, agent["main_branch_id"])

    def _branch(self, agent: Json, branch_id: str | None) -> Json:
        return self._history.branch(agent, branch_id or agent["main_branch_id"])

    def body(self, agent: Json, branch: Json, version: Json, person: Person) -> Json:
        """The agent as a read shows it."""
        config = configs.expanded(version["config"])
        prompt = config["conversation_config"]["agent"]["prompt"]
        prompt["tools"] = self._tools.expanded(prompt)
        if self._space.behaviour.noise:
            dice = self._space.dice(agent["agent_id"], version["id"])
            dice.shuffle(prompt["tool_ids"])
            dice.shuffle(prompt["tools"])
        number_ids = sorted(self._space.numbers_by_agent.get(agent["agent_id"], ()))
        numbers = [self._space.numbers.get(number_id) for number_id in number_ids]
        body: Json = {
            "agent_id": agent["agent_id"],
            "name": agent["name"],
            "conversation_config": config["conversation_config"],
            "metadata": {
                "created_at_unix_secs": agent["created_at_unix_secs"],
                "updated_at_unix_secs": agent["updated_at_unix_secs"],
            },
            "platform_settings": config["platform_settings"],
            "phone_numbers": [
                number_body(self._space, number) for number in numbers if number is not None
            ],
            "whatsapp_accounts": [],
            "workflow": _drawn(config["workflow"]),
            "access_info": access(agent["creator"], person),
            "tags": agent["tags"],
            "version_id": version["id"],
            "branch_id": branch["id"],
            "main_branch_id": agent["main_branch_id"],
            "procedures": config["procedures"],
            "default_hold_audio_url": HOLD_AUDIO_URL,
        }
        if self._space.behaviour.noise:
            body["coaching_settings"] = None
        return body


def _drawn(workflow: Json) -> Json:
    """A workflow without nodes reads back with the one every graph starts from."""
    return workflow if workflow["nodes"] else {**workflow, "nodes": START_NODES}


def _at(tree: Json, *path: str) -> Any:
    value: Any = tree
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
