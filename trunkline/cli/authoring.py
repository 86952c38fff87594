"""``init``, ``validate`` and ``render``: a folder of manifests, without a network."""

import re
import sys
from pathlib import Path

from trunkline.adapters.elevenlabs.rendering import render_agent
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import DocumentFormat, print_document, print_text
from trunkline.manifests import DirectoryTree, check, load
from trunkline.manifests.scaffold import new_repository
from trunkline.model.errors import InvalidInput, NotFound
from trunkline.model.resolution import Wishlist, wishes

DEFAULT_PROJECT = "my-agents"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def init(path: Path) -> ExitCode:
    """Write a new manifests repository. Raises InvalidInput if any of its files exists."""
    files = new_repository(_project_name(path))
    existing = sorted(name for name in files if (path / name).exists())
    if existing:
        raise InvalidInput(
            f"{path / existing[0]} exists; nothing was written",
            hint="Name an empty or new folder: trunkline init PATH",
        )
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        print_text(str(target))
    sys.stderr.write(f"Next: trunkline validate {path}\n")
    return ExitCode.DONE


def validate(path: Path, *, style: DocumentFormat) -> ExitCode:
    """Print every problem of a tree."""
    tree = DirectoryTree(path)
    problems = check(tree)
    if style is not DocumentFormat.TEXT:
        listed = [problem.model_dump(mode="json") for problem in problems]
        print_document({"valid": not problems, "problems": [*listed]}, style)
        return ExitCode.FAILED if problems else ExitCode.DONE
    for problem in problems:
        print_text(str(problem))
    if problems:
        noun = "problem" if len(problems) == 1 else "problems"
        print_text(f"{len(problems)} {noun}.")
        return ExitCode.FAILED
    print_text(_summary(path))
    return ExitCode.DONE


def render(path: Path, agent: str, environment: str, *, style: DocumentFormat) -> ExitCode:
    """Print the body that would be sent for an agent. Raises NotFound, InvalidManifests."""
    manifests = load(DirectoryTree(path))
    wishlist = wishes(manifests)
    desired = wishlist.agent(environment, agent)
    if desired is None:
        raise _not_rendered(wishlist, agent, environment, known=agent in manifests.agents)
    rendering = render_agent(desired)
    for said in rendering.unsupported:
        sys.stderr.write(f"unsupported, not sent: {said}\n")
    as_json = DocumentFormat.JSON if style is DocumentFormat.TEXT else style
    print_document(rendering.body, as_json)
    return ExitCode.DONE


def _project_name(path: Path) -> str:
    name = _NOT_IN_NAMES.sub("-", path.resolve().name.lower()).strip("-")[:40].strip("-")
    return name or DEFAULT_PROJECT


def _summary(path: Path) -> str:
    manifests = load(DirectoryTree(path))
    environments = len(manifests.project.manifest.spec.environments)
    counts = (
        (len(manifests.agents), "agent"),
        (len(manifests.numbers), "number"),
        (environments, "environment"),
    )
    words = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return f"Valid: {words}."


def _not_rendered(
    wishlist: Wishlist, agent: str, environment: str, *, known: bool
) -> NotFound | InvalidInput:
    if not known:
        return NotFound(f"There is no agent {agent!r} in these manifests")
    if any(w.environment == environment and w.name == agent for w in wishlist.waiting):
        return InvalidInput(
            f"{agent} waits for its first release in {environment}",
            hint="Render it in the environment it is promoted from",
        )
    return InvalidInput(
        f"{agent} is not deployed in {environment}",
        hint="It is a draft, or there is no such environment",
    )
