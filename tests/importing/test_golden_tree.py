"""An import is what a person would have written: the files are kept beside this one to be read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from simulators.server import SimulatorOptions, serve_simulators
from tests.importing.clinic import open_clinic
from tests.importing.reading import account_of, platform_of, tree_of
from trunkline.manifests import DirectoryTree, review
from trunkline.model.ids import ExternalId
from trunkline.model.imports import DerivedNumber

GOLDEN = Path(__file__).parent / "golden"
WRITE = "TRUNKLINE_WRITE_GOLDEN"


async def test_a_small_account_becomes_the_golden_tree() -> None:
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0)
    async with serve_simulators(options) as running, platform_of(running) as platform:
        clinic = await asyncio.to_thread(
            open_clinic, running.elevenlabs_url, running.elevenlabs_key
        )
        line = DerivedNumber(
            ExternalId("phnum_1"), "+15005550006", "Main line", ExternalId(clinic.front_desk)
        )
        tree, report = tree_of(await account_of(platform, numbers=(line,)))
    named = {path: _renamed(text, clinic.names) for path, text in tree.items()}
    if os.environ.get(WRITE):
        await asyncio.to_thread(_write, named)
    assert named == await asyncio.to_thread(_read)
    assert report.skipped == ()
    assert report.secrets == ("TRUNKLINE_SECRET_ACME_BOOKING_API",)
    assert sorted(note.path for note in report.left_out) == [
        "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders.floor",
        "platform_settings.auth.enable_auth",
    ]


def test_the_golden_tree_is_valid_beside_a_project(tmp_path: Path) -> None:
    project = (
        "apiVersion: trunkline/v1alpha1\nkind: Project\nmetadata: { name: acme }\n"
        "spec: { environments: [ { name: testing } ] }\n"
    )
    for path, text in {**_read(), "trunkline.yaml": project}.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    found = review(DirectoryTree(tmp_path))
    assert found.problems == ()
    assert found.warnings == ()


def _read() -> dict[str, str]:
    found = sorted(path for path in GOLDEN.rglob("*") if path.is_file())
    return {str(path.relative_to(GOLDEN)): path.read_text("utf-8") for path in found}


def _write(tree: dict[str, str]) -> None:
    for path, text in tree.items():
        target = GOLDEN / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def _renamed(text: str, names: dict[str, str]) -> str:
    for external_id, name in names.items():
        text = text.replace(external_id, name)
    return text
