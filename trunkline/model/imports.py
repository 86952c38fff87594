"""What an import is made of and what it makes: things of an account in a manifest's words.

Between an adapter, which knows what a vendor's tree means, and the pure core, which gives names
and writes manifests, these are all that travels. Names are chosen here as well, because adapter,
core and repository must agree on them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.ids import ExternalId
from trunkline.model.limits import IMPORTED_NAME_MAX_CHARACTERS

ImportedKind: TypeAlias = Literal["Agent", "Tool", "KnowledgeDocument", "PhoneNumber"]

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path of a vendor's tree that is not in the manifest, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class HeaderSecret:
    """A header whose value is a secret: its id on the platform, None if it stands there openly."""

    secret_id: str | None


@dataclass(frozen=True, slots=True)
class DerivedTool:
    """A tool in a manifest's words, ``headers`` apart; ``refusal`` says why it cannot be said."""

    external_id: ExternalId
    function: str
    spec: JsonObject
    headers: Mapping[str, str | HeaderSecret] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class DerivedDocument:
    """A knowledge document; ``text`` is None for one that is fetched by address."""

    external_id: ExternalId
    title: str
    source: Literal["text", "file", "url"] | None
    url: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentUse:
    """An agent points at a document, and how it uses it."""

    external_id: ExternalId
    usage: str


@dataclass(frozen=True, slots=True)
class DerivedAgent:
    """An agent in a manifest's words; what it points at is still by id."""

    external_id: ExternalId
    display_name: str
    spec: JsonObject
    prompt: str = ""
    builtins: tuple[str, ...] = ()
    tool_ids: tuple[ExternalId, ...] = ()
    documents: tuple[DocumentUse, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class DerivedNumber:
    """A phone number calls to which reach an agent of the platform, or nobody."""

    external_id: ExternalId
    number: str
    label: str
    agent_id: ExternalId | None


@dataclass(frozen=True, slots=True)
class KnownInGit:
    """What the repository already holds: names by kind, and names by the external id they stand
    for. Nothing of it is written again.
    """

    names: Mapping[ImportedKind, frozenset[str]] = field(default_factory=dict)
    by_id: Mapping[tuple[ImportedKind, str], str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, kind: ImportedKind, external_id: str) -> str | None:
        """The name a thing of the platform has in Git, or None."""
        return self.by_id.get((kind, external_id))


@dataclass(frozen=True, slots=True)
class Account:
    """Everything an import was asked to look at, in the order of age."""

    agents: tuple[DerivedAgent, ...]
    tools: tuple[DerivedTool, ...] = ()
    documents: tuple[DerivedDocument, ...] = ()
    numbers: tuple[DerivedNumber, ...] = ()
    secret_names: Mapping[str, str] = field(default_factory=dict)
    agent_names: Mapping[str, str] = field(default_factory=dict)
    tool_names: Mapping[str, str] = field(default_factory=dict)
    document_names: Mapping[str, str] = field(default_factory=dict)


class ImportedManifest(Frozen):
    """One manifest and the files beside it; ``comments`` are by dotted path."""

    kind: ImportedKind
    name: str
    path: str
    external_id: str
    document: JsonObject
    comments: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)


class ImportNote(Frozen):
    """Something worth telling about one thing of the account."""

    kind: str
    external_id: str
    name: str
    path: str = ""
    message: str


class ImportReport(Frozen):
    """What became of an account. ``skipped`` were not imported at all; ``left_out`` are paths that
    stay as they are on the platform; ``secrets`` must be set on the server.
    """

    environment: str
    agents: int = 0
    tools: int = 0
    documents: int = 0
    numbers: int = 0
    skipped: tuple[ImportNote, ...] = ()
    left_out: tuple[ImportNote, ...] = ()
    warnings: tuple[ImportNote, ...] = ()
    secrets: tuple[str, ...] = ()


def label_names(
    titles: Iterable[tuple[str, str]], *, taken: Iterable[str] = (), otherwise: str
) -> dict[str, str]:
    """A DNS label for every ``(id, title)``, unique and independent of what is asked for.

    The first of several equal titles keeps the plain name; a title without a letter or digit of
    ASCII becomes ``otherwise`` and the end of its id.
    """
    used = set(taken)
    found: dict[str, str] = {}
    for external_id, title in titles:
        plain = _label(title) or _label(f"{otherwise}-{external_id[-6:]}") or otherwise
        name, count = plain, 1
        while name in used:
            count += 1
            suffix = f"-{count}"
            name = plain[: IMPORTED_NAME_MAX_CHARACTERS - len(suffix)].rstrip("-") + suffix
        used.add(name)
        found[external_id] = name
    return found


def _label(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore")
    slug = _NOT_IN_NAMES.sub("-", plain.decode().lower()).strip("-")
    return slug[:IMPORTED_NAME_MAX_CHARACTERS].rstrip("-")
