"""Every key of every fixed-schema object of the sample, misspelt, is found where it stands.

All of them with ``TRUNKLINE_TEST_SHARE=1``, else a seeded choice: each costs a check of the tree.
"""

import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from trunkline.manifests import Caches, DirectoryTree, check, manifest_paths
from trunkline.manifests.documents import Document, read_documents
from trunkline.manifests.explanations import known_keys
from trunkline.manifests.sample import sample_folder
from trunkline.model.kinds import KINDS, ConversationTest
from trunkline.model.kinds.conversation import Fragment

SEED = 20_260_612
SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))


def keys_of_fixed_objects(
    document: Document, kind: type[BaseModel] | None = None
) -> Iterator[tuple[str, int, int]]:
    """Key, line and column of every key whose object has a closed set of keys."""
    root = document.value
    assert isinstance(root, dict)
    kind = kind or KINDS[str(root["kind"])]
    pending: list[tuple[object, str, tuple[int | str, ...]]] = [(root, "", ())]
    while pending:
        value, path, loc = pending.pop()
        if isinstance(value, list):
            pending.extend(
                (item, f"{path}[{index}]", (*loc, index)) for index, item in enumerate(value)
            )
        if not isinstance(value, dict):
            continue
        known = known_keys(kind, loc)
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if re.search(r"[\"\[]", key):
                continue
            if key in known:
                _, _, line, column = document.places[below]
                yield key, line, column
            pending.append((item, below, (*loc, key)))


def sample_keys() -> list[tuple[str, str, int, int]]:
    folder = sample_folder()
    found: list[tuple[str, str, int, int]] = []
    for path in manifest_paths(DirectoryTree(folder)):
        for document in read_documents((folder / path).read_text(encoding="utf-8")):
            found.extend((path, *each) for each in keys_of_fixed_objects(document))
    return found


def misspelt(key: str, chance: random.Random) -> str:
    """The key with two neighbours swapped, a letter doubled, or the last one gone."""
    slip = chance.randrange(3)
    at = chance.randrange(len(key) - 1)
    if slip == 0 and key[at] != key[at + 1]:
        return key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    if slip == 1 and len(key) > 2:
        return key[:-1]
    return key[:at] + key[at] * 2 + key[at + 1 :]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "manifests"
    shutil.copytree(sample_folder(), folder)
    return folder


def assert_found(folder: Path, keys: list[tuple[str, str, int, int]]) -> None:
    """Each key misspelt is one problem, at its place, with the key as what was meant."""
    chance = random.Random(SEED)  # noqa: S311 - a seeded test, not a secret
    caches = Caches()
    for path, key, line, column in keys:
        target = folder / path
        before = target.read_text(encoding="utf-8")
        wrong = misspelt(key, chance)
        lines = before.split("\n")
        row = lines[line - 1]
        assert row[column - 1 :].startswith(key)
        lines[line - 1] = row[: column - 1] + wrong + row[column - 1 + len(key) :]
        target.write_text("\n".join(lines), encoding="utf-8")
        problems = check(DirectoryTree(folder), caches=caches)
        target.write_text(before, encoding="utf-8")
        here = [p for p in problems if (p.position.line, p.position.column) == (line, column)]
        assert [p.position.file for p in here] == [path], (path, key, wrong, problems)
        assert f"`{wrong}`" in here[0].message, (key, wrong, here)
        assert here[0].suggestion == key, (key, wrong, here)
        assert problems == tuple(here), (path, key, wrong)
    assert check(DirectoryTree(folder), caches=caches) == ()


@pytest.mark.slow
def test_every_key_misspelt_is_found_at_its_place(sample: Path) -> None:
    keys = sample_keys()
    assert len(keys) > 450
    chance = random.Random(SEED)  # noqa: S311 - a seeded test, not a secret
    assert_found(sample, chance.sample(keys, round(SHARE * len(keys))))


@pytest.mark.parametrize(
    ("path", "kind"),
    [("greets.yaml", ConversationTest), ("shared/opening.fragment.yaml", Fragment)],
)
def test_every_key_of_tests_misspelt_is_found(
    path: str, kind: type[BaseModel], every_key: Path
) -> None:
    file = f"agents/front-desk/tests/{path}"
    [document] = read_documents((every_key / file).read_text(encoding="utf-8"))
    keys = [(file, *each) for each in keys_of_fixed_objects(document, kind)]
    assert len(keys) > 20
    assert_found(every_key, keys)
