"""What wishes about manifests mean for files: read at a commit, written nowhere yet.

A draft is made anew on every commit it is tried on. What it reads is remembered beside what it
writes: where somebody else changed one of these files meanwhile, the wish was decided on something
that is no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import (
    find_document,
    rewritten,
    set_in,
    taken_from,
    value_at,
    values_of,
    with_document,
    without_document,
)
from trunkline.manifests.suggestions import nearest
from trunkline.manifests.writing import manifest_text
from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.changes import END, ManifestKind, merged_patch, parse_path
from trunkline.model.errors import ChangeRefused, InvalidInput, InvalidManifests, NotFound
from trunkline.model.ids import Revision
from trunkline.model.kinds import Manifest
from trunkline.model.kinds.base import API_VERSION
from trunkline.model.manifests import Manifests, Placed
from trunkline.ports import ManifestSource

PROMPT_FILE: Final = "prompt.md"
_FOLDERS: Final[Mapping[str, str]] = {
    "Agent": "agents/{name}/agent.yaml",
    "Persona": "personas/{name}.yaml",
    "Tool": "tools/{name}.yaml",
    "KnowledgeDocument": "knowledge/{name}.yaml",
    "PhoneNumber": "numbers/{name}.yaml",
    "ConversationTest": "tests/{name}.yaml",
}
"""Where a manifest goes that nobody named a place for."""


class AgentWish(Frozen):
    """What an agent is to be. ``spec`` is the whole of it, or with ``patch`` a merge patch."""

    name: str
    spec: JsonObject | None = None
    labels: dict[str, str] | None = None
    prompt: str | None = None
    folder: str = ""
    patch: bool = False


class FileWish(Frozen):
    """A file's whole text; None deletes it."""

    path: str
    content: str | None = None


class ValueWish(Frozen):
    """A value of a manifest; None takes the key or item away, and with an empty path the whole
    manifest. ``spec`` of one that is not there makes it.
    """

    kind: ManifestKind
    name: str
    path: str
    value: Json = None


class NumberWish(Frozen):
    """Who answers a number, given by E.164 or by its manifest's name; None is nobody."""

    number: str
    agent: str | None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest and the file it stands in."""

    placed: Placed[Manifest]
    file: str


class Drafting:
    """Edits on top of one commit; ``touched`` are the files that were looked at or written."""

    def __init__(self, source: ManifestSource, revision: Revision) -> None:
        self._source = source
        self.revision = revision
        self.touched: set[str] = set()
        self._before: dict[str, str | None] = {}
        self._after: dict[str, str | None] = {}
        self._manifests: Manifests | None = None

    @property
    def edits(self) -> dict[str, str | None]:
        """What is to be written (None: deleted), without what is as it was."""
        return {path: text for path, text in self._after.items() if text != self._before.get(path)}

    @property
    def before(self) -> dict[str, str]:
        """The texts there were of files that are written."""
        return {path: text for path, text in self._before.items() if text is not None}

    async def manifests(self) -> Manifests:
        """What the commit declares. Raises ChangeRefused if it is not valid."""
        if self._manifests is None:
            try:
                self._manifests = await self._source.manifests(self.revision)
            except InvalidManifests as error:
                raise ChangeRefused(
                    "The newest commit is not valid, so nothing in it can be looked up:"
                    f" {error.message}",
                    hint="Mend its files first: `files` of POST …/changes are written whole",
                ) from error
        return self._manifests

    async def text(self, path: str) -> str | None:
        """A file as it is to be so far; None if there is none."""
        self.touched.add(path)
        if path in self._after:
            return self._after[path]
        if path not in self._before:
            self._before[path] = (await self._source.texts(self.revision, [path])).get(path)
        return self._before[path]

    async def write(self, path: str, text: str | None) -> None:
        """Let a file be (None: not be)."""
        await self.text(path)
        self._after[path] = text

    async def find(self, kind: str, name: str) -> Found | None:
        """A manifest by kind and name."""
        placed = by_kind(await self.manifests(), kind).get(name)
        return Found(placed, placed.positions.file) if placed is not None else None

    async def rewrite(self, found: Found, kind: str, name: str, wanted: Json) -> None:
        """Let a manifest mean something else; None takes it away. Raises ChangeRefused."""
        text = await self.text(found.file) or ""
        try:
            at = find_document(text, kind, name)
            if wanted is None:
                await self.write(found.file, without_document(text, at))
            else:
                await self.write(found.file, rewritten(text, at, wanted))
        except Uneditable as error:
            raise unwritable(found.file, error) from error

    async def value(self, found: Found, kind: str, name: str) -> JsonObject:
        """A manifest as it is written. Raises ChangeRefused."""
        text = await self.text(found.file) or ""
        try:
            value = values_of(text)[find_document(text, kind, name)]
        except Uneditable as error:
            raise unwritable(found.file, error) from error
        return value if isinstance(value, dict) else {}

    async def add(self, path: str, document: JsonObject) -> None:
        """One more manifest, in a file of its own or behind those of a file."""
        text = await self.text(path)
        try:
            await self.write(
                path, manifest_text(document) if text is None else with_document(text, document)
            )
        except Uneditable as error:
            raise unwritable(path, error) from error


def by_kind(manifests: Manifests, kind: str) -> Mapping[str, Placed[Manifest]]:
    """Manifests of a kind by name."""
    project = manifests.project
    known: dict[str, Mapping[str, Placed[Manifest]]] = {
        "Project": {project.manifest.name: project},
        "Agent": manifests.agents,
        "Persona": manifests.personas,
        "Tool": manifests.tools,
        "KnowledgeDocument": manifests.documents,
        "PhoneNumber": manifests.numbers,
        "ConversationTest": manifests.tests,
    }
    return known.get(kind, {})


def unwritable(file: str, error: Uneditable) -> ChangeRefused:
    """What a person is told of a file that takes no edit."""
    return ChangeRefused(
        f"{file} cannot be edited by itself: {error}",
        hint="Send the whole file as one of `files`, or change it in Git by hand",
    )


async def put_agent(drafting: Drafting, wish: AgentWish, *, create: bool) -> None:
    """Let an agent be as wished. Raises NotFound, InvalidInput, ChangeRefused."""
    found = await drafting.find("Agent", wish.name)
    if found is None and not create:
        raise _absent(wish.name, await drafting.manifests())
    whole: JsonObject = {
        "apiVersion": API_VERSION,
        "kind": "Agent",
        "metadata": {"name": wish.name},
        "spec": {},
    }
    file = f"{wish.folder or f'agents/{wish.name}'}/agent.yaml"
    if found is not None:
        whole, file = await drafting.value(found, "Agent", wish.name), found.file
    wanted = _wanted(whole, wish)
    if wish.prompt is not None:
        name, wanted = _prompt_file(whole, wanted)
        folder = file.rpartition("/")[0]
        await drafting.write(f"{folder}/{name}" if folder else name, wish.prompt)
    if found is None:
        await drafting.add(file, wanted)
        return
    await drafting.rewrite(found, "Agent", wish.name, wanted)
    if create and drafting.edits:
        raise ChangeRefused(
            f"There is an agent {wish.name!r} already, in {file}",
            hint=f"PUT or PATCH …/agents/{wish.name} changes it",
        )


def _wanted(whole: JsonObject, wish: AgentWish) -> JsonObject:
    wanted = dict(whole)
    if wish.spec is not None:
        old = whole.get("spec")
        spec = merged_patch(old, wish.spec) if wish.patch else dict(wish.spec)
        wanted["spec"] = spec
    if wish.labels is not None:
        metadata = wanted.get("metadata")
        held = dict(metadata) if isinstance(metadata, dict) else {}
        held.pop("labels", None)
        wanted["metadata"] = {**held, "labels": dict(wish.labels)} if wish.labels else held
    return wanted


def _prompt_file(whole: JsonObject, wanted: JsonObject) -> tuple[str, JsonObject]:
    """The file that a prompt's text goes to, and the agent that names it."""
    named = value_at(wanted, ("spec", "prompt", "file"))
    if isinstance(named, str):
        return named, wanted
    if value_at(wanted, ("spec", "prompt", "text")) is not None:
        raise InvalidInput(
            "`prompt` is given beside a `spec.prompt.text`", hint="Say the prompt once"
        )
    before = value_at(whole, ("spec", "prompt", "file"))
    name = before if isinstance(before, str) else PROMPT_FILE
    made = set_in(wanted, ("spec", "prompt"), {"file": name})
    return name, made if isinstance(made, dict) else wanted


async def delete_agent(drafting: Drafting, name: str) -> None:
    """Take an agent away, with its tests and the files nothing else names. Raises NotFound."""
    manifests = await drafting.manifests()
    found = await drafting.find("Agent", name)
    if found is None:
        raise _absent(name, manifests)
    files = _named_files(manifests, name)
    await drafting.rewrite(found, "Agent", name, None)
    for test, placed in sorted(manifests.tests.items()):
        if placed.manifest.spec.agent == name:
            await drafting.rewrite(
                Found(placed, placed.positions.file), "ConversationTest", test, None
            )
    for path in sorted(files):
        await drafting.write(path, None)


def _named_files(manifests: Manifests, agent: str) -> set[str]:
    """Prompts of an agent that no other agent names."""

    def prompts(placed: Placed[Manifest]) -> set[str]:
        spec = placed.manifest.spec
        contents = [spec, *getattr(spec, "overrides", {}).values()]
        given = [getattr(each, "prompt", None) for each in contents]
        return {placed.path_of(prompt.file) for prompt in given if prompt and prompt.file}

    others = {
        path for name, each in manifests.agents.items() if name != agent for path in prompts(each)
    }
    named = {
        each.path_of(file)
        for each in manifests.documents.values()
        if (file := getattr(each.manifest.spec.source, "file", None))
    }
    return prompts(manifests.agents[agent]) - others - named


async def assign_number(drafting: Drafting, wish: NumberWish) -> None:
    """Let an agent, or nobody, answer a number. Raises NotFound, InvalidInput, ChangeRefused."""
    manifests = await drafting.manifests()
    found = next(
        (
            (name, placed)
            for name, placed in manifests.numbers.items()
            if wish.number in (name, placed.manifest.spec.number)
        ),
        None,
    )
    if wish.agent is not None and wish.agent not in manifests.agents:
        raise _absent(wish.agent, manifests)
    if found is None:
        await _new_number(drafting, wish)
        return
    name, placed = found
    spec = placed.manifest.spec
    if spec.route is not None:
        raise ChangeRefused(
            f"{name} has a routing table, so no single agent answers it",
            hint=f"Edit `spec.route` of the PhoneNumber {name} with POST …/changes",
        )
    at = Found(placed, placed.positions.file)
    wanted: Json = await drafting.value(at, "PhoneNumber", name)
    if wish.agent is not None:
        wanted = set_in(wanted, ("spec", "agent"), wish.agent)
    elif value_at(wanted, ("spec", "agent")) is not None:
        wanted = taken_from(wanted, ("spec", "agent"))
    if wish.environment is not None and wish.environment != spec.environment:
        wanted = set_in(wanted, ("spec", "environment"), wish.environment)
    await drafting.rewrite(at, "PhoneNumber", name, wanted)


async def _new_number(drafting: Drafting, wish: NumberWish) -> None:
    """The manifest of a number that had none."""
    if not wish.number.startswith("+") or wish.agent is None or wish.environment is None:
        raise NotFound(
            f"No manifest is about the number {wish.number!r}",
            hint="Give it as +15005550006 with an agent and an environment, and it gets one",
        )
    name = f"number-{wish.number.removeprefix('+')}"
    spec: JsonObject = {
        "number": wish.number,
        "environment": wish.environment,
        "agent": wish.agent,
    }
    await drafting.add(
        _FOLDERS["PhoneNumber"].format(name=name), document("PhoneNumber", name, spec)
    )


async def change_files(
    drafting: Drafting, files: Sequence[FileWish], values: Sequence[ValueWish]
) -> None:
    """Write files whole, then set values in manifests. Raises InvalidInput, ChangeRefused."""
    for file in files:
        await drafting.write(file.path, file.content)
    for value in values:
        await _set(drafting, value)


async def _set(drafting: Drafting, wish: ValueWish) -> None:
    try:
        path = parse_path(wish.path)
    except ValueError as error:
        raise InvalidInput(f"{wish.path!r} is no path in a manifest") from error
    found = await drafting.find(wish.kind, wish.name)
    if found is None:
        if path == ("spec",) and isinstance(wish.value, dict) and wish.kind in _FOLDERS:
            place = _FOLDERS[wish.kind].format(name=wish.name)
            await drafting.add(place, document(wish.kind, wish.name, wish.value))
            return
        raise NotFound(
            f"There is no {wish.kind} {wish.name!r}",
            hint="An edit of the path `spec` makes one",
        )
    if not path:
        if wish.value is not None:
            raise InvalidInput("An edit without a path takes the manifest away: give no value")
        await drafting.rewrite(found, wish.kind, wish.name, None)
        return
    whole: Json = await drafting.value(found, wish.kind, wish.name)
    await drafting.rewrite(found, wish.kind, wish.name, _with(whole, path, wish))


def _with(whole: Json, path: tuple[str | int, ...], wish: ValueWish) -> Json:
    if path[:1] != ("spec",) and path[:2] != ("metadata", "labels"):
        raise InvalidInput(
            f"{wish.path!r} is not edited by itself",
            hint="Paths begin with spec or metadata.labels",
        )
    try:
        if path[-1] == END:
            held = value_at(whole, path[:-1])
            path = (*path[:-1], len(held) if isinstance(held, list) else 0)
        if wish.value is None:
            return taken_from(whole, path) if value_at(whole, path) is not None else whole
        return set_in(whole, path, wish.value)
    except Uneditable as error:
        raise InvalidInput(f"{wish.path!r} of {wish.kind} {wish.name}: {error}") from error


def document(kind: str, name: str, spec: JsonObject) -> JsonObject:
    """A new manifest."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _absent(name: str, manifests: Manifests) -> NotFound:
    meant = nearest(name, manifests.agents)
    return NotFound(
        f"There is no agent {name!r} on the branch", hint=f"Did you mean {meant}?" if meant else ""
    )
