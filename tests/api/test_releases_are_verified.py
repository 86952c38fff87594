"""The server verifies releases from Git alone, by the rules in force, and the command prints it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.evidence.histories import Company
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.cli.main import run
from trunkline.model.base import JsonObject
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Promotion
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.records import ProjectRecord, SourceState

MANIFEST: JsonObject = {
    "apiVersion": "trunkline/v1alpha1",
    "kind": "Project",
    "metadata": {"name": "acme"},
    "spec": {
        "environments": [
            {"name": "testing", "source": "head"},
            {"name": "production", "source": "releases", "promotion": {"from": "testing"}},
        ]
    },
}
PATH = "/v1/projects/acme/agents/front-desk/evidence"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A repository below the installation's home, with one good release and one edited one."""
    made = Company(tmp_path)
    made.release(made.spec(1))
    edited = made.spec(2).model_copy(update={"changes": "Nothing, really"})
    made.release(edited)
    return made


@pytest.fixture
async def watched(company: Company, store: PostgresStore) -> Company:
    """The same after a look at it."""
    await store.register(ProjectRecord(name="acme", repository=str(company.bare)))
    state = SourceState(project="acme", applied_revision=Revision(company.tip))
    await store.store_tree(state, [], {}, MANIFEST)
    await in_force(store, company.keys.public_key)
    return company


@pytest.fixture
def everywhere(http: httpx.AsyncClient, token: Callable[[str], str]) -> httpx.AsyncClient:
    """A viewer of every project."""
    http.headers["Authorization"] = f"Bearer {token('viewer')}"
    return http


async def in_force(store: PostgresStore, public_key: str) -> None:
    promotion = Promotion.model_validate({"from": "testing"})
    rules = PromotionRules(promotion=promotion, public_keys=(public_key,))
    await store.put_rules("acme", "production", rules)


async def test_each_release_has_its_verdict(
    watched: Company, everywhere: httpx.AsyncClient
) -> None:
    answer = await everywhere.get(PATH)
    assert answer.status_code == 200, answer.text
    found = [(row["version"], row["evidence"]) for row in answer.json()["items"]]
    assert found == [(2, "invalid"), (1, "valid")]
    assert watched.keys.public_key == answer.json()["items"][1]["keyId"]


async def test_the_rules_in_force_say_whose_signatures_count(
    watched: Company, store: PostgresStore, everywhere: httpx.AsyncClient
) -> None:
    assert watched.tip
    await in_force(store, Ed25519Keys(new_private_key()).public_key)
    rows = (await everywhere.get(PATH)).json()["items"]
    assert {row["evidence"] for row in rows} == {"invalid"}


async def test_an_environment_without_releases_has_none_to_verify(
    watched: Company, everywhere: httpx.AsyncClient
) -> None:
    assert watched.tip
    assert (await everywhere.get(PATH, params={"environment": "testing"})).status_code == 409


async def test_another_project_is_not_there(
    http: httpx.AsyncClient, watched: Company, token: Callable[[str], str]
) -> None:
    assert watched.tip
    theirs = {"Authorization": f"Bearer {token('foreign_admin')}"}
    assert (await http.get(PATH, headers=theirs)).status_code == 404


async def test_the_command_prints_the_servers_verdicts(
    watched: Company,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    token: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert watched.tip
    monkeypatch.setenv("TRUNKLINE_URL", address)
    monkeypatch.setenv("TRUNKLINE_TOKEN", token("viewer"))
    command = ["history", "front-desk", "--evidence", "--project", "acme"]
    assert await asyncio.to_thread(run, command) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2:4] for line in lines[1:]] == [["2", "invalid"], ["1", "valid"]]
