"""Tools of the workspace: create, read, replace, list, delete, and who uses them.

Tools belong to the workspace, not to an agent or a version; agents name them by id, and reads of
agents show them expanded.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulators.elevenlabs.calls import (
    FLAG,
    PAGE_SIZE,
    PAGING,
    TEXT,
    TEXTS,
    Call,
    Endpoint,
    page_of,
)
from simulators.elevenlabs.dependents import Dependents, named_secrets
from simulators.elevenlabs.errors import current, not_found, refused, unprocessable
from simulators.elevenlabs.shapes import Checker, Location, shape_named
from simulators.elevenlabs.workspace import Workspace, access, all_of, recorded
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/tools"
PARAMETER_SCHEMAS = ("path_params_schema", "query_params_schema", "request_body_schema")
LITERAL_TYPES = ("string", "number", "integer", "boolean")
SOURCES = (
    "description",
    "dynamic_variable",
    "is_system_provided",
    "constant_value",
    "is_omitted",
)


class Tools:
    """The tools of one account."""

    def __init__(self, workspace: Workspace, dependents: Dependents) -> None:
        self._space = workspace
        self._dependents = dependents

    def endpoints(self) -> list[Endpoint]:
        """Routes of tools."""
        one = PREFIX + "/{tool_id}"
        listing = {
            **PAGING,
            "types": TEXTS,
            "show_only_owned_documents": FLAG,
            "created_by_user_id": TEXT,
        }
        return [
            Endpoint("POST", PREFIX, self.create, body="Tool"),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get),
            Endpoint("PATCH", one, self.replace, body="Tool"),
            Endpoint("DELETE", one, self.delete, query={"force": FLAG}),
            Endpoint(
                "GET",
                one + "/dependent-agents",
                self.dependent_agents,
                query={"page_size": PAGE_SIZE, "cursor": TEXT},
            ),
        ]

    def create(self, call: Call) -> Answer:
        """A new tool; names need not be unique."""
        _check_sources(call.body["tool_config"])
        tool = self._create(call.body, recorded(call.person))
        return json_answer(self._body(tool))

    def _create(self, body: Json, creator: Json) -> Json:
        self._check_secrets(body)
        tool_id = self._space.identifiers.elevenlabs("tool")
        tool: Json = {
            "id": tool_id,
            "tool_config": body["tool_config"],
            "response_mocks": body.get("response_mocks"),
            "creator": creator,
            "created_at_unix_secs": self._space.now(),
        }
        self._put(tool)
        return tool

    def _put(self, tool: Json) -> None:
        self._space.tools.put(tool["id"], tool)
        self.show(tool)

    def show(self, tool: Json, *, at_once: bool = False) -> None:
        """Bring the tool's row in the list up to date."""
        row = {"name": tool["tool_config"]["name"], "body": self._body(tool)}
        self._space.tool_index.change(tool["id"], row, at_once=at_once)

    def get(self, call: Call) -> Answer:
        """One tool."""
        return json_answer(self._body(self.known(call.values["tool_id"])))

    def replace(self, call: Call) -> Answer:
        """The tool's configuration, replaced whole."""
        tool = self.known(call.values["tool_id"])
        self.edit(tool, call.body)
        return json_answer(self._body(tool))

    def edit(self, tool: Json, body: Json) -> None:
        """Replace a tool's configuration. Raises Refused (400, 422)."""
        _check_sources(body["tool_config"])
        self._check_secrets(body)
        tool["tool_config"] = body["tool_config"]
        tool["response_mocks"] = body.get("response_mocks")
        self._put(tool)

    def listed(self, call: Call) -> Answer:
        """One page of tools."""
        search = (call.query["search"] or "").casefold()
        types = call.query["types"]

        def wanted(row: Json) -> bool:
            return row["name"].casefold().startswith(search) and (
                not types or row["body"]["tool_config"]["type"] in types
            )

        page = page_of(self._space.tool_index, call.query, wanted=wanted)
        return json_answer(
            {
                "tools": [row["body"] for row in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def delete(self, call: Call) -> Answer:
        """Forget a tool; one that an agent uses only with ``force``."""
        tool = self.known(call.values["tool_id"])
        users = self._dependents.of_tool(tool["id"])
        if users and not call.query["force"]:
            message = (
                f"Tool {tool['id']} is used by {len(users)} agent(s); "
                "pass force=true to delete it anyway."
            )
            return current(409, "tool_has_dependents", message, param="tool_id")
        self.remove(tool)
        return json_answer({})

    def remove(self, tool: Json) -> None:
        """Forget a tool and take it out of the agents that use it."""
        for agent_id in self._dependents.of_tool(tool["id"]):
            self._dependents.detach_tool(agent_id, tool["id"])
        self._space.tools.drop(tool["id"])
        self._space.tool_index.change(tool["id"], None)

    def dependent_agents(self, call: Call) -> Answer:
        """Agents whose branches name the tool."""
        tool = self.known(call.values["tool_id"])
        branches = self._dependents.branches_with_tool(tool["id"])
        return json_answer(self._dependents.page(branches, call.query))

    def taken_from_prompt(self, body: Json, call_creator: Json) -> Json:
        """A body whose inline tools have become tools of the workspace, named by id.

        Raises Refused (400) when a body carries inline tools and tool ids.
        """
        prompt: object = body
        for name in ("conversation_config", "agent", "prompt"):
            prompt = prompt.get(name) if isinstance(prompt, dict) else None
        if not isinstance(prompt, dict) or "tools" not in prompt:
            return body
        inline = prompt["tools"] or []
        if inline and prompt.get("tool_ids"):
            raise refused(
                400,
                "both_tools_and_tool_ids_provided",
                "Both tools and tool_ids were provided; provide only one of them.",
            )
        rest = {name: value for name, value in prompt.items() if name != "tools"}
        if inline:
            self._take_inline(inline, rest, call_creator)
        config = dict(body["conversation_config"])
        config["agent"] = {**config["agent"], "prompt": rest}
        return {**body, "conversation_config": config}

    def _take_inline(self, inline: list[Json], prompt: Json, creator: Json) -> None:
        tool_ids: list[str] = []
        built_in = dict(prompt.get("built_in_tools") or {})
        for position, tool_config in enumerate(inline):
            if tool_config.get("type") == "system":
                built_in[str(tool_config.get("name"))] = tool_config
                continue
            checker = Checker()
            path = ("body", "conversation_config", "agent", "prompt", "tools", position)
            fields = shape_named(shape_named("Tool")["to"])["fields"]
            complete = checker.complete(fields["tool_config"], tool_config, path)
            if checker.flaws:
                raise unprocessable(checker.flaws)
            tool_ids.append(self._create({"tool_config": complete}, creator)["id"])
        if tool_ids:
            prompt["tool_ids"] = tool_ids
        if built_in:
            prompt["built_in_tools"] = built_in

    def expanded(self, prompt: Json) -> list[Json]:
        """The tools of a prompt, as reads show them beside their ids."""
        tools = all_of(self._space.tools, prompt["tool_ids"])
        built_in = prompt["built_in_tools"].values()
        return [*(dict(tool["tool_config"]) for tool in tools), *filter(None, built_in)]

    def known(self, tool_id: str) -> Json:
        """The tool of this id. Raises Refused (404)."""
        tool = self._space.tools.get(tool_id)
        if tool is None:
            raise not_found("Document", tool_id)
        return tool

    def _check_secrets(self, body: Json) -> None:
        for secret_id in named_secrets(body):
            if secret_id not in self._space.secrets:
                raise refused(
                    400,
                    "secret_not_found",
                    f"Secret with id {secret_id} not found.",
                    param="tool_config",
                )

    def _body(self, tool: Json) -> Json:
        return {
            "id": tool["id"],
            "tool_config": tool["tool_config"],
            "access_info": access(tool["creator"]),
            "usage_stats": {"total_calls": 0, "avg_latency_secs": 0.0},
            "response_mocks": tool["response_mocks"],
        }


def _check_sources(tool_config: Json) -> None:
    """Every value a webhook sends has exactly one source. Raises Refused (422)."""
    schema = tool_config.get("api_schema") or {}
    path = ("body", "tool_config", "webhook", "api_schema")
    flaws = [
        {
            "type": "value_error",
            "loc": list(location),
            "msg": f"Value error, Must set exactly one of: {', '.join(SOURCES)}",
            "input": value,
        }
        for name in PARAMETER_SCHEMAS
        for location, value in _literals(schema.get(name), (*path, name))
        if sum(bool(value.get(source)) for source in SOURCES) != 1
    ]
    if flaws:
        raise unprocessable(flaws)


def _literals(tree: object, path: Location) -> Iterator[tuple[Location, Json]]:
    if not isinstance(tree, dict):
        return
    if tree.get("type") in LITERAL_TYPES and "is_system_provided" in tree:
        yield path, tree
    elif "items" in tree:
        yield from _literals(tree["items"], (*path, "items"))
    else:
        for name, value in (tree.get("properties") or tree).items():
            yield from _literals(value, (*path, name))
