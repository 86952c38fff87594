"""``init``, ``validate`` and ``render``: a folder of manifests, without a network."""

import os
import re
import sys
from pathlib import Path

from trunkline.adapters.elevenlabs.rendering import render_agent
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.names import absent
from trunkline.cli.printing import DocumentFormat, Format, print_document, print_text
from trunkline.manifests import DirectoryTree, load, review
from trunkline.manifests.scaffold import new_repository, templates
from trunkline.model.base import Frozen, JsonObject
from trunkline.model.errors import InvalidInput
from trunkline.model.manifests import Manifests
from trunkline.model.problems import Problem
from trunkline.model.resolution import Wishlist, wishes

DEFAULT_PROJECT = "my-agents"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


TEMPLATES = Listing(
    kind="TemplateList",
    columns=(Column("NAME", member("name")), Column("WHAT", member("what"))),
    name=member("name"),
    empty="There are no templates.",
)


class ListedTemplate(Frozen):
    """What ``init --list-templates -o json`` lists: ``what`` says in a sentence what it is for."""

    name: str
    what: str


def list_templates(style: Format) -> ExitCode:
    """Print what ``init`` can begin with."""
    found = [ListedTemplate(name=name, what=what) for name, what in templates().items()]
    print_listing(TEMPLATES, [each.model_dump() for each in found], style)
    return ExitCode.DONE


def init(path: Path, template: str) -> ExitCode:
    """Write a new manifests repository.

    Raises InvalidInput if any of its files exists or cannot be written, or for a template that is
    not there.
    """
    files = new_repository(_project_name(path), template)
    existing = sorted(name for name in files if os.path.lexists(path / name))
    if existing:
        raise InvalidInput(
            f"{path / existing[0]} exists; nothing was written",
            hint="Name an empty or new folder: trunkline init PATH",
        )
    for name, content in files.items():
        target = path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
        except OSError as error:
            raise InvalidInput(
                f"{path} cannot be written: {error.strerror}",
                hint="Name a folder that is empty or new: trunkline init PATH",
            ) from error
        print_text(str(target))
    sys.stderr.write(f"Next: trunkline validate {path}\n")
    return ExitCode.DONE


def validate(path: Path, *, style: DocumentFormat) -> ExitCode:
    """Print every problem and warning of a tree in the order of its lines; warnings are no
    failure.
    """
    found = review(DirectoryTree(path))
    code = ExitCode.FAILED if found.problems else ExitCode.DONE
    if style is not DocumentFormat.TEXT:
        document: JsonObject = {
            "valid": not found.problems,
            "problems": [problem.model_dump(mode="json") for problem in found.problems],
            "warnings": [warning.model_dump(mode="json") for warning in found.warnings],
        }
        print_document(document, style)
        return code
    said = [(problem, "") for problem in found.problems]
    said += [(warning, "warning: ") for warning in found.warnings]
    for problem, severity in sorted(said, key=_place):
        shown = problem.model_copy(update={"message": f"{severity}{problem.message}"})
        print_text(str(shown))
    warned = f"{_counted(len(found.warnings), 'warning')}" if found.warnings else ""
    if found.problems or found.manifests is None:
        counts = [_counted(len(found.problems), "problem"), warned]
        print_text(f"{', '.join(filter(None, counts))}.")
        return code
    counts = [_summary(found.manifests), warned]
    print_text(f"Valid: {'; '.join(filter(None, counts))}.")
    return code


def render(path: Path, agent: str, environment: str, *, style: DocumentFormat) -> ExitCode:
    """Print the body that would be sent for an agent. Raises NotFound, InvalidManifests."""
    manifests = load(DirectoryTree(path))
    wishlist = wishes(manifests)
    environments = [each.name for each in manifests.project.manifest.spec.environments]
    if environment not in environments:
        raise absent(f"There is no environment {environment!r}", environment, environments)
    if agent not in manifests.agents:
        raise absent(
            f"There is no agent {agent!r} in these manifests", agent, manifests.agents.keys()
        )
    desired = wishlist.agent(environment, agent)
    if desired is None:
        raise _not_rendered(wishlist, agent, environment)
    rendering = render_agent(desired)
    for said in rendering.unsupported:
        sys.stderr.write(f"unsupported, not sent: {said}\n")
    as_json = DocumentFormat.JSON if style is DocumentFormat.TEXT else style
    print_document(rendering.body, as_json)
    return ExitCode.DONE


def _project_name(path: Path) -> str:
    name = _NOT_IN_NAMES.sub("-", path.resolve().name.lower()).strip("-")[:40].strip("-")
    return name or DEFAULT_PROJECT


def _place(said: tuple[Problem, str]) -> tuple[str, int, int]:
    position = said[0].position
    return position.file, position.line, position.column


def _summary(manifests: Manifests) -> str:
    environments = len(manifests.project.manifest.spec.environments)
    counts = (
        (len(manifests.agents), "agent"),
        (len(manifests.numbers), "number"),
        (environments, "environment"),
    )
    return ", ".join(_counted(count, noun) for count, noun in counts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _not_rendered(wishlist: Wishlist, agent: str, environment: str) -> InvalidInput:
    if any(w.environment == environment and w.name == agent for w in wishlist.waiting):
        return InvalidInput(
            f"{agent} waits for its first release in {environment}",
            hint="Render it in the environment it is promoted from",
        )
    return InvalidInput(
        f"{agent} is not deployed in {environment}",
        hint="Its lifecycle is draft there",
    )
