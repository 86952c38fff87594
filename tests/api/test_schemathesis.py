"""Requests that others generate from the description, right ones and wrong ones, by the thousand.

No answer may be a server error, be missing from the description, or differ from it. Needs no luck:
what was found once is found again by its seed. A tenth runs unless TRUNKLINE_TEST_SHARE says more.
"""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from api.rates import Rates
from trunkline.adapters.git.seed import seed
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest
from trunkline.model.records import ProjectRecord, SourceState, WishRecord

HERE: Final = Path(__file__).parent
PROGRAM: Final = Path(__file__).parents[2] / ".venv" / "bin" / "schemathesis"
SHARE: Final = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
CASES_WANTED: Final = 5_000
"""At the whole share; a tenth of it is wanted of a tenth."""
PROJECT: Final = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: {{ name: {name} }}
spec:
  environments:
    - name: testing
    - name: production
      source: releases
      promotion: {{ from: testing }}
"""
AGENT: Final = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }
spec:
  displayName: Front desk
  prompt: { text: "You answer the telephone." }
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]


@pytest.fixture
def rates() -> Rates:
    return Rates(per_s=100_000, burst=1_000_000, failures_burst=1_000_000)


@pytest.fixture
async def repository(
    tmp_path: Path,
    store: PostgresStore,
    project: str,
    promotable: None,  # noqa: ARG001 - what it stored is asked about
) -> Path:
    """A repository on this machine, so that nothing asks for one elsewhere."""
    folder, bare = tmp_path / "manifests", tmp_path / "manifests.git"
    (folder / "agents").mkdir(parents=True)
    (folder / "trunkline.yaml").write_text(PROJECT.format(name=project), "utf-8")
    (folder / "agents" / "front-desk.yaml").write_text(AGENT, "utf-8")
    tip = seed(bare, folder)
    wish = WishRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        wish_digest=Digest("sha256:" + "5e" * 32),
        revision=tip,
        body={"digest": "sha256:" + "5e" * 32, "lifecycle": "active"},
    )
    source = SourceState(project=project, seen_revision=tip, applied_revision=tip)
    await store.store_tree(source, [wish], {}, await store.project_manifest(project) or {})
    for known in await store.projects():
        await store.register(ProjectRecord(name=known.name, repository=str(bare)))
    return bare


async def test_no_request_finds_an_answer_that_is_not_described(
    http: httpx.AsyncClient,
    token: Callable[[str], str],
    project: str,
    repository: Path,
    tmp_path: Path,
) -> None:
    """The description is asked for first: it takes longest when it is made."""
    assert (await http.get("/openapi.json", timeout=60)).status_code == 200
    process = await asyncio.create_subprocess_exec(
        *(str(PROGRAM), "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{http.base_url}/openapi.json", "--checks", "all", "--workers", "1"),
        *("--header", f"Authorization: Bearer {token('admin')}"),
        *("--max-examples", str(max(4, round(30 * SHARE))), "--continue-on-failure"),
        *("--phases", "examples,coverage,fuzzing,stateful" if SHARE >= 1 else "examples,fuzzing"),
        *("--suppress-health-check", "all", "--seed", "20260302", "--no-color"),
        *("--generation-database", "none", "--warnings", "off", "--request-timeout", "120"),
        *("--max-response-time", "60"),
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(HERE),
            "TRUNKLINE_TEST_PROJECT": project,
            "TRUNKLINE_TEST_REPOSITORY": str(repository),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    shown = "\n".join(line[:300] for line in said.decode().splitlines())
    assert process.returncode == 0, shown[-20_000:]
    cases = re.search(rb"(\d+) generated", said)
    assert cases is not None
    assert int(cases.group(1)) >= CASES_WANTED * SHARE
