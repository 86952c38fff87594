"""Cost follows change: a file whose bytes are known is neither read nor parsed again."""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from time import process_time

import pytest
import yaml

from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.manifests.caches import SizedCache
from trunkline.manifests.sample import sample_folder
from trunkline.model.errors import InvalidManifests, TreeEmpty
from trunkline.model.ids import Revision

TRIES = 3
"""Of a measurement: what else runs takes caches, and with them processor time, from us."""
PLAIN_READINGS = 100
Write = Callable[[Mapping[str, str]], DirectoryTree]


class RecordedTree:
    """A commit held in memory, which remembers what was read from it."""

    def __init__(self, files: Mapping[str, bytes], revision: str = "a" * 40) -> None:
        self._files = files
        self._revision = Revision(revision)
        self.reads: list[str] = []

    @property
    def revision(self) -> Revision | None:
        return self._revision

    def paths(self) -> Sequence[str]:
        return tuple(self._files)

    def links(self) -> AbstractSet[str]:
        return frozenset()

    def identity(self, path: str) -> str:
        return str(hash(self._files[path]))

    def size(self, path: str) -> int:
        return len(self._files[path])

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        return self._files[path]


def sample_files() -> dict[str, bytes]:
    tree = DirectoryTree(sample_folder())
    return {path: tree.read(path) for path in tree.paths()}


def test_a_tree_where_one_file_changed_reads_one_file() -> None:
    caches = Caches()
    files = sample_files()
    first = RecordedTree(files)
    before = load(first, caches=caches)
    assert len(first.reads) > 20
    path = "agents/front-desk/agent.yaml"
    changed = files[path].replace(b"displayName: Front desk", b"displayName: Reception")
    second = RecordedTree({**files, path: changed}, "b" * 40)
    after = load(second, caches=caches)
    assert second.reads == [path]
    assert after.agents["front-desk"].manifest.spec.display_name == "Reception"
    assert after.agents["after-hours"].manifest is before.agents["after-hours"].manifest
    assert (before.revision, after.revision) == ("a" * 40, "b" * 40)


def test_order_of_files_does_not_matter() -> None:
    files = sample_files()
    backwards = dict(reversed(files.items()))
    first = load(RecordedTree(files), caches=Caches())
    second = load(RecordedTree(backwards), caches=Caches())
    assert list(first.agents) == list(second.agents)
    assert first == second


def test_a_kept_file_with_a_problem_keeps_its_problem() -> None:
    caches = Caches()
    files = {**sample_files(), "bad.yaml": b"a: [\n"}
    for _ in range(2):
        with pytest.raises(InvalidManifests) as caught:
            load(RecordedTree(files), caches=caches)
        assert [each.position.file for each in caught.value.problems] == ["bad.yaml"]


def test_the_cache_keeps_what_was_used_last_within_its_bound() -> None:
    cache: SizedCache[str] = SizedCache(10)
    made: list[str] = []

    def get(path: str, size: int) -> str:
        def make() -> str:
            made.append(path)
            return path

        return cache.get(path, "same", size, make)

    for path, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4)):
        assert get(path, size) == path
    assert made == ["a", "b", "c", "b"]
    assert get("huge", 11) == "huge"
    assert len(cache) == 2


def test_the_same_path_with_other_bytes_is_another_entry() -> None:
    cache: SizedCache[int] = SizedCache(10)
    assert cache.get("a", "first", 1, lambda: 1) == 1
    assert cache.get("a", "second", 1, lambda: 2) == 2
    assert cache.get("a", "first", 1, lambda: 3) == 1


def test_an_empty_tree_is_no_wish_to_delete() -> None:
    with pytest.raises(TreeEmpty):
        load(RecordedTree({}), caches=Caches())
    with pytest.raises(TreeEmpty):
        load(RecordedTree({"README.md": b"nothing else"}), caches=Caches())


def plain_reading_s(text: bytes) -> float:
    """Processor time of PyYAML's plain reader for the text, which checks and keeps nothing: two
    thirds of it were two milliseconds, and it is slow wherever we are slow.
    """
    started = process_time()
    for _ in range(PLAIN_READINGS):
        yaml.safe_load(text)
    return (process_time() - started) / PLAIN_READINGS


def test_a_document_costs_less_than_two_thirds_of_a_plain_reading_of_its_text() -> None:
    files = sample_files()
    agent = files["agents/front-desk/agent.yaml"]
    for number in range(2_000):
        name = b"name: desk-%d" % number
        folder = f"agents/desk-{number}"
        files[f"{folder}/agent.yaml"] = agent.replace(b"name: front-desk", name)
        files[f"{folder}/prompt.md"] = b"You answer the phone at {{clinic}}, desk %d." % number
    share = math.inf
    for _ in range(TRIES):
        plain_s = plain_reading_s(agent)
        started = process_time()
        manifests = load(RecordedTree(files), caches=Caches())
        share = min(share, (process_time() - started) / 2_000 / plain_s)
        assert len(manifests.agents) == 2_006
        if share < 2 / 3:
            return
    pytest.fail(f"{share:.2f} of a plain reading of a document")
