"""JSON Schemas of the kinds, generated so that editors know what the loader knows.

One file per kind, one for fragments of tests, and ``trunkline.json`` for all kinds: it picks the
kind by what the document says of itself, so one line at the top of any manifest is enough.
"""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from trunkline.model.kinds import KINDS
from trunkline.model.kinds.base import API_VERSION
from trunkline.model.kinds.conversation import Fragment

SCHEMA_FOLDER = "schema"
COMBINED_SCHEMA = "trunkline.json"
FRAGMENT_SCHEMA = "Fragment.json"
"""For what tests include, which is no document of a kind."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[str, str]:
    """File name to text: for every kind, for fragments of tests, and for all kinds together."""
    files = {f"{kind}.json": _text(_of_model(model)) for kind, model in KINDS.items()}
    files[FRAGMENT_SCHEMA] = fragment_schema()
    files[COMBINED_SCHEMA] = combined_schema()
    return files


def fragment_schema() -> str:
    """The schema of what tests include, as text."""
    return _text(_of_model(Fragment))


def combined_schema() -> str:
    """The schema that fits every document, as text."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in KINDS.values()], by_alias=True
    )
    schema = {
        "$schema": _DIALECT,
        "title": "Trunkline manifest",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(KINDS)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in KINDS
        ],
        "$defs": definitions["$defs"],
    }
    return _text(schema)


def _of_model(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **model.model_json_schema(by_alias=True)}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
