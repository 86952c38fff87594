"""A file that is uploaded is read byte by byte, is what its name says, and has a bound."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from trunkline.manifests import Caches, DirectoryTree, Inspection, check, load
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.limits import UPLOAD_FILE_MAX_BYTES, UPLOADS_MAX_BYTES
from trunkline.model.resolution import Wishlist, wishes

Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]
Look = Callable[[Mapping[str, str | bytes]], Inspection]

PDF = b"%PDF-1.7\r\n\x00\xff\xfe\x80 not text\r\n%%EOF"
ZIP = b"PK\x03\x04\x14\x00\x00\x00"
TEXT = "\ufeffNine to five\r\n".encode()


def document(file: str, *, upload: bool = True, name: str = "hours") -> str:
    sent = ", upload: true" if upload else ""
    return (
        f"apiVersion: trunkline/v1alpha1\nkind: KnowledgeDocument\nmetadata: {{ name: {name} }}\n"
        f"spec: {{ title: Hours, source: {{ file: {file}{sent} }} }}\n"
    )


def wanted(write: Write, file: str, content: bytes) -> Wishlist:
    return wishes(load(write({"knowledge.yaml": document(file), file: content}), caches=Caches()))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("hours.pdf", PDF),
        ("hours.PDF", b"\n" + PDF),
        ("hours.docx", ZIP),
        ("hours.epub", ZIP),
        ("hours.html", b"<p>Nine to five</p>"),
        ("hours.txt", TEXT),
        ("hours.md", TEXT),
    ],
)
def test_bytes_are_kept_as_they_are(file: str, content: bytes, write: Write) -> None:
    found = wanted(write, file, content)
    [wished] = found.agents[0].documents
    assert wished.source == "file"
    assert wished.file_type == file.rpartition(".")[2].lower()
    assert wished.content_digest == digest_of_bytes(content)
    assert found.contents == {digest_of_bytes(content): content}


def test_one_byte_more_is_another_document(write: Write) -> None:
    first = wanted(write, "hours.pdf", PDF).agents[0]
    second = wanted(write, "hours.pdf", PDF + b"\n").agents[0]
    assert first.documents[0].digest != second.documents[0].digest
    assert first.digest != second.digest


def test_another_kind_of_file_is_another_document_and_another_name_is_not(write: Write) -> None:
    text = wanted(write, "hours.txt", TEXT).agents[0].documents[0]
    renamed = wanted(write, "opening.txt", TEXT).agents[0].documents[0]
    page = wanted(write, "hours.html", TEXT).agents[0].documents[0]
    assert text.digest == renamed.digest
    assert text.digest != page.digest


def test_one_file_is_uploaded_here_and_text_there(write: Write) -> None:
    tree = write(
        {
            "knowledge.yaml": document("hours.txt"),
            "more.yaml": document("hours.txt", upload=False, name="more"),
            "hours.txt": TEXT,
        }
    )
    found = load(tree, caches=Caches())
    assert found.uploads["hours.txt"].content == TEXT
    assert found.contents["hours.txt"].text == "Nine to five\n"


def test_an_unchanged_file_is_the_very_same_object_in_the_next_tree(write: Write) -> None:
    files: dict[str, str | bytes] = {"knowledge.yaml": document("hours.pdf"), "hours.pdf": PDF}
    caches = Caches()
    first, second = (load(write(files), caches=caches) for _ in range(2))
    assert first.uploads["hours.pdf"] is second.uploads["hours.pdf"]


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("hours.pdf", b"", "is empty"),
        ("hours.pdf", ZIP, "is no PDF, whatever its name says"),
        ("hours.docx", PDF, "is no .docx file"),
        ("hours.epub", b"\xd0\xcf\x11\xe0", "is no .epub file"),
        ("hours.html", b"<p>\xff</p>", "is not UTF-8 text"),
        ("hours.txt", b"a\x00b", "is not text: it holds a NUL"),
        ("hours.md", b" \r\n", "is empty"),
        (
            "hours.pdf",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "is a pointer of Git LFS",
        ),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    file: str, content: bytes, words: str, look: Look
) -> None:
    found = look({"knowledge.yaml": document(file), file: content})
    [problem] = found.problems
    assert (problem.position.line, problem.position.column) == (4, 39)
    assert f"`{file}` {words}" in problem.message


def test_a_file_that_is_too_large_is_refused(write: Write, tmp_path: Path) -> None:
    write({"knowledge.yaml": document("hours.pdf"), "hours.pdf": PDF})
    os.truncate(tmp_path / "hours.pdf", UPLOAD_FILE_MAX_BYTES + 1)
    [problem] = check(DirectoryTree(tmp_path), caches=Caches())
    assert problem.message == f"`hours.pdf` is larger than {UPLOAD_FILE_MAX_BYTES} bytes"


class LargeFiles(DirectoryTree):
    """A folder in which every PDF is as large as one may be."""

    def size(self, path: str) -> int:
        """The bound for a PDF, what the disk says for anything else."""
        return UPLOAD_FILE_MAX_BYTES if path.endswith(".pdf") else super().size(path)


def test_all_files_of_a_tree_together_have_a_bound(write: Write, tmp_path: Path) -> None:
    fitting = UPLOADS_MAX_BYTES // UPLOAD_FILE_MAX_BYTES
    names = [f"d{n}" for n in range(fitting + 1)]
    documents = {f"{name}.yaml": document(f"{name}.pdf", name=name) for name in names}
    again = {"again.yaml": document("d0.pdf", name="again")}
    write({**documents, **again, **{f"{name}.pdf": PDF for name in names}})
    [problem] = check(LargeFiles(tmp_path), caches=Caches())
    assert problem.message.endswith(f"come to more than {UPLOADS_MAX_BYTES} bytes")
