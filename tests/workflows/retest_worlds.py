"""Installations whose production runs releases that were committed by hand, signed as they should.

For what is about released agents and not about how they came to be released.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.workflows.conversation_worlds import AGENT, World, clinic, conversation_test
from trunkline.manifests.release_files import release_text
from trunkline.model.closures import Shared
from trunkline.model.evidence import Evidence, TestEvidence, signed_release
from trunkline.model.ids import Revision, owner_tag, release_path, release_tag
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.resolution import released_agent

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import Stack
    from trunkline.adapters.signing import Ed25519Keys

PRODUCTION = "production"
BOOKS = {
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "hello"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot", "within": "6s"}],
        },
    ],
}
PROMOTED = """\
    - name: production
      source: releases
      mode: enforce
      drift: {{ policy: report, interval: 720h }}
      promotion:
        from: testing
        retest: {{ every: 24h, tags: [smoke], runs: {runs} }}
  signing: {{ publicKeys: [ "{key}" ] }}
"""


class Released(World):
    """An installation whose production runs what was released by hand, signed as it should be."""

    keys: Ed25519Keys

    async def release(self, version: int = 1, **evidence: Any) -> ReleaseSpec:
        """Commit a release of the branch's tip, and wait until production runs it."""
        stack = self.stack
        ports = stack.ports()
        repository = await ports.repositories.repository(stack.project)
        tip = await repository.fetch_tip()
        source = await ports.sources.source(stack.project)
        manifests = await source.manifests(tip)
        project = manifests.project.manifest
        environment = project.environment(PRODUCTION)
        assert environment is not None
        wish = released_agent(Shared(manifests), project, environment, AGENT)
        assert wish is not None
        now = datetime.now(UTC)
        said = {
            "project": stack.project,
            "agent": AGENT,
            "origin": "testing",
            "target": PRODUCTION,
            "promotion": f"{PRODUCTION}.{AGENT}.{version}",
            "digest": wish.digest,
            "suite_digest": "sha256:" + "ab" * 32,
            "tests": (
                TestEvidence(
                    name="books", digest="x", required=True, outcome="passed", passed=5, runs=5
                ),
            ),
            "gate_ended_at": now,
            "issued_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        spec = ReleaseSpec.model_validate(
            {
                "environment": PRODUCTION,
                "version": version,
                "revision": tip,
                "digest": wish.digest,
                "changes": "The first one",
                "promotedBy": "author",
            }
        )
        proof = Evidence.model_validate({**said, **evidence})
        signed = signed_release(stack.project, AGENT, spec, proof, self.keys)
        await repository.push_release(
            tip,
            edits={release_path(PRODUCTION, AGENT): release_text(AGENT, signed)},
            message=f"Release v{version}",
            author=("author", "author@example.com"),
            tag=release_tag(PRODUCTION, AGENT, version),
            tag_revision=Revision(tip),
            tag_message="The first one",
        )
        await stack.sync()
        await stack.until(lambda: self._runs(spec))
        return signed

    async def _runs(self, spec: ReleaseSpec) -> bool:
        row = await self.stack.store.status(self.stack.project, PRODUCTION, "agent", AGENT)
        return row is not None and row.sync == "Synced" and row.digest == spec.digest

    async def degrade(self, *, worse: bool) -> None:
        """Make the platform answer worse wherever production's agent speaks, or as before."""
        tags = [owner_tag(self.stack.project, PRODUCTION, AGENT)] if worse else []
        await self.stack.elevenlabs.control("talks", {"degraded_tags": tags, "think_ms": 1})

    async def retested(self) -> dict[str, Any]:
        """Ask for a retest and wait for what it comes to."""
        path = f"/v1/projects/{self.stack.project}/agents/{AGENT}"
        before = (await self._behaviour(path))["last"]
        answer = await self.http.post(f"{path}/retest", json={"environment": PRODUCTION})
        assert answer.status_code == 202, answer.text

        async def look() -> dict[str, Any] | None:
            found = await self._behaviour(path)
            return None if found["running"] or found["last"] == before else found

        found: dict[str, Any] = await self.stack.until(look, timeout_s=120)
        return found

    async def _behaviour(self, path: str) -> dict[str, Any]:
        answer = await self.http.get(f"{path}/behaviour", params={"environment": PRODUCTION})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def health(self) -> tuple[str, str]:
        """Health and message as the API tells them."""
        answer = await self.http.get(
            f"/v1/projects/{self.stack.project}/agents/{AGENT}", params={"environment": PRODUCTION}
        )
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["health"], found["message"]

    async def told(self, reason: str) -> list[str]:
        """What events of production say."""
        rows = await self.stack.events(reason, AGENT)
        return [row.message for row in rows if row.environment == PRODUCTION]


async def released(stack: Stack, keys: Ed25519Keys, world: World) -> Released:
    """The same installation, with somebody who can release."""
    found = Released(stack, world.http, world.port, world.token)
    found.keys = keys
    await found.degrade(worse=False)
    await stack.sync()
    return found


def files(texts: Texts, key: str, *, runs: int) -> dict[str, str]:
    """A project whose production is tested again."""
    found = clinic(texts, books=conversation_test("books", BOOKS, tags=("smoke",)))
    return {**found, "trunkline.yaml": texts.project() + PROMOTED.format(key=key, runs=runs)}
