"""Whatever is left out of a sound test, or left of it, the answer is a test or problems."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.manifests import Caches, DirectoryTree, inspect
from trunkline.manifests.documents import read_documents
from trunkline.model.base import Json

FILE = "agents/front-desk/tests/greets.yaml"
ALTERED: list[Json] = [None, 0, -1.5, True, "", "x", "1#", "{{x}}", [], {}, [{}], {"": None}]


def places_of(value: Json) -> list[tuple[str | int, ...]]:
    """The way to every value below a value."""
    items = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [(key, *rest) for key, item in items for rest in [(), *places_of(item)]]


def without(value: Json, gone: set[tuple[str | int, ...]], at: tuple[str | int, ...] = ()) -> Json:
    """The value without what stands at some places."""
    if isinstance(value, dict):
        kept = {key: (*at, key) for key in value if (*at, key) not in gone}
        return {key: without(value[key], gone, place) for key, place in kept.items()}
    if isinstance(value, list):
        indices = [index for index in range(len(value)) if (*at, index) not in gone]
        return [without(value[index], gone, (*at, index)) for index in indices]
    return value


def put(value: Json, place: tuple[str | int, ...], new: Json) -> Json:
    """The value with another one at a place."""
    changed = deepcopy(value)
    target: Json = changed
    for step in place[:-1]:
        target = target[step]  # type: ignore[index]
    target[place[-1]] = new  # type: ignore[index]
    return changed


@pytest.fixture(scope="module")
def caches() -> Caches:
    return Caches()


def looked_at(folder: Path, document: Json, caches: Caches) -> bool:
    """True if it is sound; whatever is wrong is in the test's or a fragment's file."""
    (folder / FILE).write_text(json.dumps(document), encoding="utf-8")
    found = inspect(DirectoryTree(folder), caches=caches)
    assert (found.manifests is None) == bool(found.problems)
    assert all(problem.position.file.startswith("agents/") for problem in found.problems)
    assert len({str(each) for each in found.problems}) == len(found.problems)
    return not found.problems


RARELY_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=RARELY_SLOW)
def test_any_part_of_a_test(data: st.DataObject, every_key: Path, caches: Caches) -> None:
    original = every_key / f"{FILE}.original"
    if not original.exists():
        original.write_bytes((every_key / FILE).read_bytes())
    [document] = read_documents(original.read_text(encoding="utf-8"))
    places = places_of(document.value)
    gone = data.draw(st.sets(st.sampled_from(places), min_size=0, max_size=len(places)))
    rest = without(document.value, gone)
    sound = looked_at(every_key, rest, caches)
    assert sound or gone


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=RARELY_SLOW)
def test_any_value_in_any_place(data: st.DataObject, every_key: Path, caches: Caches) -> None:
    original = every_key / f"{FILE}.original"
    if not original.exists():
        original.write_bytes((every_key / FILE).read_bytes())
    [document] = read_documents(original.read_text(encoding="utf-8"))
    place = data.draw(st.sampled_from([p for p in places_of(document.value) if p[0] == "spec"]))
    new = data.draw(st.sampled_from(ALTERED))
    looked_at(every_key, put(document.value, place, new), caches)
