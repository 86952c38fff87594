"""The description names every path, every answer and every error, and hangs together."""

import re
from typing import Any

import httpx
import jsonschema
import pytest

TOOLS = "/v1/tools/{function}"
"""Asked by platforms with the token of one conversation, and answered in whatever form a test
prepared."""
OPEN = ("/v1/webhooks/", "/v1/sign-in")
"""Signed by others, or asked by browsers before anybody knows who they are."""
CALLS = "/v1/projects/{project}/calls/"
NO_JSON = {
    "export": "application/x-ndjson",
    "recording": "audio/wav",
    "transcript": "text/plain",
}
"""What is said and heard in calls, in a form for it; a transcript is JSON as well."""
EXPECTED = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/v1/projects"),
    ("get", "/v1/projects/{project}"),
    ("post", "/v1/projects"),
    ("delete", "/v1/projects/{project}"),
    ("get", "/v1/audit"),
    ("get", "/v1/tokens"),
    ("post", "/v1/tokens"),
    ("post", "/v1/tokens/{token_id}/rotate"),
    ("delete", "/v1/tokens/{token_id}"),
    ("get", "/v1/sign-in"),
    ("get", "/v1/sign-in/callback"),
    ("post", "/v1/sign-out"),
    ("get", "/v1/me"),
    ("get", "/v1/doctor"),
    ("get", "/v1/projects/{project}/agents/{name}/description"),
    ("get", "/v1/projects/{project}/agents/{name}/history"),
    ("get", "/v1/projects/{project}/numbers/{name}/description"),
    ("get", "/v1/projects/{project}/calls"),
    ("get", "/v1/projects/{project}/calls/export"),
    ("get", "/v1/projects/{project}/calls/{call}"),
    ("get", "/v1/projects/{project}/calls/{call}/recording"),
    ("get", "/v1/projects/{project}/calls/{call}/transcript"),
    ("get", "/v1/projects/{project}/agents"),
    ("post", "/v1/projects/{project}/agents"),
    ("put", "/v1/projects/{project}/agents/{name}"),
    ("patch", "/v1/projects/{project}/agents/{name}"),
    ("delete", "/v1/projects/{project}/agents/{name}"),
    ("put", "/v1/projects/{project}/numbers/{number}/agent"),
    ("post", "/v1/projects/{project}/changes"),
    ("get", "/v1/projects/{project}/changes/{change}"),
    ("get", "/v1/projects/{project}/manifests"),
    ("get", "/v1/projects/{project}/manifests/{kind}/{name}"),
    ("get", "/v1/projects/{project}/agents/{name}"),
    ("get", "/v1/projects/{project}/agents/{name}/events"),
    ("get", "/v1/projects/{project}/agents/{name}/diff"),
    ("get", "/v1/projects/{project}/numbers"),
    ("get", "/v1/projects/{project}/numbers/{number}/route"),
    ("get", "/v1/projects/{project}/events"),
    ("post", "/v1/projects/{project}/plans"),
    ("get", "/v1/projects/{project}/plans/{plan_id}"),
    ("get", "/v1/projects/{project}/operations/{operation_id}"),
    ("post", "/v1/projects/{project}/sync"),
    ("post", "/v1/projects/{project}/agents/{name}/sync"),
    ("post", "/v1/projects/{project}/suspend"),
    ("post", "/v1/projects/{project}/resume"),
    ("post", "/v1/projects/{project}/agents/{name}/suspend"),
    ("post", "/v1/projects/{project}/agents/{name}/resume"),
    ("post", "/v1/projects/{project}/agents/{name}/disable"),
    ("post", "/v1/projects/{project}/agents/{name}/enable"),
    ("post", "/v1/projects/{project}/agents/{name}/protect"),
    ("post", "/v1/projects/{project}/agents/{name}/unprotect"),
    ("get", "/v1/projects/{project}/agents/{name}/why"),
    ("get", "/v1/projects/{project}/interventions"),
    ("post", "/v1/projects/{project}/plans/{plan_id}/apply"),
    ("post", "/v1/projects/{project}/environments/{environment}/enforce"),
    ("post", "/v1/projects/{project}/imports"),
    ("get", "/v1/projects/{project}/imports/{operation_id}"),
    ("get", "/v1/projects/{project}/imports/{operation_id}/manifests"),
    ("get", "/v1/projects/{project}/adoptions"),
    ("post", "/v1/projects/{project}/adoptions"),
    ("get", "/v1/projects/{project}/ejections"),
    ("post", "/v1/projects/{project}/ejections"),
    ("get", "/v1/projects/{project}/promotions"),
    ("get", "/v1/projects/{project}/promotions/{promotion_id}"),
    ("post", "/v1/projects/{project}/promotions/{promotion_id}/approve"),
    ("post", "/v1/projects/{project}/promotions/{promotion_id}/reject"),
    ("post", "/v1/projects/{project}/promotions/{promotion_id}/abort"),
    ("post", "/v1/projects/{project}/agents/{name}/deploy"),
    ("post", "/v1/projects/{project}/agents/{name}/rollback"),
    ("post", "/v1/projects/{project}/agents/{name}/hold"),
    ("delete", "/v1/projects/{project}/agents/{name}/hold"),
    ("get", "/v1/projects/{project}/agents/{name}/changelog"),
    ("get", "/v1/projects/{project}/agents/{name}/evidence"),
    ("get", "/v1/projects/{project}/agents/{name}/behaviour"),
    ("post", "/v1/projects/{project}/agents/{name}/retest"),
    ("get", "/v1/projects/{project}/agents/{name}/experiment"),
    ("post", "/v1/projects/{project}/agents/{name}/experiment"),
    ("delete", "/v1/projects/{project}/agents/{name}/experiment"),
    ("post", "/v1/projects/{project}/agents/{name}/experiment/test-runs"),
    ("get", "/v1/projects/{project}/agents/{name}/test-results"),
    ("post", "/v1/projects/{project}/agents/{name}/test-results"),
    ("post", "/v1/projects/{project}/agents/{name}/test-runs"),
    ("post", "/v1/projects/{project}/test-runs"),
    ("get", "/v1/projects/{project}/test-runs"),
    ("get", "/v1/projects/{project}/test-runs/{run_id}"),
    ("get", "/v1/projects/{project}/test-runs/{run_id}/junit.xml"),
    ("delete", "/v1/projects/{project}/test-runs/{run_id}"),
    *((method, TOOLS) for method in ("get", "post", "put", "patch", "delete")),
    ("post", "/v1/webhooks/github"),
    ("post", "/v1/webhooks/gitea"),
    ("post", "/v1/webhooks/twilio/voice/fallback/{project}/{environment}/{name}"),
    ("post", "/v1/webhooks/twilio/voice/{project}/{environment}/{name}"),
    ("post", "/v1/webhooks/twilio/after/{project}/{environment}/{name}"),
    ("post", "/v1/webhooks/twilio/whisper/{project}/{environment}/{call}"),
    ("post", "/v1/webhooks/twilio/status"),
    ("post", "/v1/webhooks/twilio/stream"),
    ("post", "/v1/webhooks/elevenlabs"),
}


@pytest.fixture(scope="module")
def descriptions() -> list[dict[str, Any]]:
    """What the first API of these tests gave; another would take a second to make the same."""
    return []


@pytest.fixture
async def document(http: httpx.AsyncClient, descriptions: list[dict[str, Any]]) -> dict[str, Any]:
    if not descriptions:
        descriptions.append((await http.get("/openapi.json", timeout=60)).json())
    return descriptions[0]


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


async def test_every_path_is_there(document: dict[str, Any]) -> None:
    assert set(operations(document)) >= EXPECTED


async def test_every_protected_path_asks_for_a_token(document: dict[str, Any]) -> None:
    for (_, path), operation in operations(document).items():
        is_open = path in {"/healthz", "/readyz", TOOLS} or path.startswith(OPEN)
        assert ("security" in operation) is not is_open, path
        if not is_open:
            assert "401" in operation["responses"], path


async def test_every_answer_has_a_typed_body_and_every_error_is_a_problem(
    document: dict[str, Any],
) -> None:
    for key, operation in operations(document).items():
        assert operation["description"], key
        for status, answer in operation["responses"].items():
            if status.startswith("3"):
                assert status == "304" or key[1].startswith("/v1/sign-in")
                continue
            if status == "204":
                assert "content" not in answer, key
                continue
            problem = int(status) >= 400 and key[1] != "/readyz"
            if not problem and key[1].startswith(CALLS) and key[1].endswith(tuple(NO_JSON)):
                beside = NO_JSON[key[1].rpartition("/")[2]]
                assert beside in answer["content"], key
                continue
            [(media, content)] = answer["content"].items()
            if media == "application/xml":
                assert key[1].startswith("/v1/webhooks/twilio/") or key[1].endswith("junit.xml")
                continue
            if key[1] == TOOLS and not problem:
                assert content["schema"] == {}
                continue
            assert media == ("application/problem+json" if problem else "application/json"), key
            assert "$ref" in content["schema"], (key, status)


async def test_every_reference_resolves_and_names_are_camel_case(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                assert reference.removeprefix("#/components/schemas/") in schemas
            for child in value.values():
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(document)
    for schema in schemas.values():
        assert not [name for name in schema.get("properties", {}) if "_" in name]


async def test_every_shape_has_an_example_that_fits_it(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        [example, *_] = schema["examples"]
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        found = jsonschema.Draft202012Validator(whole).iter_errors(example)
        assert not [error.message for error in found], name


async def test_every_operation_has_a_name_of_its_own_and_a_place(
    document: dict[str, Any],
) -> None:
    described = operations(document)
    names = [operation["operationId"] for operation in described.values()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for key, operation in described.items():
        assert re.fullmatch(r"[a-z][a-z_]*", operation["operationId"]), key
        assert operation["summary"], key
        assert len(operation["tags"]) == 1, key
        assert set(operation["tags"]) <= tags, key
    assert not [name for name in document["components"]["schemas"] if "__" in name]
    assert "servers" not in document
    assert document["components"]["securitySchemes"]


async def test_places_are_described_once_and_used(document: dict[str, Any]) -> None:
    described = [tag["name"] for tag in document["tags"]]
    used = {
        tag
        for operations in document["paths"].values()
        for operation in operations.values()
        for tag in operation["tags"]
    }
    assert len(described) == len(set(described))
    assert set(described) == used


async def test_what_takes_json_says_what_it_answers_to_anything_else(
    document: dict[str, Any],
) -> None:
    found = [
        operation
        for operations in document["paths"].values()
        for operation in operations.values()
        if "security" in operation
        and "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(found) > 20
    assert all({"400", "415"} <= set(operation["responses"]) for operation in found)


async def test_what_all_routes_share_is_said_of_each(document: dict[str, Any]) -> None:
    for (method, path), operation in operations(document).items():
        answers = operation["responses"]
        headers = {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"
        }
        if "security" in operation:
            assert {"401", "429", "500", "503"} <= set(answers), path
        is_file = path.endswith((".xml", "/calls/export", "/recording"))
        if "security" in operation and method == "get" and not is_file:
            assert "304" in answers, path
            assert "If-None-Match" in headers, path
        if "security" in operation and method == "post" and path.startswith("/v1/projects"):
            assert {"400", "409", "422"} <= set(answers), path
            assert "Idempotency-Key" in headers, path


async def test_no_page_loads_anything_from_elsewhere(http: httpx.AsyncClient) -> None:
    for path in ("/docs", "/redoc"):
        assert (await http.get(path)).status_code == 404
