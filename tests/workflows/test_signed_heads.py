"""Where a project asks for signed commits, others are shown and change nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.conditions import find
from trunkline.model.records import SourceState

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack


def _project(texts: Texts, *entries: dict[str, object], policy: str = "head") -> str:
    rule = json.dumps({"commits": {"policy": policy, "signers": list(entries)}})
    return f"{texts.project()}  signing: {rule}\n"


async def _source(stack: Stack) -> SourceState:
    state = await stack.store.source("acme")
    assert state is not None
    return state


async def _refused(stack: Stack, reason: str) -> SourceState:
    operation = await stack.sync()
    assert operation.state == "Failed", operation
    assert reason in operation.message
    state = await _source(stack)
    ready, stalled = find(state.conditions, "Ready"), find(state.conditions, "Stalled")
    assert ready is not None
    assert stalled is not None
    assert (ready.status, ready.reason, stalled.reason) == ("False", reason, reason)
    return state


async def _greeting(stack: Stack) -> str:
    row = await stack.status("front-desk")
    assert row is not None
    body = await stack.elevenlabs.agent(str(row.external_id))
    return str(body["conversation_config"]["agent"]["first_message"])


@pytest.mark.slow
async def test_a_first_commit_is_held_to_its_own_rule_and_then_signed(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    key = keys.ssh()
    stack = await make_stack(
        {
            "trunkline.yaml": _project(texts, key.entry()),
            "agents/a.yaml": texts.agent("front-desk"),
        },
        unhurried=True,
    )
    async with stack.working():
        state = await _refused(stack, "HeadUnsigned")
        assert (state.applied_revision, state.signature) == (None, "unsigned")
        assert await stack.elevenlabs.agents() == []
        signed = keys.sign(stack.repository, key)
        assert (await stack.sync()).state == "Succeeded"
        state = await _source(stack)
        assert (state.applied_revision, state.signature) == (signed, "ssh:ada@example.com")
        assert await _greeting(stack) == "Hello"


@pytest.mark.slow
async def test_no_unsigned_commit_lifts_the_rule(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    key = keys.gpg()
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert (await _source(stack)).signature == ""
        stack.push({"trunkline.yaml": _project(texts, key.entry())}, "Ask for signatures")
        state = await _refused(stack, "HeadUnsigned")
        assert "this very commit" in state.conditions[0].message
        good = keys.sign(stack.repository, key)
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert (await _source(stack)).signature.startswith("gpg:")

        attack = {
            "trunkline.yaml": texts.project(),
            "agents/a.yaml": texts.agent("front-desk", greeting="Evil"),
        }
        bad = stack.push(attack, "No signatures any more")
        state = await _refused(stack, "HeadUnsigned")
        assert (state.seen_revision, state.applied_revision) == (bad, good)
        assert state.signature == "unsigned"
        assert "manifest applied last" in state.conditions[0].message
        assert "git commit --amend" in state.conditions[0].message
        assert len(await stack.events("HeadUnsigned")) == 2
        assert await _greeting(stack) == "Hello"

        keys.git(stack.repository, "update-ref", "refs/heads/main", good)
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert (await _source(stack)).signature.startswith("gpg:")

        stack.push({"trunkline.yaml": texts.project()}, "No signatures any more")
        lifted = keys.sign(stack.repository, key)
        assert (await stack.sync()).state == "Succeeded"
        assert (await _source(stack)).applied_revision == lifted


@pytest.mark.slow
async def test_a_stranger_is_let_in_by_a_signer_only(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    ada, bob = keys.ssh(), keys.ssh()
    agent = {"agents/a.yaml": texts.agent("front-desk")}
    stack = await make_stack(
        {"trunkline.yaml": _project(texts, ada.entry()), **agent}, unhurried=True
    )
    keys.sign(stack.repository, ada)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        good = (await _source(stack)).applied_revision
        both = _project(texts, ada.entry(), bob.entry(emails=["bob@example.com"]))
        stack.push({"trunkline.yaml": both}, "Let me in")
        keys.sign(stack.repository, bob)
        state = await _refused(stack, "SignerUnknown")
        assert (state.applied_revision, state.signature) == (good, "unknown")
        assert "spec.signing.commits.signers" in state.conditions[0].message
        keys.sign(stack.repository, ada)
        assert (await stack.sync()).state == "Succeeded"
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Bob here")})
        keys.sign(stack.repository, bob)
        assert (await stack.sync()).state == "Succeeded"
        assert (await _source(stack)).signature == "ssh:bob@example.com"
        assert await _greeting(stack) == "Bob here"


@pytest.mark.slow
async def test_keys_and_commits_that_do_not_hold_are_refused(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    key, old = keys.ssh(), keys.ssh()
    signers = (key.entry(), old.entry(validUntil="2024-12-31"))
    agent = {"agents/a.yaml": texts.agent("front-desk")}
    stack = await make_stack({"trunkline.yaml": _project(texts, *signers), **agent}, unhurried=True)
    keys.sign(stack.repository, key)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="Late")}, "Late")
        keys.sign(stack.repository, old)
        state = await _refused(stack, "HeadSignatureInvalid")
        assert "counted until 2024-12-31" in state.conditions[0].message
        keys.sign(stack.repository, key)
        whole = keys.git(stack.repository, "cat-file", "commit", "main")
        forged = keys.git(
            stack.repository,
            *("hash-object", "-t", "commit", "-w", "--stdin"),
            stdin=whole.replace("Late", "Later"),
        )
        keys.git(stack.repository, "update-ref", "refs/heads/main", forged)
        state = await _refused(stack, "HeadSignatureInvalid")
        assert state.signature == "invalid"
        assert await _greeting(stack) == "Hello"


@pytest.mark.slow
async def test_strict_wants_every_commit_signed_and_off_only_shows(
    make_stack: MakeStack, texts: Texts, keys: Any
) -> None:
    key = keys.ssh()
    agent = {"agents/a.yaml": texts.agent("front-desk")}
    rules = {policy: _project(texts, key.entry(), policy=policy) for policy in ("off", "strict")}
    stack = await make_stack({"trunkline.yaml": rules["off"], **agent}, unhurried=True)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert (await _source(stack)).signature == "unsigned"
        stack.push({"trunkline.yaml": rules["strict"]}, "Be strict")
        keys.sign(stack.repository, key)
        assert (await stack.sync()).state == "Succeeded"
        assert (await _source(stack)).signature == "ssh:ada@example.com"
        stack.push({"agents/a.yaml": texts.agent("front-desk", greeting="One")}, "One")
        stack.push({"agents/b.yaml": texts.agent("night-desk")}, "Two")
        keys.sign(stack.repository, key)
        state = await _refused(stack, "HeadUnsigned")
        assert '"One"' in state.conditions[0].message
        keys.sign(stack.repository, key, back=1)
        assert (await stack.sync()).state == "Succeeded"
        assert await _greeting(stack) == "One"
