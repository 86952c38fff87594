"""TwiML as verbs: what a document says to do, checked as far as it can be without a call.

Parsing refuses declarations of types and entities, which the vendor does not read either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.parsers import expat

DOCUMENT_PARSE = 12100
RELATIVE_ADDRESS = 15004
# Attributes and texts that hold an address.
ADDRESSES = ("action", "url", "statusCallback", "recordingStatusCallback", "partialResultCallback")
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
TEXT_ADDRESSES = frozenset({"Redirect", "Play"})


class BadTwiml(Exception):
    """A document that cannot be read; carries the vendor's code."""

    code = DOCUMENT_PARSE


@dataclass(frozen=True, slots=True)
class Verb:
    """One element: its name, attributes, text, and what is inside it."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Verb, ...]

    def attribute(self, name: str, default: str = "") -> str:
        """The attribute's value."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: float) -> float:
        """The attribute as a number; the default where it is none."""
        try:
            return float(self.attributes.get(name, default))
        except ValueError:
            return default


def parsed(text: str) -> tuple[Verb, ...]:
    """The verbs of a document. Raises BadTwiml."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadTwiml("a document type is not allowed")
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - declarations are refused above
    except (ET.ParseError, expat.ExpatError, ValueError) as error:
        raise BadTwiml(f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise BadTwiml("the root element has to be Response")
    return tuple(_verb(element) for element in root)


def _verb(element: ET.Element) -> Verb:
    return Verb(
        name=element.tag,
        attributes=dict(element.attrib),
        text=(element.text or "").strip(),
        children=tuple(_verb(child) for child in element),
    )


def relative_addresses(verbs: tuple[Verb, ...]) -> Iterator[str]:
    """Addresses that mean something only beside a document's own address."""
    for verb in verbs:
        given = [verb.attributes[name] for name in ADDRESSES if verb.attributes.get(name)]
        if verb.name in TEXT_ADDRESSES and verb.text:
            given.append(verb.text)
        yield from (address for address in given if not ABSOLUTE.match(address))
        yield from relative_addresses(verb.children)
