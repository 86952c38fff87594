"""What the API takes and gives about changes of manifests, and about manifests as they are."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.answers import Answer, Name
from trunkline.model import limits
from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.changes import Change, FileChange, ManifestKind, Via
from trunkline.model.ids import Revision
from trunkline.services.change_drafts import AgentWish, FileWish, NumberWish, ValueWish
from trunkline.services.changes import ChangeOrder, FoundChange
from trunkline.services.manifest_views import ManifestRow, ManifestText

REVISION_PATTERN = r"^[0-9a-f]{40}$"
_REVISION = "3f0c1f7c9f6a4b0d8e2a5c7b9d1e3f5a7c9b1d3e"
_AFTER = "9b1d3e5a7c9b1d3e3f0c1f7c9f6a4b0d8e2a5c7b"

RevisionGiven = Annotated[str, Field(pattern=REVISION_PATTERN, description="A full commit id")]
Subject = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Reason = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
FilePath = Annotated[str, Field(min_length=1, max_length=limits.CHANGE_PATH_MAX_CHARACTERS)]
Prompt = Annotated[str, Field(max_length=limits.PROMPT_MAX_CHARACTERS)]
Labels = Annotated[
    dict[
        Annotated[str, Field(max_length=63)],
        Annotated[str, Field(max_length=63)],
    ],
    Field(max_length=limits.LABELS_MAX),
]


class ChangeBase(Frozen):
    """What every change says: the commit it was decided on (``base``, or If-Match), whether it
    is to be a commit or a pull request, and the words of its commit.
    """

    base: RevisionGiven | None = None
    via: Via = "commit"
    message: Subject = ""
    reason: Reason = ""

    def order(self, if_match: str | None) -> ChangeOrder:
        """The order, with the revision of the header where the body has none."""
        base = self.base or if_match
        return ChangeOrder(
            base=Revision(base) if base else None,
            via=self.via,
            message=self.message,
            reason=self.reason,
        )


class AgentChange(ChangeBase):
    """What a change of an agent says beside its spec."""

    labels: Labels | None = None
    prompt: Prompt | None = None


class AgentOrder(AgentChange):
    """The whole spec of an agent; ``prompt`` is the text of the file its prompt is in."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "spec": {"displayName": "Front desk", "firstMessage": "Good morning"},
                "prompt": "You answer the telephone of a dental practice.",
                "base": _REVISION,
                "reason": "A shorter greeting",
            }
        }
    )

    spec: JsonObject

    def wish(self, name: str) -> AgentWish:
        """The agent as it is to be."""
        return AgentWish(name=name, spec=self.spec, labels=self.labels, prompt=self.prompt)


class NewAgentOrder(AgentOrder):
    """A new agent. ``folder`` is where its files go, `agents/<name>` unless said."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "night-desk",
                "spec": {"displayName": "Night desk", "lifecycle": "draft"},
                "prompt": "You answer the telephone at night.",
                "base": _REVISION,
            }
        }
    )

    name: Name
    folder: Annotated[str, Field(max_length=limits.CHANGE_PATH_MAX_CHARACTERS)] = ""

    def new(self) -> AgentWish:
        """The agent as it is to be, and where."""
        return self.wish(self.name).model_copy(update={"folder": self.folder.strip("/")})


class AgentPatchOrder(AgentChange):
    """Part of an agent: ``spec`` is a JSON merge patch (RFC 7396), null takes a key away."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "spec": {"firstMessage": "Good morning", "language": None},
                "base": _REVISION,
            }
        }
    )

    spec: JsonObject | None = None

    def wish(self, name: str) -> AgentWish:
        """What of the agent is to be otherwise."""
        return AgentWish(
            name=name, spec=self.spec, labels=self.labels, prompt=self.prompt, patch=True
        )


class AssignmentOrder(ChangeBase):
    """Who answers a number; null is nobody. ``environment`` moves the number there."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"agent": "front-desk", "base": _REVISION}}
    )

    agent: Name | None
    environment: Name | None = None

    def wish(self, number: str) -> NumberWish:
        """The assignment."""
        return NumberWish(number=number, agent=self.agent, environment=self.environment)


class FileOrder(Frozen):
    """A file's whole text; null deletes it."""

    path: FilePath
    content: str | None


class EditOrder(Frozen):
    """A value of a manifest, by a path such as `spec.voice.speed`, `spec.tools[0]` or, one more,
    `spec.tools[]`; null takes it away, and with an empty path the manifest. The path `spec` of
    a manifest that is not there makes one.
    """

    kind: ManifestKind
    name: Name
    path: Annotated[str, Field(max_length=limits.CHANGE_PATH_MAX_CHARACTERS)]
    value: Json = None


class FreeChangeOrder(ChangeBase):
    """Files that are written whole, and values that are set where they stand."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "edits": [
                    {
                        "kind": "Agent",
                        "name": "front-desk",
                        "path": "spec.voice.speed",
                        "value": 1.1,
                    }
                ],
                "files": [{"path": "knowledge/opening-hours.md", "content": "Nine to five.\n"}],
                "message": "Summer hours",
                "base": _REVISION,
            }
        }
    )

    files: Annotated[tuple[FileOrder, ...], Field(max_length=limits.CHANGE_FILES_MAX)] = ()
    edits: Annotated[tuple[EditOrder, ...], Field(max_length=limits.CHANGE_EDITS_MAX)] = ()

    def wishes(self) -> tuple[tuple[FileWish, ...], tuple[ValueWish, ...]]:
        """Files and values."""
        return (
            tuple(FileWish(path=each.path, content=each.content) for each in self.files),
            tuple(ValueWish.model_validate(each.model_dump()) for each in self.edits),
        )


class ChangedFileAnswer(Answer):
    """One file of a change."""

    path: str
    change: FileChange


class ProposedAnswer(Answer):
    """The pull request of a change."""

    number: int
    url: str


class ChangeAnswer(Answer):
    """What a change became. ``revision`` is its commit, on ``branch``. ``unchanged``: the branch
    said so already. ``rebased``: others had pushed elsewhere, and it stands on their commit.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "change-8d5f3c1b7a2e",
                "base": _REVISION,
                "revision": _AFTER,
                "branch": "main",
                "via": "commit",
                "pullRequest": None,
                "files": [{"path": "agents/front-desk/agent.yaml", "change": "modified"}],
                "diff": "--- a/agents/front-desk/agent.yaml\n+++ b/agents/front-desk/agent.yaml\n",
                "unchanged": False,
                "rebased": False,
            }
        }
    )

    id: str
    base: str
    revision: str
    branch: str
    via: Via
    pull_request: ProposedAnswer | None = None
    files: tuple[ChangedFileAnswer, ...] = ()
    diff: str = ""
    unchanged: bool = False
    rebased: bool = False


class FoundChangeAnswer(Answer):
    """Where a change is. ``state``: `committed` on the project's branch, `proposed` as an open
    pull request, `closed` or `merged` as one that ended, `pushed` to a branch of its own.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "change-8d5f3c1b7a2e",
                "state": "committed",
                "branch": "main",
                "revision": _AFTER,
                "pullRequest": None,
            }
        }
    )

    id: str
    state: Literal["committed", "proposed", "closed", "merged", "pushed"]
    branch: str
    revision: str | None = None
    pull_request: ProposedAnswer | None = None


class ManifestRowAnswer(Answer):
    """One manifest of the applied revision; ``usedBy`` names agents and numbers that name it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "Tool",
                "name": "book-slot",
                "file": "tools/book-slot.yaml",
                "line": 1,
                "usedBy": ["front-desk"],
                "revision": _REVISION,
            }
        }
    )

    kind: str
    name: str
    file: str
    line: int
    used_by: tuple[str, ...] = ()
    revision: str


class ManifestAnswer(ManifestRowAnswer):
    """One manifest as it is written. ``revision`` is what a change of it gives as ``base``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "Persona",
                "name": "warm-host",
                "file": "personas/warm-host.yaml",
                "line": 1,
                "usedBy": ["front-desk"],
                "revision": _REVISION,
                "manifest": {"kind": "Persona", "metadata": {"name": "warm-host"}, "spec": {}},
                "text": "kind: Persona\nmetadata: { name: warm-host }\nspec: {}\n",
                "prompt": None,
            }
        }
    )

    manifest: JsonObject
    text: str
    prompt: str | None = None


def change_answer(made: Change) -> ChangeAnswer:
    """What a change became."""
    return ChangeAnswer.model_validate(made.model_dump())


def found_answer(found: FoundChange) -> FoundChangeAnswer:
    """Where a change is."""
    address = found.pull_request
    return FoundChangeAnswer.model_validate(
        {
            "id": found.id,
            "state": found.state,
            "branch": found.branch,
            "revision": found.revision,
            "pull_request": address.model_dump() if address else None,
        }
    )


def row_answer(row: ManifestRow) -> ManifestRowAnswer:
    """One line of a list of manifests."""
    return ManifestRowAnswer(
        kind=row.kind,
        name=row.name,
        file=row.file,
        line=row.line,
        used_by=row.used_by,
        revision=row.revision,
    )


def manifest_answer(found: ManifestText) -> ManifestAnswer:
    """One manifest as it is written."""
    return ManifestAnswer(
        **row_answer(found.row).model_dump(by_alias=False),
        manifest=found.manifest,
        text=found.text,
        prompt=found.prompt,
    )
