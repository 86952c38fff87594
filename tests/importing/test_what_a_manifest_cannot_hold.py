"""What is too much for a manifest stays as it is on the platform, and the rest stays a manifest."""

from __future__ import annotations

from typing import Any

from trunkline.model.ids import ExternalId
from trunkline.model.importing import imported
from trunkline.model.imports import (
    Account,
    DerivedAgent,
    DerivedDocument,
    DocumentUse,
    ImportedManifest,
    ImportReport,
    KnownInGit,
)
from trunkline.model.limits import CONTENT_FILE_MAX_BYTES, PROMPT_MAX_CHARACTERS


def agent(**said: Any) -> DerivedAgent:
    facts: dict[str, Any] = {
        "external_id": ExternalId("agent_1"),
        "display_name": "Desk",
        "spec": {"displayName": "Desk"},
        "prompt": "You answer.",
        "builtins": (),
        "tool_ids": (),
        "documents": (),
        "left_out": (),
        **said,
    }
    return DerivedAgent(**facts)


def one_agent(
    wanted: DerivedAgent, *documents: DerivedDocument
) -> tuple[dict[str, ImportedManifest], ImportReport]:
    account = Account(
        agents=(wanted,),
        documents=documents,
        agent_names={wanted.external_id: "desk"},
        document_names={document.external_id: "hours" for document in documents},
    )
    made, report = imported(account, project="acme", environment="testing", known=KnownInGit())
    return {manifest.kind: manifest for manifest in made}, report


def test_a_prompt_that_just_fits_comes_along() -> None:
    found, report = one_agent(agent(prompt="x" * (PROMPT_MAX_CHARACTERS - 1)))
    assert len(found["Agent"].files["prompt.md"]) == PROMPT_MAX_CHARACTERS
    assert report.left_out == ()


def test_a_prompt_no_commit_may_have_stays_where_it_is() -> None:
    found, report = one_agent(agent(prompt="x" * PROMPT_MAX_CHARACTERS))
    assert found["Agent"].files == {}
    assert found["Agent"].document["spec"] == {"displayName": "Desk"}
    (left,) = report.left_out
    assert (left.name, left.path) == ("desk", "spec.prompt")


def test_a_document_no_commit_may_have_stays_and_so_does_the_list_of_its_agent() -> None:
    document_id = ExternalId("doc_1")
    large = DerivedDocument(
        external_id=document_id,
        title="Hours",
        source="text",
        url=None,
        text="x" * (CONTENT_FILE_MAX_BYTES + 1),
    )
    found, report = one_agent(agent(documents=(DocumentUse(document_id, "auto"),)), large)
    assert set(found) == {"Agent"}
    assert [note.kind for note in report.skipped] == ["KnowledgeDocument"]
    assert [note.path for note in report.left_out] == ["spec.knowledge"]


def test_nothing_empty_is_left_where_a_key_was_refused() -> None:
    spec = {"displayName": "Desk", "variables": {"two words": "x"}}
    found, report = one_agent(agent(spec=spec))
    assert "variables" not in str(found["Agent"].document)
    assert len(report.left_out) == 1


def test_names_and_messages_of_several_lines_come_along() -> None:
    spec = {"displayName": "Desk\n", "firstMessage": "Hello\nthere\n\n"}
    found, report = one_agent(agent(spec=spec))
    written = found["Agent"].document["spec"]
    assert isinstance(written, dict)
    assert (written["displayName"], written["firstMessage"]) == ("Desk\n", "Hello\nthere\n\n")
    assert report.left_out == ()
