"""The job files in the docs: valid for their systems, safe for forks, and what they run works."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from trunkline.cli.main import run

CI = Path(__file__).parents[2] / "docs" / "ci"
PROGRAMS = Path(sys.executable).parent
TEST = """\
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: { name: answers }
spec:
  agent: assistant
  turns:
    - say: Good morning!
      expect: [ { says: { matches: "." } } ]
"""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("github.yml", ("--builtin-schema", "vendor.github-workflows")),
        (
            "gitlab.yml",
            ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
        ),
    ],
)
def test_they_are_what_their_systems_read(name: str, options: tuple[str, ...]) -> None:
    command = [str(PROGRAMS / "check-jsonschema"), *options, str(CI / name)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_a_fork_sees_no_secret_on_github() -> None:
    document = yaml.load((CI / "github.yml").read_text("utf-8"), yaml.BaseLoader)  # noqa: S506
    assert "pull_request_target" not in document["on"]
    assert document["permissions"] == {"contents": "read"}
    assert "secrets." not in str(document["jobs"]["simulated"])
    real = document["jobs"]["real"]
    assert "head.repo.full_name == github.repository" in real["if"]
    assert real["environment"]
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    assert not any("${{" in step.get("run", "") for step in steps), "a branch may be named `$(id)`"


def test_a_fork_sees_no_token_on_gitlab() -> None:
    document = yaml.safe_load((CI / "gitlab.yml").read_text("utf-8"))
    [rule] = document["real conversations"]["rules"]
    assert 'CI_COMMIT_REF_PROTECTED == "true"' in rule["if"]
    assert "TRUNKLINE_TOKEN" not in str(document["simulated conversations"])


def scripts() -> list[Any]:
    """What the jobs for every change run, without installing."""
    github = yaml.safe_load((CI / "github.yml").read_text("utf-8"))["jobs"]["simulated"]["steps"]
    gitlab = yaml.safe_load((CI / "gitlab.yml").read_text("utf-8"))["simulated conversations"]
    ran = [step["run"] for step in github if "run" in step and "install" not in step["run"]]
    return [
        pytest.param("\n".join(ran), id="github"),
        pytest.param("\n".join(gitlab["script"]), id="gitlab"),
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", scripts())
def test_the_job_for_every_change_runs_as_it_stands(script: str, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    assert run(["init", str(repository), "--template", "minimal"]) == 0
    for path in repository.rglob("tests/*.yaml"):
        path.unlink()
    (repository / "answers.yaml").write_text(TEST, "utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")
    }
    with subprocess.Popen(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=repository,
        env={
            **environment,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "MANIFESTS": ".",
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            code = process.wait(timeout=300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert code == 0, said
    assert "answers" in (repository / "conversation-tests.xml").read_text("utf-8")
