"""Documents made from web pages and uploads: their text, their fields, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.simulators.conftest import World

Json = dict[str, Any]
DOCUMENTS = "/v1/convai/knowledge-base"
PAGE = "https://shop.example.com/hours?day=1&time=2"


def from_page(world: World, **body: Any) -> str:
    response = world.call("POST", f"{DOCUMENTS}/url", json={"url": PAGE, **body})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


def upload(world: World, filename: str, content: bytes, **fields: str) -> httpx.Response:
    files = {"file": (filename, content)}
    return world.call("POST", f"{DOCUMENTS}/file", files=files, data=fields)


def read(world: World, document_id: str) -> Json:
    found: Json = world.call("GET", f"{DOCUMENTS}/{document_id}").json()
    world.check("GET", f"{DOCUMENTS}/{document_id}", found)
    return found


def content(world: World, document_id: str) -> str:
    response = world.call("GET", f"{DOCUMENTS}/{document_id}/content")
    assert response.headers["content-type"].startswith("text/html")
    return response.text


def test_a_page_keeps_its_address_and_says_the_same_each_time(world: World) -> None:
    first, second = from_page(world), from_page(world, name="hours")
    one, other = read(world, first), read(world, second)
    assert (one["type"], one["url"], one["name"]) == ("url", PAGE, PAGE)
    assert (other["name"], other["auto_sync_info"]) == ("hours", None)
    assert one["extracted_inner_html"] == other["extracted_inner_html"] == content(world, first)
    assert "shop.example.com/hours?day=1&amp;time=2" in one["extracted_inner_html"]
    assert one["metadata"]["size_bytes"] == len(content(world, first).encode())


def test_a_page_says_something_else_after_a_refresh(world: World) -> None:
    document_id = from_page(world)
    before = content(world, document_id)
    world.steer("pages", {"url": PAGE, "html": "<p>closed</p>"})
    assert content(world, document_id) == before
    refreshed = world.call("POST", f"{DOCUMENTS}/{document_id}/refresh")
    assert refreshed.json()["extracted_inner_html"] == "<p>closed</p>"
    assert content(world, from_page(world)) == "<p>closed</p>"


def test_a_synchronised_page_is_not_edited_by_hand(world: World) -> None:
    document_id = from_page(world, enable_auto_sync=True, minimum_frequency_days=2)
    sync = read(world, document_id)["auto_sync_info"]
    assert (sync["minimum_frequency_days"], sync["auto_remove"]) == (2, False)
    path = f"{DOCUMENTS}/{document_id}"
    assert world.call("PATCH", path, json={"content": "mine"}).status_code == 400
    assert world.call("PATCH", path, json={"name": "mine"}).json()["name"] == "mine"
    assert world.call("PATCH", f"{DOCUMENTS}/{from_page(world)}", json={"content": "x"}).is_success


@pytest.mark.parametrize("url", ["shop.example.com", "ftp://shop.example.com", "https://", ""])
def test_what_is_no_address_is_refused(world: World, url: str) -> None:
    refused = world.call("POST", f"{DOCUMENTS}/url", json={"url": url})
    assert (refused.status_code, refused.json()["detail"]["param"]) == (400, "url")


def test_a_text_file_is_its_own_text(world: World) -> None:
    made = upload(world, "menu.txt", b"Suppe & Brot <warm>", name="menu").json()
    document = read(world, made["id"])
    assert (document["type"], document["name"]) == ("file", "menu")
    assert document["filename"] == "menu.txt"
    assert document["extracted_inner_html"] == "Suppe &amp; Brot &lt;warm&gt;"
    assert content(world, made["id"]) == "Suppe & Brot <warm>"
    assert document["metadata"]["size_bytes"] == 19


def test_a_page_in_a_file_is_html_already(world: World) -> None:
    made = upload(world, "menu.HTML", b"<b>Soup</b>").json()
    assert made["name"] == "menu.HTML"
    assert read(world, made["id"])["extracted_inner_html"] == "<b>Soup</b>"


def test_another_kind_of_file_says_what_it_is(world: World) -> None:
    binary = b"%PDF-1.7\x00\xff\xfe"
    one, same, other = (
        content(world, upload(world, "menu.pdf", data).json()["id"])
        for data in (binary, binary, binary + b"\x00")
    )
    assert one == same != other
    assert one.startswith(f"menu.pdf: {len(binary)} bytes, SHA-256 ")


def test_another_file_takes_the_place_of_the_first(world: World) -> None:
    document_id = upload(world, "menu.txt", b"Soup", name="menu").json()["id"]
    world.call("PATCH", f"{DOCUMENTS}/{document_id}", json={"content": "edited by hand"})
    path = f"{DOCUMENTS}/{document_id}/update-file"
    replaced = world.call("PATCH", path, files={"file": ("new.txt", b"Bread")}).json()
    assert (replaced["name"], replaced["filename"]) == ("new.txt", "new.txt")
    assert content(world, document_id) == "Bread"
    refused = world.call(
        "PATCH", f"{DOCUMENTS}/{from_page(world)}/update-file", files={"file": ("a", b"a")}
    )
    assert refused.status_code == 400
    assert world.call("POST", f"{DOCUMENTS}/{document_id}/refresh").status_code == 400


def test_a_form_without_a_file_names_the_place(world: World) -> None:
    for arguments in (
        {"data": {"name": "menu"}},
        {"files": {"other": ("a", b"a")}},
        {"json": {"file": "menu"}},
        {"content": b""},
    ):
        response = world.call("POST", f"{DOCUMENTS}/file", **arguments)
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "file"]


def test_a_field_in_the_place_of_a_file(world: World) -> None:
    form = {"file": (None, b"not a file")}
    response = world.call("POST", f"{DOCUMENTS}/file", files=form)
    assert response.status_code == 422
    assert "Expected UploadFile" in response.json()["detail"][0]["msg"]


def test_a_form_that_is_none_and_a_file_that_is_empty(world: World) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    broken = world.call("POST", f"{DOCUMENTS}/file", content=b"no form", headers=headers)
    assert (broken.status_code, broken.json()["detail"]["code"]) == (400, "invalid_form")
    empty = upload(world, "menu.txt", b"")
    assert (empty.status_code, empty.json()["detail"]["code"]) == (400, "empty_file")


def test_the_list_tells_the_kinds_apart(world: World) -> None:
    from_page(world)
    upload(world, "menu.txt", b"Soup")
    world.call("POST", f"{DOCUMENTS}/text", json={"text": "Open."})
    listed = world.call("GET", DOCUMENTS).json()
    world.check("GET", DOCUMENTS, listed)
    assert [row["type"] for row in listed["documents"]] == ["text", "file", "url"]
    only = world.call("GET", DOCUMENTS, params={"types": ["url", "file"]}).json()["documents"]
    assert [row["type"] for row in only] == ["file", "url"]


def test_an_agent_uses_each_kind(world: World) -> None:
    ids = {"url": from_page(world), "file": upload(world, "a.txt", b"a").json()["id"]}
    named = [{"type": kind, "name": kind, "id": ids[kind]} for kind in ids]
    config = {"agent": {"prompt": {"knowledge_base": named}}}
    agent_id = world.new_agent(conversation_config=config)
    for document_id in ids.values():
        path = f"{DOCUMENTS}/{document_id}"
        users = world.call("GET", f"{path}/dependent-agents").json()["agents"]
        assert [user["id"] for user in users] == [agent_id]
        assert world.call("DELETE", path).status_code == 409


def test_there_are_no_folders_to_put_a_document_into(world: World) -> None:
    for response in (
        world.call("POST", f"{DOCUMENTS}/url", json={"url": PAGE, "parent_folder_id": "f"}),
        world.call("POST", f"{DOCUMENTS}/text", json={"text": "x", "parent_folder_id": "f"}),
        upload(world, "a.txt", b"a", parent_folder_id="f"),
    ):
        assert response.status_code == 400
        assert response.json()["detail"]["param"] == "parent_folder_id"
