"""Facts become findings by fixed bounds: versions, clocks, disks, programs, permissions."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.model.findings import AccountFacts, FindingState, MachineFacts, StoreFacts
from trunkline.services.diagnoses import (
    account_findings,
    clock_finding,
    machine_findings,
    store_findings,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MACHINE = MachineFacts(
    python=(3, 12, 1),
    programs={"git": "git version 2.43.0", "gpg": "gpg 2.4", "ssh-keygen": "found"},
    folder="/srv/trunkline",
    free_bytes=50 * 1024**3,
)


@pytest.mark.parametrize(
    ("ahead_s", "state", "said"),
    [
        (0, "ok", "agree"),
        (-4, "ok", "agree"),
        (6, "warning", "6 s ahead of"),
        (-59, "warning", "59 s behind"),
        (61, "failed", "61 s ahead of"),
        (-7200, "failed", "7200 s behind"),
    ],
)
def test_clocks_that_differ(ahead_s: int, state: FindingState, said: str) -> None:
    found = clock_finding("a.clock", NOW - timedelta(seconds=ahead_s), NOW)
    assert found.state == state
    assert said in found.found
    assert ("NTP" in found.advice) is (state != "ok")


@pytest.mark.parametrize(
    ("ahead_s", "state"),
    [(0, "ok"), (90, "ok"), (100, "ok"), (106, "warning"), (-4, "ok"), (-6, "warning")],
)
def test_who_answers_late_has_no_wrong_clock(ahead_s: int, state: FindingState) -> None:
    """Asked a hundred seconds ago, they said what time it is at any moment since."""
    asked_at = NOW - timedelta(seconds=100)
    theirs = NOW - timedelta(seconds=ahead_s)
    found = clock_finding("a.clock", theirs, NOW, asked_at=asked_at)
    assert found.state == state


@pytest.mark.parametrize(
    ("version", "state"), [(130_020, "failed"), (140_000, "ok"), (180_001, "ok")]
)
def test_postgresql_before_14_is_too_old(version: int, state: FindingState) -> None:
    facts = StoreFacts(version=version, tables="1", wanted="1", write_refusal="", now=NOW)
    found = {finding.name: finding for finding in store_findings(facts, NOW)}
    assert found["postgresql.version"].state == state
    assert f"PostgreSQL {version // 10_000}." in found["postgresql.version"].found


@pytest.mark.parametrize(
    ("free_bytes", "state"),
    [(1024**2, "failed"), (1024**3, "warning"), (3 * 1024**3, "ok")],
)
def test_a_disk_that_fills_up(free_bytes: int, state: FindingState) -> None:
    facts = MACHINE.model_copy(update={"free_bytes": free_bytes})
    [disk] = [f for f in machine_findings(facts, "server") if f.name == "server.disk"]
    assert disk.state == state


def test_programs_that_are_missing() -> None:
    facts = MACHINE.model_copy(update={"programs": {}, "python": (3, 10, 2)})
    states = {finding.name: finding.state for finding in machine_findings(facts, "local")}
    assert states == {
        "local.python": "failed",
        "local.git": "failed",
        "local.gpg": "warning",
        "local.ssh-keygen": "warning",
        "local.disk": "ok",
    }


def test_a_folder_that_may_not_be_used() -> None:
    facts = MACHINE.model_copy(update={"folder_refusal": "Permission denied"})
    [disk] = [f for f in machine_findings(facts, "server") if f.name == "server.disk"]
    assert (disk.state, disk.found) == ("failed", "/srv/trunkline: Permission denied")


def test_what_a_key_may_not_read_is_named() -> None:
    facts = AccountFacts(account="elevenlabs-1", refused=("agents", "tools"))
    [first, second] = account_findings("elevenlabs.acme.testing", facts, NOW)
    assert first.state == "ok"
    assert second.name == "elevenlabs.acme.testing.permissions"
    assert second.found == "the key may not read agents, tools"
