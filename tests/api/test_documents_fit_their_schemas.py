"""What commands print with ``-o json`` fits the schemas in the docs, which are current."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path

import jsonschema
import pytest

from trunkline.cli.schemas import schemas

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


def test_the_files_are_what_is_generated() -> None:
    kept = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert kept == json.loads(json.dumps(schemas()))


@pytest.mark.parametrize("kind", schemas())
def test_every_schema_is_one_and_open_for_new_keys(kind: str) -> None:
    schema = schemas()[kind]
    jsonschema.Draft202012Validator.check_schema(schema)
    if kind != "Plan":
        assert '"additionalProperties": false' not in json.dumps(schema)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("FleetStatus", ("status",)),
        ("EventList", ("events",)),
        ("AgentDescription", ("describe", "front-desk")),
        ("AgentHistory", ("history", "front-desk")),
        ("ProjectList", ("projects", "list")),
        ("TokenList", ("tokens", "list")),
        ("AuditList", ("audit",)),
        ("DoctorReport", ("doctor",)),
        ("Operation", ("sync", "--no-wait")),
    ],
)
@pytest.mark.usefixtures("fleet")
async def test_a_command_prints_what_its_schema_says(
    command: Command, kind: str, arguments: tuple[str, ...]
) -> None:
    _, out, err = await command(*arguments, "-o", "json", who="admin")
    document = json.loads(out or err)
    jsonschema.Draft202012Validator(schemas()[kind]).validate(document)
    assert document.get("formatVersion", "1") == "1"
