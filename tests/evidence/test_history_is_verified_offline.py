"""``history --evidence --local`` believes nothing but Git and a list of keys."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.histories import Company
from tests.evidence.worlds import ENDED_AT
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.cli.main import run
from trunkline.model.evidence import Rollback, restored_evidence, signed_release


@dataclass(frozen=True)
class Verdicts:
    """How the command ended, what it printed, and its rows by place and version."""

    code: int
    rows: list[dict[str, Any]]

    def of(self, version: int, agent: str = "front-desk") -> tuple[str, str]:
        """Verdict and message of the only row of a version."""
        [row] = [r for r in self.rows if (r["version"], r["agent"]) == (version, agent)]
        return row["evidence"], row["message"]


Verify = Callable[..., Verdicts]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company that has released one agent three times."""
    made = Company(tmp_path_factory.mktemp("company"))
    for version, greeting in enumerate(("Good morning", "Good day", "Good evening"), start=1):
        made.greet(greeting)
        made.release(made.spec(version))
    return made


@pytest.fixture
def company(founded: Company, tmp_path: Path) -> Company:
    """The same for one test alone."""
    return founded.copied(tmp_path)


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run the command on a repository."""
    monkeypatch.delenv("TRUNKLINE_PROJECT", raising=False)

    def look(place: Path, *options: str) -> Verdicts:
        code = run(["history", "--evidence", "--local", str(place), "-o", "json", *options])
        printed = capsys.readouterr()
        document = json.loads(printed.out) if printed.out else {"items": []}
        return Verdicts(code, document["items"])

    return look


def test_an_honest_history_is_valid(company: Company, verify: Verify) -> None:
    company.release(company.spec(1, agent="night-desk"), "night-desk")
    found = verify(company.bare)
    assert found.code == 0
    assert [(r["agent"], r["version"], r["evidence"]) for r in found.rows] == [
        ("front-desk", 3, "valid"),
        ("front-desk", 2, "valid"),
        ("front-desk", 1, "valid"),
        ("night-desk", 1, "valid"),
    ]
    newest = found.rows[0]
    assert newest["keyId"] == company.keys.public_key
    assert newest["promotedBy"] == "author@example.com"
    assert len(newest["commit"]) == len(newest["revision"]) == 40


def test_one_agent_or_environment_may_be_asked_for(company: Company, verify: Verify) -> None:
    company.release(company.spec(1, agent="night-desk"), "night-desk")
    assert {row["agent"] for row in verify(company.bare, "night-desk").rows} == {"night-desk"}
    assert verify(company.bare, "-e", "testing").rows == []


def test_an_ordinary_clone_says_the_same_and_stays_as_it_is(
    company: Company, verify: Verify, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    company.git("clone", "--quiet", str(company.bare), str(clone), folder=tmp_path)
    hook = clone / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    before = company.git("status", "--porcelain", folder=clone)
    assert verify(clone) == verify(company.bare)
    assert company.git("status", "--porcelain", folder=clone) == before == ""
    assert not (clone / "hooked").exists()


def test_a_table_is_printed_for_people(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", "front-desk", "--evidence", "--local", str(company.bare)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("ENV", "AGENT", "VERSION", "EVIDENCE", "REVISION", "AGE", "BY", "MESSAGE"),
    ]
    assert lines[1].split()[:4] == ["production", "front-desk", "3", "valid"]


def test_setting_and_lifting_a_hold_is_no_release(tmp_path: Path, verify: Verify) -> None:
    company = Company(tmp_path)
    spec = company.spec(1)
    company.release(spec)
    company.put(type(spec).model_validate({**_said(spec), "hold": {"reason": "no", "by": "ada"}}))
    company.put(spec)
    found = verify(company.bare)
    assert (found.code, len(found.rows)) == (0, 1)


def _said(spec: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(spec.model_dump_json(by_alias=True, exclude_none=True))
    return said


def test_an_edited_release_is_found(company: Company, verify: Verify) -> None:
    spec = company.spec(4)
    company.release(spec.model_copy(update={"changes": "Nothing, really"}))
    found = verify(company.bare)
    assert found.code == 1
    assert found.of(4)[0] == "invalid"
    assert "its signature does not fit what it says" in found.of(4)[1]
    assert found.of(3) == ("valid", "")


def test_a_release_of_a_stranger_is_found(company: Company, verify: Verify) -> None:
    stranger = Ed25519Keys(new_private_key())
    company.release(company.spec(4, keys=stranger))
    assert stranger.public_key in verify(company.bare).of(4)[1]


def test_a_release_without_its_tag_is_found(company: Company, verify: Verify) -> None:
    company.put(company.spec(4))
    verdict, words = verify(company.bare).of(4)
    assert (verdict, words) == (
        "invalid",
        "no tag trunkline/production/front-desk/v4 allocated its version",
    )


def test_a_tag_that_was_moved_is_found(company: Company, verify: Verify) -> None:
    company.git("tag", "-f", "trunkline/production/front-desk/v3", company.tip)
    assert f"stands on {company.tip}" in verify(company.bare).of(3)[1]


def test_evidence_of_another_closure_is_found(company: Company, verify: Verify) -> None:
    former = company.tip
    now = company.greet("Go away")
    replayed = company.spec(4, revision=former)
    moved = signed_release(
        "acme",
        "front-desk",
        replayed.model_copy(update={"revision": now}),
        restored_evidence(replayed.evidence, BACK).model_copy(update={"rollback": None}),
        company.keys,
    )
    company.release(moved)
    assert "which is not the one that was tested" in verify(company.bare).of(4)[1]


BACK = Rollback(replaced=3, restored=1, by="ada", reason="It hangs up", at=ENDED_AT)


def test_a_rollback_is_a_release_of_its_own(company: Company, verify: Verify) -> None:
    first = company.git("rev-list", "-1", "trunkline/production/front-desk/v1")
    former = company.spec(1, revision=first)
    restored = former.model_copy(update={"version": 4, "restores": 1})
    proof = restored_evidence(former.evidence, BACK)
    company.release(signed_release("acme", "front-desk", restored, proof, company.keys))
    found = verify(company.bare)
    assert found.code == 0
    assert found.rows[0]["restores"] == 1


def test_an_old_release_that_was_put_back_is_found(company: Company, verify: Verify) -> None:
    text = company.git("show", "main~2:releases/production/front-desk.yaml")
    company.edit({"releases/production/front-desk.yaml": f"{text}\n"})
    found = verify(company.bare)
    [row] = [row for row in found.rows if row["evidence"] == "invalid"]
    assert found.code == 1
    assert row["message"] == f"commit {company.tip[:12]} put it back over version 3"


def test_a_version_that_was_left_out_is_found(company: Company, verify: Verify) -> None:
    company.release(company.spec(6))
    assert verify(company.bare).of(5) == (
        "invalid",
        "versions 4 to 5 have neither a tag nor a release",
    )


def test_a_release_that_was_taken_out_of_the_history_is_found(
    company: Company, verify: Verify
) -> None:
    company.git("update-ref", "refs/heads/main", company.git("rev-parse", "main~1"))
    verdict, words = verify(company.bare).of(3)
    assert (verdict, "no commit of the branch fits it" in words) == ("invalid", True)


def test_a_file_nobody_can_read_is_found(company: Company, verify: Verify) -> None:
    company.edit({"releases/production/night-desk.yaml": "a: [\n"})
    found = verify(company.bare)
    assert found.code == 1
    assert found.of(0, "night-desk")[1].startswith("releases/production/night-desk.yaml:")


def test_a_release_of_an_invalid_commit_is_found(company: Company, verify: Verify) -> None:
    spec = company.spec(4)
    broken = company.edit({"front-desk.yaml": "kind: Agent\n"})
    world = spec.model_copy(update={"revision": broken})
    proof = restored_evidence(spec.evidence, BACK).model_copy(update={"rollback": None})
    company.release(signed_release("acme", "front-desk", world, proof, company.keys))
    assert "nothing can be read" in verify(company.bare).of(4)[1]


def test_an_error_elsewhere_at_the_tip_hides_nothing(company: Company, verify: Verify) -> None:
    company.edit({"night-desk.yaml": "kind: Agent\nspec: [\n"})
    assert verify(company.bare).code == 0


def test_a_key_that_left_the_project_takes_its_releases_with_it(
    company: Company, verify: Verify
) -> None:
    text = company.git("show", "main:trunkline.yaml")
    newer = Ed25519Keys(new_private_key()).public_key
    company.edit({"trunkline.yaml": text.replace(company.keys.public_key, newer) + "\n"})
    assert verify(company.bare).code == 1
    assert verify(company.bare, "--public-key", company.keys.public_key).code == 0
    company.edit({"trunkline.yaml": text.replace('"ed25519', f'"{newer}", "ed25519') + "\n"})
    assert verify(company.bare).code == 0


def test_a_key_of_the_auditor_counts_instead_of_the_repositorys(
    company: Company, verify: Verify, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.pem"
    theirs.write_text(Ed25519Keys(new_private_key()).public_key)
    assert verify(company.bare, "--public-key", str(theirs)).code == 1


def test_a_project_nobody_can_read_has_to_be_named(company: Company, verify: Verify) -> None:
    company.edit({"trunkline.yaml": "kind: Project\nspec: [\n"})
    assert verify(company.bare).code == 1
    assert verify(company.bare).rows == []
    key = company.keys.public_key
    assert verify(company.bare, "--project", "acme", "--public-key", key).code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--local", "."],
        ["--evidence", "--public-key", "ed25519:x"],
        ["--branch", "main"],
        ["--evidence", "--local", ".", "--public-key", "ed25519:x"],
        [],
    ],
)
def test_options_that_say_nothing_are_wrong_usage(options: list[str]) -> None:
    assert run(["history", *options]) == 64


def test_without_a_repository_on_this_disk_an_agent_has_to_be_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for options in ([], ["--evidence"]):
        assert run(["history", *options]) == 64
        assert "Name an agent" in capsys.readouterr().err
    assert run(["history", "--help"]) == 0
    said = capsys.readouterr().out
    assert "only with --local may it be left out" in " ".join(said.split())
    assert "none means all" not in said


def test_a_folder_that_is_no_repository_cannot_be_checked(tmp_path: Path, verify: Verify) -> None:
    assert verify(tmp_path).code == 3
    assert verify(tmp_path / "nowhere").code == 1
