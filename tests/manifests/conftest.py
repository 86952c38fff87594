"""A small sound repository to spoil, and ways to read one."""

from collections.abc import Callable, Mapping
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
