"""A small sound repository to spoil, and ways to read one."""

import wave
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from textwrap import dedent

import pytest

from trunkline.manifests import Caches, DirectoryTree, Inspection, inspect

Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]
Look = Callable[[Mapping[str, str | bytes]], Inspection]

SOUND: dict[str, str] = {
    "trunkline.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Project
        metadata: { name: acme }
        spec:
          environments:
            - name: testing
            - name: production
              source: releases
              promotion: { from: testing }
        """,
    "agents/desk/agent.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk }
        spec:
          prompt: { file: prompt.md }
          persona: host
          tools: [book]
          knowledge: [hours]
        """,
    "agents/desk/prompt.md": "You answer the phone.\n",
    "personas.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Persona
        metadata: { name: host }
        spec: { traits: { temper: 0.2, chattiness: 0.9, attachment: 0.6 } }
        """,
    "tools.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Tool
        metadata: { name: book }
        spec: { type: client, function: book, description: Books }
        """,
    "knowledge.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: KnowledgeDocument
        metadata: { name: hours }
        spec: { title: Hours, source: { text: Nine to five } }
        """,
    "numbers.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: PhoneNumber
        metadata: { name: main }
        spec: { number: "+15005550006", environment: testing, agent: desk }
        """,
}


@pytest.fixture
def recording() -> bytes:
    """A caller's recording: a tenth of a second of silence, as WAV."""
    return wav()


@pytest.fixture
def record() -> Callable[..., bytes]:
    """Makes recordings: ``rate``, ``channels``, ``width`` in bytes and ``seconds``."""
    return wav


def wav(rate: int = 8_000, channels: int = 1, width: int = 2, seconds: float = 0.1) -> bytes:
    held = BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(int(rate * seconds) * channels * width))
    return held.getvalue()


@pytest.fixture
def every_key(tmp_path: Path, recording: bytes) -> Path:
    """A repository that uses every key: after a line ``=== path`` of its source, a file's text."""
    source = Path(__file__).with_name("every_key.txt").read_text(encoding="utf-8")
    for block in source.split("=== ")[1:]:
        path, _, text = block.partition("\n")
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (tmp_path / "agents/front-desk/tests/hello.wav").write_bytes(recording)
    return tmp_path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files over the sound repository and answers the folder as a tree."""

    def written(files: Mapping[str, str | bytes]) -> DirectoryTree:
        for path, text in {**SOUND, **files}.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, bytes):
                target.write_bytes(text)
            else:
                target.write_text(dedent(text), encoding="utf-8")
        return DirectoryTree(tmp_path)

    return written


@pytest.fixture
def look(write: Write) -> Look:
    """Writes files over the sound repository and answers what there is to say about it."""

    def looked(files: Mapping[str, str | bytes]) -> Inspection:
        return inspect(write(files), caches=Caches())

    return looked
