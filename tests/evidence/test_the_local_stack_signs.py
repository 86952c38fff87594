"""Promotions work on a fresh machine: a key is made, and the Project there lists it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.local import signing
from trunkline.local.repository import LocalRepository
from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.manifests.key_edits import with_public_key
from trunkline.manifests.sample import sample_folder
from trunkline.model.errors import InvalidSettings
from trunkline.model.evidence import usable_keys

KEY = Ed25519Keys(new_private_key()).public_key
OTHER = Ed25519Keys(new_private_key()).public_key
SAMPLE = (sample_folder() / "trunkline.yaml").read_text("utf-8")


def public(private_key: str) -> str:
    return Ed25519Keys(private_key).public_key


def listed(folder: Path) -> frozenset[str]:
    """The keys of a folder's Project."""
    described = load(DirectoryTree(folder), caches=Caches()).project.manifest.spec.signing
    return usable_keys(described.public_keys if described is not None else ())


def test_the_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    made = signing.ensure(tmp_path)
    assert public(made)
    assert signing.ensure(tmp_path) == made
    assert (tmp_path / signing.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [signing.KEY_FILE]


@pytest.mark.parametrize("seeded", [True, False])
def test_a_fresh_clone_lists_the_key_and_keeps_every_comment(tmp_path: Path, seeded: bool) -> None:
    key = signing.ensure(tmp_path)
    repository = LocalRepository(tmp_path)
    repository.create(
        sample_folder(),
        seeded=seeded,
        texts=lambda: signing.texts_with_key(sample_folder(), key),
    )
    text = (repository.clone / "trunkline.yaml").read_text("utf-8")
    assert listed(repository.clone) == {public(key)}
    made = load(DirectoryTree(repository.clone), caches=Caches())
    assert signing.unlisted_key(made, key) == ""
    assert [line for line in SAMPLE.splitlines() if line not in text.splitlines()] == []
    assert sorted(path.name for path in repository.clone.iterdir() if path.name != ".git") == (
        sorted(path.name for path in sample_folder().iterdir())
    )
    assert (sample_folder() / "trunkline.yaml").read_text("utf-8") == SAMPLE


def test_a_clone_that_is_there_is_never_edited(tmp_path: Path) -> None:
    repository = LocalRepository(tmp_path)
    repository.create(sample_folder(), seeded=True)
    key = signing.ensure(tmp_path)
    asked: list[Mapping[str, str]] = []

    def texts() -> Mapping[str, str]:
        asked.append(signing.texts_with_key(sample_folder(), key))
        return asked[-1]

    repository.create(sample_folder(), seeded=True, texts=texts)
    assert asked == []
    assert listed(repository.clone) == frozenset()
    kept = load(DirectoryTree(repository.clone), caches=Caches())
    assert signing.unlisted_key(kept, key) == public(key)


def test_a_key_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="TRUNKLINE_SIGNING_KEY"):
        signing.texts_with_key(sample_folder(), "nonsense")
    assert signing.texts_with_key(tmp_path, new_private_key()) == {}


EDITED: dict[str, tuple[str, str]] = {
    "no signing": (
        "kind: Project\nspec:\n  # who\n  people: []\n",
        f"kind: Project\nspec:\n  signing: {{ publicKeys: [{KEY}] }}\n  # who\n  people: []\n",
    ),
    "in braces": (
        "kind: Project\nspec: { people: [] }\n",
        f"kind: Project\nspec: {{ signing: {{ publicKeys: [{KEY}] }}, people: [] }}\n",
    ),
    "signing of commits": (
        "kind: Project\nspec:\n  signing:\n    commits: { policy: off }  # for now\n",
        (
            f"kind: Project\nspec:\n  signing:\n    publicKeys: [{KEY}]\n"
            "    commits: { policy: off }  # for now\n"
        ),
    ),
    "an empty list": (
        "kind: Project\nspec: { signing: { publicKeys: [] } }\n",
        f"kind: Project\nspec: {{ signing: {{ publicKeys: [{KEY}] }} }}\n",
    ),
    "another key": (
        f'kind: Project\nspec: {{ signing: {{ publicKeys: [ "{OTHER}" ] }} }}\n',
        f'kind: Project\nspec: {{ signing: {{ publicKeys: [ {KEY}, "{OTHER}" ] }} }}\n',
    ),
    "a list below each other": (
        f"kind: Project\nspec:\n  signing:\n    publicKeys:\n    # ours\n    - {OTHER}\n",
        (
            f"kind: Project\nspec:\n  signing:\n    publicKeys:\n    - {KEY}\n"
            f"    # ours\n    - {OTHER}\n"
        ),
    ),
    "the second document": (
        "kind: Agent\n---\nkind: Project\nspec:\n  people: []\n",
        (
            "kind: Agent\n---\nkind: Project\nspec:\n"
            f"  signing: {{ publicKeys: [{KEY}] }}\n  people: []\n"
        ),
    ),
}


@pytest.mark.parametrize("what", EDITED)
def test_a_key_goes_where_it_belongs(what: str) -> None:
    before, after = EDITED[what]
    assert with_public_key(before, KEY) == after
    assert with_public_key(after, KEY) == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "kind: Agent\nspec: { people: [] }\n",
        "kind: Project\n",
        "kind: Project\nspec: {}\n",
        "kind: Project\nspec: nothing\n",
        "kind: Project\nspec: { signing: { publicKeys: nothing } }\n",
        "kind: Project\nx: &x { a: 1 }\nspec: *x\n",
    ],
)
def test_what_cannot_take_a_key_is_left_alone(text: str) -> None:
    assert with_public_key(text, KEY) == text
