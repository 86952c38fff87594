"""Knowledge-base documents made from text.

Documents from files, addresses and folders are not served; their routes answer as unknown.
"""

from __future__ import annotations

import html

from simulators.elevenlabs.calls import FLAG, PAGING, TEXT, TEXTS, Call, Endpoint, page_of
from simulators.elevenlabs.dependents import Dependents
from simulators.elevenlabs.errors import current, not_found
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/knowledge-base"
DEFAULT_NAME = "Text document"


class Knowledge:
    """The documents of one account."""

    def __init__(self, workspace: Workspace, dependents: Dependents) -> None:
        self._space = workspace
        self._dependents = dependents

    def endpoints(self) -> list[Endpoint]:
        """Routes of documents."""
        one = PREFIX + "/{documentation_id}"
        listing = {
            **PAGING,
            "types": TEXTS,
            "parent_folder_id": TEXT,
            "ancestor_folder_id": TEXT,
            "folders_first": FLAG,
            "show_only_owned_documents": FLAG,
            "created_by_user_id": TEXT,
        }
        dependents = {"dependent_type": TEXT, "page_size": PAGING["page_size"], "cursor": TEXT}
        return [
            Endpoint("POST", PREFIX + "/text", self.create, body="TextDocument"),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get, query={"agent_id": TEXT}),
            Endpoint("PATCH", one, self.patch, body="DocumentPatch"),
            Endpoint("DELETE", one, self.delete, query={"force": FLAG}),
            Endpoint("GET", one + "/content", self.content),
            Endpoint("GET", one + "/dependent-agents", self.dependent_agents, query=dependents),
        ]

    def create(self, call: Call) -> Answer:
        """A document of the given text; names need not be unique."""
        now = self._space.now()
        document: Json = {
            "id": self._space.identifiers.plain(),
            "name": call.body.get("name") or DEFAULT_NAME,
            "text": call.body["text"],
            "creator": recorded(call.person),
            "created_at_unix_secs": now,
            "last_updated_at_unix_secs": now,
        }
        self._put(document)
        return json_answer({"id": document["id"], "name": document["name"], "folder_path": []})

    def _put(self, document: Json) -> None:
        self._space.documents.put(document["id"], document)
        self.show(document)

    def show(self, document: Json, *, at_once: bool = False) -> None:
        """Bring the document's row in the list up to date."""
        row = {**_shared(document), "dependent_agents": []}
        self._space.document_index.change(document["id"], row, at_once=at_once)

    def listed(self, call: Call) -> Answer:
        """One page of documents."""
        search = (call.query["search"] or "").casefold()
        types = call.query["types"]
        in_folder = call.query["parent_folder_id"] or call.query["ancestor_folder_id"]

        def wanted(row: Json) -> bool:
            named = row["name"].casefold().startswith(search)
            return named and not in_folder and (not types or row["type"] in types)

        page = page_of(self._space.document_index, call.query, wanted=wanted)
        return json_answer(
            {
                "documents": page.rows,
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def get(self, call: Call) -> Answer:
        """One document with its text as HTML."""
        return json_answer(_body(self._known(call)))

    def patch(self, call: Call) -> Answer:
        """Another name or text."""
        document = self._known(call)
        if call.body.get("name") is not None:
            document["name"] = call.body["name"]
        if call.body.get("content") is not None:
            document["text"] = call.body["content"]
        document["last_updated_at_unix_secs"] = self._space.now()
        self._put(document)
        return json_answer(_body(document))

    def delete(self, call: Call) -> Answer:
        """Forget a document; one that an agent uses only with ``force``."""
        document = self._known(call)
        users = self._dependents.of_document(document["id"])
        if users and not call.query["force"]:
            message = (
                f"Document {document['id']} is used by {len(users)} agent(s); "
                "pass force=true to delete it anyway."
            )
            return current(409, "document_has_dependents", message, param="documentation_id")
        for agent_id in users:
            self._dependents.detach_document(agent_id, document["id"])
        self._space.documents.drop(document["id"])
        self._space.document_index.change(document["id"], None)
        return json_answer({})

    def content(self, call: Call) -> Answer:
        """The document's text."""
        document = self._known(call)
        return Answer(
            status=200, body=document["text"].encode(), content_type="text/html; charset=utf-8"
        )

    def dependent_agents(self, call: Call) -> Answer:
        """Agents whose branches name the document."""
        document = self._known(call)
        agent_ids = self._dependents.of_document(document["id"])
        return json_answer(self._dependents.page(agent_ids, call.query))

    def _known(self, call: Call) -> Json:
        document_id = call.values["documentation_id"]
        document = self._space.documents.get(document_id)
        if document is None:
            raise not_found("Document", document_id)
        return document


def _shared(document: Json) -> Json:
    return {
        "id": document["id"],
        "name": document["name"],
        "metadata": {
            "created_at_unix_secs": document["created_at_unix_secs"],
            "last_updated_at_unix_secs": document["last_updated_at_unix_secs"],
            "size_bytes": len(document["text"].encode()),
        },
        "supported_usages": ["prompt", "auto"],
        "access_info": access(document["creator"]),
        "folder_parent_id": None,
        "folder_path": [],
        "type": "text",
    }


def _body(document: Json) -> Json:
    return {
        **_shared(document),
        "extracted_inner_html": html.escape(document["text"], quote=False),
        "content_format": "html",
    }
