"""``trunkline history --evidence``: a repository's releases, verified, with a server or without.

Whoever audits what ran asks a clone and a list of public keys, and nobody else. The clone is copied
by Git into a folder that is thrown away: neither its hooks nor its settings run, and nothing in it
changes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from trunkline.adapters.git import GitReleases, GitSource, Repository
from trunkline.adapters.git.defaults import default_branch
from trunkline.adapters.signing import Ed25519Keys
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import Format
from trunkline.cli.progress import while_waiting
from trunkline.cli.server import Query, Server, objects, project_path
from trunkline.manifests.project_files import project_of
from trunkline.model.base import JsonObject
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.evidence_checks import CheckedRelease
from trunkline.model.ids import Revision
from trunkline.model.public_keys import NotAPublicKey, parse_evidence_key
from trunkline.services.release_checks import check_releases

SHORT_REVISION = 7
CHECKED = Listing(
    kind="CheckedReleaseList",
    columns=(
        Column("ENV", member("environment")),
        Column("AGENT", member("agent")),
        Column("VERSION", member("version")),
        Column("EVIDENCE", member("evidence")),
        Column("REVISION", lambda row: member("revision")(row)[:SHORT_REVISION]),
        Column("AGE", since("releasedAt")),
        Column("BY", member("promotedBy")),
        Column("DIGEST", member("digest"), wide=True),
        Column("COMMIT", member("commit"), wide=True),
        Column("KEY", member("keyId"), wide=True),
        Column("CHANGES", member("changes"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=lambda row: f"{member('environment')(row)}/{member('agent')(row)}/{row.get('version')}",
    empty="No release was ever committed here.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which releases are checked, and whose signatures count: those of the Project at the
    branch's tip, unless ``public_keys`` names others.
    """

    agent: str | None = None
    environment: str | None = None
    project: str | None = None
    branch: str | None = None
    public_keys: tuple[str, ...] = ()


def verify_locally(path: Path, asked: Asked, *, style: Format, headers: bool) -> ExitCode:
    """Check the releases of a clone or bare repository and print each verdict.

    Ends with 1 if any is invalid, 3 if something could not be read. Raises WrongUsage for a key
    that is none, NotFound for a folder that is no repository, SourceErrors.
    """
    keys = _checked_keys(asked.public_keys)
    if not path.is_dir():
        raise NotFound(f"{path} is no folder", hint="Name a clone or a bare repository.")
    found = while_waiting(
        "Checking every release", lambda: asyncio.run(_checked(path.resolve(), asked, keys))
    )
    return print_checked(found, style, headers=headers)


def verify_on_server(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    style: Format,
    headers: bool,
) -> ExitCode:
    """The same, of an agent's releases, by the server from the repository it watches."""
    path = f"{project_path(server, project)}/agents/{agent}/evidence"
    query: Query = {} if environment is None else {"environment": environment}
    answer = while_waiting("The server checks every release", lambda: server.get(path, query))
    found = [CheckedRelease.model_validate(row) for row in objects(answer.get("items"))]
    return print_checked(found, style, headers=headers)


def print_checked(found: Sequence[CheckedRelease], style: Format, *, headers: bool) -> ExitCode:
    """Print verdicts; the exit code says what they come to."""
    rows: list[JsonObject] = [row.model_dump(mode="json") for row in found]
    print_listing(CHECKED, rows, style, headers=headers)
    verdicts = {row.evidence for row in found}
    if "invalid" in verdicts:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if "unreadable" in verdicts else ExitCode.DONE


async def _checked(path: Path, asked: Asked, keys: tuple[str, ...]) -> tuple[CheckedRelease, ...]:
    with TemporaryDirectory(prefix="trunkline-evidence-", ignore_cleanup_errors=True) as folder:
        cache = Path(folder)
        branch = asked.branch or default_branch(path, cache / "home")
        source = GitSource(str(path), branch, cache=cache, allow_local=True)
        repository = Repository(str(path), branch, cache=cache, allow_local=True)
        tip = await asyncio.to_thread(repository.fetch_with_tags)
        described = await asyncio.to_thread(source.read, tip, project_of)
        name = described.name if described is not None else asked.project
        if name is None:
            raise _unnamed(tip)
        if not keys and described is not None and described.spec.signing is not None:
            keys = described.spec.signing.public_keys
        return await check_releases(
            GitReleases(name, repository),
            source,
            name,
            tip=tip,
            public_keys=keys,
            keys=Ed25519Keys(),
            environment=asked.environment or "",
            agent=asked.agent or "",
        )


def _unnamed(tip: Revision) -> InvalidInput:
    return InvalidInput(
        f"the Project at {tip[:12]} cannot be read, and evidence names the project it is of",
        hint="Say which and whose signatures count: --project NAME --public-key KEY",
    )


def _checked_keys(texts: Sequence[str]) -> tuple[str, ...]:
    """Keys as given, or read from the file of a PEM block."""
    found: list[str] = []
    for text in texts:
        file = Path(text)
        try:
            given = file.read_text("utf-8") if text.endswith(".pem") or file.is_file() else text
            found.append(parse_evidence_key(given))
        except NotAPublicKey as error:
            raise WrongUsage(f"--public-key {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUsage(f"--public-key {text} cannot be read") from error
    return tuple(found)
