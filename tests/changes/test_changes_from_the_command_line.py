"""Commands say what became of a wish, in words and as JSON, and end with the table's codes."""

import json
from collections.abc import Callable, Coroutine

import pytest

from tests.changes.conftest import Manifests
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import SourceState

pytestmark = pytest.mark.slow
Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]


async def test_a_number_is_assigned(manifests: Manifests, command: Command) -> None:
    arguments = ("numbers", "assign", "+15005550006", "night-desk")
    code, out, err = await command(*arguments, who="operator")
    assert (code, err) == (0, "")
    assert out == (f"modified: numbers/main-line.yaml\nCommitted as {manifests.tip[:10]} on main\n")
    code, out, _ = await command(*arguments, who="operator")
    assert (code, manifests.git("rev-list", "--count", "main").strip()) == (0, "2")
    code, _, err = await command("numbers", "assign", "main-line", who="operator")
    assert (code, "--nobody" in err) == (64, True)
    code, _, err = await command(*arguments, who="viewer")
    assert (code, "operator" in err) == (1, True)


async def test_an_agent_is_created_from_a_template(
    manifests: Manifests, command: Command, store: PostgresStore, project: str
) -> None:
    code, out, err = await command(
        *("create", "agent", "day-desk", "--from", "front-desk", "-o", "json"), who="operator"
    )
    assert (code, err) == (0, ""), err
    assert json.loads(out)["revision"] == manifests.tip
    assert "name: day-desk" in manifests.text("agents/day-desk/agent.yaml")
    assert manifests.text("agents/day-desk/prompt.md")
    state = {"project": project, "seen_revision": manifests.tip, "applied_revision": manifests.tip}
    await store.put_source(SourceState.model_validate(state))
    code, out, _ = await command("tools", "list", "--no-headers")
    assert code == 0
    assert "day-desk" in out
    code, _, err = await command("create", "agent", "day-desk", who="operator")
    assert (code, "already" in err) == (64, True)
