"""Two trees of manifests, loaded as Git holds them."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trunkline.manifests import DirectoryTree, load
from trunkline.model.manifests import Manifests


def document(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> str:
    """A manifest."""
    return json.dumps(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": spec,
        }
    )


PROJECT = document(
    "Project",
    "acme",
    {
        "people": [{"name": "author", "emails": ["author@example.com"]}],
        "environments": [
            {"name": "testing", "source": "head"},
            {
                "name": "production",
                "source": "releases",
                "promotion": {"from": "testing", "approvals": {"count": 1}, "soak": "30m"},
            },
        ],
    },
)
AGENT: dict[str, Any] = {
    "displayName": "Front desk",
    "prompt": {"text": "You answer the telephone."},
    "firstMessage": "Hello",
}
TEST: dict[str, Any] = {
    "agent": "front-desk",
    "repeat": {"runs": 3, "pass": 3},
    "limits": {"turns": 4},
    "turns": [{"say": "Hello", "expect": [{"says": "Acme"}, {"says": "help"}]}],
}
BASE = {
    "trunkline.yaml": PROJECT,
    "agents/front-desk.yaml": document("Agent", "front-desk", AGENT),
    "tests/greets.yaml": document("ConversationTest", "greets", TEST, tags=["smoke"]),
}


def tree(files: Mapping[str, str]) -> Manifests:
    """The manifests of these files."""
    with TemporaryDirectory(prefix="tree-") as folder:
        for path, text in files.items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return load(DirectoryTree(folder))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Files that differ, as Git lists them."""
    paths = sorted(set(before) | set(after))
    return tuple(path for path in paths if before.get(path) != after.get(path))
