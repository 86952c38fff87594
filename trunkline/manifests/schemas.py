"""JSON Schemas of the kinds, generated so that editors know what the loader knows.

One file per kind, and ``trunkline.json`` for all of them: it picks the kind by what the document
says of itself, so one line at the top of any manifest is enough.
"""

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from trunkline.model.kinds import KINDS
from trunkline.model.kinds.base import API_VERSION

SCHEMA_FOLDER = "schema"
COMBINED_SCHEMA = "trunkline.json"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[str, str]:
    """File name to text, for every kind and for all of them together."""
    files = {f"{kind}.json": _text(_of_kind(kind)) for kind in KINDS}
    files[COMBINED_SCHEMA] = combined_schema()
    return files


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


def _of_kind(kind: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, **KINDS[kind].model_json_schema(by_alias=True)}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
