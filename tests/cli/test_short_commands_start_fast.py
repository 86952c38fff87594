"""A short command imports nothing it does not need: that is what makes it start fast."""

import subprocess
import sys

import pytest

HEAVY = {"httpx", "temporalio", "fastapi", "psycopg", "rich", "yaml", "git", "twilio", "uvicorn"}
SCRIPT = """
import sys
from trunkline.cli.main import run
code = run(sys.argv[1:])
sys.stderr.write(" ".join(name.partition(".")[0] for name in sys.modules))
sys.exit(code)
"""


@pytest.mark.parametrize("arguments", [["version"], ["--help"], ["sync", "--help"]], ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout
    assert HEAVY & set(ended.stderr.split()) == set()


def test_the_version_for_people_and_programs() -> None:
    command = [sys.executable, "-m", "trunkline.cli.main", "version"]
    plain = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    as_json = subprocess.run(
        [*command, "-o", "json"], capture_output=True, text=True, check=True, timeout=60
    )
    assert plain.stdout.startswith("trunkline ")
    assert '"version"' in as_json.stdout
