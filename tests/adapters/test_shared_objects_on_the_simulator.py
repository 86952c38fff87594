"""Tools, documents and secrets carry their mark and are found by exactly that mark."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.desired import DesiredDocument, DesiredTool, SecretReference
from trunkline.model.errors import OutcomeUnknown, Rejected, RemoteMissing
from trunkline.model.ids import Digest, ExternalId, content_mark, secret_title

if TYPE_CHECKING:
    from tests.adapters.conftest import Simulated
    from trunkline.model.ledger import SharedKind

DIGEST = Digest("sha256:" + "ab" * 32)
MARK = content_mark("acme", "testing", "thing", DIGEST)
TITLE = secret_title("acme", "testing", "TRUNKLINE_SECRET_ACME_BOOKING")
TIMEOUT_S = 60.0
PAGE = "https://shop.example.com/hours"


def tool(function: str = "book_slot") -> DesiredTool:
    return DesiredTool(
        name="thing",
        digest=DIGEST,
        type="webhook",
        function=function,
        description="Books an appointment",
        method="POST",
        url="https://booking.example.com/slots",
        headers={"Authorization": SecretReference(secret="TRUNKLINE_SECRET_ACME_BOOKING")},
        parameters={
            "type": "object",
            "required": ["slot"],
            "properties": {"slot": {"type": "string", "description": "ISO time"}},
        },
    )


def document(**fields: Any) -> DesiredDocument:
    facts = {"source": "text", **fields}
    return DesiredDocument(name="thing", digest=DIGEST, title="Opening hours", **facts)


async def test_a_tool_is_found_by_its_mark_alone(simulated: Simulated) -> None:
    voice = await simulated.voice()
    secret_id = await voice.create_secret(TITLE, "s3cret", timeout_s=TIMEOUT_S)
    secret_ids = {"TRUNKLINE_SECRET_ACME_BOOKING": secret_id}
    created = [
        await voice.create_tool(tool(name), mark=mark, secret_ids=secret_ids, timeout_s=TIMEOUT_S)
        for name, mark in (("first", MARK), ("second", f"{MARK}0"), ("third", MARK))
    ]
    found = await voice.find_objects("tool", MARK)
    assert [each.external_id for each in found] == [created[0], created[2]]
    assert {each.mark for each in found} == {MARK}


async def test_a_document_is_found_by_the_end_of_its_title(simulated: Simulated) -> None:
    voice = await simulated.voice()
    created = await voice.create_document(
        document(), mark=MARK, content=b"Nine to five.", timeout_s=TIMEOUT_S
    )
    await voice.create_document(
        document(), mark=f"{MARK}0", content=b"Nine to six.", timeout_s=TIMEOUT_S
    )
    (found,) = await voice.find_objects("document", MARK)
    assert (found.external_id, found.mark) == (created, MARK)
    assert found.created_at_s > 0


async def test_a_secret_is_found_by_its_title_and_changed_in_place(simulated: Simulated) -> None:
    voice = await simulated.voice()
    created = await voice.create_secret(TITLE, "one", timeout_s=TIMEOUT_S)
    await voice.create_secret(f"{TITLE}_2", "other", timeout_s=TIMEOUT_S)
    await voice.update_secret(created, TITLE, "two", timeout_s=TIMEOUT_S)
    (by_title,) = await voice.find_objects("secret", TITLE)
    (by_owner,) = await voice.find_objects("secret", TITLE.removeprefix("trunkline:"))
    assert by_title.external_id == by_owner.external_id == created
    assert by_title.mark == TITLE


@pytest.mark.parametrize("kind", ["tool", "document", "secret"])
async def test_nothing_is_found_where_nothing_is(kind: SharedKind, simulated: Simulated) -> None:
    assert await (await simulated.voice()).find_objects(kind, MARK) == ()


async def test_more_documents_than_a_page_holds_are_all_seen(simulated: Simulated) -> None:
    voice = await simulated.voice()
    wanted = await voice.create_document(document(), mark=MARK, content=b"x", timeout_s=TIMEOUT_S)
    others = (
        voice.create_document(document(), mark=f"o{n}", content=b"x", timeout_s=TIMEOUT_S)
        for n in range(101)
    )
    await asyncio.gather(*others)
    last = await voice.create_document(document(), mark=MARK, content=b"x", timeout_s=TIMEOUT_S)
    found = await voice.find_objects("document", MARK)
    assert {each.external_id for each in found} == {wanted, last}


async def test_a_tool_whose_answer_is_lost_is_in_doubt_and_found(simulated: Simulated) -> None:
    voice = await simulated.voice()
    secret_id = await voice.create_secret(TITLE, "s3cret", timeout_s=TIMEOUT_S)
    fault = {"kind": "drop-after", "method": "POST", "route": "/v1/convai/tools", "nth": 1}
    await simulated.voice_does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await voice.create_tool(
            tool(),
            mark=MARK,
            secret_ids={"TRUNKLINE_SECRET_ACME_BOOKING": secret_id},
            timeout_s=TIMEOUT_S,
        )
    assert len(await voice.find_objects("tool", MARK)) == 1


async def test_a_page_is_fetched_by_the_vendor(simulated: Simulated) -> None:
    voice = await simulated.voice()
    await simulated.voice_does("pages", {"url": PAGE, "html": "<p>Nine to five</p>"})
    created = await voice.create_document(
        document(source="url", url=PAGE), mark=MARK, content=b"", timeout_s=TIMEOUT_S
    )
    (found,) = await voice.find_objects("document", MARK)
    assert found.external_id == created
    observed = await voice.inventory.document(created)
    assert (observed.kind, observed.url, observed.title) == ("url", PAGE, "Opening hours")
    assert await voice.inventory.document_text(created) == "<p>Nine to five</p>"


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)) * 64, b"%PDF-1.7\r\n--boundary--\r\n\x00", b"\xff" * 9_000_000],
    ids=["every byte", "looks like a form", "nine megabytes"],
)
async def test_the_bytes_of_a_file_arrive_as_they_are(content: bytes, simulated: Simulated) -> None:
    voice = await simulated.voice()
    created = await voice.create_document(
        document(source="file", file_type="pdf"), mark=MARK, content=content, timeout_s=TIMEOUT_S
    )
    told = await voice.inventory.document_text(created)
    digest = hashlib.sha256(content).hexdigest()
    assert told == f"thing.pdf: {len(content)} bytes, SHA-256 {digest}"
    (found,) = await voice.find_objects("document", MARK)
    assert found.external_id == created
    assert (await voice.inventory.document(created)).kind == "file"


async def test_the_text_in_a_file_keeps_its_line_ends_and_its_mark_of_order(
    simulated: Simulated,
) -> None:
    voice = await simulated.voice()
    content = "\ufeffSuppe\r\nBrot\r\n".encode()
    created = await voice.create_document(
        document(source="file", file_type="txt"), mark=MARK, content=content, timeout_s=TIMEOUT_S
    )
    assert (await voice.inventory.document_text(created)).encode() == content


async def test_a_file_whose_answer_is_lost_is_in_doubt_and_found(simulated: Simulated) -> None:
    voice = await simulated.voice()
    route = "/v1/convai/knowledge-base/file"
    fault = {"kind": "drop-after", "method": "POST", "route": route, "nth": 1}
    await simulated.voice_does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await voice.create_document(
            document(source="file", file_type="pdf"),
            mark=MARK,
            content=b"%PDF-1.7",
            timeout_s=TIMEOUT_S,
        )
    assert len(await voice.find_objects("document", MARK)) == 1


async def test_a_whole_website_is_refused_unsent(simulated: Simulated) -> None:
    voice = await simulated.voice()
    site = document(source="website", url="https://shop.example.com")
    with pytest.raises(Rejected, match="website"):
        await voice.create_document(site, mark=MARK, content=b"", timeout_s=TIMEOUT_S)
    assert await voice.find_objects("document", MARK) == ()


async def test_a_secret_that_is_gone_is_missing(simulated: Simulated) -> None:
    voice = await simulated.voice()
    with pytest.raises(RemoteMissing):
        await voice.update_secret(ExternalId("nobody"), TITLE, "v", timeout_s=TIMEOUT_S)
