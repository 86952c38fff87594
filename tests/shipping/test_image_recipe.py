"""The Dockerfile makes a small image from the lock file, for a user who is not root."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

COMPILERS = ("build-essential", "gcc", "g++", "make", "python3-dev", "cargo", "golang")


def sources(stage: Any) -> list[str]:
    """Paths of the checkout that a stage copies."""
    copies = [each for each in stage.all("COPY") if "--from=" not in each.rest]
    return [source.rstrip("/") for each in copies for source in each.words[:-1]]


def test_what_is_copied_is_there_and_not_ignored(stages: Any, root: Path) -> None:
    rules = [
        line
        for line in (root / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {source for stage in stages for source in sources(stage)}
    assert rules[0] == "*"
    assert copied == let_in
    assert all((root / source).exists() for source in copied)


def test_everything_the_wheel_is_made_of_is_copied(stages: Any, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], *project["project"]["license-files"]}
    needed |= {"pyproject.toml", "uv.lock", project["project"]["readme"]}
    assert set(sources(stages[1])) == needed


def test_the_lock_file_decides_and_others_code_has_a_layer_of_its_own(stages: Any) -> None:
    [others, ours] = [each.rest for each in stages[1].all("RUN")]
    for command in (others, ours):
        assert command.startswith("uv sync --locked --no-dev ")
    assert "--no-install-project" in others
    assert "--no-editable" in ours
    words = [each.word for each in stages[1].instructions]
    first_run = words.index("RUN")
    early = [each for each in stages[1].instructions[:first_run] if each.word == "COPY"]
    assert early[-1].words[:-1] == ["pyproject.toml", "uv.lock"]


def test_bases_are_named_by_version_and_the_last_stage_has_the_same_python(stages: Any) -> None:
    assert [stage.base for stage in stages[1:]] == [stages[1].base] * 2
    for stage in stages:
        assert re.search(r":(python)?[0-9]+\.[0-9]+", stage.base), stage.base


def test_the_last_stage_takes_only_what_was_installed(stages: Any) -> None:
    last = stages[-1]
    assert [each.rest for each in last.all("COPY")] == [
        "--from=build /opt/trunkline /opt/trunkline"
    ]
    [install] = [each.rest for each in last.all("RUN")]
    assert "git gnupg openssh-client" in install
    assert "--no-install-recommends" in install
    assert "rm -rf /var/lib/apt/lists/*" in install
    assert not [word for word in install.split() if word in COMPILERS]
    assert stages[1].settings()["UV_PROJECT_ENVIRONMENT"] == "/opt/trunkline"
    assert last.settings()["PATH"].startswith("/opt/trunkline/bin:")


def test_the_user_is_a_number_that_is_not_root_and_owns_the_one_writable_folder(
    stages: Any,
) -> None:
    last = stages[-1]
    [user] = last.all("USER")
    [volume] = last.all("VOLUME")
    [install] = last.all("RUN")
    assert user.rest == "10001:10001"
    assert f"--uid 10001 --gid 10001 --home-dir {volume.rest} --create-home" in install.rest
    assert last.settings()["TRUNKLINE_HOME"] == volume.rest
    words = [each.word for each in last.instructions]
    assert words.index("USER") > words.index("RUN")


def test_it_starts_the_api_and_says_how_it_is(stages: Any) -> None:
    last = stages[-1]
    assert last.all("ENTRYPOINT")[0].rest == '["trunkline"]'
    assert '"serve"' in last.all("CMD")[0].rest
    assert "/healthz" in last.all("HEALTHCHECK")[0].rest


def test_labels_say_what_it_is(stages: Any, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    [labels] = [each.rest for each in stages[-1].all("LABEL")]
    assert f'image.licenses="{project["license"]}"' in labels
    assert f'image.description="{project["description"]}"' in labels
    [version] = [each.rest for each in stages[-1].all("ARG") if each.rest.startswith("VERSION")]
    assert version == f"VERSION={project['version']}"


@pytest.mark.parametrize("secret", [".env", ".git", "tests", "deploy", "trunkline.env"])
def test_nothing_private_reaches_the_builder(root: Path, secret: str) -> None:
    rules = (root / ".dockerignore").read_text("utf-8").splitlines()
    assert not any(fnmatch(secret, rule[1:]) for rule in rules if rule.startswith("!"))
