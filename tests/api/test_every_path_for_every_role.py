"""Every operation of the description for every role, in their own project and in another.

Generated from the document the server gives, so that a path nobody thought of here fails until it
says which right it needs. Nothing stands here about a single path but values for its parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import httpx
import pytest

from api.actions import ACTION
from api.rates import Rates
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import ProjectRecord, Role
from trunkline.model.roles import ALLOWED
from trunkline.model.testing.results import TestRunReport

ROLES: tuple[Role, ...] = get_args(Role)
OPEN = ("/healthz", "/readyz", "/v1/webhooks/", "/v1/tools/", "/v1/sign-in")
"""Asked by probes, by senders that sign, by stand-ins, and by browsers before anybody knows them.
What answers without a token must be listed here, on purpose."""
EVERYBODYS_WRITES = {"/v1/sign-out"}
"""Writes about nothing but who asks."""
VALUES: Mapping[str, Any] = {
    "name": "front-desk",
    "number": "main-line",
    "plan_id": "plan-0001",
    "operation_id": "plan-0001",
    "promotion_id": "production.front-desk.1",
    "run_id": "run-0001",
    "environment": "testing",
    "waitS": 0,
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the document describes it."""

    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def roles(self) -> frozenset[Role]:
        action = self.described.get(ACTION)
        return frozenset(ROLES) if action is None else ALLOWED[action]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@pytest.fixture
def rates() -> Rates:
    return Rates(per_s=10_000, burst=10_000, failures_burst=10_000)


@pytest.fixture(scope="module")
def descriptions() -> list[dict[str, Any]]:
    """What the first API of these tests gave; another would take a second to make the same."""
    return []


@pytest.fixture
async def document(http: httpx.AsyncClient, descriptions: list[dict[str, Any]]) -> dict[str, Any]:
    if not descriptions:
        descriptions.append((await http.get("/openapi.json", timeout=60)).json())
    return descriptions[0]


@pytest.fixture
async def tokens_elsewhere(
    http: httpx.AsyncClient, token: Callable[[str], str], foreign_project: str
) -> dict[Role, str]:
    """A token of each role that reaches the other project alone."""
    made: dict[Role, str] = {}
    for role in ROLES:
        order = {"person": f"{role}@elsewhere.example", "role": role, "project": foreign_project}
        answer = await http.post("/v1/tokens", json=order, headers=bearer(token("admin")))
        made[role] = answer.json()["secret"]
    return made


@pytest.fixture
async def token_to_revoke(http: httpx.AsyncClient, token: Callable[[str], str]) -> str:
    order = {"person": "gone@example.com", "role": "viewer"}
    answer = await http.post("/v1/tokens", json=order, headers=bearer(token("admin")))
    return str(answer.json()["id"])


@pytest.fixture
async def everything(
    project: str,
    store: PostgresStore,
    promotable: None,  # noqa: ARG001 - what it stored is built on
    rules: PromotionRules,  # noqa: ARG001 - as above
    tmp_path: Any,
) -> None:
    """A promotion and a run of tests beside the fleet; the repository is on this machine."""
    await store.register(ProjectRecord(name=project, repository=str(tmp_path / "manifests.git")))
    await store.open_promotion(
        PromotionRecord(
            project=project,
            environment="production",
            agent="front-desk",
            number=1,
            origin="testing",
            requested_by="author@example.com",
        )
    )
    await store.open_run(
        TestRunReport(id="run-0001", project=project, environment="testing", agents=("front-desk",))
    )


def operations(document: Mapping[str, Any]) -> list[Operation]:
    found = [
        Operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    return sorted(found, key=lambda each: each.described["operationId"] == "remove_project")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def value_of(parameter: Mapping[str, Any]) -> Any:
    if parameter["name"] in VALUES:
        return VALUES[parameter["name"]]
    schema = parameter["schema"]
    given = [*schema.get("examples", ()), schema.get("default"), schema.get("minimum")]
    return next(each for each in [*given, 1] if each is not None)


def body_of(operation: Operation, schemas: Mapping[str, Any], fixed: Mapping[str, str]) -> Any:
    """The example of the body, about things that are there."""
    content = operation.described.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    [reference, *_] = [s["$ref"] for s in (schema, *schema.get("anyOf", ())) if "$ref" in s] or [""]
    if not reference:
        return None
    example = dict(schemas[reference.rpartition("/")[2]]["examples"][0])
    return {**example, **{name: value for name, value in fixed.items() if name in example}}


async def ask(
    http: httpx.AsyncClient,
    operation: Operation,
    schemas: Mapping[str, Any],
    fixed: Mapping[str, str],
    headers: Mapping[str, str],
) -> httpx.Response:
    path, query = operation.path, {}
    for parameter in operation.described.get("parameters", ()):
        value = fixed.get(parameter["name"]) or value_of(parameter)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter["in"] == "query" and (
            parameter.get("required") or parameter["name"] in VALUES
        ):
            query[parameter["name"]] = value
    return await http.request(
        operation.method,
        path,
        params=query,
        json=body_of(operation, schemas, fixed),
        headers=headers,
    )


async def test_whatever_answers_without_a_token_is_listed(document: dict[str, Any]) -> None:
    for operation in operations(document):
        listed = operation.path.startswith(OPEN)
        assert ("security" not in operation.described) is listed, str(operation)


async def test_every_write_says_which_right_it_needs(document: dict[str, Any]) -> None:
    for operation in operations(document):
        if operation.method == "GET" or operation.path.startswith(OPEN):
            continue
        if operation.path not in EVERYBODYS_WRITES:
            assert operation.described.get(ACTION) in ALLOWED, str(operation)


@dataclass
class Asked:
    """Asks one operation as several people and notes what is not as it should be."""

    http: httpx.AsyncClient
    schemas: Mapping[str, Any]
    fixed: Mapping[str, str]
    found: list[str]

    async def nobody(self, operation: Operation) -> None:
        answer = await self._as(operation, "")
        self._note(operation, "nobody", answer, "401", right=answer.status_code == 401)

    async def stranger(self, operation: Operation, role: Role, secret: str) -> None:
        answer = await self._as(operation, secret)
        right = answer.status_code == 404 and "no project" in answer.json()["detail"]
        self._note(operation, f"{role} of another project", answer, "404", right=right)

    async def member(self, operation: Operation, role: Role, secret: str) -> None:
        answer = await self._as(operation, secret)
        if role not in operation.roles:
            self._note(operation, role, answer, "403", right=answer.status_code == 403)
            return
        right = answer.status_code not in {401, 403, 429, 500} and "no project" not in answer.text
        self._note(operation, role, answer, "let through", right=right)

    async def _as(self, operation: Operation, secret: str) -> httpx.Response:
        headers = bearer(secret) if secret else {}
        answer = await ask(self.http, operation, self.schemas, self.fixed, headers)
        right = str(answer.status_code) in operation.described["responses"]
        self._note(operation, "anybody", answer, "described", right=right)
        return answer

    def _note(
        self, operation: Operation, who: str, answer: httpx.Response, wanted: str, *, right: bool
    ) -> None:
        if not right:
            self.found.append(
                f"{operation} as {who}: {answer.status_code}, not {wanted}: {answer.text[:200]}"
            )


@pytest.mark.usefixtures("everything")
async def test_every_role_may_do_what_the_table_says_and_nothing_elsewhere(
    http: httpx.AsyncClient,
    document: dict[str, Any],
    token: Callable[[str], str],
    tokens_elsewhere: dict[Role, str],
    token_to_revoke: str,
    project: str,
) -> None:
    fixed = {"project": project, "token_id": token_to_revoke}
    asked = Asked(http, document["components"]["schemas"], fixed, [])
    for operation in operations(document):
        if operation.path.startswith(OPEN):
            continue
        await asked.nobody(operation)
        if "{project}" in operation.path:
            for role, secret in tokens_elsewhere.items():
                await asked.stranger(operation, role, secret)
        for role in sorted(ROLES, key=lambda each: each in operation.roles):
            await asked.member(operation, role, token(role))
    assert not asked.found, "\n".join(asked.found)
