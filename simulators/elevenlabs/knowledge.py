"""Knowledge-base documents made from text, files and web pages.

Folders are not served; their routes answer as unknown and nothing can be put into one. What a page
or a file says is the business of ``extraction``: nothing is fetched.
"""

from __future__ import annotations

from simulators.elevenlabs import extraction
from simulators.elevenlabs.calls import FLAG, PAGING, TEXT, TEXTS, Call, Endpoint, page_of
from simulators.elevenlabs.dependents import Dependents
from simulators.elevenlabs.errors import current, not_found, refused
from simulators.elevenlabs.extraction import Extract
from simulators.elevenlabs.forms import Upload
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.wire import Answer, Json, json_answer

PREFIX = "/v1/convai/knowledge-base"
DEFAULT_NAME = "Text document"
DEFAULT_SYNC_DAYS = 7
SECONDS_A_DAY = 86_400


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
            Endpoint("POST", PREFIX + "/text", self.create_from_text, body="TextDocument"),
            Endpoint("POST", PREFIX + "/url", self.create_from_url, body="UrlDocument"),
            Endpoint(
                "POST",
                PREFIX + "/file",
                self.create_from_file,
                body="FileDocument",
                uploads=("file",),
            ),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get, query={"agent_id": TEXT}),
            Endpoint("PATCH", one, self.patch, body="DocumentPatch"),
            Endpoint(
                "PATCH",
                one + "/update-file",
                self.update_file,
                body="FileReplacement",
                uploads=("file",),
            ),
            Endpoint("POST", one + "/refresh", self.refresh),
            Endpoint("DELETE", one, self.delete, query={"force": FLAG}),
            Endpoint("GET", one + "/content", self.content),
            Endpoint("GET", one + "/dependent-agents", self.dependent_agents, query=dependents),
        ]

    def create_from_text(self, call: Call) -> Answer:
        """A document of the given text; names need not be unique."""
        extract = extraction.of_text(call.body["text"])
        return self._create(call, "text", DEFAULT_NAME, extract)

    def create_from_url(self, call: Call) -> Answer:
        """A document of what a page says."""
        url = call.body["url"]
        if not extraction.is_address(url):
            raise refused(400, "invalid_url", f"{url} is not a valid URL.", param="url")
        extract = extraction.of_page(url, self._page(url))
        details = {"url": url, "sync": self._sync(call.body)}
        return self._create(call, "url", url, extract, **details)

    def _page(self, url: str) -> str | None:
        page = self._space.pages.get(url)
        return page["html"] if page else None

    def _sync(self, body: Json) -> Json | None:
        if not body["enable_auto_sync"]:
            return None
        days = body["minimum_frequency_days"] or DEFAULT_SYNC_DAYS
        return {
            "minimum_frequency_days": days,
            "auto_remove": body["auto_remove"],
            "consec_failures": 0,
            "next_refresh_by": self._space.now() + days * SECONDS_A_DAY,
        }

    def create_from_file(self, call: Call) -> Answer:
        """A document of what an uploaded file says."""
        upload = _filled(call.files["file"])
        extract = extraction.of_file(upload.filename, upload.content)
        details = {"filename": upload.filename}
        return self._create(call, "file", upload.filename, extract, **details)

    def _create(
        self, call: Call, kind: str, default_name: str, extract: Extract, **details: object
    ) -> Answer:
        folder_id = call.body.get("parent_folder_id")
        if folder_id:
            message = f"Folder with id {folder_id} not found."
            raise refused(400, "document_not_found", message, param="parent_folder_id")
        now = self._space.now()
        document: Json = {
            "id": self._space.identifiers.plain(),
            "type": kind,
            "name": call.body.get("name") or default_name,
            "creator": recorded(call.person),
            "created_at_unix_secs": now,
            "last_updated_at_unix_secs": now,
            **extract.record(),
            **details,
        }
        self._put(document)
        return json_answer({"id": document["id"], "name": document["name"], "folder_path": []})

    def _put(self, document: Json) -> None:
        self._space.documents.put(document["id"], document)
        self.show(document)

    def show(self, document: Json, *, at_once: bool = False) -> None:
        """Bring the document's row in the list up to date."""
        # A state folder may come from a release that knew documents from text only.
        for name, value in extraction.of_text(document["text"]).record().items():
            document.setdefault(name, value)
        document.setdefault("type", "text")
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
        return json_answer(_body(self._asked(call)))

    def patch(self, call: Call) -> Answer:
        """Another name or text."""
        document = self._asked(call)
        self.edit(document, call.body)
        return json_answer(_body(document))

    def edit(self, document: Json, body: Json) -> None:
        """Someone's change of a document. Raises Refused (400)."""
        content = body.get("content")
        if content is not None and document.get("sync"):
            message = "The content of a document with auto-sync cannot be edited."
            raise refused(400, "document_has_auto_sync", message, param="content")
        if body.get("name") is not None:
            document["name"] = body["name"]
        if content is not None:
            document.update(extraction.edited(content, document["is_html"]).record())
        self._touch(document)

    def _touch(self, document: Json) -> None:
        document["last_updated_at_unix_secs"] = self._space.now()
        self._put(document)

    def update_file(self, call: Call) -> Answer:
        """Another file in the place of the one a document was made of."""
        document = self._asked(call)
        self._check_type(document, "file")
        upload = _filled(call.files["file"])
        document.update(extraction.of_file(upload.filename, upload.content).record())
        document.update(name=upload.filename, filename=upload.filename)
        self._touch(document)
        return json_answer(_body(document))

    def refresh(self, call: Call) -> Answer:
        """What the page of a document says now."""
        document = self._asked(call)
        self._check_type(document, "url")
        url = document["url"]
        document.update(extraction.of_page(url, self._page(url)).record())
        self._touch(document)
        return json_answer(_body(document))

    @staticmethod
    def _check_type(document: Json, kind: str) -> None:
        if document["type"] != kind:
            message = f"Document {document['id']} was not made from a {kind}."
            raise refused(400, "invalid_document_type", message, param="documentation_id")

    def delete(self, call: Call) -> Answer:
        """Forget a document; one that an agent uses only with ``force``."""
        document = self._asked(call)
        users = self._dependents.of_document(document["id"])
        if users and not call.query["force"]:
            message = (
                f"Document {document['id']} is used by {len(users)} agent(s); "
                "pass force=true to delete it anyway."
            )
            return current(409, "document_has_dependents", message, param="documentation_id")
        self.remove(document)
        return json_answer({})

    def remove(self, document: Json) -> None:
        """Forget a document and take it out of the agents that use it."""
        for agent_id in self._dependents.of_document(document["id"]):
            self._dependents.detach_document(agent_id, document["id"])
        self._space.documents.drop(document["id"])
        self._space.document_index.change(document["id"], None)

    def content(self, call: Call) -> Answer:
        """The document's text."""
        document = self._asked(call)
        return Answer(
            status=200, body=document["text"].encode(), content_type="text/html; charset=utf-8"
        )

    def dependent_agents(self, call: Call) -> Answer:
        """Agents whose branches name the document."""
        document = self._asked(call)
        branches = self._dependents.branches_with_document(document["id"])
        return json_answer(self._dependents.page(branches, call.query))

    def _asked(self, call: Call) -> Json:
        return self.known(call.values["documentation_id"])

    def known(self, document_id: str) -> Json:
        """The document of this id. Raises Refused (404)."""
        document = self._space.documents.get(document_id)
        if document is None:
            raise not_found("Document", document_id)
        return document


def _filled(upload: Upload) -> Upload:
    if not upload.content:
        raise refused(400, "empty_file", "The uploaded file is empty.", param="file")
    return upload


def _shared(document: Json) -> Json:
    return {
        "id": document["id"],
        "name": document["name"],
        "metadata": {
            "created_at_unix_secs": document["created_at_unix_secs"],
            "last_updated_at_unix_secs": document["last_updated_at_unix_secs"],
            "size_bytes": document["size_bytes"],
        },
        "supported_usages": ["prompt", "auto"],
        "access_info": access(document["creator"]),
        "folder_parent_id": None,
        "folder_path": [],
        "type": document["type"],
        **_particulars(document),
    }


def _particulars(document: Json) -> Json:
    if document["type"] == "url":
        return {"url": document["url"], "auto_sync_info": document["sync"]}
    if document["type"] == "file":
        nothing = dict.fromkeys(("external_sync_info", "auto_sync_info", "refresh_status"))
        return {**nothing, "is_frozen": False}
    return {}


def _body(document: Json) -> Json:
    body = {
        **_shared(document),
        "extracted_inner_html": extraction.inner_html(document["text"], document["is_html"]),
        "content_format": "html",
    }
    if document["type"] == "file":
        body["filename"] = document["filename"]
    return body
