"""A request of a carrier as it came, before anything of it is believed, and its fields.

A signature covers fields sorted and joined without separators, so what it cannot tell apart is
refused here: a field that comes twice, and pairs that are none.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from trunkline.model.errors import InvalidInput
from trunkline.model.limits import CARRIER_FORM_FIELDS_MAX

Fields: TypeAlias = tuple[tuple[str, str], ...]

FORM: Final = "application/x-www-form-urlencoded"
JSON_TYPE: Final = "application/json"
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,127}")
_CHARSET = re.compile(r"(;\s*charset=utf-8\s*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """``target`` is path and query exactly as asked; ``settings`` says which key signed, "" for
    the account's own. The content is nobody's to print.
    """

    target: str
    content: bytes = field(default=b"", repr=False)
    content_type: str = ""
    signature: str = field(default="", repr=False)
    settings: str = ""

    @property
    def is_form(self) -> bool:
        """True for form fields, False for anything else."""
        return _kind(self.content_type) == FORM

    def fields(self) -> Fields:
        """What it says, in order. Raises InvalidInput."""
        kind = _kind(self.content_type)
        if kind == FORM:
            found = _pairs(self.content)
        elif kind == JSON_TYPE:
            found = _members(self.content)
        else:
            raise InvalidInput("A carrier sends a form or JSON")
        return _checked(found)

    def query(self) -> Fields:
        """What its address says behind the question mark. Raises InvalidInput."""
        return _checked(_pairs(self.target.partition("?")[2].encode()))


def value_of(fields: Fields, name: str) -> str:
    """The value of a field; empty for none."""
    return next((value for known, value in fields if known == name), "")


def _kind(content_type: str) -> str:
    kind, separator, rest = content_type.partition(";")
    plain = _CHARSET.fullmatch(f"{separator}{rest}")
    return kind.strip().lower() if plain else ""


def _pairs(content: bytes) -> list[tuple[str, str]]:
    if not content:
        return []
    try:
        return parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=CARRIER_FORM_FIELDS_MAX,
        )
    except ValueError as error:
        raise InvalidInput("The fields of the request cannot be read") from error


def _members(content: bytes) -> list[tuple[str, str]]:
    try:
        found = json.loads(content, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body of the request is not JSON") from error
    if not isinstance(found, list) or len(found) > CARRIER_FORM_FIELDS_MAX:
        raise InvalidInput("The body of the request is no object of texts")
    pairs = [pair for pair in found if isinstance(pair, tuple) and isinstance(pair[1], str)]
    if len(pairs) != len(found):
        raise InvalidInput("The body of the request is no object of texts")
    return pairs


def _checked(found: list[tuple[str, str]]) -> Fields:
    names = [name for name, _ in found]
    if len(set(names)) != len(names):
        raise InvalidInput("A field of the request comes twice")
    if not all(map(_FIELD_NAME.fullmatch, names)):
        raise InvalidInput("A field of the request has a name no carrier uses")
    return tuple(found)
