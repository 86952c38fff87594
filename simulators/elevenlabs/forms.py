"""Uploads: what a multipart form holds, read the way the vendor's framework reads it.

Fields come out as text, files as bytes with their name. Which of them a route wants is the
route's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from simulators.elevenlabs.errors import refused
from simulators.limits import MAX_UPLOAD_BYTES
from simulators.wire import Request

FORM = b"multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form."""

    filename: str
    content: bytes


@dataclass(slots=True)
class Form:
    """The parts of a form by name; the last of a name wins."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def add_field(self, part: Any) -> None:
        """Take a text part from the parser."""
        name = (part.field_name or b"").decode("utf-8", "replace")
        self.fields[name] = (part.value or b"").decode("utf-8", "replace")

    def add_file(self, part: Any) -> None:
        """Take a file part from the parser."""
        name = (part.field_name or b"").decode("utf-8", "replace")
        part.file_object.seek(0)
        self.files[name] = Upload(
            filename=(part.file_name or b"").decode("utf-8", "replace"),
            content=part.file_object.read(),
        )
        part.close()


def parsed_form(request: Request) -> Form:
    """The form a request carries, empty when it carries none. Raises Refused (400)."""
    form = Form()
    content_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if content_type != FORM or not boundary:
        return form
    parser = FormParser(
        FORM.decode(),
        form.add_field,
        form.add_file,
        boundary=boundary,
        config={"MAX_MEMORY_FILE_SIZE": MAX_UPLOAD_BYTES},
    )
    try:
        parser.write(request.body)
        parser.finalize()
    except FormParserError as error:
        raise refused(400, "invalid_form", "There was an error parsing the body.") from error
    return form


def tree_of(form: Form) -> dict[str, str]:
    """Fields and the names of files as one body, as the published shapes describe it."""
    return {**form.fields, **{name: upload.filename for name, upload in form.files.items()}}
