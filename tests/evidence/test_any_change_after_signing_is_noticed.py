"""One signature covers everything a release says: any changed leaf but the hold makes it void."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.evidence.worlds import World
from trunkline.adapters.signing import Ed25519Keys
from trunkline.manifests import Caches, load_releases
from trunkline.manifests.release_files import release_text
from trunkline.model.evidence import statement
from trunkline.model.kinds.release import ReleaseSpec

Path = tuple[str | int, ...]

WORLD = World()
SIGNED = WORLD.release(
    experiment={"version": 6, "revision": "2" * 40, "digest": f"sha256:{'e' * 64}", "percent": 20}
)
DOCUMENT: dict[str, Any] = json.loads(SIGNED.model_dump_json(by_alias=True, exclude_none=True))


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of everything that holds nothing else."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [each for key, item in inside for each in leaves(item, (*path, key))]
    yield from found or [path]


def changed(path: Path, value: Any) -> dict[str, Any]:
    """The document with another value at a path; ``...`` takes it away."""
    copied = copy.deepcopy(DOCUMENT)
    place: Any = copied
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


LEAVES = sorted(leaves(DOCUMENT), key=str)
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.booleans(),
    st.just(...),
    st.sampled_from(["sha256:" + "f" * 64, "3" * 40, "front-desk", "2026-03-02T13:00:00Z", "5m"]),
)


@given(path=st.sampled_from(LEAVES), value=VALUES)
@settings(max_examples=300, deadline=None)
def test_a_changed_leaf_makes_the_release_invalid_or_unreadable(path: Path, value: Any) -> None:
    document = changed(path, value)
    if document == DOCUMENT:
        return
    try:
        spec = ReleaseSpec.model_validate(document)
    except ValidationError:
        return
    if spec == SIGNED:
        return
    same = statement("acme", "front-desk", spec) == statement("acme", "front-desk", SIGNED)
    assert same is (path == ("evidence", "signature"))
    assert WORLD.problem(spec)


@given(hold=st.none() | st.fixed_dictionaries({"reason": st.just("rolled back"), "by": st.text()}))
@settings(max_examples=30, deadline=None)
def test_a_hold_may_be_set_and_lifted_by_a_plain_commit(hold: dict[str, str] | None) -> None:
    try:
        spec = ReleaseSpec.model_validate(DOCUMENT if hold is None else {**DOCUMENT, "hold": hold})
    except ValidationError:
        return
    assert WORLD.problem(spec) == ""


def test_every_leaf_is_covered_one_by_one() -> None:
    assert len(LEAVES) > 40
    for path in LEAVES:
        spec: ReleaseSpec | None
        try:
            spec = ReleaseSpec.model_validate(changed(path, ...))
        except (ValidationError, IndexError):
            spec = None
        assert spec is None or WORLD.problem(spec), path


@given(payload=st.binary(max_size=200), other=st.binary(max_size=200))
@settings(deadline=None)
def test_a_signature_fits_its_bytes_and_no_others(payload: bytes, other: bytes) -> None:
    signature = WORLD.keys.sign(payload)
    stranger = Ed25519Keys()
    assert stranger.verifies(payload, signature, WORLD.keys.public_key)
    assert stranger.verifies(other, signature, WORLD.keys.public_key) is (payload == other)


@given(signature=st.text(max_size=100), key=st.text(max_size=60))
def test_nothing_odd_verifies_and_nothing_odd_raises(signature: str, key: str) -> None:
    assert not WORLD.keys.verifies(b"payload", signature, WORLD.keys.public_key)
    assert not WORLD.keys.verifies(b"payload", WORLD.keys.sign(b"payload"), key)


class OneFile:
    """A commit that holds one file."""

    revision = None

    def __init__(self, path: str, text: str) -> None:
        self._path, self._content = path, text.encode()

    def paths(self) -> list[str]:
        return [self._path]

    def links(self) -> frozenset[str]:
        return frozenset()

    def identity(self, path: str) -> str:
        return f"{path}:{self._content!r}"

    def size(self, path: str) -> int:
        del path
        return len(self._content)

    def read(self, path: str) -> bytes:
        del path
        return self._content


@given(changes=st.text(min_size=1, max_size=80), by=st.text(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_release_reads_back_from_its_file_as_it_was_signed(changes: str, by: str) -> None:
    try:
        spec = WORLD.release(changes=changes, promotedBy=by)
    except ValidationError:
        return
    tree = OneFile("releases/production/front-desk.yaml", release_text("front-desk", spec))
    found = load_releases(tree, caches=Caches())
    assert found.problems == ()
    read = found.released["production", "front-desk"].manifest.spec
    assert read == spec
    assert WORLD.problem(read) == ""
