"""The files that manifests name: read once, kept, and refused with the naming line.

A path that leads outside of the repository is already refused by its shape; here a link, a folder
or nothing at all at its end is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from trunkline.manifests.caches import SizedCache
from trunkline.manifests.inventory import Inventory
from trunkline.manifests.suggestions import nearest
from trunkline.manifests.tree import SourceTree
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.limits import (
    CONTENT_FILE_MAX_BYTES,
    PROMPT_MAX_CHARACTERS,
    UPLOAD_FILE_MAX_BYTES,
    UPLOADS_MAX_BYTES,
)
from trunkline.model.manifests import Content, Upload
from trunkline.model.problems import Position, Problem
from trunkline.model.testing.limits import SOUND_FILE_MAX_BYTES
from trunkline.model.uploads import file_type, flaw


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file that a document names, and where it does so."""

    path: str
    position: Position
    prompt: bool = False
    upload: bool = False
    recording: bool = False

    @property
    def as_bytes(self) -> bool:
        """True if the file is kept as it is and not as text."""
        return self.upload or self.recording


def file_uses(inventory: Inventory) -> Iterator[FileUse]:
    """Every file that an agent's prompt, a knowledge document or a test names."""
    for agent in inventory.agents.values():
        spec = agent.manifest.spec
        contents = {"spec": spec.prompt} | {
            f"spec.overrides.{name}": each.prompt for name, each in spec.overrides.items()
        }
        for path, prompt in contents.items():
            if prompt is not None and prompt.file is not None:
                position = agent.positions.value(f"{path}.prompt.file")
                yield FileUse(agent.path_of(prompt.file), position, prompt=True)
    for document in inventory.knowledge.values():
        source = document.manifest.spec.source
        if source.file is not None:
            position = document.positions.value("spec.source.file")
            yield FileUse(document.path_of(source.file), position, upload=source.upload)
    for test in inventory.tests.values():
        for index, turn in enumerate(test.manifest.spec.turns):
            if turn.audio_file is not None:
                position = test.positions.value(f"spec.turns[{index}].audioFile")
                yield FileUse(test.path_of(turn.audio_file), position, recording=True)
        for index, file in enumerate(test.manifest.spec.judge.calibrate):
            position = test.positions.value(f"spec.judge.calibrate[{index}]")
            yield FileUse(test.path_of(file), position)


class ContentReader:
    """Reads the files of one tree, with what was read from earlier trees at hand."""

    def __init__(
        self,
        tree: SourceTree,
        kept: SizedCache[Content | str],
        kept_uploads: SizedCache[Upload | str],
    ) -> None:
        self._tree = tree
        self._kept = kept
        self._kept_uploads = kept_uploads
        self._uploads: dict[str, int] = {}
        self._paths = frozenset(tree.paths())
        self._links = tree.links()

    def read(self, use: FileUse) -> Content | Problem:
        """The file's text, or why it cannot be used."""
        refusal = self._refusal(use.path, CONTENT_FILE_MAX_BYTES)
        if refusal is not None:
            return Problem(position=use.position, message=refusal, suggestion=self._meant(use.path))
        content = self._kept.get(
            use.path,
            self._tree.identity(use.path),
            self._tree.size(use.path),
            lambda: _decoded(self._tree.read(use.path)),
        )
        if isinstance(content, str):
            return Problem(position=use.position, message=f"`{use.path}` {content}")
        if use.prompt and len(content.text) > PROMPT_MAX_CHARACTERS:
            return Problem(
                position=use.position,
                message=f"`{use.path}` has {len(content.text)} characters; a prompt has at most "
                f"{PROMPT_MAX_CHARACTERS}",
            )
        return content

    def read_upload(self, use: FileUse) -> Upload | Problem:
        """The file as it is, or why it cannot be used. All of a tree together are bounded."""
        bytes_max = SOUND_FILE_MAX_BYTES if use.recording else UPLOAD_FILE_MAX_BYTES
        refusal = self._refusal(use.path, bytes_max)
        if refusal is not None:
            return Problem(position=use.position, message=refusal, suggestion=self._meant(use.path))
        size = self._tree.size(use.path)
        if sum(self._uploads.values()) - self._uploads.get(use.path, 0) + size > UPLOADS_MAX_BYTES:
            return Problem(
                position=use.position,
                message=f"with `{use.path}` the files to upload or play come to more than "
                f"{UPLOADS_MAX_BYTES} bytes",
            )
        self._uploads[use.path] = size
        found = self._kept_uploads.get(
            use.path,
            self._tree.identity(use.path),
            size,
            lambda: _uploaded(use.path, self._tree.read(use.path)),
        )
        if isinstance(found, str):
            return Problem(position=use.position, message=f"`{use.path}` {found}")
        return found

    def _refusal(self, path: str, bytes_max: int) -> str | None:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            if "/".join(parts[:end]) in self._links:
                return f"`{path}` leads through a symbolic link; links are not followed"
        if path not in self._paths:
            return f"there is no file `{path}`"
        if self._tree.size(path) > bytes_max:
            return f"`{path}` is larger than {bytes_max} bytes"
        return None

    def _meant(self, path: str) -> str:
        if path in self._paths:
            return ""
        folder, _, name = path.rpartition("/")
        begin = f"{folder}/" if folder else ""
        beside = [
            each.removeprefix(begin)
            for each in self._paths
            if each.startswith(begin) and "/" not in each.removeprefix(begin)
        ]
        return nearest(name, beside)


def _uploaded(path: str, raw: bytes) -> Upload | str:
    kind = file_type(path)
    return flaw(kind, raw) or Upload(raw, digest_of_bytes(raw), kind)


def _decoded(raw: bytes) -> Content | str:
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if "\x00" in text:
        return "is not text: it holds a NUL character"
    if not text.strip():
        return "is empty"
    return Content(text=text, digest=digest_of_bytes(text.encode()))
