"""Where the branch is protected, a change is proposed: once, as the person, on a branch of ours."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.changes.conftest import AGENT, PROJECT
from tests.changes.served import api_process, forge_process
from tests.warm_programs import WarmPrograms
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import forge_token_variable, git_token_variable
from trunkline.model.records import ProjectRecord

pytestmark = pytest.mark.slow
FILE = "agents/front-desk/agent.yaml"


@pytest.fixture
def forge(tmp_path: Path, project: str) -> Iterator[dict[str, Any]]:
    """A GitHub look-alike with the manifests on a protected branch."""
    files = {
        "trunkline.yaml": PROJECT.format(name=project),
        FILE: AGENT.format(name="front-desk"),
        "agents/front-desk/prompt.md": "You answer.\n",
    }
    repository = {
        "owner": "ada",
        "name": "manifests",
        "collaborators": {"trunkline": "write"},
        "protected": ["main"],
        "files": files,
    }
    with forge_process(tmp_path / "forge") as forge:
        for path, body in (
            ("users", {"login": "trunkline", "token": "bot-token"}),
            ("users", {"login": "ada"}),
            ("repositories", repository),
        ):
            made = httpx.post(f"{forge['url']}/_sim/{path}", json=body, timeout=60)
            assert made.is_success, made.text
        yield forge


@pytest.fixture
def served(
    forge: dict[str, Any],
    installation: Any,
    project: str,
    tmp_path: Path,
    programs: WarmPrograms,
) -> Iterator[str]:
    """An API that knows the forge; the address of the project in it."""
    environment = {
        "DATABASE_URL": installation.database_url,
        "TEMPORAL_ADDRESS": installation.temporal_address,
        "TRUNKLINE_HOME": str(tmp_path / "home"),
        "TRUNKLINE_FORGE_URL": forge["api_url"],
        "TRUNKLINE_FORGE": "github",
        forge_token_variable(project): "bot-token",
        git_token_variable(project): "bot-token",
    }
    with api_process(programs, environment, tmp_path / "api.log") as (_, url):
        yield f"{url}/v1/projects/{project}/"


async def test_a_protected_branch_is_changed_by_pull_request(
    served: str,
    forge: dict[str, Any],
    installation: Any,
    store: PostgresStore,
    project: str,
    speed: Callable[..., dict[str, Any]],
) -> None:
    address = f"{forge['url']}/ada/manifests.git"
    await store.register(ProjectRecord(name=project, repository=address))
    token = {"Authorization": f"Bearer {installation.tokens['operator']}"}
    bot = {"Authorization": "Bearer bot-token"}
    async with (
        httpx.AsyncClient(base_url=served, headers=token, timeout=60) as operator,
        httpx.AsyncClient(base_url=forge["api_url"], headers=bot, timeout=60) as rest,
    ):
        base = remote_tip(address)
        refused = await operator.post("changes", json=speed(base))
        assert refused.status_code == 409, refused.text
        assert "via: pull-request" in refused.json()["hint"]
        order = speed(base, via="pull-request", message="Faster", reason="They are busy")
        proposed = await operator.post("changes", json=order)
        assert proposed.status_code == 202, proposed.text
        body = proposed.json()
        assert body["branch"] == f"trunkline/change/{body['id']}"
        again = (await operator.post("changes", json=order)).json()
        assert again["pullRequest"] == body["pullRequest"]
        assert again["revision"] == body["revision"]
        [opened] = (await rest.get("/repos/ada/manifests/pulls")).json()
        assert (opened["number"], opened["title"]) == (body["pullRequest"]["number"], "Faster")
        assert opened["head"]["sha"] == body["revision"]
        assert "They are busy" in opened["body"]
        found = (await operator.get(f"changes/{body['id']}")).json()
        assert (found["state"], found["revision"]) == ("proposed", body["revision"])
        assert remote_tip(address) == base
        merged = await rest.post(
            f"{forge['url']}/_sim/pull-requests/merge",
            json={"repository": "ada/manifests", "number": opened["number"], "by": "ada"},
        )
        assert merged.is_success, merged.text
        done = await operator.post("changes", json=order)
        assert (done.status_code, done.json()["revision"]) == (202, body["revision"])
        assert (await operator.get(f"changes/{body['id']}")).json()["state"] == "committed"


def remote_tip(address: str) -> str:
    """Where main is, as the forge says to somebody with the token."""
    credential = base64.b64encode(b"x-access-token:bot-token").decode()
    done = subprocess.run(
        [
            *("git", "-c", f"http.extraHeader=Authorization: Basic {credential}"),
            *("ls-remote", address, "refs/heads/main"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.split()[0]
