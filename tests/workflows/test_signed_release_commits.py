"""Where every commit must be signed, the server's own are, or it says what keeps it from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.promotion_worlds import project_manifest, promoting
from trunkline.model.public_keys import ssh_line
from trunkline.model.signatures import OWN_EMAIL

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from tests.workflows.promotion_worlds import Promotions
    from trunkline.model.records import SourceState

pytestmark = pytest.mark.stack


def strict(here: Promotions, *signers: dict[str, object]) -> dict[str, str]:
    """The project's manifest, with a rule for every commit."""
    manifest = json.loads(project_manifest(here.stack.keys.public_key, here.promotion))
    manifest["spec"]["signing"]["commits"] = {"policy": "strict", "signers": list(signers)}
    return {"trunkline.yaml": json.dumps(manifest)}


async def source(stack: Stack) -> SourceState:
    state = await stack.store.source(stack.project)
    assert state is not None
    return state


@pytest.mark.slow
async def test_a_strict_project_takes_its_own_release_commits(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    person = keys.ssh()
    async with (
        promoting(make_stack, texts, unhurried=True) as here,
        here.stack.working(),
    ):
        stack = here.stack
        own: dict[str, object] = {
            "ssh": ssh_line(stack.keys.public_key),
            "emails": [OWN_EMAIL],
        }
        stack.push(strict(here, person.entry()), "Sign everything")
        keys.sign(stack.repository, person)
        assert (await stack.sync()).state == "Succeeded"
        refused = await here.ended(await here.start())
        assert (refused.state, refused.reason) == ("Failed", "CommitsNotAccepted")
        assert str(own["ssh"]) in refused.message

        stack.push(strict(here, person.entry(), own), "Let the server sign")
        signed = keys.sign(stack.repository, person)
        assert (await stack.sync()).state == "Succeeded"
        done = await here.ended(await here.start())
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
        assert (await stack.sync()).state == "Succeeded"
        state = await source(stack)
        assert state.signature == f"ssh:{OWN_EMAIL}"
        assert state.applied_revision != signed
        assert state.conditions[0].status == "True"

        smuggled = stack.push({"notes.yaml": "# not reviewed\n"}, "Smuggle")
        assert (await stack.sync()).state == "Failed"
        back = await here.ended(await here.start("It was better", kind="rollback", restores=1))
        assert (back.state, back.version) == ("Done", 2), (back.reason, back.message)
        row = await here.production()
        assert row is not None
        assert (row.sync, row.version) == ("Synced", 2)
        assert keys.git(stack.repository, "rev-parse", "main~1") == smuggled
        refused_still = await source(stack)
        assert refused_still.signature == "unsigned"
        assert refused_still.applied_revision == state.applied_revision
