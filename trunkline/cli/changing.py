"""``create``, ``numbers assign`` and the lists of manifests: wishes that become commits."""

from urllib.parse import quote

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.progress import while_waiting
from trunkline.cli.server import Server, object_at, objects, project_path, text
from trunkline.manifests.scaffold import SHARED_FOLDERS, new_agent
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import NotFound

MANIFESTS = Listing(
    kind="ManifestList",
    columns=(
        Column("NAME", member("name")),
        Column("FILE", member("file")),
        Column("LINE", member("line"), wide=True),
        Column("USED-BY", member("usedBy")),
        Column("REVISION", member("revision"), wide=True),
    ),
    name=member("name"),
    empty="No manifests of this kind are in the repository.",
)
SHORT_REVISION = 10


def create_agent(
    server: Server,
    project: str | None,
    name: str,
    *,
    template: str,
    via: str,
    reason: str,
    style: DocumentFormat,
) -> ExitCode:
    """Add an agent as a template has it, without writing over anything that is there."""
    path = project_path(server, project)
    known = [row for page in server.pages(f"{path}/manifests") for row in page]
    if any((text(row, "kind"), text(row, "name")) == ("Agent", name) for row in known):
        raise WrongUsage(f"There is an agent {name} already")
    there = {text(row, "file") for row in known}
    files = new_agent(name, template)
    wanted = {
        place: content
        for place, content in files.items()
        if place.split("/")[0] not in SHARED_FOLDERS or _companion(place, files) not in there
    }
    order = _order(server, path, via, reason)
    order["message"] = f"Create agent {name}"
    order["files"] = [{"path": place, "content": content} for place, content in wanted.items()]
    made = while_waiting("Committing", lambda: server.post(f"{path}/changes", order))
    return _tell(made, style)


def assign(
    server: Server,
    project: str | None,
    number: str,
    *,
    agent: str | None,
    environment: str | None,
    via: str,
    reason: str,
    style: DocumentFormat,
) -> ExitCode:
    """Let an agent, or nobody, answer a number."""
    path = project_path(server, project)
    order = _order(server, path, via, reason)
    order["agent"] = agent
    if environment is not None:
        order["environment"] = environment
    place = f"{path}/numbers/{quote(number, safe='')}/agent"
    return _tell(while_waiting("Committing", lambda: server.put(place, order)), style)


def list_manifests(
    server: Server, project: str | None, kind: str, *, style: Format, headers: bool
) -> ExitCode:
    """Print the manifests of a kind."""
    path = project_path(server, project)
    pages = server.pages(f"{path}/manifests", {"kind": kind})
    print_listing(MANIFESTS, [row for page in pages for row in page], style, headers=headers)
    return ExitCode.DONE


def who(agent: str | None, *, nobody: bool) -> str | None:
    """Who is to answer. Raises WrongUsage unless exactly one thing is said."""
    if (agent is None) != nobody:
        raise WrongUsage("Say an agent, or --nobody")
    return agent


def _order(server: Server, path: str, via: str, reason: str) -> JsonObject:
    """What every change says; its base is the newest valid commit the server read."""
    base = text(object_at(server.get(path), "source"), "appliedRevision")
    if not base:
        raise NotFound(
            "No valid commit of the project was read yet", hint="`trunkline doctor` looks at Git"
        )
    order: dict[str, Json] = {"base": base, "via": via, "reason": reason}
    return order


def _companion(place: str, files: dict[str, str]) -> str:
    """The manifest that a file of a template belongs to: its own, or the one beside it."""
    manifest = f"{place.rpartition('.')[0]}.yaml"
    return manifest if manifest in files else place


def _tell(made: JsonObject, style: DocumentFormat) -> ExitCode:
    if style is not DocumentFormat.TEXT:
        printing.print_document(made, style)
        return ExitCode.DONE
    if made.get("unchanged"):
        printing.print_text("Nothing to do: the branch says so already")
        return ExitCode.DONE
    for file in objects(made.get("files")):
        printing.print_text(f"{text(file, 'change')}: {text(file, 'path')}")
    proposed = object_at(made, "pullRequest")
    commit = text(made, "revision")[:SHORT_REVISION]
    if proposed:
        printing.print_text(f"Pull request {text(proposed, 'number')}: {text(proposed, 'url')}")
    else:
        moved = ", on top of what others pushed meanwhile" if made.get("rebased") else ""
        printing.print_text(f"Committed as {commit} on {text(made, 'branch')}{moved}")
    return ExitCode.DONE
