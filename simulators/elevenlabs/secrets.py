"""Workspace secrets: written, named, never shown."""

from __future__ import annotations

from simulators.elevenlabs.calls import PAGE_SIZE_OR_ALL, TEXT, Call, Endpoint, page_of
from simulators.elevenlabs.dependents import Dependents, identifier, named_secrets
from simulators.elevenlabs.errors import not_found, refused
from simulators.elevenlabs.workspace import Workspace, recorded
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/secrets"


class Secrets:
    """The secrets of one account; their values stay here."""

    def __init__(self, workspace: Workspace, dependents: Dependents) -> None:
        self._space = workspace
        self._dependents = dependents

    def endpoints(self) -> list[Endpoint]:
        """Routes of secrets."""
        one = PREFIX + "/{secret_id}"
        listing = {
            "page_size": PAGE_SIZE_OR_ALL,
            "dependency_limit": PAGE_SIZE_OR_ALL,
            "search": TEXT,
            "cursor": TEXT,
        }
        return [
            Endpoint("POST", PREFIX, self.create, body="SecretCreate"),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get),
            Endpoint("PATCH", one, self.update, body="SecretPatch"),
            Endpoint("DELETE", one, self.delete),
        ]

    def create(self, call: Call) -> Answer:
        """A new secret; names need not be unique."""
        secret_id = self._space.identifiers.plain()
        secret: Json = {
            "secret_id": secret_id,
            "name": call.body["name"],
            "value": call.body["value"],
            "creator": recorded(call.person),
        }
        self._put(secret)
        return json_answer(_brief(secret))

    def _put(self, secret: Json) -> None:
        self._space.secrets.put(secret["secret_id"], secret)
        self.show(secret)

    def show(self, secret: Json, *, at_once: bool = False) -> None:
        """Bring the secret's row in the list up to date."""
        row = {"name": secret["name"], "secret_id": secret["secret_id"]}
        self._space.secret_index.change(secret["secret_id"], row, at_once=at_once)

    def listed(self, call: Call) -> Answer:
        """Secrets with what uses them; all of them unless a page size is given."""
        search = call.query["search"] or ""

        def wanted(row: Json) -> bool:
            return str(row["name"]).startswith(search)

        page = page_of(self._space.secret_index, call.query, wanted=wanted)
        tools, agents = self._tools(), self._dependents.of_secrets()
        bodies = [_body(row, tools, agents) for row in page.rows]
        return json_answer({"secrets": bodies, "next_cursor": page.next_cursor})

    def get(self, call: Call) -> Answer:
        """One secret, without its value."""
        secret = self._known(call.values["secret_id"])
        return json_answer(_body(secret, self._tools(), self._dependents.of_secrets()))

    def update(self, call: Call) -> Answer:
        """Another name and value."""
        secret = self._known(call.values["secret_id"])
        secret.update(name=call.body["name"], value=call.body["value"])
        self._put(secret)
        return json_answer(_brief(secret))

    def delete(self, call: Call) -> Answer:
        """Forget a secret that nothing uses."""
        secret = self._known(call.values["secret_id"])
        secret_id = secret["secret_id"]
        if secret_id in self._tools() or secret_id in self._dependents.of_secrets():
            raise refused(
                409, "secret_in_use", f"Secret {secret['name']} is in use.", param="secret_id"
            )
        self._space.secrets.drop(secret["secret_id"])
        self._space.secret_index.change(secret["secret_id"], None)
        return Answer(status=204)

    def _known(self, secret_id: str) -> Json:
        secret = self._space.secrets.get(secret_id)
        if secret is None:
            raise not_found("Secret", secret_id)
        return secret

    def _tools(self) -> dict[str, list[Json]]:
        uses: dict[str, list[Json]] = {}
        for tool in self._space.tools:
            for secret_id in set(named_secrets(tool["tool_config"])):
                uses.setdefault(secret_id, []).append(tool)
        return uses


def _body(secret: Json, tools: dict[str, list[Json]], agents: dict[str, list[Json]]) -> Json:
    secret_id = secret["secret_id"]
    used_by = {
        "tools": [
            {
                "id": tool["id"],
                "name": tool["tool_config"]["name"],
                "type": "available",
                "created_at_unix_secs": tool["created_at_unix_secs"],
                "access_level": "admin",
            }
            for tool in tools.get(secret_id, ())
        ],
        "tools_has_more": False,
        "agents": [identifier(agent) for agent in agents.get(secret_id, ())],
        "agents_has_more": False,
        "phone_numbers": [],
        "phone_numbers_has_more": False,
        "mcp_servers": [],
        "others": [],
    }
    return {**_brief(secret), "used_by": used_by}


def _brief(secret: Json) -> Json:
    return {"type": "stored", "secret_id": secret["secret_id"], "name": secret["name"]}
