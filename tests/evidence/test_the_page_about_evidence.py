"""What the page tells auditors to type verifies a real release, and its example is one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evidence.histories import Company
from trunkline.manifests.documents import read_documents
from trunkline.model.evidence import PAYLOAD_TYPE, SCHEMA, Evidence

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "evidence.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path) -> tuple[Company, Path]:
    """A clone of a company with one release, held by hand since."""
    company = Company(tmp_path)
    spec = company.spec(1, changes="Kürzerer Gruß ☎")
    company.release(spec)
    held = type(spec).model_validate(
        {**spec.model_dump(mode="json"), "hold": {"reason": "wait", "by": "ada"}}
    )
    company.put(held)
    place = tmp_path / "clone"
    company.git("clone", "--quiet", str(company.bare), str(place), folder=tmp_path)
    return company, place


def by_hand(company: Company, place: Path) -> "subprocess.CompletedProcess[str]":
    [script] = [text for kind, text in BLOCKS if kind == "sh" and "pkeyutl" in text]
    script = re.sub(r'KEY="[^"]*"', f'KEY="{company.keys.public_key}"', script)
    return subprocess.run(
        ["sh", "-e", "-c", script.replace("python3 ", f"{sys.executable} ")],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_verifies_an_honest_release(clone: tuple[Company, Path]) -> None:
    done = by_hand(*clone)
    assert "Signature Verified Successfully" in done.stdout, done.stderr


def test_the_script_refuses_an_edited_release(clone: tuple[Company, Path]) -> None:
    company, place = clone
    file = place / "releases" / "production" / "front-desk.yaml"
    file.write_text(file.read_text("utf-8").replace("version: 1", "version: 2"), "utf-8")
    done = by_hand(company, place)
    assert done.returncode != 0
    assert "Verified Successfully" not in done.stdout


def test_the_example_has_the_keys_of_evidence_and_no_others() -> None:
    [text] = [text for kind, text in BLOCKS if kind == "yaml" and "kind: Release" in text]
    [document] = read_documents(text)
    assert isinstance(document.value, dict)
    spec = document.value["spec"]
    assert isinstance(spec, dict)
    shown = spec["evidence"]
    assert isinstance(shown, dict)
    assert shown["schema"] == SCHEMA
    known = {field.alias for field in Evidence.model_fields.values()}
    assert set(shown) <= known
    optional = {"personaDigest", "testsRequired", "manual", "rollback"}
    assert known - set(shown) == optional
    assert PAYLOAD_TYPE in PAGE
