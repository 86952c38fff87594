"""Agents of an account → manifests a person would have written, and what could not come along.

Pure and deterministic: the same account and repository give the same names and files, whichever
agents are asked for. What a vendor's tree means is derived by its adapter; here things get names,
are told apart, shared once, and checked against the kinds. What a manifest cannot say stays as it
is on the platform, because a path nobody names is nobody's; the report says so.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import ValidationError

from trunkline.model.base import Json, JsonObject
from trunkline.model.ids import ExternalId, secret_prefix
from trunkline.model.imports import (
    Account,
    DerivedAgent,
    DerivedNumber,
    HeaderSecret,
    ImportedKind,
    ImportedManifest,
    ImportNote,
    ImportReport,
    KnownInGit,
    label_names,
)
from trunkline.model.kinds import Agent, KnowledgeDocument, Manifest, PhoneNumber, Tool
from trunkline.model.kinds.base import API_VERSION
from trunkline.model.limits import CONTENT_FILE_MAX_BYTES, PROMPT_MAX_CHARACTERS

TAKEN_OVER: Final = "taken over instead of created; may go once that has happened"
VALUE_UNKNOWN: Final = "its value is not known here: set it on the server"
REFUSALS_MAX: Final = 20
"""Keys of one manifest that may be refused one after another; there are no more than that."""

_NOT_IN_SECRETS: Final = re.compile(r"[^A-Z0-9]+")


def imported(
    account: Account, *, project: str, environment: str, known: KnownInGit
) -> tuple[tuple[ImportedManifest, ...], ImportReport]:
    """The manifests of an account's things, in the order of their paths, and the report."""
    writer = _Writer(account, project, environment, known)
    writer.write()
    manifests = tuple(sorted(writer.manifests, key=lambda each: each.path))
    counts = {kind: sum(m.kind == kind for m in manifests) for kind in _FOLDERS}
    report = ImportReport(
        environment=environment,
        agents=counts["Agent"],
        tools=counts["Tool"],
        documents=counts["KnowledgeDocument"],
        numbers=counts["PhoneNumber"],
        skipped=tuple(writer.skipped),
        left_out=tuple(writer.left_out),
        warnings=tuple(writer.warnings),
        secrets=tuple(sorted(writer.secrets)),
    )
    return manifests, report


_FOLDERS: Final[Mapping[ImportedKind, str]] = {
    "Agent": "agents",
    "Tool": "tools",
    "KnowledgeDocument": "knowledge",
    "PhoneNumber": "numbers",
}
_MODELS: Final[Mapping[ImportedKind, type[Manifest]]] = {
    "Agent": Agent,
    "Tool": Tool,
    "KnowledgeDocument": KnowledgeDocument,
    "PhoneNumber": PhoneNumber,
}


class _Writer:
    """One import on its way to manifests."""

    def __init__(self, account: Account, project: str, environment: str, known: KnownInGit) -> None:
        self._account = account
        self._environment = environment
        self._prefix = secret_prefix(project)
        self._known = known
        self._tools = {tool.external_id: tool for tool in account.tools}
        self._documents = {document.external_id: document for document in account.documents}
        self._secret_names = self._named_secrets()
        self._written: dict[tuple[ImportedKind, str], str | None] = {}
        self._usages = _usages(account.agents)
        self._number_names = label_names(
            ((number.external_id, number.label or number.number) for number in account.numbers),
            taken=known.names.get("PhoneNumber", frozenset()),
            otherwise="number",
        )
        self.manifests: list[ImportedManifest] = []
        self.skipped: list[ImportNote] = []
        self.left_out: list[ImportNote] = []
        self.warnings: list[ImportNote] = []
        self.secrets: set[str] = set()

    def write(self) -> None:
        for agent in self._account.agents:
            self._agent(agent)
        for number in self._account.numbers:
            self._number(number)

    def _agent(self, agent: DerivedAgent) -> None:
        name = self._account.agent_names[agent.external_id]
        spec: JsonObject = dict(agent.spec)
        tools = self._agent_tools(agent, name)
        if tools:
            spec["tools"] = tools
        knowledge = self._agent_knowledge(agent, name)
        if knowledge:
            spec["knowledge"] = knowledge
        files: dict[str, str] = {}
        long = _too_long(agent.prompt)
        if long:
            self._leave("Agent", agent.external_id, name, "spec.prompt", long)
        elif agent.prompt.strip():
            as_file = _survives_as_file(agent.prompt)
            spec["prompt"] = {"file": "prompt.md"} if as_file else {"text": agent.prompt}
            if as_file:
                files["prompt.md"] = agent.prompt.rstrip() + "\n"
        for left in agent.left_out:
            self._leave("Agent", agent.external_id, name, left.path, left.reason)
        self._put("Agent", agent.external_id, name, _ordered(spec), files)

    def _agent_tools(self, agent: DerivedAgent, name: str) -> list[Json]:
        """Tools by name, then builtins; if one tool cannot be said, none is, and all stay."""
        named: list[Json] = []
        functions = set(agent.builtins)
        refused = ""
        for tool_id in agent.tool_ids:
            known = self._known.name_of("Tool", tool_id) or self._tool(tool_id)
            tool = self._tools.get(tool_id)
            function = tool.function if tool is not None else ""
            if known is None:
                refused = f"{tool_id} has no manifest"
            elif function in functions:
                refused = f"two of them offer the function {function}"
            else:
                named.append(known)
            functions.add(function)
        if refused:
            words = f"its tools stay as they are: {refused}"
            self._leave("Agent", agent.external_id, name, "spec.tools", words)
            named = []
        builtins: list[Json] = [{"builtin": each} for each in agent.builtins]
        return [*sorted(named, key=str), *builtins]

    def _agent_knowledge(self, agent: DerivedAgent, name: str) -> list[Json]:
        named: list[Json] = []
        for use in agent.documents:
            known = self._known.name_of("KnowledgeDocument", use.external_id)
            known = known or self._document(use.external_id)
            usage = self._usages[use.external_id]
            if known is None or use.usage != usage:
                why = "has no manifest" if known is None else f"is used as {usage} elsewhere"
                words = f"its documents stay as they are: {use.external_id} {why}"
                self._leave("Agent", agent.external_id, name, "spec.knowledge", words)
                return []
            named.append(known)
        return sorted(named, key=str)

    def _tool(self, tool_id: ExternalId) -> str | None:
        """The name of a tool several agents may use, written on its first use."""
        place: tuple[ImportedKind, str] = ("Tool", tool_id)
        if place not in self._written:
            self._written[place] = self._new_tool(tool_id)
        return self._written[place]

    def _new_tool(self, tool_id: ExternalId) -> str | None:
        tool = self._tools.get(tool_id)
        if tool is None:
            self._skip("Tool", tool_id, "", "no such tool, or one that cannot be read")
            return None
        name = self._account.tool_names[tool_id]
        if tool.refusal:
            self._skip("Tool", tool_id, name, tool.refusal)
            return None
        spec: JsonObject = dict(tool.spec)
        comments: dict[str, str] = {}
        headers: JsonObject = {}
        for header, value in sorted(tool.headers.items()):
            if isinstance(value, str):
                headers[header] = value
                continue
            secret = self._secret(value, name, header)
            headers[header] = {"secret": secret}
            comments[f"spec.headers.{header}"] = VALUE_UNKNOWN
            if value.secret_id is None:
                words = (
                    f"header {header} holds a credential openly on the platform; it was not "
                    f"copied. Set {secret}: the tool is then made anew with it"
                )
                self._warn("Tool", tool_id, name, words)
        if headers:
            spec["headers"] = headers
        refused = _refusal("Tool", self._document_of("Tool", tool_id, name, _ordered(spec)))
        if refused:
            self._skip("Tool", tool_id, name, refused)
            return None
        self.secrets.update(str(v["secret"]) for v in headers.values() if isinstance(v, dict))
        for left in tool.left_out:
            self._leave("Tool", tool_id, name, left.path, left.reason)
        self._put("Tool", tool_id, name, _ordered(spec), {}, comments)
        return name

    def _secret(self, value: HeaderSecret, tool: str, header: str) -> str:
        if value.secret_id is not None and value.secret_id in self._secret_names:
            return self._secret_names[value.secret_id]
        own = _NOT_IN_SECRETS.sub("_", f"{tool}_{header}".upper()).strip("_")
        return f"{self._prefix}{own}"

    def _named_secrets(self) -> dict[str, str]:
        """A name on the project's list for every secret of the account, unique and stable."""
        used: set[str] = set()
        found: dict[str, str] = {}
        for secret_id, title in self._account.secret_names.items():
            bare = title.rsplit("/", 1)[-1].upper()
            own = _NOT_IN_SECRETS.sub("_", bare.removeprefix(self._prefix)).strip("_")
            name, count = f"{self._prefix}{own or 'SECRET'}", 1
            while name in used:
                count += 1
                name = f"{self._prefix}{own or 'SECRET'}_{count}"
            used.add(name)
            found[secret_id] = name
        return {**found, **self._known.secrets}

    def _document(self, document_id: ExternalId) -> str | None:
        place: tuple[ImportedKind, str] = ("KnowledgeDocument", document_id)
        if place not in self._written:
            self._written[place] = self._new_document(document_id)
        return self._written[place]

    def _new_document(self, document_id: ExternalId) -> str | None:
        kind: ImportedKind = "KnowledgeDocument"
        document = self._documents.get(document_id)
        if document is None or document.source is None:
            self._skip(kind, document_id, "", "only texts, files and web pages have a manifest")
            return None
        name = self._account.document_names[document_id]
        files: dict[str, str] = {}
        source: JsonObject
        if document.source == "url":
            source = {"url": document.url}
        elif document.text is None or not _survives_as_file(document.text, exact=True):
            self._skip(kind, document_id, name, "its content is no text a file can hold")
            return None
        elif len(document.text.encode()) > CONTENT_FILE_MAX_BYTES:
            words = f"its content is larger than {CONTENT_FILE_MAX_BYTES} bytes"
            self._skip(kind, document_id, name, words)
            return None
        else:
            source = {"file": f"{name}.md"}
            files[f"{name}.md"] = document.text
            if document.source == "file":
                source["upload"] = True
        spec: JsonObject = {"title": document.title, "source": source}
        usage = self._usages[document_id]
        if usage != "auto":
            spec["usage"] = usage
        refused = _refusal(kind, self._document_of(kind, document_id, name, spec))
        if refused:
            self._skip(kind, document_id, name, refused)
            return None
        self._put(kind, document_id, name, spec, files)
        return name

    def _number(self, number: DerivedNumber) -> None:
        agent: str | None = None
        if number.agent_id is not None:
            agent = self._written.get(("Agent", number.agent_id))
            agent = agent or self._known.name_of("Agent", number.agent_id)
            if agent is None:
                words = f"its agent {number.agent_id} is not imported"
                self._skip("PhoneNumber", number.external_id, number.number, words)
                return
        name = self._number_names[number.external_id]
        spec: JsonObject = {"number": number.number, "environment": self._environment}
        if agent is not None:
            spec["agent"] = agent
        self._put("PhoneNumber", number.external_id, name, spec, {})

    def _document_of(
        self, kind: ImportedKind, external_id: str, name: str, spec: JsonObject
    ) -> JsonObject:
        metadata: JsonObject = {"name": name}
        if kind != "PhoneNumber":
            metadata["adopt"] = {self._environment: external_id}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    def _put(
        self,
        kind: ImportedKind,
        external_id: str,
        name: str,
        spec: JsonObject,
        files: dict[str, str],
        comments: Mapping[str, str] | None = None,
    ) -> None:
        """Add a manifest, without the keys its kind refuses."""
        document = self._document_of(kind, external_id, name, spec)
        for _ in range(REFUSALS_MAX):
            error = _error(kind, document)
            if error is None:
                break
            keys, words = error
            if not _remove(document, keys):
                self._skip(kind, external_id, name, words)
                return
            self._leave(kind, external_id, name, ".".join(keys), words)
        folder = _FOLDERS[kind]
        path = f"{folder}/{name}/agent.yaml" if kind == "Agent" else f"{folder}/{name}.yaml"
        said = dict(comments or {})
        if kind != "PhoneNumber":
            said["metadata.adopt"] = TAKEN_OVER
        self._written[kind, external_id] = name
        self.manifests.append(
            ImportedManifest(
                kind=kind,
                name=name,
                path=path,
                external_id=external_id,
                document=document,
                comments=said,
                files=files,
            )
        )

    def _leave(self, kind: str, external_id: str, name: str, path: str, why: str) -> None:
        note = ImportNote(kind=kind, external_id=external_id, name=name, path=path, message=why)
        self.left_out.append(note)

    def _skip(self, kind: str, external_id: str, name: str, why: str) -> None:
        note = ImportNote(kind=kind, external_id=external_id, name=name, message=why)
        self.skipped.append(note)

    def _warn(self, kind: str, external_id: str, name: str, words: str) -> None:
        note = ImportNote(kind=kind, external_id=external_id, name=name, message=words)
        self.warnings.append(note)


def _usages(agents: Iterable[DerivedAgent]) -> dict[str, str]:
    """How each document is used by most agents; ``auto`` if they are as many."""
    counted: dict[str, list[str]] = {}
    for agent in agents:
        for use in agent.documents:
            counted.setdefault(use.external_id, []).append(use.usage)
    return {
        external_id: max(sorted(set(usages)), key=usages.count)
        for external_id, usages in counted.items()
    }


_ORDER: Final = (
    "displayName",
    "prompt",
    "firstMessage",
    "language",
    "model",
    "voice",
    "tools",
    "knowledge",
    "variables",
    "limits",
    "type",
    "function",
    "description",
    "method",
    "url",
    "headers",
    "timeout",
    "parameters",
    "elevenlabs",
)
"""How a person orders the keys of an agent and of a tool."""


def _ordered(spec: JsonObject) -> JsonObject:
    return {key: spec[key] for key in _ORDER if key in spec}


def _too_long(prompt: str) -> str:
    """Why a prompt cannot stand in a manifest or in a file beside it; empty if it can."""
    count = len(prompt.rstrip()) + 1
    if count <= PROMPT_MAX_CHARACTERS:
        return ""
    return (
        f"it stays as it is: {count} characters, and a prompt has at most {PROMPT_MAX_CHARACTERS}"
    )


def _survives_as_file(text: str, *, exact: bool = False) -> bool:
    """True if a text reads back from a file as it is; prompts lose the blank around them anyway."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    read = text.replace("\r\n", "\n")
    blank = not text.strip() or "\x00" in text or text.startswith("\ufeff")
    return not blank and (read == text or not exact)


def _refusal(kind: ImportedKind, document: JsonObject) -> str:
    error = _error(kind, document)
    return error[1] if error is not None else ""


def _error(kind: ImportedKind, document: JsonObject) -> tuple[tuple[str, ...], str] | None:
    """What the kind refuses first: the keys that lead there, and its words."""
    try:
        _MODELS[kind].model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        below = first.get("ctx", {}).get("at", ())
        keys = tuple(str(key) for key in (*first["loc"], *below))
        return keys, first["msg"]
    return None


def _remove(document: JsonObject, keys: tuple[str, ...]) -> bool:
    """Take away the refused part: the deepest object's key on its way, never name or title."""
    node: Json = document
    way: list[tuple[JsonObject, str]] = []
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            break
        way.append((node, key))
        node = node[key]
    if len(way) < 2:  # noqa: PLR2004 - metadata and spec themselves stay
        return False
    parent, key = way[-1]
    del parent[key]
    for above, name in reversed(way[:-1]):
        if above[name] != {} or name in ("metadata", "spec"):
            break
        del above[name]
    return True
