"""Which forge each project's repository is on, and with whose token it is asked.

A project may have a token of its own; the settings' token is the first project's, and goes to that
repository's forge only. A repository somewhere else has no pull requests, which is said when
somebody asks for them.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from trunkline.adapters.forges import GITEA, GITHUB, Dialect, ForgeClient, RestForge
from trunkline.adapters.forges.gitea import API_PATH
from trunkline.adapters.forges.github import ENTERPRISE_PATH, GITHUB_COM, GITHUB_COM_API
from trunkline.adapters.forges.places import RepositoryPlace, repository_place
from trunkline.adapters.wire import Wire
from trunkline.model.errors import NotConfigured, NotFound
from trunkline.model.forges import ForgeKind
from trunkline.model.ids import (
    PLATFORM_WEBHOOK_SECRET_PREFIX,
    WEBHOOK_SECRET_PREFIX,
    forge_token_variable,
)
from trunkline.model.records import ProjectRecord
from trunkline.ports import Projects
from trunkline.settings import Settings

_DIALECTS: Final[dict[ForgeKind, Dialect]] = {"github": GITHUB, "gitea": GITEA}


@dataclass(frozen=True, slots=True)
class ForgePlace:
    """An API and how it speaks."""

    api_url: str
    dialect: Dialect


class ProjectForges:
    """``Forges``: connections are shared by all projects on one forge, and closed together."""

    def __init__(self, settings: Settings, projects: Projects) -> None:
        self._settings = settings
        self._projects = projects
        self._wires: dict[str, Wire] = {}
        self._forges: dict[tuple[str, str, str], RestForge] = {}

    async def forge(self, project: str) -> RestForge:
        """The forge of a project's repository. Raises NotFound, NotConfigured."""
        record = await self._projects.project(project)
        if record is None:
            raise NotFound(f"project {project} is not registered")
        place = repository_place(record.repository)
        at = self._place(place)
        token = self._token(record, at)
        key = (at.api_url, place.full_name, token)
        known = self._forges.get(key)
        if known is None:
            client = ForgeClient(self._wire(at), token=token, headers=at.dialect.headers)
            known = RestForge(client, at.dialect, owner=place.owner, name=place.name)
            self._forges[key] = known
        return known

    async def close(self) -> None:
        """Close every connection."""
        wires = list(self._wires.values())
        self._wires.clear()
        self._forges.clear()
        for wire in wires:
            await wire.close()

    def _place(self, place: RepositoryPlace) -> ForgePlace:
        url = self._settings.forge_url
        if place.host == GITHUB_COM:
            return ForgePlace(GITHUB_COM_API, GITHUB)
        if not url:
            raise NotConfigured(
                f"nobody said where the API of the forge at {place.host} is",
                hint="set TRUNKLINE_FORGE_URL, as https://git.example.com/api/v1",
            )
        host = urlsplit(url).hostname or ""
        if host not in (place.host, f"api.{place.host}"):
            raise NotConfigured(
                f"the repository is at {place.host}, and TRUNKLINE_FORGE_URL is at {host}",
                hint="a server works with one forge beside github.com",
            )
        return ForgePlace(url, _DIALECTS[self._kind(url)])

    def _kind(self, url: str) -> ForgeKind:
        if self._settings.forge is not None:
            return self._settings.forge
        path = urlsplit(url).path
        if path.endswith(API_PATH):
            return "gitea"
        if path.endswith(ENTERPRISE_PATH) or not path:
            return "github"
        raise NotConfigured(
            "TRUNKLINE_FORGE_URL does not say which kind of forge it is",
            hint="set TRUNKLINE_FORGE to github or gitea",
        )

    def _token(self, record: ProjectRecord, at: ForgePlace) -> str:
        own = os.environ.get(forge_token_variable(record.name), "")
        if own:
            return own
        settings = self._settings
        is_first = (record.name, record.repository) == (settings.project, settings.repository)
        given = settings.forge_token
        if given is None and at.dialect.kind == "github":
            given = settings.github_token
        if given is None or not is_first:
            raise NotConfigured(
                f"project {record.name} has no token for {at.dialect.title}",
                hint=f"set {forge_token_variable(record.name)}, or for the project of"
                " TRUNKLINE_PROJECT TRUNKLINE_FORGE_TOKEN or GITHUB_TOKEN",
            )
        return given.get_secret_value()

    def _wire(self, at: ForgePlace) -> Wire:
        if at.api_url not in self._wires:
            self._wires[at.api_url] = Wire(at.dialect.title, at.api_url)
        return self._wires[at.api_url]


@asynccontextmanager
async def project_forges(settings: Settings, projects: Projects) -> AsyncIterator[ProjectForges]:
    """The forges, closed when the block ends. Raises Blocked for an address without https."""
    settings.require_forge()
    held = ProjectForges(settings, projects)
    try:
        yield held
    finally:
        await held.close()


def webhook_secrets() -> dict[str, str]:
    """Secrets of single projects' webhooks, by the end of their variables' names: ``ACME_EU``."""
    return _variables(WEBHOOK_SECRET_PREFIX)


def platform_webhook_secrets() -> dict[str, str]:
    """Secrets of the voice platform's webhooks about single projects' calls, likewise."""
    return _variables(PLATFORM_WEBHOOK_SECRET_PREFIX)


def _variables(prefix: str) -> dict[str, str]:
    """Values that are set, by what follows a beginning of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and value
    }
