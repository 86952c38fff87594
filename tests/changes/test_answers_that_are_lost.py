"""A push whose answer nobody hears, and a server that dies over it, leave one commit."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.changes.conftest import Manifests
from tests.changes.served import api_process
from tests.git.conftest import GitServer
from tests.warm_programs import WarmPrograms
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import ProjectRecord

pytestmark = pytest.mark.slow
Speed = Callable[..., dict[str, Any]]


async def test_a_push_nobody_answered_is_looked_up(
    manifests: Manifests,
    operator: httpx.AsyncClient,
    server: GitServer,
    store: PostgresStore,
    project: str,
    speed: Speed,
) -> None:
    address = f"{server.url}manifests.git"
    await store.register(ProjectRecord(name=project, repository=address))
    base = manifests.tip
    server.cuts_pushes = "after"
    answer = await operator.post("changes", json=speed(base))
    assert answer.status_code == 202, answer.text
    assert answer.json()["revision"] == manifests.tip
    assert len(manifests.git("rev-list", f"{base}..main").split()) == 1


async def test_a_refused_push_is_told_with_the_servers_words(
    manifests: Manifests,
    operator: httpx.AsyncClient,
    server: GitServer,
    store: PostgresStore,
    project: str,
    speed: Speed,
) -> None:
    address = f"{server.url}manifests.git"
    await store.register(ProjectRecord(name=project, repository=address))
    base = manifests.tip
    manifests.hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1")
    answer = await operator.post("changes", json=speed(base))
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["type"] == "urn:trunkline:problem:push-refused"
    assert "GH006: Protected branch" in problem["detail"]
    assert "via: pull-request" in problem["hint"]
    assert manifests.tip == base


async def test_a_server_killed_between_push_and_answer_makes_one_commit(
    manifests: Manifests,
    operator: httpx.AsyncClient,
    installation: Any,
    server: GitServer,
    store: PostgresStore,
    project: str,
    speed: Speed,
    programs: WarmPrograms,
) -> None:
    tmp_path = manifests.bare.parent
    address = f"{server.url}manifests.git"
    await store.register(ProjectRecord(name=project, repository=address))
    base = manifests.tip
    environment = {
        "DATABASE_URL": installation.database_url,
        "TEMPORAL_ADDRESS": installation.temporal_address,
        "TRUNKLINE_HOME": str(tmp_path / "home"),
    }
    order = speed(base)
    with api_process(programs, environment, tmp_path / "api.log") as (process, url):
        manifests.hook("post-receive", f"kill -9 {process.pid}")
        with pytest.raises(httpx.TransportError):
            await operator.post(f"{url}/v1/projects/{project}/changes", json=order)
    made = manifests.tip
    assert made != base
    again = await operator.post("changes", json=order)
    assert again.status_code == 202, again.text
    assert again.json()["revision"] == made == manifests.tip
    rows = await store.audit(project=project, action="change.create", limit=5)
    assert [row.after and row.after["revision"] for row in rows] == [made]
