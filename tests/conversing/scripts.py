"""Scripts of small conversations, and everybody who takes part in them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.clocks import SystemClock
from activities.conversing import Company, Conversation
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.testing.desks import Desk
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.scripts import Script, ScriptFunction
from trunkline.model.testing.verdicts import conclude
from trunkline.ports.talking import Talks
from trunkline.services.passing_desks import PassingDesks

FIRST_MESSAGE = "Hello, this is the front desk."


def script(*turns: dict[str, Any], **spec: Any) -> Script:
    """A script of such turns."""
    functions = spec.pop("functions", ())
    opens = "expect" in turns[0] and len(turns[0]) == 1
    first_message = spec.pop("first_message", FIRST_MESSAGE if opens else "")
    sounds = spec.pop("sounds", {})
    test = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "ConversationTest",
        "metadata": {"name": "small-talk"},
        "spec": {"agent": "front-desk", "turns": list(turns), **spec},
    }
    return Script(
        test=ConversationTest.model_validate(test),
        environment="testing",
        first_message=first_message,
        language="en",
        sounds=sounds,
        functions=[ScriptFunction(name=name, kind=kind) for name, kind in functions],
        test_digest="sha256:" + "0" * 64,
    )


def company(talks: Talks, **others: Any) -> Company:
    """Those who take part."""
    return Company(talks=talks, clock=SystemClock(), studio=SpeechStudio(), **others)


def verdict(told: Script, conversation: Conversation) -> RunResult:
    """What the conversation came to, without a judge."""
    return conclude(told, conversation.lines, conversation.overs, {}, conversation.facts)


def words(conversation: Conversation) -> list[tuple[str, str]]:
    """What was said and done, in order."""
    return [(line.kind, line.text or line.tool) for line in conversation.lines]


async def open_desk(desks: PassingDesks, told: Script, token: str) -> str:
    """A desk for the script's tools; its token's digest."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    await desks.open_desk(
        Desk(
            id="desk-1",
            project="acme",
            token_digest=digest,
            stubs=told.spec.tools.stubs,
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
        )
    )
    return digest
