"""Whatever stands in the place of a value or key, the answer is manifests or problems.

Three hundred slips with ``TRUNKLINE_TEST_SHARE=1``, else the first of them: each costs a check of
the tree.
"""

import json
import os
import random
import shutil
from pathlib import Path

from trunkline.manifests import Caches, DirectoryTree, inspect, manifest_paths
from trunkline.manifests.documents import read_documents
from trunkline.manifests.sample import sample_folder
from trunkline.model.base import Json
from trunkline.model.resolution import wishes

SEED = 7_041
SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
ROUNDS = round(300 * SHARE)
ODD_VALUES: list[Json] = json.loads(
    """[null, 5, -1, 1.5, true, 1000000000000000000000000000000, "", "x", "no such", "+1",
    "sha256:", "../x", [], {}, [[]], [{}], {"a": 1}, ["x", {"y": [1]}], {"0": {"1": 2}}]"""
)
ODD_KEYS = ("a.b", 'q"x', "[0]", "0", "=name", "*", "é", "[key]")


def containers(value: Json) -> list[dict[str, Json] | list[Json]]:
    """Every object and list in a value that holds something."""
    if not isinstance(value, dict | list) or not value:
        return []
    items = list(value.values()) if isinstance(value, dict) else value
    return [value, *(found for item in items for found in containers(item))]


def spoil(document: Json, chance: random.Random) -> None:
    """Replace a value, take it away, or give it another key."""
    place = chance.choice(containers(document))
    slip = chance.random()
    if isinstance(place, list):
        place[chance.randrange(len(place))] = chance.choice(ODD_VALUES)
        return
    key = chance.choice(list(place))
    value = place.pop(key)
    if slip < 0.6:
        place[key] = chance.choice(ODD_VALUES)
    elif slip < 0.8:
        place[chance.choice(ODD_KEYS)] = value


def test_spoilt_samples_are_read_or_refused_with_places(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    shutil.copytree(sample_folder(), folder)
    paths = manifest_paths(DirectoryTree(folder))
    chance = random.Random(SEED)  # noqa: S311 - a seeded test, not a secret
    caches = Caches()
    refused = 0
    for _ in range(ROUNDS):
        target = folder / chance.choice(paths)
        before = target.read_text(encoding="utf-8")
        documents = [document.value for document in read_documents(before)]
        spoil(chance.choice(documents), chance)
        target.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
        found = inspect(DirectoryTree(folder), caches=caches)
        target.write_text(before, encoding="utf-8")
        assert (found.manifests is None) == bool(found.problems)
        if found.manifests is not None:
            assert wishes(found.manifests).agents
        refused += bool(found.problems)
    assert refused > ROUNDS // 2
