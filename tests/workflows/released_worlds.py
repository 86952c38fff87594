"""Installations with an environment that follows releases, and releases made as promotions make
them; for the tests beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from tests.workflows.conftest import eventually
from tests.workflows.own_repositories import OneRepository
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.evidence import Evidence, signed_release
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.resolution import agent_wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Texts
    from tests.workflows.conftest import Stack
    from trunkline.model.records import StatusRow

PRODUCTION = "production"
AUTHOR = ("Ada", "author@example.com")
PROMOTION = "      promotion: { from: testing, approvals: { count: 1, roles: [approver] }%s }\n"


@dataclass
class Releasing:
    """Makes releases with a key of the test's own; ``more`` is put into the environment."""

    keys: Ed25519Keys = field(default_factory=lambda: Ed25519Keys(new_private_key()))
    more: str = ""
    promotion: str = ""

    def project(self, texts: Texts, *, keys: str = "", source: str = "releases") -> str:
        """A company with testing and production."""
        promotion = PROMOTION % self.promotion if source == "releases" else ""
        return (
            f"{texts.project()}"
            f"    - name: production\n      source: {source}\n"
            f"      mode: enforce\n      drift: {{ policy: heal, interval: 720h }}\n{self.more}"
            f"{promotion}"
            f"  signing: {{ publicKeys: [ '{keys or self.keys.public_key}' ] }}\n"
        )

    def files(self, texts: Texts, *names: str) -> dict[str, str]:
        """The project and agents of the simplest kind."""
        agents = {f"agents/{name}.yaml": texts.agent(name) for name in names}
        return {"trunkline.yaml": self.project(texts), **agents}

    async def spec(
        self, stack: Stack, agent: str, version: int, revision: str, **changes: Any
    ) -> ReleaseSpec:
        """What a promotion would say of a commit, signed."""
        manifests = await _repository(stack).source(stack.project)
        tree = await manifests.manifests(Revision(revision))
        environment = tree.project.manifest.environment(PRODUCTION)
        assert environment is not None
        wish = agent_wish(tree, environment, agent)
        assert wish is not None
        return self.signed(stack.project, agent, version, revision, wish.digest, **changes)

    def signed(
        self, project: str, agent: str, version: int, revision: str, digest: str, **changes: Any
    ) -> ReleaseSpec:
        """A release of that digest; ``changes`` go into its evidence."""
        now = datetime.now(UTC)
        evidence = {
            "project": project,
            "agent": agent,
            "from": "testing",
            "target": PRODUCTION,
            "promotion": f"{PRODUCTION}.{agent}.{version}",
            "digest": digest,
            "testsRequired": False,
            "gateEndedAt": now,
            "issuedAt": now,
            "expiresAt": now + timedelta(hours=1),
            **changes,
        }
        spec = ReleaseSpec.model_validate(
            {
                "environment": PRODUCTION,
                "version": version,
                "revision": revision,
                "digest": digest,
                "changes": f"Version {version}",
                "promotedBy": AUTHOR[1],
            }
        )
        return signed_release(project, agent, spec, Evidence.model_validate(evidence), self.keys)

    async def release(
        self, stack: Stack, agent: str, version: int, revision: str, **changes: Any
    ) -> str:
        """Commit and tag a release as a promotion would; answers the commit."""
        spec = await self.spec(stack, agent, version, revision, **changes)
        return await self.push(stack, agent, spec)

    async def push(
        self, stack: Stack, agent: str, spec: ReleaseSpec, *, tagged: bool = True
    ) -> str:
        """Commit a release, with the tag that allocates its version."""
        repository = await _repository(stack).repository(stack.project)
        tip = await repository.fetch_tip()
        return await repository.push_release(
            tip,
            edits={release_path(PRODUCTION, agent): manifest(agent, spec)},
            message=f"Release {agent} v{spec.version}",
            author=AUTHOR,
            tag=release_tag(PRODUCTION, agent, spec.version) if tagged else "",
            tag_revision=Revision(spec.revision) if tagged else None,
            tag_message=spec.changes,
        )


def manifest(agent: str, spec: ReleaseSpec) -> str:
    """A release as it stands in the repository."""
    return yaml.safe_dump(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Release",
            "metadata": {"name": agent},
            "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        },
        sort_keys=False,
    )


async def in_production(
    stack: Stack, name: str, wanted: Callable[[StatusRow], bool], kind: Any = "agent"
) -> StatusRow:
    """The status in production once it is as wanted."""

    async def look() -> StatusRow | None:
        row = await stack.store.status(stack.project, PRODUCTION, kind, name)
        return row if row is not None and wanted(row) else None

    found: StatusRow = await eventually(look, what=f"the status of {name} in production")
    return found


async def runs(stack: Stack, name: str, version: int) -> StatusRow:
    """The status once that version is in place and well."""
    return await in_production(
        stack,
        name,
        lambda row: row.version == version and (row.sync, row.health) == ("Synced", "Healthy"),
    )


async def stalled(stack: Stack, name: str, reason: str) -> StatusRow:
    """The status once it is stalled for that reason."""
    return await in_production(
        stack,
        name,
        lambda row: any(one.type == "Stalled" and one.reason == reason for one in row.conditions),
    )


async def greeting(stack: Stack, row: StatusRow) -> str:
    """What the agent of a status says first, on the platform."""
    body = await stack.elevenlabs.agent(str(row.external_id))
    return str(body["conversation_config"]["agent"]["first_message"])


async def look(stack: Stack) -> None:
    """Have Git looked at, and wait until it was."""
    operation = await stack.sync()
    assert operation.state != "Running"


async def tip(stack: Stack) -> str:
    """The commit that is applied."""
    state = await stack.store.source(stack.project)
    assert state is not None
    return str(state.applied_revision)


async def released(
    stack: Stack, releasing: Releasing, *agents: str, version: int = 1, **changes: Any
) -> StatusRow:
    """The first agent's status once the tip was looked at, was released for all of them, and runs;
    ``changes`` go into the evidence.
    """
    await look(stack)
    revision = await tip(stack)
    for agent in agents:
        await releasing.release(stack, agent, version, revision, **changes)
    await look(stack)
    rows = [await runs(stack, agent, version) for agent in agents]
    return rows[0]


async def assigned(stack: Stack) -> list[str | None]:
    """Whom the numbers on the platform reach."""
    numbers = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
    agents = [each["assigned_agent"] for each in numbers]
    return [each["agent_id"] if each else None for each in agents]


def _repository(stack: Stack) -> OneRepository:
    return OneRepository(stack.store, stack.cache)
