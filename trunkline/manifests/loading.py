"""A tree of files to checked manifests: all problems at once, unchanged files not read again.

Order of work: which files are manifests, each file by itself, tests with what they include, then
the names, the files they name, and what only shows together. ``releases/`` is read apart, and its
problems never stop the rest, nor theirs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from trunkline.manifests.caches import SizedCache
from trunkline.manifests.checks import check_together, check_views, warnings
from trunkline.manifests.contents import ContentReader, file_uses
from trunkline.manifests.conversations import cautions_about_tests, check_tests
from trunkline.manifests.files import ManifestFile, parse
from trunkline.manifests.fragments import (
    FragmentFile,
    is_fragment,
    parse_fragment,
    unused,
    with_fragments,
)
from trunkline.manifests.inventory import Inventory, documents_of, duplicates
from trunkline.manifests.references import check_references
from trunkline.manifests.tree import SourceTree
from trunkline.model.errors import InvalidManifests, TreeEmpty
from trunkline.model.kinds import Release
from trunkline.model.limits import (
    CONTENT_CACHE_MAX_BYTES,
    MANIFEST_FILE_MAX_BYTES,
    PARSED_FILES_MAX_BYTES,
    PROBLEMS_MAX,
    UPLOAD_CACHE_MAX_BYTES,
)
from trunkline.model.manifests import Content, Manifests, Placed, Releases, Upload
from trunkline.model.problems import Position, Problem

PROJECT_FILE = "trunkline.yaml"
RELEASES_FOLDER = "releases/"

_SUFFIXES = (".yaml", ".yml")


class Caches:
    """What earlier trees left behind, for one process."""

    def __init__(self) -> None:
        self.files: SizedCache[ManifestFile] = SizedCache(PARSED_FILES_MAX_BYTES)
        self.fragments: SizedCache[FragmentFile] = SizedCache(PARSED_FILES_MAX_BYTES)
        self.contents: SizedCache[Content | str] = SizedCache(CONTENT_CACHE_MAX_BYTES)
        self.uploads: SizedCache[Upload | str] = SizedCache(UPLOAD_CACHE_MAX_BYTES)


_PROCESS_CACHES = Caches()


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything there is to say about a tree; ``manifests`` is None if ``problems`` stop it."""

    manifests: Manifests | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    documents: int


def load(tree: SourceTree, *, caches: Caches | None = None) -> Manifests:
    """The checked manifests of a tree.

    Raises InvalidManifests with every problem outside of ``releases/`` (those are carried in
    ``Manifests.releases``), TreeEmpty if the tree holds no document at all.
    """
    inspection = inspect(tree, caches=caches)
    if inspection.documents == 0 and not inspection.problems:
        raise TreeEmpty(
            "the tree holds no manifest",
            hint=f"Commit a {PROJECT_FILE}; `trunkline init` makes one.",
        )
    if inspection.manifests is None:
        raise InvalidManifests(inspection.problems)
    return inspection.manifests


def check(tree: SourceTree, *, caches: Caches | None = None) -> tuple[Problem, ...]:
    """Every problem of a tree, those of releases included, sorted; warnings are not problems."""
    return review(tree, caches=caches).problems


def review(tree: SourceTree, *, caches: Caches | None = None) -> Inspection:
    """As ``inspect``, but a tree without a manifest and broken releases are problems too."""
    inspection = inspect(tree, caches=caches)
    if inspection.documents == 0 and not inspection.problems:
        position = Position(file=PROJECT_FILE, line=1, column=1)
        message = "the tree holds no manifest; `trunkline init` makes a first one"
        return replace(inspection, problems=(Problem(position=position, message=message),))
    found = inspection.manifests
    releases = found.releases if found else load_releases(tree, caches=caches)
    return replace(inspection, problems=_sorted((*inspection.problems, *releases.problems)))


def inspect(tree: SourceTree, *, caches: Caches | None = None) -> Inspection:
    """The manifests of a tree if they are sound, and everything worth saying about it."""
    kept = caches or _PROCESS_CACHES
    paths = [path for path in manifest_paths(tree) if not path.startswith(RELEASES_FOLDER)]
    files = [_file(tree, path, kept) for path in paths]
    problems = [problem for file in files for problem in file.problems]
    linked = list(_linked(tree, releases=False))
    problems.extend(linked)
    fragments = {path: _fragment(tree, path, kept) for path in fragment_paths(tree)}
    problems.extend(problem for each in fragments.values() for problem in each.problems)
    documents, unsound = with_fragments(documents_of(files), fragments, tree.links())
    problems.extend(unsound)
    inventory = Inventory(documents, whole=not linked and all(file.whole for file in files))
    if documents or problems:
        problems.extend(_projects(inventory))
    problems.extend(duplicates(documents))
    problems.extend(_misplaced_releases(inventory))
    problems.extend(check_views(inventory))
    problems.extend(check_references(inventory))
    contents, uploads, content_problems = _contents(tree, inventory, kept)
    problems.extend(content_problems)
    problems.extend(
        file.foreign for file in files if file.foreign is not None and file.path not in contents
    )
    complete = replace(inventory, contents=contents)
    problems.extend(check_together(complete))
    problems.extend(check_tests(complete))
    found = _sorted(problems)
    cautions = _sorted(
        (*warnings(complete), *cautions_about_tests(complete), *unused(fragments, complete))
    )
    if found or not inventory.projects:
        return Inspection(None, found, cautions, len(documents))
    releases = load_releases(tree, caches=kept)
    cautions = _sorted((*cautions, *_lost_agents(releases, complete)))
    manifests = _manifests(tree, complete, releases, cautions, uploads)
    return Inspection(manifests, (), cautions, len(documents))


def load_releases(tree: SourceTree, *, caches: Caches | None = None) -> Releases:
    """Everything below ``releases/``, whatever the rest of the tree is like."""
    kept = caches or _PROCESS_CACHES
    paths = [path for path in manifest_paths(tree) if path.startswith(RELEASES_FOLDER)]
    files = [_file(tree, path, kept) for path in paths]
    problems = [problem for file in files for problem in file.problems]
    problems.extend(file.foreign for file in files if file.foreign is not None)
    problems.extend(_linked(tree, releases=True))
    released: dict[tuple[str, str], Placed[Release]] = {}
    for document in documents_of(files):
        manifest = document.manifest
        if manifest is None:
            continue
        if not isinstance(manifest, Release):
            message = f"only releases live below {RELEASES_FOLDER}; move this {document.kind}"
            problems.append(Problem(position=document.positions.value("kind"), message=message))
            continue
        environment = manifest.spec.environment
        expected = {f"{RELEASES_FOLDER}{environment}/{manifest.name}{end}" for end in _SUFFIXES}
        if document.positions.file not in expected:
            message = (
                f"the release of `{manifest.name}` in {environment} belongs in "
                f"{RELEASES_FOLDER}{environment}/{manifest.name}.yaml"
            )
            position = document.positions.value("metadata.name")
            problems.append(Problem(position=position, message=message))
            continue
        key = (environment, manifest.name)
        if key in released:
            position = document.positions.value("metadata.name")
            problems.append(
                Problem(position=position, message=f"`{manifest.name}` is released twice")
            )
            continue
        released[key] = Placed(manifest, document.positions)
    return Releases(released=released, problems=_sorted(problems))


def manifest_paths(tree: SourceTree) -> list[str]:
    """Every YAML file outside of hidden folders that is no fragment, sorted."""
    return sorted(path for path in tree.paths() if _is_manifest(path))


def fragment_paths(tree: SourceTree) -> list[str]:
    """Every file outside of hidden folders that tests may include, sorted."""
    return sorted(path for path in tree.paths() if is_fragment(path) and not _is_hidden(path))


def _is_manifest(path: str) -> bool:
    return path.endswith(_SUFFIXES) and not is_fragment(path) and not _is_hidden(path)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _file(tree: SourceTree, path: str, kept: Caches) -> ManifestFile:
    size = tree.size(path)
    if size > MANIFEST_FILE_MAX_BYTES:
        return ManifestFile(path, problems=(_too_large(path, size),), whole=False)
    return kept.files.get(path, tree.identity(path), size, lambda: parse(path, tree.read(path)))


def _fragment(tree: SourceTree, path: str, kept: Caches) -> FragmentFile:
    size = tree.size(path)
    if size > MANIFEST_FILE_MAX_BYTES:
        return FragmentFile(path, problems=(_too_large(path, size),))
    return kept.fragments.get(
        path, tree.identity(path), size, lambda: parse_fragment(path, tree.read(path))
    )


def _too_large(path: str, size: int) -> Problem:
    return Problem(
        position=Position(file=path, line=1, column=1),
        message=f"the file has {size} bytes; a manifest has at most {MANIFEST_FILE_MAX_BYTES}",
    )


def _linked(tree: SourceTree, *, releases: bool) -> Iterable[Problem]:
    """Manifests that are links: what they lead to is not in the repository."""
    for path in sorted(tree.links()):
        if _is_manifest(path) and path.startswith(RELEASES_FOLDER) == releases:
            yield Problem(
                position=Position(file=path, line=1, column=1),
                message="the manifest is a symbolic link; links are not followed",
            )


def _projects(inventory: Inventory) -> Iterable[Problem]:
    found = [document for document in inventory.documents if document.kind == "Project"]
    found.sort(key=lambda document: document.positions.file != PROJECT_FILE)
    for document in found[1:]:
        first = found[0].positions.value("kind")
        yield Problem(
            position=document.positions.value("kind"),
            message=f"a repository has one Project; the first is at {first}",
        )
    if not found and inventory.whole and not inventory.has_kindless:
        position = Position(file=PROJECT_FILE, line=1, column=1)
        yield Problem(position=position, message="no document of kind Project; add one here")


def _misplaced_releases(inventory: Inventory) -> Iterable[Problem]:
    for placed in inventory.releases.values():
        spec = placed.manifest.spec
        yield Problem(
            position=placed.positions.value("kind"),
            message=f"a Release belongs in {RELEASES_FOLDER}{spec.environment}/"
            f"{placed.manifest.name}.yaml",
        )


def _contents(
    tree: SourceTree, inventory: Inventory, kept: Caches
) -> tuple[dict[str, Content], dict[str, Upload], list[Problem]]:
    """The texts, and the files kept as they are, that documents name, by path."""
    reader = ContentReader(tree, kept.contents, kept.uploads)
    contents: dict[str, Content] = {}
    uploads: dict[str, Upload] = {}
    problems: list[Problem] = []
    for use in file_uses(inventory):
        found = reader.read_upload(use) if use.as_bytes else reader.read(use)
        if isinstance(found, Problem):
            problems.append(found)
        elif isinstance(found, Upload):
            uploads[use.path] = found
        else:
            contents[use.path] = found
    return contents, uploads, problems


def _lost_agents(releases: Releases, inventory: Inventory) -> Iterable[Problem]:
    for (environment, name), placed in releases.released.items():
        if name not in inventory.agents:
            yield Problem(
                position=placed.positions.value("metadata.name"),
                message=f"agent `{name}` is gone from the branch and keeps running in "
                f"{environment}; remove this file to undeploy it",
            )


def _manifests(
    tree: SourceTree,
    inventory: Inventory,
    releases: Releases,
    cautions: tuple[Problem, ...],
    uploads: dict[str, Upload],
) -> Manifests:
    return Manifests(
        project=next(iter(inventory.projects.values())),
        agents=inventory.agents,
        personas=inventory.personas,
        tools=inventory.tools,
        documents=inventory.knowledge,
        numbers=inventory.numbers,
        tests=inventory.tests,
        contents=inventory.contents,
        uploads=uploads,
        releases=releases,
        warnings=cautions,
        revision=tree.revision,
    )


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """In file order, each once, and no more than anybody reads."""
    unique = {
        (each.position.file, each.position.line, each.position.column, each.message): each
        for each in problems
    }
    return tuple(unique[key] for key in sorted(unique)[:PROBLEMS_MAX])
