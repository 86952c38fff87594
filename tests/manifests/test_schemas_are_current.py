"""The schemas editors use are generated from the kinds, and fit what the loader accepts."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from trunkline.manifests import DirectoryTree, manifest_paths
from trunkline.manifests.documents import read_documents
from trunkline.manifests.sample import sample_folder
from trunkline.manifests.schemas import schema_files
from trunkline.model.base import JsonObject
from trunkline.model.kinds import KINDS

FOLDER = sample_folder()
FILES = schema_files()
VALIDATORS = {name: Draft202012Validator(json.loads(text)) for name, text in FILES.items()}
COMBINED = VALIDATORS["trunkline.json"]


def documents() -> list[tuple[str, JsonObject]]:
    found: list[tuple[str, JsonObject]] = []
    for path in manifest_paths(DirectoryTree(FOLDER)):
        for document in read_documents((FOLDER / path).read_text(encoding="utf-8")):
            assert isinstance(document.value, dict)
            found.append((path, document.value))
    return found


def test_stored_schemas_are_what_the_kinds_say() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "schema").iterdir()}
    assert stored == FILES
    assert set(stored) == {*(f"{kind}.json" for kind in KINDS), "Fragment.json", "trunkline.json"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(FILES[name]))


def test_every_sample_document_fits_both_its_schemas() -> None:
    for path, value in documents():
        own = VALIDATORS[f"{value['kind']}.json"]
        assert [error.message for error in COMBINED.iter_errors(value)] == [], path
        assert [error.message for error in own.iter_errors(value)] == [], path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Agnet"}, "'Agnet' is not one of"),
        ({"spec": {"displayNam": "X"}}, "'displayNam' was unexpected"),
        ({"spec": {"limits": {"maxDuration": "ten minutes"}}}, "is not valid under any"),
        ({"spec": {"voice": {"speed": 2}}}, "is not valid under any of the given schemas"),
        ({"metadata": {"name": "Front Desk"}}, "does not match"),
    ],
)
def test_an_editor_sees_what_is_wrong(change: JsonObject, message: str) -> None:
    agent: JsonObject = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "Agent",
        "metadata": {"name": "desk"},
        "spec": {},
    }
    assert list(COMBINED.iter_errors(agent)) == []
    errors = list(COMBINED.iter_errors({**agent, **change}))
    assert errors
    assert message in str(errors)


def test_a_test_with_every_key_fits_its_schema(every_key: Path) -> None:
    folder = every_key / "agents/front-desk/tests"
    for path, schema in (
        ("greets.yaml", "ConversationTest.json"),
        ("greets.yaml", "trunkline.json"),
        ("shared/opening.fragment.yaml", "Fragment.json"),
    ):
        [document] = read_documents((folder / path).read_text(encoding="utf-8"))
        assert [e.message for e in VALIDATORS[schema].iter_errors(document.value)] == [], path


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"turns": [{"sya": "Hello"}]}, "'sya' was unexpected"),
        ({"turns": [{"say": None}]}, "None is not of type 'string'"),
        ({"turns": [{"dtmf": 12}]}, "12 is not of type 'string'"),
        ({"turns": [{"expect": [{"calls": {"nme": "a"}}]}]}, "'nme' was unexpected"),
        ({"turns": [{"expect": [{"says": {"contain": "a"}}]}]}, "'contain' was unexpected"),
        ({"tools": {"book": [{"rply": 1}]}}, "'rply' was unexpected"),
        ({"finally": [{"variables": {"a": {"equal": 1}}}]}, "'equal' was unexpected"),
    ],
)
def test_an_editor_sees_slips_in_a_test(spec: JsonObject, message: str) -> None:
    test: JsonObject = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "ConversationTest",
        "metadata": {"name": "t"},
        "spec": {"agent": "desk", **spec},
    }
    errors = list(VALIDATORS["ConversationTest.json"].iter_errors(test))
    assert errors
    assert message in str(errors[0].context or errors)


def test_keys_are_described() -> None:
    schema = json.loads(FILES["ConversationTest.json"])["$defs"]
    assert schema["Stub"]["properties"]["fail"]["description"].startswith("How the tool fails")
    assert "anyOf" not in schema["Turn"]["properties"]["say"]


def test_every_sample_file_names_its_schema() -> None:
    for path in manifest_paths(DirectoryTree(FOLDER)):
        first = (FOLDER / path).read_text(encoding="utf-8").split("\n", 1)[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert named != first, path
        target = (FOLDER / path).parent / named
        assert target.resolve() == Path(FOLDER / "schema/trunkline.json").resolve()
