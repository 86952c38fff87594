"""What generated requests are changed to, so that many meet what is there and none leaves here.

Loaded by the generator's own process. Valid values only are exchanged for other valid ones: a
request that is meant to be wrong stays as wrong as it was made.
"""

import os
import re
from typing import Any
from urllib.parse import urlencode

import schemathesis

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
REAL = {
    "project": os.environ["TRUNKLINE_TEST_PROJECT"],
    "name": "front-desk",
    "number": "main-line",
    "environment": "testing",
    "plan_id": "plan-0001",
    "operation_id": "plan-0001",
    "promotion_id": "production.front-desk.1",
    "run_id": "run-0001",
}
ABSENT = {
    f"urn:trunkline:problem:{name}"
    for name in ("not-configured", "public-url-missing", "signing-key-missing")
}
ADDRESS_MAX_CHARACTERS = 24_000
"""Of a path or a query: both and the headers stay below the 64 KiB a request may begin with."""
PROBE = "GET /readyz"
HERE = os.environ["TRUNKLINE_TEST_REPOSITORY"]
"""The one repository a request may name: a folder of this machine."""


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Ask about what is there, but never remove the project everything else is about."""
    if context.operation is None or context.operation.label == "DELETE /v1/projects/{project}":
        return path_parameters
    return {
        name: REAL[name] if name in REAL and _is_name(value) else value
        for name, value in (path_parameters or {}).items()
    }


@schemathesis.hook
def filter_path_parameters(
    context: schemathesis.HookContext,  # noqa: ARG001 - the hook's signature
    path_parameters: dict[str, Any] | None,
) -> bool:
    """Longer addresses are refused by the HTTP server, in its own words, before we see them."""
    return len(urlencode(path_parameters or {})) < ADDRESS_MAX_CHARACTERS


@schemathesis.hook
def filter_query(
    context: schemathesis.HookContext,  # noqa: ARG001 - the hook's signature
    query: dict[str, Any] | None,
) -> bool:
    """The same of what stands behind the path."""
    return len(urlencode(query or {}, doseq=True)) < ADDRESS_MAX_CHARACTERS


@schemathesis.hook
def map_query(
    context: schemathesis.HookContext,  # noqa: ARG001 - the hook's signature
    query: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Wait for nothing: nobody works for this server."""
    waits = (query or {}).get("waitS")
    if isinstance(waits, int | float) and 0 <= waits <= 60:
        return {**(query or {}), "waitS": 0}
    return query


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext,  # noqa: ARG001 - the hook's signature
    case: "schemathesis.Case[Any]",
    kwargs: dict[str, Any],  # noqa: ARG001 - as above
) -> None:
    """Register no repository but the one that is here, and wait for no plan nobody makes."""
    if "waitS" not in (case.query or {}) and case.operation.label.endswith("/diff"):
        case.query = {**(case.query or {}), "waitS": 0}
    body = case.body
    named = body.get("repository") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(named, str) and named.strip():
        case.body = {**body, "repository": HERE}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


@schemathesis.check
def nothing_of_ours_is_down(
    ctx: schemathesis.CheckContext,  # noqa: ARG001 - the check's signature
    response: schemathesis.Response,
    case: "schemathesis.Case[Any]",
) -> None:
    """503 is right only for what this server was never given, and for vendors that are not here.

    An error of the database would be told as 503, too, and is one no request may cause. A probe
    takes nothing from who asks, and may find a machine that is busy.
    """
    is_probe = case.operation.label == PROBE
    if response.status_code == 503 and not is_probe and response.json().get("type") not in ABSENT:
        raise AssertionError(f"503 for {response.json()}")
