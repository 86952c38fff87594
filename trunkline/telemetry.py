"""Structured logs, with every secret this process knows struck out.

Libraries and our own code log through the standard library; structlog gives every record one shape:
JSON lines for machines, aligned words for a terminal. Redaction happens at the very end, over names
and over values, so that a secret inside an exception's text is caught too. No room below this one
configures logging.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from trunkline.tracing import trace_ids

LogShape = Literal["json", "text"]

_REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"(authorization|api[-_]?key|auth[-_]?token|password|passwd|secret|signature|cookie|"
    r"(^|[-_])token$|database_url)",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    r"(?P<keep>://[^/\s:@]*:)[^/\s@]+(?=@)|(?P<kept>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
)
_SECRET_MIN_CHARACTERS = 6
"""Striking out shorter values would black out ordinary words."""
_QUIET = ("httpx", "httpcore", "twilio", "git", "asyncio", "alembic", "aiohttp.access")


class Redactor:
    """Strikes secrets out of one record; a structlog processor."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.hide(*secrets)

    def __call__(self, logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
        """The record without secrets, at any depth."""
        del logger, method
        return {name: self._value(name, value) for name, value in record.items()}

    def hide(self, *secrets: str) -> None:
        """Strike these out as well from now on, and what JSON makes of them."""
        long = {s for s in secrets if len(s) >= _SECRET_MIN_CHARACTERS}
        found = self._secrets | long | {json.dumps(secret)[1:-1] for secret in long}
        if found != self._secrets:
            self._secrets = found
            longest_first = sorted(found, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """One text without secrets."""
        if self._known is not None:
            text = self._known.sub(_REDACTED, text)
        return _SECRET_SHAPES.sub(
            lambda found: f"{found['keep'] or found['kept'] or ''}{_REDACTED}", text
        )

    def _value(self, name: str, value: object) -> object:
        if _SECRET_NAME.search(name):
            return _REDACTED
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._value(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value("", item) for item in value]
        if isinstance(value, bool | int | float) or value is None:
            return value
        return self.text(str(value))


_redactor = Redactor(())


def hide(secret: str) -> None:
    """Strike a secret that was learnt after the start out of every record from now on."""
    _redactor.hide(secret)


def redacted(text: str) -> str:
    """A text without the secrets this process knows."""
    return _redactor.text(text)


def _with_trace(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    """Join a record to the span it was written in."""
    del logger, method
    trace_id, span_id = trace_ids()
    return {**record, "trace_id": trace_id, "span_id": span_id} if trace_id else record


def _without_colour(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    """uvicorn sends each message a second time, painted."""
    del logger, method
    record.pop("color_message", None)
    return record


def _on_one_line(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    """A record is one line, and steers no terminal, whatever strangers made it say."""
    del logger, method
    said = str(record.get("event", ""))
    if said.isprintable():
        return record
    shown = (each if each.isprintable() else ascii(each)[1:-1] for each in said)
    return {**record, "event": "".join(shown)}


def configure_logging(
    *,
    secrets: Iterable[str] = (),
    shape: LogShape = "json",
    level: str = "INFO",
    stream: TextIO | None = None,
) -> None:
    """Send every record of this process to one stream in one shape. May be called again."""
    _redactor.hide(*secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    text = structlog.dev.ConsoleRenderer(colors=False)
    json_lines = structlog.processors.JSONRenderer()
    last: list[Processor] = [_on_one_line, text] if shape == "text" else [json_lines]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_colour,
            structlog.processors.format_exc_info,
            _redactor,
            *last,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
