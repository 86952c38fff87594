"""The platform's own tests of agents: create, read, replace, delete, list.

A test belongs to the workspace and names no agent; running one is the business of `invocations`.
There are no folders here.
"""

from __future__ import annotations

from simulators.elevenlabs.calls import (
    OPTIONAL_FLAG,
    PAGE_SIZE,
    TEXT,
    Call,
    Endpoint,
    checked,
    page_of,
)
from simulators.elevenlabs.errors import not_found, unprocessable
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/agent-testing"
SHAPES = {"llm": "ResponseTest", "tool": "ToolTest", "simulation": "SimulationTest"}
KINDS = (*SHAPES, "folder")


class AgentTests:
    """The tests of one account."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def endpoints(self) -> list[Endpoint]:
        """Routes of tests."""
        one = PREFIX + "/{test_id}"
        types = {"kind": "list", "of": {"kind": "enum", "values": list(KINDS)}, "nullable": True}
        listing = {
            "cursor": TEXT,
            "page_size": PAGE_SIZE,
            "search": TEXT,
            "parent_folder_id": TEXT,
            "types": types,
            "include_folders": OPTIONAL_FLAG,
            "sort_mode": {
                "kind": "enum",
                "values": ["default", "folders_first"],
                "default": "default",
            },
            "sharing_mode": {"kind": "enum", "values": ["all", "shared_with_me"], "default": "all"},
            "created_by_user_id": TEXT,
        }
        return [
            Endpoint("POST", PREFIX + "/create", self.create, body=_checked_test),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("POST", PREFIX + "/summaries", self.summaries, body="TestIds"),
            Endpoint("GET", one, self.get),
            Endpoint("PUT", one, self.replace, body=_checked_test),
            Endpoint("DELETE", one, self.delete),
        ]

    def create(self, call: Call) -> Answer:
        """A new test; names need not be unique."""
        test_id = self._space.identifiers.elevenlabs("test")
        now = self._space.now()
        test: Json = {
            "id": test_id,
            "body": self._kept(call.body),
            "creator": recorded(call.person),
            "created_at": now,
            "updated_at": now,
        }
        self._put(test)
        return json_answer({"id": test_id})

    def _kept(self, body: Json) -> Json:
        folder_id = body.get("parent_folder_id")
        if folder_id:
            raise not_found("Folder", folder_id)
        return {name: value for name, value in body.items() if name != "parent_folder_id"}

    def _put(self, test: Json) -> None:
        self._space.tests.put(test["id"], test)
        self.show(test)

    def show(self, test: Json, *, at_once: bool = False) -> None:
        """Bring the test's row in the list up to date."""
        row = {"name": test["body"]["name"], "body": _summary(test)}
        self._space.test_index.change(test["id"], row, at_once=at_once)

    def known(self, test_id: str) -> Json:
        """The test of this id. Raises Refused (404)."""
        test = self._space.tests.get(test_id)
        if test is None:
            raise not_found("Document", test_id)
        return test

    def get(self, call: Call) -> Answer:
        """One test."""
        return json_answer(_body(self.known(call.values["test_id"])))

    def replace(self, call: Call) -> Answer:
        """The whole test, another kind of test too."""
        test = self.known(call.values["test_id"])
        test.update(body=self._kept(call.body), updated_at=self._space.now())
        self._put(test)
        return json_answer(_body(test))

    def delete(self, call: Call) -> Answer:
        """Forget a test; agents it is attached to keep naming it."""
        test = self.known(call.values["test_id"])
        self._space.tests.drop(test["id"])
        self._space.test_index.change(test["id"], None)
        return json_answer({})

    def listed(self, call: Call) -> Answer:
        """One page of tests, newest first."""
        search = (call.query["search"] or "").casefold()
        types, folder = call.query["types"], call.query["parent_folder_id"]

        def wanted(row: Json) -> bool:
            return (
                search in row["name"].casefold()
                and (not types or row["body"]["type"] in types)
                and not folder
            )

        page = page_of(self._space.test_index, call.query, wanted=wanted)
        return json_answer(
            {
                "tests": [row["body"] for row in page.rows],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def summaries(self, call: Call) -> Answer:
        """Tests by id; those that are not there are left out."""
        found = ((test_id, self._space.tests.get(test_id)) for test_id in call.body["test_ids"])
        return json_answer(
            {"tests": {test_id: _summary(test) for test_id, test in found if test is not None}}
        )


def _checked_test(body: object) -> Json:
    """A test of whichever kind it says it is. Raises Refused (422)."""
    kind = body.get("type", "llm") if isinstance(body, dict) else "llm"
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        expected = ", ".join(f"'{name}'" for name in SHAPES)
        flaw = {
            "type": "union_tag_invalid",
            "loc": ["body"],
            "msg": f"Input tag '{kind}' found using 'type' does not match any of: {expected}",
            "input": body,
        }
        raise unprocessable([flaw])
    complete: Json = checked(shape, body)
    return {**complete, "type": kind}


def _body(test: Json) -> Json:
    return {"id": test["id"], **test["body"]}


def _summary(test: Json) -> Json:
    return {
        "id": test["id"],
        "name": test["body"]["name"],
        "access_info": access(test["creator"]),
        "created_at_unix_secs": test["created_at"],
        "last_updated_at_unix_secs": test["updated_at"],
        "type": test["body"]["type"],
        "entity_type": "test",
        "folder_parent_id": None,
        "folder_path": [],
        "children_count": None,
    }
