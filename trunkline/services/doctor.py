"""``doctor``: look at everything an installation stands on, and say what to do about the rest.

Every check is harmless, has a deadline of its own and fails alone: one dependency that hangs must
not hide what is wrong with another. What the facts mean is judged in ``diagnoses``.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from trunkline.model.base import JsonObject
from trunkline.model.errors import NotConfigured, SourceError, TrunklineError
from trunkline.model.findings import EngineFacts, Finding, ServerSettings
from trunkline.model.records import ProjectRecord
from trunkline.ports import Accounts, Examinable, Machine, Projects, Sources, Wishes
from trunkline.ports.calls import CallPlatforms
from trunkline.ports.forges import Forges
from trunkline.ports.notifying import Notifications
from trunkline.ports.releasing import EvidenceKeys, ReleaseRepositories
from trunkline.services.access import Principal
from trunkline.services.diagnoses import (
    account_findings,
    commit_findings,
    engine_findings,
    error_finding,
    evidence_findings,
    forge_findings,
    machine_findings,
    notification_findings,
    setting_findings,
    store_findings,
)
from trunkline.services.notifications import unreached
from trunkline.services.sign_in import CALLBACK_PATH, SignInSettings

CHECK_TIMEOUT_S = 20.0
"""Longer than any single call's own deadline, shorter than what a person waits for."""
PROJECTS_TIMEOUT_S = 25.0
"""Longer than one check, so that one that hangs is named and the others are kept."""


class Engine(Protocol):
    """Temporal, as far as the doctor asks."""

    async def facts(self) -> EngineFacts:
        """Look now. Raises EngineUnavailable."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside of store and Temporal, where a process has it."""

    sources: Sources
    accounts: Accounts
    machine: Machine
    settings: ServerSettings
    repositories: ReleaseRepositories | None = None
    keys: EvidenceKeys | None = None
    forges: Forges | None = None
    platforms: CallPlatforms | None = None


class DoctorService:
    """Checks of everything the server stands on."""

    def __init__(
        self,
        store: Examinable,
        projects: Projects,
        wishes: Wishes,
        *,
        engine: Engine,
        outside: Outside | None = None,
        notifications: Notifications | None = None,
        sign_in: SignInSettings | None = None,
    ) -> None:
        self._store = store
        self._projects = projects
        self._wishes = wishes
        self._engine = engine
        self._outside = outside
        self._notifications = notifications
        self._sign_in = sign_in

    async def examine(self, principal: Principal) -> tuple[Finding, ...]:
        """Every finding, in a fixed order. Raises Forbidden."""
        principal.projects_for("doctor.run")
        groups: list[Awaitable[list[Finding]]] = [
            _checked("postgresql.reachable", self._store_findings()),
            _checked("temporal.reachable", self._engine_findings()),
        ]
        if self._sign_in is not None:
            groups.append(_checked("sign-in.provider", _sign_in_findings(self._sign_in)))
        if self._outside is not None:
            outside = self._outside
            groups.append(_checked("server.machine", _machine_findings(outside.machine)))
            projects = self._project_findings(principal, outside)
            groups.append(_checked("projects", projects, timeout_s=PROJECTS_TIMEOUT_S))
        found = [finding for group in await asyncio.gather(*groups) for finding in group]
        if self._outside is not None:
            found += setting_findings(self._outside.settings)
        return tuple(found)

    async def _store_findings(self) -> list[Finding]:
        asked_at = datetime.now(UTC)
        facts = await self._store.facts()
        return store_findings(facts, datetime.now(UTC), asked_at=asked_at)

    async def _engine_findings(self) -> list[Finding]:
        return engine_findings(await self._engine.facts())

    async def _project_findings(self, principal: Principal, outside: Outside) -> list[Finding]:
        wanted = principal.projects_for("doctor.run")
        projects = [
            p for p in await self._projects.projects() if wanted is None or p.name in wanted
        ]
        if not projects:
            return [
                Finding(
                    name="projects",
                    state="warning",
                    found="none is registered",
                    advice="Set TRUNKLINE_PROJECT and TRUNKLINE_REPOSITORY, or: trunkline projects"
                    " add NAME REPOSITORY",
                )
            ]
        groups = await asyncio.gather(*(self._of_project(p, outside) for p in projects))
        return [finding for group in groups for finding in group]

    async def _of_project(self, project: ProjectRecord, outside: Outside) -> list[Finding]:
        checks = [_checked(f"git.{project.name}", _git_findings(project, outside.sources))]
        if outside.forges is not None and not project.repository.startswith(("/", "file:")):
            name = f"forge.{project.name}"
            checks.append(_checked(name, _forge_findings(project, outside.forges)))
        manifest = await self._wishes.project_manifest(project.name)
        for environment in _environments(manifest):
            place = f"{project.name}.{environment}"
            checks += [
                _checked(
                    f"elevenlabs.{place}",
                    _voice_findings(project.name, environment, outside.accounts),
                ),
                _checked(
                    f"twilio.{place}",
                    _telephony_findings(project.name, environment, outside.accounts),
                ),
            ]
        if self._notifications is not None:
            told = _told(self._notifications, self._wishes, project.name)
            checks.append(_checked(f"notifications.{project.name}", told))
        groups = await asyncio.gather(*checks)
        found = [finding for group in groups for finding in group]
        own = outside.settings.signing_public_key
        found += evidence_findings(project.name, manifest, own)
        found += commit_findings(project.name, manifest, own, datetime.now(UTC).date())
        if manifest is None:
            found.append(
                Finding(
                    name=f"accounts.{project.name}",
                    state="skipped",
                    found="no valid manifests were read from Git yet",
                    advice="`trunkline status` says what is wrong with them.",
                )
            )
        return found


async def _checked(
    name: str, check: Awaitable[list[Finding]], *, timeout_s: float = CHECK_TIMEOUT_S
) -> list[Finding]:
    try:
        async with asyncio.timeout(timeout_s):
            return await check
    except TrunklineError as error:
        return [error_finding(name, error)]
    except TimeoutError:
        return [
            Finding(
                name=name,
                state="failed",
                found=f"no answer within {timeout_s:g} s",
                advice="Look whether it is overloaded, or a firewall swallows packets.",
            )
        ]


async def _machine_findings(machine: Machine) -> list[Finding]:
    return machine_findings(await machine.facts(), "server")


async def _sign_in_findings(settings: SignInSettings) -> list[Finding]:
    await settings.provider.check()
    address = settings.public_url + CALLBACK_PATH
    return [
        Finding(name="sign-in.provider", state="ok", found=f"{settings.provider.issuer} answers"),
        Finding(
            name="sign-in.redirect",
            state="ok",
            found=f"register {address} there as redirect address of the client",
        ),
    ]


async def _told(notifications: Notifications, wishes: Wishes, project: str) -> list[Finding]:
    count, failing = await unreached(notifications, wishes, project)
    return notification_findings(project, count, [each.said for each in failing])


async def _git_findings(project: ProjectRecord, sources: Sources) -> list[Finding]:
    name = f"git.{project.name}"
    source = await sources.source(project.name)
    try:
        revision = await source.check()
    except SourceError as error:
        return [error_finding(name, error)]
    return [Finding(name=name, state="ok", found=f"{project.branch} is at {revision[:12]}")]


async def _forge_findings(project: ProjectRecord, forges: Forges) -> list[Finding]:
    name = f"forge.{project.name}"
    try:
        forge = await forges.forge(project.name)
    except NotConfigured as error:
        return [Finding(name=name, state="warning", found=error.message, advice=error.hint)]
    return forge_findings(name, forge.kind, await forge.access())


async def _voice_findings(project: str, environment: str, accounts: Accounts) -> list[Finding]:
    name, asked_at = f"elevenlabs.{project}.{environment}", datetime.now(UTC)
    voice = await accounts.voice(project, environment)
    facts = await voice.check()
    return account_findings(name, facts, datetime.now(UTC), asked_at=asked_at)


async def _telephony_findings(project: str, environment: str, accounts: Accounts) -> list[Finding]:
    name, asked_at = f"twilio.{project}.{environment}", datetime.now(UTC)
    telephony = await accounts.telephony(project, environment)
    facts = await telephony.check()
    return account_findings(name, facts, datetime.now(UTC), asked_at=asked_at)


def _environments(manifest: JsonObject | None) -> Sequence[str]:
    spec = (manifest or {}).get("spec")
    listed = spec.get("environments") if isinstance(spec, dict) else None
    entries = listed if isinstance(listed, list) else []
    return [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
