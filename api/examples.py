"""An example for every shape of the API, made from the shape where nobody wrote one by hand.

A shape somebody adds has an example from its first day, and one that cannot be wrong for long: each
is held against its schema by a test. What a name usually stands for is in one table here.
"""

from collections.abc import Mapping
from typing import Any

from trunkline.model.base import Json

Schema = Mapping[str, Any]

DEPTH_MAX = 8
"""Shapes inside shapes; deeper ones are left out where they may be."""

_REVISION = "3f0c1f7c9f6a4b0d8e2a5c7b9d1e3f5a7c9b1d3e"
_TIME = "2026-03-02T09:15:00Z"
_USUAL: Mapping[str, Json] = {
    "acceptedAt": _TIME,
    "action": "sync.create",
    "actor": "author@example.com",
    "agent": "front-desk",
    "agents": 1,
    "author": "author@example.com",
    "branch": "main",
    "by": "author@example.com",
    "changes": "Asks for the caller's name first",
    "commit": _REVISION,
    "confirmation": "testing",
    "currentVersion": 7,
    "detail": "There is no agent 'front-dest' in project 'acme'",
    "digest": "sha256:" + "5e" * 32,
    "email": "author@example.com",
    "environment": "testing",
    "every": "24h",
    "externalId": "agent_7101k5zvyjhmfg983brhmhkd98n6",
    "externalIds": ["agent_7101k5zvyjhmfg983brhmhkd98n6"],
    "file": "agents/front-desk/agent.yaml",
    "from": "testing",
    "function": "book_slot",
    "id": "sync-2f1c9be0a47d3355",
    "key": "agent/front-desk",
    "kind": "agent",
    "line": 12,
    "message": "",
    "name": "front-desk",
    "nextCursor": None,
    "number": "+15005550006",
    "numbers": ["+15005550006"],
    "operation_id": "sync-2f1c9be0a47d3355",
    "path": "agents/front-desk/agent.yaml",
    "percent": 20,
    "person": "author@example.com",
    "planId": "8d5f3c1b7a2e4d60",
    "plan_id": "8d5f3c1b7a2e4d60",
    "prefix": "tl_4Fq9xZ",
    "project": "acme",
    "promotedBy": "author@example.com",
    "promotion_id": "production.front-desk.3",
    "reason": "after the outage",
    "repository": "https://git.example.com/acme/agents.git",
    "requestId": "8d5f3c1b7a2e4d60",
    "requestedBy": "author@example.com",
    "revision": _REVISION,
    "appliedRevision": _REVISION,
    "seenRevision": _REVISION,
    "run_id": "run-5c0d1b7e",
    "secret": "tl_4Fq9xZ…",
    "source": "head",
    "stage": "testing",
    "subject": "front-desk",
    "suite": "sha256:" + "7a" * 32,
    "suiteDigest": "sha256:" + "7a" * 32,
    "test": "books-an-appointment",
    "title": "Opening hours",
    "token_id": "token-5c0d1b7e2f9a",
    "tool": "book-slot",
    "updatedBy": "author@example.com",
    "version": 7,
    "where": "body.environment",
}


def give_examples(document: dict[str, Any]) -> None:
    """Put an example into every schema and path parameter of an OpenAPI document without one."""
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    for schema in schemas.values():
        if "example" in schema:
            schema["examples"] = [schema.pop("example")]
    made = {name: _example(schema, schemas, "", 0) for name, schema in schemas.items()}
    for name, example in made.items():
        schemas[name]["examples"] = [example]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                usual = _USUAL.get(parameter["name"])
                if parameter["in"] == "path" and usual and "examples" not in parameter["schema"]:
                    parameter["schema"]["examples"] = [usual]


def _example(schema: Schema, schemas: Mapping[str, Schema], name: str, depth: int) -> Json:
    if "$ref" in schema:
        target = schemas[schema["$ref"].rpartition("/")[2]]
        return _example(target, schemas, name, depth + 1)
    written = schema.get("examples")
    if written:
        return _completed(written[0], schema, schemas, depth)
    if "const" in schema:
        constant: Json = schema["const"]
        return constant
    if "enum" in schema:
        usual = _USUAL.get(name)
        chosen: Json = usual if usual in schema["enum"] else schema["enum"][0]
        return chosen
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _of_several(schema[several], schemas, name, depth)
    return _of_type(schema, schemas, name, depth)


def _completed(written: Json, schema: Schema, schemas: Mapping[str, Schema], depth: int) -> Json:
    """What was written by hand, with what it lacks: a shape on top of another has its example."""
    if not isinstance(written, dict):
        return written
    inner = schema.get("properties", {})
    lacking = [name for name in schema.get("required", ()) if name not in written]
    return {
        **written,
        **{name: _example(inner[name], schemas, name, depth + 1) for name in lacking},
    }


def _of_several(
    choices: list[Schema], schemas: Mapping[str, Schema], name: str, depth: int
) -> Json:
    null = {"type": "null"}
    if null in choices and (depth > DEPTH_MAX or _USUAL.get(name, "") is None):
        return None
    return _example(next(each for each in choices if each != null), schemas, name, depth + 1)


def _of_type(schema: Schema, schemas: Mapping[str, Schema], name: str, depth: int) -> Json:
    made: Json = None
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            made = {
                key: _example(inner, schemas, key, depth + 1)
                for key, inner in schema.get("properties", {}).items()
                if key in needed or depth <= DEPTH_MAX
            }
        case "array":
            made = _array(schema, schemas, name, depth)
        case "string":
            made = _text(schema, _USUAL.get(name))
        case "integer" | "number":
            usual = _USUAL.get(name)
            least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            made = usual if isinstance(usual, int) else least
        case "boolean":
            made = False
    return made


def _array(schema: Schema, schemas: Mapping[str, Schema], name: str, depth: int) -> Json:
    fixed = schema.get("prefixItems")
    if fixed:
        return [_example(each, schemas, name, depth + 1) for each in fixed]
    inner = schema.get("items", {})
    usual = _USUAL.get(name)
    if isinstance(usual, list):
        return usual
    if not schema.get("minItems") and (depth > DEPTH_MAX or inner.get("type") == "string"):
        return []
    return [_example(inner, schemas, name.removesuffix("s"), depth + 1)]


def _text(schema: Schema, usual: Json) -> Json:
    if schema.get("format") == "date-time":
        return _TIME
    if isinstance(usual, str):
        return usual
    return "…" if schema.get("minLength") else ""
