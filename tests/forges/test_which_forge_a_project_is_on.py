"""A project's forge follows from its repository's address, its token from the environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.forges.conftest import Place
from trunkline.adapters.postgres import PostgresStore
from trunkline.forges import project_forges
from trunkline.model.errors import (
    Blocked,
    ForgeCredentialsRejected,
    InvalidSettings,
    NotConfigured,
    NotFound,
    TrunklineError,
)
from trunkline.model.forges import ForgeAccess
from trunkline.model.records import ProjectRecord
from trunkline.settings import Settings, load_settings

GITHUB_COM = "https://github.com/acme/manifests.git"
Ask = Callable[..., Awaitable[str]]


@pytest.fixture
async def ask(postgres_url: str) -> Ask:
    """The kind of forge of a project at an address, or why there is none."""

    async def asked(repository: str, **variables: str) -> str:
        given = {"TRUNKLINE_PROJECT": "acme", "TRUNKLINE_REPOSITORY": repository, **variables}
        settings = Settings.model_validate(given)
        async with PostgresStore(postgres_url) as store:
            await store.register(ProjectRecord(name="acme", repository=repository, branch="main"))
            async with project_forges(settings, store) as forges:
                try:
                    return (await forges.forge("acme")).kind
                except TrunklineError as error:
                    return f"{error.reason}: {error.message}"

    return asked


@pytest.mark.parametrize(
    "repository",
    [GITHUB_COM, "git@github.com:acme/manifests.git", "ssh://git@github.com/acme/manifests"],
)
async def test_github_needs_a_token_only(ask: Ask, repository: str) -> None:
    assert await ask(repository, GITHUB_TOKEN="ghp_x") == "github"


async def test_without_a_token_there_is_no_forge(ask: Ask) -> None:
    assert await ask(GITHUB_COM) == "NotConfigured: project acme has no token for GitHub"


@pytest.mark.parametrize(
    ("url", "kind", "expected"),
    [
        ("https://git.example.com/api/v1", "", "gitea"),
        ("https://git.example.com/forge/api/v1/", "", "gitea"),
        ("https://git.example.com/api/v3", "", "github"),
        ("https://api.git.example.com", "", "github"),
        ("https://git.example.com/behind/a/proxy", "gitea", "gitea"),
    ],
)
async def test_the_path_of_an_api_says_its_kind(
    ask: Ask, url: str, kind: str, expected: str
) -> None:
    variables = {"TRUNKLINE_FORGE_URL": url, "TRUNKLINE_FORGE_TOKEN": "t"}
    variables |= {"TRUNKLINE_FORGE": kind} if kind else {}
    assert await ask("git@git.example.com:acme/manifests.git", **variables) == expected


async def test_an_unknown_kind_is_asked_for(ask: Ask) -> None:
    found = await ask(
        "https://git.example.com/acme/manifests.git",
        TRUNKLINE_FORGE_URL="https://git.example.com/rest",
        TRUNKLINE_FORGE_TOKEN="t",
    )
    assert "does not say which kind" in found


@pytest.mark.parametrize(
    "repository",
    ["/srv/manifests.git", "https://git.example.com/manifests.git", "https://gitlab.com/a/b/c.git"],
)
async def test_a_repository_on_no_forge_has_no_pull_requests(ask: Ask, repository: str) -> None:
    found = await ask(repository, TRUNKLINE_FORGE_TOKEN="t", GITHUB_TOKEN="t")
    assert found.startswith("NotConfigured")


async def test_a_token_never_goes_to_another_host(ask: Ask) -> None:
    found = await ask(
        "https://elsewhere.example.com/acme/manifests.git",
        TRUNKLINE_FORGE_URL="https://git.example.com/api/v1",
        TRUNKLINE_FORGE_TOKEN="t",
    )
    assert "is at elsewhere.example.com" in found


async def test_a_github_token_is_not_shown_to_gitea(ask: Ask) -> None:
    found = await ask(
        "https://git.example.com/acme/manifests.git",
        TRUNKLINE_FORGE_URL="https://git.example.com/api/v1",
        GITHUB_TOKEN="ghp_x",
    )
    assert found == "NotConfigured: project acme has no token for Gitea"


async def test_the_settings_token_is_the_first_projects_alone(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.model_validate(
        {
            "TRUNKLINE_PROJECT": "acme",
            "TRUNKLINE_REPOSITORY": GITHUB_COM,
            "GITHUB_TOKEN": "ghp_first",
        }
    )
    async with (
        PostgresStore(postgres_url) as store,
        project_forges(settings, store) as forges,
    ):
        record = ProjectRecord(name="acme-eu", repository=GITHUB_COM, branch="main")
        await store.register(record)
        with pytest.raises(NotConfigured) as raised:
            await forges.forge("acme-eu")
        assert "TRUNKLINE_FORGE_TOKEN_ACME_EU" in raised.value.hint
        monkeypatch.setenv("TRUNKLINE_FORGE_TOKEN_ACME_EU", "ghp_second")
        assert (await forges.forge("acme-eu")).kind == "github"
        with pytest.raises(NotFound):
            await forges.forge("nobody")


async def test_tokens_do_not_travel_unencrypted(postgres_url: str) -> None:
    settings = Settings.model_validate({"TRUNKLINE_FORGE_URL": "http://git.example.com/api/v1"})
    async with PostgresStore(postgres_url) as store:
        with pytest.raises(Blocked, match="https"):
            async with project_forges(settings, store):
                pass


async def test_secrets_of_forges_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_FORGE_TOKEN_ACME_EU", "token-of-acme-eu")
    monkeypatch.setenv("TRUNKLINE_WEBHOOK_SECRET_ACME_EU", "secret-of-acme-eu")
    settings = Settings.model_validate(
        {"GITHUB_TOKEN": "token-of-github", "TRUNKLINE_FORGE_TOKEN": "token-of-forge"}
    )
    assert {
        "token-of-acme-eu",
        "secret-of-acme-eu",
        "token-of-github",
        "token-of-forge",
    } <= set(settings.secret_values())


async def test_the_forge_of_a_project_is_really_asked(place: Place, postgres_url: str) -> None:
    variables = {
        "TRUNKLINE_PROJECT": "acme",
        "TRUNKLINE_REPOSITORY": place.clone_url,
        "TRUNKLINE_FORGE_URL": place.forge.api_url,
        "TRUNKLINE_FORGE_TOKEN": place.tokens["trunkline-bot"],
    }
    async with PostgresStore(postgres_url) as store:
        await store.register(ProjectRecord(name="acme", repository=place.clone_url, branch="main"))
        async with project_forges(Settings.model_validate(variables), store) as forges:
            found = await (await forges.forge("acme")).access()
        wrong = Settings.model_validate({**variables, "TRUNKLINE_FORGE_TOKEN": "wrong-token"})
        async with project_forges(wrong, store) as forges:
            with pytest.raises(ForgeCredentialsRejected):
                await (await forges.forge("acme")).access()
    assert found == ForgeAccess(
        repository="acme/manifests", login="trunkline-bot", permission="admin"
    )


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_FORGE_URL", "git.example.com")
    with pytest.raises(InvalidSettings, match="FORGE_URL"):
        load_settings()
