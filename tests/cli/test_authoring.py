"""``init``, ``validate`` and ``render`` work on a folder and need nothing else."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from trunkline.cli.main import run
from trunkline.cli.schemas import schemas


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "Acme Voice"
    assert run(["init", str(path)]) == 0
    capsys.readouterr()
    return path


def test_a_new_repository_is_valid_and_named_after_its_folder(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(repository)]) == 0
    assert capsys.readouterr().out.startswith("Valid: 1 agent")
    project = yaml.safe_load((repository / "trunkline.yaml").read_text())
    assert project["metadata"]["name"] == "acme-voice"


def test_init_overwrites_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = repository / "README.md"
    readme.write_text("mine")
    (repository / "trunkline.yaml").unlink()
    assert run(["init", str(repository)]) == 1
    assert readme.read_text() == "mine"
    assert not (repository / "trunkline.yaml").exists()
    assert "exists; nothing was written" in capsys.readouterr().err


def test_every_problem_is_printed_with_its_place(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = repository / "agents/front-desk/agent.yaml"
    agent.write_text(agent.read_text().replace("displayName:", "displayNam:"))
    project = repository / "trunkline.yaml"
    project.write_text(project.read_text().replace("accounts:", "acounts:"))
    assert run(["validate", str(repository)]) == 1
    *problems, summary = capsys.readouterr().out.splitlines()
    assert problems[0].startswith("agents/front-desk/agent.yaml:")
    assert "(did you mean displayName?)" in problems[0]
    assert any(line.startswith("trunkline.yaml:") for line in problems)
    assert summary == f"{len(problems)} problems."


def test_problems_for_programs(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = repository / "agents/front-desk/agent.yaml"
    agent.write_text(agent.read_text().replace("displayName:", "displayNam:"))
    assert run(["validate", str(repository), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] is False
    assert found["problems"][0]["position"]["file"] == "agents/front-desk/agent.yaml"
    assert found["problems"][0]["suggestion"] == "displayName"


def test_render_prints_the_body_that_would_be_sent(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["render", "front-desk", "-e", "testing", "--local", str(repository)]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["tags"] == ["trunkline:acme-voice/testing/front-desk"]
    assert body["conversation_config"]["agent"]["language"] == "en"


@pytest.mark.parametrize(
    ("agent", "environment", "said"),
    [
        ("nobody", "testing", "no agent 'nobody'"),
        ("front-desk", "production", "first release"),
        ("front-desk", "staging", "no environment 'staging'"),
    ],
)
def test_render_says_why_there_is_nothing_to_render(
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    agent: str,
    environment: str,
    said: str,
) -> None:
    assert run(["render", agent, "-e", environment, "--local", str(repository)]) == 1
    assert said in capsys.readouterr().err


def test_an_invalid_tree_is_not_rendered(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = repository / "agents/front-desk/agent.yaml"
    agent.write_text(agent.read_text().replace("displayName:", "displayNam:"))
    assert run(["render", "front-desk", "-e", "testing", "--local", str(repository)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "agents/front-desk/agent.yaml:" in said.err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(tmp_path / "nowhere")]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_warnings_are_printed_and_do_not_fail(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = repository / "agents/front-desk/prompt.md"
    prompt.write_text(prompt.read_text() + "\nYou are in {{town}}.\n")
    assert run(["validate", str(repository)]) == 0
    warning, summary = capsys.readouterr().out.splitlines()
    assert warning.startswith("agents/front-desk/agent.yaml:")
    assert ": warning: {{town}} is neither" in warning
    assert summary == "Valid: 1 agent, 0 numbers, 2 environments; 1 warning."
    assert run(["validate", str(repository), "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["valid"], found["problems"]) == (True, [])
    assert "{{town}}" in found["warnings"][0]["message"]


def test_warnings_are_counted_beside_problems(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = repository / "agents/front-desk/agent.yaml"
    agent.write_text(agent.read_text().replace("{{company}}", "{{compny}}"))
    project = repository / "trunkline.yaml"
    project.write_text(project.read_text().replace("accounts:", "acounts:"))
    assert run(["validate", str(repository)]) == 1
    *said, summary = capsys.readouterr().out.splitlines()
    assert [": warning: " in line for line in said] == [True, False]
    assert summary == "1 problem, 1 warning."


def test_a_broken_release_is_a_problem(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = repository / "releases/production/front-desk.yaml"
    release.parent.mkdir(parents=True)
    release.write_text("apiVersion: trunkline/v1alpha1\nkind: Release\nmetadata: {}\nspec: {}\n")
    assert run(["validate", str(repository)]) == 1
    assert "releases/production/front-desk.yaml:3:11: metadata lacks" in capsys.readouterr().out


def test_an_empty_folder_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(tmp_path)]) == 1
    assert "`trunkline init` makes a first one" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["README.md", "README.md/below"])
def test_init_into_a_file_is_refused(
    repository: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(repository / place)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"trunkline: {repository / place} cannot be written: ")


@pytest.mark.parametrize(
    ("agent", "environment", "hint"),
    [
        ("front-dsk", "testing", "Did you mean front-desk?"),
        ("reception", "testing", "There is front-desk"),
        ("front-desk", "tsting", "Did you mean testing?"),
        ("front-desk", "live", "There are production and testing"),
    ],
)
def test_a_name_that_is_not_there_leads_to_those_that_are(
    repository: Path,
    agent: str,
    environment: str,
    hint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["render", agent, "-e", environment, "--local", str(repository)]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [f"  {hint}"]


def test_what_there_is_to_begin_with_is_listed_for_programs_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "--list-templates", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schemas()["TemplateList"])
    names = [item["name"] for item in document["items"]]
    assert "minimal" in names
    for name in names:
        assert run(["init", str(tmp_path / name), "--template", name]) == 0
