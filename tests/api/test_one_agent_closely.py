"""``describe`` and ``history`` show an agent or number from every side, for people and programs."""

import json
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.base import JsonObject
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.ledger import Claim, LedgerEntry
from trunkline.model.records import EventRecord, SourceState, WishRecord

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]

OLD = Revision("a" * 40)
NEW = Revision("3f0c" * 10)
DIGEST = Digest("sha256:" + "5e" * 32)
BODY: JsonObject = {
    "displayName": "Front desk",
    "lifecycle": "active",
    "direction": "inbound",
    "language": "en",
    "prompt": "nobody needs to see this here",
    "tools": [{"name": "book-slot", "digest": DIGEST}],
    "builtinTools": ["end_call"],
    "documents": [],
}


@pytest.fixture
async def known(fleet: None, store: PostgresStore, project: str) -> None:  # noqa: ARG001 - first
    """The fleet's agent with a ledger, a tool, a suspension and two revisions behind it."""
    wish = WishRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        wish_digest=DIGEST,
        revision=NEW,
        body=BODY,
    )
    state = SourceState(project=project, seen_revision=NEW, applied_revision=NEW)
    await store.store_tree(state, [wish], {}, {"spec": {}})
    await store.put(
        LedgerEntry(
            project=project,
            environment="testing",
            kind="agent",
            name="front-desk",
            account="elevenlabs-1",
            nonce="n0",
            external_id=ExternalId("agent_1"),
            digest=DIGEST,
            version_id="version_7",
            applied={"name": "Front desk", "conversation_config.agent.language": "en"},
        )
    )
    claim = Claim(
        account="elevenlabs-1",
        project=project,
        environment="testing",
        kind="tool",
        name="book-slot",
        digest=DIGEST,
        claimant="front-desk",
    )
    await store.claim(claim)
    await store.settle(claim, ExternalId("tool_1"), fingerprint=None)
    await store.put_intervention(
        Intervention(
            project=project,
            environment="testing",
            kind="agent",
            name="front-desk",
            verb="suspend",
            reason="new voice on trial",
            by="operator@example.com",
            at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(hours=5, minutes=30),
        )
    )
    for revision, kind, reason in ((OLD, "Normal", "Synced"), (NEW, "Warning", "ForeignEdit")):
        event = EventRecord(
            project=project,
            environment="testing",
            name="front-desk",
            type=kind,
            reason=reason,
            message=f"{reason} at {revision[:4]}",
            revision=revision,
        )
        await store.add_events([event])


@pytest.mark.usefixtures("known")
async def test_everything_known_is_in_one_page(command: Command, project: str) -> None:
    code, out, err = await command("describe", "front-desk")
    assert code == 0, err
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for expected in (
        "Name: front-desk",
        "Labels: team=reception",
        "Sync: Synced",
        f"Workflow: agent/{project}/testing/front-desk",
        "State: named by Git",
        "Display name: Front desk",
        "Tools: book-slot, end_call",
        "Version id: version_7",
        "Owned paths: 2",
        "tool book-slot sha256:5e5e5e5e5e5e tool_1",
        "Id: plan-0001",
        "Says: 1 step about it",
        "TYPE STATUS REASON MESSAGE",
    ):
        assert expected in lines, (expected, out)
    assert any(line.startswith("suspend operator@example.com") for line in lines)
    assert any(re.search(r"\b5h[0-2]\dm .*new voice on trial", line) for line in lines), out
    assert "nobody needs to see this" not in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("known")
async def test_the_same_for_programs(command: Command) -> None:
    _, as_json, _ = await command("describe", "front-desk", "-o", "json")
    _, as_yaml, _ = await command("describe", "front-desk", "-o", "yaml")
    found = json.loads(as_json)
    assert found == yaml.safe_load(as_yaml)
    assert (found["formatVersion"], found["kind"]) == ("1", "agent")
    assert found["ledger"]["ownedPaths"] == 2
    assert found["ledger"]["goneFromGitSince"] is None
    assert found["objects"][0]["externalId"] == "tool_1"
    assert found["interventions"][0]["verb"] == "suspend"
    assert found["wish"]["facts"]["tools"] == ["book-slot", "end_call"]


@pytest.mark.usefixtures("fleet")
async def test_a_number_is_described_by_its_name(command: Command) -> None:
    code, out, _ = await command("describe", "main-line")
    assert code == 0
    assert "Number:       +15005550006" in out
    assert "nothing was written for it yet" in out


@pytest.mark.usefixtures("fleet")
async def test_a_name_nobody_has(command: Command) -> None:
    code, out, err = await command("describe", "front-dest")
    assert (code, out) == (1, "")
    assert "no agent or number 'front-dest'" in err
    assert "trunkline status -o name" in err


@pytest.mark.slow
@pytest.mark.usefixtures("known")
async def test_history_goes_from_revision_to_revision(command: Command) -> None:
    code, out, _ = await command("history", "front-desk")
    header, *rows = out.splitlines()
    assert code == 0
    columns = ["VERSION", "ENV", "REVISION", "AGE", "STATE", "RESULT", "BY", "WARNINGS", "MESSAGE"]
    assert header.split() == columns
    assert [(row.split()[2], row.split()[4]) for row in rows] == [
        *(("3f0c3f0", "current"), ("aaaaaaa", "past"))
    ]
    assert rows[0].split()[5:8] == ["ForeignEdit", "-", "1"]
    _, as_json, _ = await command("history", "front-desk", "-o", "json")
    items = json.loads(as_json)["items"]
    assert items[0]["versionId"] == "version_7"
    assert items[1]["versionId"] is None


@pytest.mark.usefixtures("fleet")
async def test_no_history_is_said(command: Command) -> None:
    code, out, err = await command("history", "front-desk")
    assert (code, out) == (0, "")
    assert "No history yet" in err
