"""Installations with a production that is promoted to: people, tests, a key, and what they say."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from activities.names import WORKFLOW_QUEUE
from tests.workflows.conftest import PATIENCE_S
from tests.workflows.conversation_worlds import AGENT, clinic, conversation_test, desk, installed
from trunkline.adapters.git.seed import Author, commit
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.ids import promotion_workflow_id, release_path
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import AuditRecord, StatusRow
from trunkline.services.engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from tests.workflows.conversation_worlds import World
    from trunkline.model.records import Role

PRODUCTION = "production"
GREETS = {"turns": [{"expect": [{"says": "Acme clinic"}]}]}
PEOPLE = [
    {"name": "ada", "emails": ["ada@example.com", "ada@home.example.com"]},
    {"name": "ben", "emails": ["ben@example.com"]},
    {"name": "author", "emails": ["author@example.com"]},
    {"name": "op", "emails": ["op@example.com"]},
]
ADA = Author("Ada", "ada@example.com")
HEALED = {"policy": "heal", "interval": "720h"}
"""No sweep comes by itself."""


def project_manifest(public_key: str, promotion: Mapping[str, Any]) -> str:
    """Testing follows the branch, production follows releases."""
    head = {"name": "testing", "source": "head", "mode": "enforce", "drift": HEALED}
    released = {
        "name": PRODUCTION,
        "source": "releases",
        "mode": "enforce",
        "drift": HEALED,
        "promotion": {"from": "testing", "soak": "0s", **promotion},
    }
    return json.dumps(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": "acme"},
            "spec": {
                "people": PEOPLE,
                "signing": {"publicKeys": [public_key]},
                "environments": [head, released],
            },
        }
    )


@dataclass
class Promotions:
    """An installation, and what people do in it."""

    stack: Stack
    texts: Texts
    world: World
    promotion: dict[str, Any] = field(default_factory=dict)

    def push(
        self,
        edits: Mapping[str, str | None] | None = None,
        *,
        greeting: str = "",
        author: Author = ADA,
    ) -> str:
        """Commit as somebody; ``greeting`` is a new one of the agent."""
        files = dict(edits or {})
        if greeting:
            files[f"agents/{AGENT}.yaml"] = desk(self.texts, greeting=greeting)
        return commit(self.stack.repository, files, message="An edit", author=author)

    async def start(self, changes: str = "Greets callers by name", **more: Any) -> PromotionRecord:
        """Open a promotion as the API would, and have it looked at."""
        asked = PromotionRecord.model_validate(
            {
                "project": self.stack.project,
                "environment": PRODUCTION,
                "agent": AGENT,
                "number": 0,
                "origin": "testing",
                "changes": changes,
                "requested_by": "op@example.com",
                **more,
            }
        )
        opened = await self.stack.store.open_promotion(asked)
        await self.wake(opened)
        return opened

    async def wake(self, record: PromotionRecord) -> None:
        """Tell its workflow that there is something to look at."""
        engine = Engine(self.stack.client, task_queue=WORKFLOW_QUEUE, timing=self.stack.timing)
        await engine.promotion(record)

    async def say(
        self,
        record: PromotionRecord,
        action: str,
        actor: str,
        *,
        role: Role = "approver",
        reason: str = "",
        **details: Any,
    ) -> None:
        """An audit row of what somebody says, and the signal that comes with it."""
        now = await self.read(record)
        said = {"promotion": now.id, "digest": now.digest, "suite": now.suite_digest, **details}
        await self.stack.store.add_audit(
            AuditRecord(
                actor=actor,
                role=role,
                action=action,
                project=now.project,
                subject=now.agent,
                request_id="test",
                reason=reason,
                details=said,
            )
        )
        await self.wake(now)

    async def approve(self, record: PromotionRecord, actor: str = "ben@example.com") -> None:
        """Agree to exactly what was tested."""
        await self.say(record, "promotion.approve", actor)

    async def read(self, record: PromotionRecord) -> PromotionRecord:
        """The promotion as it is."""
        found = await self.stack.store.promotion(record.project, record.id)
        assert found is not None
        return found

    async def until(
        self,
        record: PromotionRecord,
        wanted: Callable[[PromotionRecord], bool],
        *,
        timeout_s: float = PATIENCE_S,
    ) -> PromotionRecord:
        """The promotion once it is as wanted."""

        async def look() -> PromotionRecord | None:
            found = await self.read(record)
            return found if wanted(found) else None

        try:
            found: PromotionRecord = await self.stack.until(look, timeout_s=timeout_s)
        except BaseException as error:
            now = await self.read(record)
            error.add_note(f"{now.phase} {now.state} {now.reason} {now.message}")
            raise
        return found

    async def phase(self, record: PromotionRecord, phase: str) -> PromotionRecord:
        """The promotion once it has come to a phase."""
        return await self.until(record, lambda now: now.phase == phase or not now.is_open)

    async def ended(
        self, record: PromotionRecord, *, timeout_s: float = PATIENCE_S
    ) -> PromotionRecord:
        """The promotion once it is over."""
        return await self.until(record, lambda now: not now.is_open, timeout_s=timeout_s)

    async def production(self) -> StatusRow | None:
        """How the agent is in production."""
        return await self.stack.store.status(self.stack.project, PRODUCTION, "agent", AGENT)

    async def greeting(self) -> str:
        """What callers of production hear first."""
        entry = await self.stack.store.entry(self.stack.project, PRODUCTION, "agent", AGENT)
        if entry is None or entry.external_id is None:
            return ""
        body = await self.stack.elevenlabs.agent(entry.external_id)
        return str(body["conversation_config"]["agent"]["first_message"])

    async def tags(self) -> dict[int, str]:
        """Versions that are allocated, with the commit each stands on."""
        repository = await self.stack.ports().repositories.repository(self.stack.project)
        await repository.fetch_tip()
        found = await repository.release_tags(PRODUCTION, AGENT)
        return {tag.version: tag.revision for tag in found}

    async def release_file(self) -> str:
        """The path of the release, for those who edit it."""
        return release_path(PRODUCTION, AGENT)

    async def reasons(self) -> list[str]:
        """Reasons of all events about the agent in production, the oldest first."""
        rows = await self.stack.store.events(
            self.stack.project, environment=PRODUCTION, name=AGENT, limit=200
        )
        return [row.reason for row in reversed(rows)]

    async def record(self, promotion: PromotionRecord, scenario: str) -> None:
        """Keep the history of a promotion for the replay gate, if this is a recording."""
        place = promotion_workflow_id(
            promotion.project, promotion.environment, promotion.agent, promotion.number
        )
        handle = self.stack.client.get_workflow_handle(place)
        await handle.result()
        await self.stack.record(handle, "promotion", scenario)


@asynccontextmanager
async def promoting(
    make_stack: MakeStack,
    texts: Texts,
    promotion: Mapping[str, Any] | None = None,
    *,
    tests: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    **made: Any,
) -> AsyncIterator[Promotions]:
    """An installation with one agent in testing and none in production; no worker runs yet."""
    private_key = new_private_key()
    keys = Ed25519Keys(private_key)
    asked = {"approvals": {"count": 0}, **(promotion or {})}
    suite = {"greets": conversation_test("greets", GREETS)} if tests is None else dict(tests)
    tree = clinic(texts, **suite)
    tree.pop("agents/night-desk.yaml", None)
    tree["trunkline.yaml"] = project_manifest(keys.public_key, asked)
    tree.update(files or {})
    stack = replace(await make_stack(tree, **made), keys=keys)
    stack.secrets["TRUNKLINE_SIGNING_KEY"] = private_key
    async with installed(stack) as world:
        yield Promotions(stack, texts, world, asked)
