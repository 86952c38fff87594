"""A client that others' generator makes of the description is imported, and does what it is for."""

import asyncio
import importlib
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import StatusRecord

BIN: Final = Path(__file__).parents[2] / ".venv" / "bin"
SETTINGS: Final = {
    "content_type_overrides": {
        "application/xml": "application/octet-stream",
        "application/x-ndjson": "application/octet-stream",
        "audio/wav": "application/octet-stream",
        "application/problem+json": "application/json",
    },
    "post_hooks": [],
}
"""The generator knows no XML, no lines of JSON and no sound, and takes them as bytes then."""

ELSEWHERE: Final = ("/v1/sign-in", "/v1/tools")
"""Where browsers are sent on, and what a test prepared is answered: nobody generates a client."""
NEEDED: Final = {"agent": "front-desk", "environment": "testing"}
"""What some questions cannot be asked without."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Client = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client's source is, for all tests here: it takes seconds to make."""
    return tmp_path_factory.mktemp("generated")


@pytest.fixture
async def generated(http: httpx.AsyncClient, folder: Path) -> None:
    """The client's source, made of the first live description; a warning is a failure."""
    settings, document = folder / "settings.json", folder / "openapi.json"
    if settings.exists():
        return
    document.write_bytes((await http.get("/openapi.json", timeout=60)).content)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(str(BIN / "openapi-python-client"), "generate", "--path", str(document)),
        *("--meta", "none", "--output-path", str(folder / "generated_client")),
        *("--config", str(settings), "--fail-on-warning"),
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-5_000:]


@pytest.fixture
def part(generated: None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Imports a module of the client by its dotted name."""
    assert generated is None
    monkeypatch.syspath_prepend(str(folder))
    yield lambda name: importlib.import_module(f"generated_client.{name}")
    for name in [each for each in sys.modules if each.startswith("generated_client")]:
        del sys.modules[name]


@pytest.fixture
async def client(part: Client, address: str, token: Callable[[str], str]) -> AsyncIterator[Any]:
    made = part("client").AuthenticatedClient(base_url=address, token=token("viewer"))
    async with made as entered:
        yield entered


@pytest.mark.usefixtures("fleet")
async def test_pages_of_agents_are_read_to_the_end(
    part: Client, client: Any, store: PostgresStore, project: str
) -> None:
    for number in range(5):
        record = StatusRecord(
            project=project, environment="testing", kind="agent", name=f"desk-{number}"
        )
        await store.put_status(record, [])
    list_agents = part("api.status.list_agents")
    names: list[str] = []
    cursor = part("types").UNSET
    while cursor is not None:
        page = await list_agents.asyncio(project, client=client, limit=2, cursor=cursor)
        names += [agent.name for agent in page.items]
        cursor = page.next_cursor
    assert names == [*(f"desk-{number}" for number in range(5)), "front-desk"]


@pytest.mark.usefixtures("fleet")
async def test_a_plan_is_asked_for_once_and_its_operation_followed(
    part: Client, client: Any, project: str
) -> None:
    order = part("models.plan_order").PlanOrder(environment="testing", agents=["front-desk"])
    create_plan = part("api.operations.create_plan")
    asked = {"client": client, "body": order, "idempotency_key": "plan-of-this-morning"}
    first = await create_plan.asyncio(project, **asked)
    again = await create_plan.asyncio(project, **asked)
    assert first.id == again.id
    assert first.kind == "plan"
    read_operation = part("api.operations.read_operation")
    found = await read_operation.asyncio(project, first.id, client=client)
    assert found.requested_by == "viewer@example.com"
    assert found.state in {"Running", "Succeeded", "Failed", "Error"}
    plan = await part("api.operations.read_plan").asyncio(project, "plan-0001", client=client)
    assert plan.plan.steps[0].name == "front-desk"


@pytest.mark.usefixtures("fleet")
async def test_an_error_is_an_object_and_no_exception(
    part: Client, client: Any, project: str
) -> None:
    read_agent = part("api.status.read_agent")
    missing = await read_agent.asyncio(project, "nobody", client=client)
    assert isinstance(missing, part("models.problem_answer").ProblemAnswer)
    assert missing.type_ == "urn:trunkline:problem:not-found"
    assert missing.request_id
    order = part("models.sync_order").SyncOrder(reason="after the outage")
    sync_project = part("api.operations.sync_project")
    refused = await sync_project.asyncio_detailed(project, client=client, body=order)
    assert refused.status_code == 403
    assert refused.parsed.type_ == "urn:trunkline:problem:forbidden"


@pytest.mark.usefixtures("fleet")
async def test_what_did_not_change_is_not_sent_again(
    part: Client, client: Any, project: str
) -> None:
    read_agent = part("api.status.read_agent")
    first = await read_agent.asyncio_detailed(project, "front-desk", client=client)
    again = await read_agent.asyncio_detailed(
        project, "front-desk", client=client, if_none_match=first.headers["etag"]
    )
    assert (again.status_code, again.content) == (304, b"")


def place_of(operation: dict[str, Any], project: str) -> list[str]:
    """What stands in the path of an operation that reads, as far as there is such a thing."""
    known = {
        "project": project,
        "name": "front-desk",
        "number": "main-line",
        "plan_id": "plan-0001",
        "operation_id": "plan-0001",
        "kind": "Agent",
        "environment": "testing",
    }
    named = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
    return [known.get(name, "nothing-of-that-name") for name in named]


@pytest.mark.usefixtures("fleet")
async def test_every_read_is_understood(
    part: Client, folder: Path, address: str, token: Callable[[str], str], project: str
) -> None:
    """The client has a method for every GET, and a shape for whatever it is answered."""
    document = json.loads((folder / "openapi.json").read_text("utf-8"))
    answered: Counter[int] = Counter()
    async with part("client").AuthenticatedClient(address, token=token("admin")) as client:
        for path, operations in document["paths"].items():
            if "get" not in operations or path.startswith(ELSEWHERE):
                continue
            operation = operations["get"]
            module = part(
                f"api.{operation['tags'][0].replace('-', '_')}.{operation['operationId']}"
            )
            needed = [
                each["name"].replace("-", "_")
                for each in operation.get("parameters", [])
                if each["in"] == "query" and each.get("required")
            ]
            given = {name: NEEDED[name] for name in needed}
            answer = await module.asyncio_detailed(
                *place_of(operation, project), client=client, **given
            )
            status = int(answer.status_code)
            answered[status] += 1
            assert status < 500 or status == 503, (path, answer.content)
            if status >= 400:
                assert type(answer.parsed).__name__ == "ProblemAnswer", (path, answer.content)
            elif answer.content:
                assert answer.parsed is not None, (path, status)
    assert answered[200] >= 20, answered
