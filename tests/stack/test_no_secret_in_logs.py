"""Whatever is logged: known secrets, and what looks like a credential, are struck out."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from trunkline.telemetry import configure_logging, hide

SECRET = "sk_5f2b9c_do_not_show"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(secrets=[SECRET], stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_of_the_standard_library_is_one_line_of_json(stream: io.StringIO) -> None:
    logging.getLogger("adapters").info("asked %s", "ElevenLabs", extra={"request_id": "r-1"})
    (record,) = records(stream)
    assert record["event"] == "asked ElevenLabs"
    assert (record["level"], record["logger"], record["request_id"]) == ("info", "adapters", "r-1")


def test_a_known_secret_is_struck_out_of_the_message(stream: io.StringIO) -> None:
    logging.getLogger("any").warning("key %s refused", SECRET)
    assert records(stream)[0]["event"] == "key [redacted] refused"


def test_a_known_secret_is_struck_out_of_a_trace(stream: io.StringIO) -> None:
    try:
        int(f"bad key {SECRET}")
    except ValueError:
        logging.getLogger("any").exception("failed")
    assert SECRET not in stream.getvalue()
    assert "bad key [redacted]" in records(stream)[0]["exception"]


@pytest.mark.parametrize(
    "name",
    ["authorization", "xi-api-key", "TWILIO_AUTH_TOKEN", "password", "token", "database_url"],
)
def test_a_value_under_a_telling_name_is_struck_out(stream: io.StringIO, name: str) -> None:
    structlog.get_logger("any").info("sent", headers={name: "unknown-to-us"})
    assert records(stream)[0]["headers"] == {name: "[redacted]"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:hunter22@db/x", "postgresql://me:[redacted]@db/x"),
        ("https://me:hunter22@git.example.com/x", "https://me:[redacted]@git.example.com/x"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted]"),
    ],
)
def test_what_looks_like_a_credential_is_struck_out(
    stream: io.StringIO, text: str, expected: str
) -> None:
    logging.getLogger("any").info("%s", text)
    assert records(stream)[0]["event"] == expected


def test_ordinary_words_stay(stream: io.StringIO) -> None:
    structlog.get_logger("any").info("synced", agent="front-desk", calls=3, to=["+15005550006"])
    record = records(stream)[0]
    assert (record["agent"], record["calls"]) == ("front-desk", 3)
    assert record["to"] == ["+15005550006"]


def test_a_secret_read_later_is_struck_out_from_then_on(stream: io.StringIO) -> None:
    hide('a "quoted" secret of a mounted file')
    logging.getLogger("any").info("refused %s", {"said": 'a "quoted" secret of a mounted file'})
    structlog.get_logger("any").info(
        "sent", body='{"k": "a \\"quoted\\" secret of a mounted file"}'
    )
    first, second = records(stream)
    assert "quoted" not in str(first)
    assert second["body"] == '{"k": "[redacted]"}'


def test_words_of_strangers_begin_no_line_of_their_own(stream: io.StringIO) -> None:
    configure_logging(shape="text", stream=stream)
    logging.getLogger("api").info("GET %s: 404", "/v1/\n2026-03-02 [info] forged\x1b[31m")
    (line,) = stream.getvalue().splitlines()
    assert "/v1/\\n2026-03-02 [info] forged\\x1b[31m: 404" in line


def test_warnings_of_python_are_lines_too(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # pytest took the way out back
        logging.captureWarnings(True)
        warnings.warn(f"bad value {SECRET}", stacklevel=1)
    (record,) = (record for record in records(stream) if "bad value" in record["event"])
    assert (record["level"], record["logger"]) == ("warning", "py.warnings")
    assert "bad value [redacted]" in record["event"]
