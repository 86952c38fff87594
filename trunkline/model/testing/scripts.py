"""One test with everything its conversation needs, so that it can travel as JSON.

Whoever holds a ``Script`` needs neither manifests nor a rendering: places of checks, names of
functions, texts of documents and digests of sounds are in it. What only the platform knows (branch,
tokens, addresses) is not. Its digests are what evidence names.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field, field_serializer

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.durations import format_duration
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Digest
from trunkline.model.kinds.agent import AgentContent
from trunkline.model.kinds.conversation import (
    CallExpected,
    ConversationTest,
    ConversationTestSpec,
    Mode,
    Repeat,
    Stub,
)
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.testing.limits import TOOL_TIMEOUT_S

MEANINGLESS = frozenset({"include"})
"""Keys of a spec that say where its text was written, not what it means."""
_NULL_MEANS = frozenset({"equals", "reply"})
"""Keys whose null is a value."""


class ScriptFunction(Frozen):
    """Something the agent can call, by the name the model sees; the platform waits ``timeout_s``
    for its answer.
    """

    name: str
    kind: Literal["webhook", "client", "builtin"]
    timeout_s: float = TOOL_TIMEOUT_S


class Script(Frozen):
    """``positions`` maps a dotted path (``spec.turns[1].expect[0]``) to ``file:line:column``.

    ``sounds`` maps an audio file as the test names it to the digest of its bytes, ``documents`` the
    names of ``groundedIn`` to their text, ``samples`` the files of ``judge.calibrate`` to theirs.
    ``first_message`` is what the agent says first, "" if it waits for the caller.
    """

    test: ConversationTest
    environment: str
    position: str = ""
    positions: dict[str, str] = Field(default_factory=dict)
    sounds: dict[str, str] = Field(default_factory=dict)
    documents: dict[str, str] = Field(default_factory=dict)
    samples: dict[str, str] = Field(default_factory=dict)
    first_message: str = ""
    language: str = ""
    functions: tuple[ScriptFunction, ...] = ()
    test_digest: str = ""
    agent_digest: str = ""
    rendered_digest: str = ""

    @field_serializer("test")
    def _as_written(self, test: ConversationTest) -> dict[str, Any]:
        """Only what was written: a null that was written is a value, one that was not is none."""
        return test.model_dump(mode="json", exclude_unset=True)

    @property
    def name(self) -> str:
        """The test's name."""
        return self.test.metadata.name

    @property
    def spec(self) -> ConversationTestSpec:
        """The test's content."""
        return self.test.spec

    def place(self, path: str) -> str:
        """Where a path stands, or the nearest thing above it."""
        while path and path not in self.positions:
            path = path.rpartition("[")[0] if path.endswith("]") else path.rpartition(".")[0]
        return self.positions.get(path, self.position)

    def function(self, name: str) -> ScriptFunction | None:
        """The function of that name, or None."""
        return next((each for each in self.functions if each.name == name), None)


def compile_script(
    manifests: Manifests,
    name: str,
    *,
    environment: str,
    first_message: str | None = None,
    agent_digest: str = "",
    rendered_digest: str = "",
    mode: Mode | None = None,
    repeat: int | None = None,
) -> Script:
    """The script of a test for an environment.

    ``first_message`` is the rendered one, if it is not what the manifest says. ``mode`` and
    ``repeat`` (runs, all of which must pass) replace the test's own, and its digest with them.
    Raises InvalidInput if there is no such test, agent or file.
    """
    placed = manifests.tests.get(name)
    if placed is None:
        raise InvalidInput(f"there is no conversation test {name}")
    test = _changed(placed.manifest, mode, repeat)
    agent = manifests.agents.get(test.spec.agent)
    if agent is None:
        raise InvalidInput(f"{name} tests {test.spec.agent}, which is no agent")
    content = agent.manifest.spec.content(environment)
    sounds = {file: _sound_digest(manifests, placed, file) for file in _audio_files(test.spec)}
    documents = {name: _document(manifests, name) for name in _grounds(test.spec)}
    samples = {file: _text(manifests, placed, file) for file in test.spec.judge.calibrate}
    files = {**sounds, **{k: digest(v) for k, v in (documents | samples).items()}}
    opening = content.first_message if first_message is None else first_message
    return Script(
        test=test,
        environment=environment,
        position=str(placed.positions.value("metadata.name")),
        positions={path: str(placed.positions.value(path)) for path in check_paths(test.spec)},
        sounds=sounds,
        documents=documents,
        samples=samples,
        first_message=opening or "",
        language=content.language or "",
        functions=_functions(manifests, content),
        test_digest=test_digest(test.spec, files),
        agent_digest=agent_digest,
        rendered_digest=rendered_digest,
    )


def test_digest(spec: ConversationTestSpec, files: dict[str, str]) -> Digest:
    """What a test means: its spec without defaults, fragments laid in, and the digests of the files
    it names. Its name, tags and reason, where it stands and how it is laid out do not matter.
    """
    return digest({"spec": _meaning(spec), "files": dict(files)})


test_digest.__test__ = False  # type: ignore[attr-defined]


def suite_digest(digests: Sequence[str]) -> Digest:
    """What a set of tests means, in whatever order."""
    return digest([*sorted(digests)])


def check_paths(spec: ConversationTestSpec) -> tuple[str, ...]:
    """Paths of everything a result may be about, turns and limits among them."""
    paths = ["spec", "spec.tools", "spec.limits", "spec.turns", "spec.judge", "spec.compare"]
    paths += [f"spec.limits.{name}" for name in ("turns", "seconds", "costUsd")]
    for at, turn in enumerate(spec.turns):
        paths.append(f"spec.turns[{at}]")
        paths += [f"spec.turns[{at}].expect[{n}]" for n in range(len(turn.expect))]
    paths += [f"spec.always[{at}]" for at in range(len(spec.always))]
    paths += [f"spec.finally[{at}]" for at in range(len(spec.at_end))]
    return tuple(paths)


def written_stubs(stubs: dict[str, tuple[Stub, ...]]) -> dict[str, list[dict[str, Any]]]:
    """Stubs as JSON with only what was written in them, since a reply of null is an answer."""
    return {
        tool: [stub.model_dump(mode="json", exclude_unset=True) for stub in prepared]
        for tool, prepared in stubs.items()
    }


def _changed(test: ConversationTest, mode: Mode | None, repeat: int | None) -> ConversationTest:
    update: dict[str, Any] = {}
    if mode is not None:
        update["mode"] = mode
    if repeat is not None:
        update["repeat"] = Repeat.model_validate({"runs": repeat})
    if not update:
        return test
    return test.model_copy(update={"spec": test.spec.model_copy(update=update)})


def _audio_files(spec: ConversationTestSpec) -> Iterator[str]:
    return (turn.audio_file for turn in spec.turns if turn.audio_file is not None)


def _grounds(spec: ConversationTestSpec) -> Iterator[str]:
    return (line.grounded_in for line in spec.at_end if line.grounded_in is not None)


def _sound_digest(manifests: Manifests, placed: Placed[ConversationTest], file: str) -> str:
    upload = manifests.uploads.get(placed.path_of(file))
    if upload is None:
        raise InvalidInput(f"{placed.manifest.name} names {file}, which is not there")
    return upload.digest


def _text(manifests: Manifests, placed: Placed[ConversationTest], file: str) -> str:
    content = manifests.contents.get(placed.path_of(file))
    if content is None:
        raise InvalidInput(f"{placed.manifest.name} names {file}, which is not there")
    return content.text


def _document(manifests: Manifests, name: str) -> str:
    """The text of a document; one without text here (a page, an upload) cannot ground anything."""
    placed = manifests.documents.get(name)
    if placed is None:
        raise InvalidInput(f"there is no document {name}")
    source = placed.manifest.spec.source
    if source.text is not None:
        return source.text
    content = None if source.file is None else manifests.contents.get(placed.path_of(source.file))
    return "" if content is None else content.text


def _functions(manifests: Manifests, content: AgentContent) -> tuple[ScriptFunction, ...]:
    tools = [manifests.tools[name].manifest.spec for name in content.tool_names]
    own = [
        ScriptFunction(
            name=tool.function,
            kind=tool.type,
            timeout_s=TOOL_TIMEOUT_S if tool.timeout is None else tool.timeout.total_seconds(),
        )
        for tool in tools
    ]
    builtin = [ScriptFunction(name=name, kind="builtin") for name in content.builtin_names]
    return (*own, *builtin)


def _meaning(value: Any) -> Json:
    """A value without defaults, durations and calls in one spelling."""
    if isinstance(value, CallExpected) and not value.args:
        return value.name
    if isinstance(value, BaseModel):
        return _meaning_of_part(value)
    if isinstance(value, timedelta | datetime):
        return format_duration(value) if isinstance(value, timedelta) else value.isoformat()
    if isinstance(value, dict):
        return {str(key): _meaning(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_meaning(item) for item in value]
    return value  # type: ignore[no-any-return]


def _meaning_of_part(part: BaseModel) -> JsonObject:
    said: JsonObject = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        default = field.get_default(call_default_factory=True, validated_data={})
        nothing = value == default and not (
            name in _NULL_MEANS and value is None and name in part.model_fields_set
        )
        if name not in MEANINGLESS and not nothing:
            said[field.alias or name] = _meaning(value)
    for name, value in (part.model_extra or {}).items():
        said[name] = _meaning(value)
    return said
