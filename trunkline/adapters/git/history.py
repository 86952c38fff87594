"""What the history of a branch says: who touched what, which promotion a commit belongs to, and
which releases were written.

Git leaves merges out of a path's history where one of their parents explains them, and a merge that
quietly takes the older side is such a one. Asked for all of a history, and not for what came after
a commit, it compares each commit with each of its parents; so it is asked for all. Reads only, and
takes nothing that is not real: a trailer counts only where Git says it is one.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from trunkline.adapters.git.former_names import TooManyFiles, former_names
from trunkline.adapters.git.objects import LITERAL_PATHS, GitObjects, moment, split
from trunkline.manifests.loading import RELEASES_FOLDER, load_releases
from trunkline.model.ids import (
    CHANGE_TRAILER,
    NAME_PATTERN,
    PROMOTION_TRAILER,
    Digest,
    Revision,
    release_path,
)
from trunkline.model.kinds import Release
from trunkline.model.limits import (
    CLOSURE_COMMITS_MAX,
    HISTORY_COMMITS_MAX,
    MANIFEST_FILE_MAX_BYTES,
    RENAMES_FOLLOWED_MAX,
)
from trunkline.model.releases import ReleaseRecord

_PATHS_AT_ONCE = 1_000
"""Paths in one command's arguments; a system takes two megabytes of them."""
_CHUNK_COMMITS = 100
_UNIT = "\x1f"
_KEYS = f"key={PROMOTION_TRAILER},key={CHANGE_TRAILER}"
_TRAILERS = f"%H%x00%(trailers:{_KEYS},valueonly,unfold,separator=%x1f)"

logger = logging.getLogger(__name__)


class TooManyCommits(Exception):
    """More commits, or more in one of them, than is looked at for one question."""


def touching(
    objects: GitObjects, since: Revision | None, until: Revision, paths: Sequence[str]
) -> list[Revision]:
    """Commits after ``since`` that differ in a path from any of their parents, under whatever
    names its files had meanwhile; newest first and none before one that builds on it. Raises
    TooManyCommits.
    """
    after = (f"^{since}",) if since else ()
    bound = f"--max-count={HISTORY_COMMITS_MAX + 1}"
    listed = objects.output("rev-list", "--date-order", bound, until, *after)
    commits = listed.decode("ascii").split()
    if len(commits) > HISTORY_COMMITS_MAX:
        raise TooManyCommits(f"more than {HISTORY_COMMITS_MAX} commits")
    known, fresh = set(paths), sorted(set(paths))
    touched: set[str] = set()
    for _ in range(RENAMES_FOLLOWED_MAX + 1):
        found = _differing(objects, until, fresh).intersection(commits)
        touched |= found
        if len(touched) > CLOSURE_COMMITS_MAX:
            raise TooManyCommits(f"more than {CLOSURE_COMMITS_MAX} commits")
        fresh = sorted(_former_names(objects, sorted(found), fresh) - known)
        if not fresh:
            return [Revision(commit) for commit in commits if commit in touched]
        known.update(fresh)
    raise TooManyCommits(f"more than {RENAMES_FOLLOWED_MAX} renames in a row")


def _differing(objects: GitObjects, until: Revision, paths: Sequence[str]) -> set[str]:
    """Commits of all of a history that differ in a path from any of their parents."""
    touched: set[str] = set()
    for some in _portions(paths):
        arguments = ("rev-list", "--full-history", until, "--", *some)
        touched.update(objects.output(*arguments, extra=LITERAL_PATHS).decode("ascii").split())
    return touched


def _former_names(objects: GitObjects, commits: Sequence[str], paths: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in _portions(paths):
        try:
            found |= former_names(objects, commits, some)
        except TooManyFiles as error:
            raise TooManyCommits(str(error)) from error
    return found


def _portions(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        yield paths[start : start + _PATHS_AT_ONCE]


def commits_with_trailer(
    objects: GitObjects, value: str, tip: Revision, since: Revision | None
) -> tuple[Revision, ...]:
    """Commits of ``tip`` after ``since`` whose trailer is ``value``, newest first."""
    after = (f"^{since}",) if since else ()
    output = objects.output(
        *("log", "--date-order", "-z", "--fixed-strings", f"--grep={value}"),
        *(f"--format={_TRAILERS}", tip, *after, "--"),
    )
    return tuple(
        Revision(revision)
        for revision, trailers in _pairs(output)
        if value in trailers.split(_UNIT)
    )


@dataclass(frozen=True, slots=True)
class ReleaseHistory:
    """Releases of a project as the commits up to ``tip`` wrote them."""

    objects: GitObjects
    project: str
    tip: Revision

    def page(
        self, environment: str, agent: str, *, limit: int, before: Revision | None
    ) -> tuple[ReleaseRecord, ...] | None:
        """What the newest ``limit`` commits with a release wrote; None if ``before`` is no commit
        that touched such a file.
        """
        if not all(re.fullmatch(NAME_PATTERN, name) for name in (environment, agent) if name):
            return ()
        places = _places(environment, agent)
        commits = self._commits(places)
        if before is not None and before not in commits:
            return None
        older = commits[commits.index(before) + 1 :] if before is not None else commits
        found: list[ReleaseRecord] = []
        told = 0
        for start in range(0, len(older), _CHUNK_COMMITS):
            for records in self._written(older[start : start + _CHUNK_COMMITS], places):
                wanted = [each for each in records if agent in {"", each.agent}]
                found.extend(wanted)
                told += bool(wanted)
                if told == limit:
                    return tuple(found)
        return tuple(found)

    def _commits(self, places: Sequence[str]) -> list[str]:
        output = self.objects.output(
            *("rev-list", "--date-order", "--full-history", self.tip, "--", *places)
        )
        return output.decode("ascii").split()

    def _written(
        self, commits: Sequence[str], places: Sequence[str]
    ) -> Iterator[list[ReleaseRecord]]:
        """For each commit the releases it wrote itself; a merge wrote what no parent has."""
        changes = _changes(
            self.objects.output(
                *("diff-tree", "--stdin", "-c", "-r", "--root", "--raw", "-z", "--no-renames"),
                *("--no-abbrev", "--end-of-options", "--", *places),
                stdin="".join(f"{commit}\n" for commit in commits).encode(),
            )
        )
        trees = _trees(self.objects, changes)
        trailers = self._trailers(commits)
        contents = self.objects.contents(commits, "commit")
        for commit, content in zip(commits, contents, strict=True):
            headers, _ = split(content)
            at = moment(headers.get("committer", b""))
            tree = trees.get(commit)
            releases = self._releases(tree) if tree else []
            yield [
                self._record(each, Revision(commit), trailers.get(commit, ""), at)
                for each in releases
            ]

    def _releases(self, tree: "_WrittenFiles") -> list[Release]:
        loaded = load_releases(tree)
        for problem in loaded.problems:
            logger.info("commit %s wrote no release: %s", tree.revision, problem.message)
        return [placed.manifest for _, placed in sorted(loaded.released.items())]

    def _record(
        self, release: Release, commit: Revision, promotion: str, at: datetime | None
    ) -> ReleaseRecord:
        spec = release.spec
        return ReleaseRecord(
            project=self.project,
            environment=spec.environment,
            agent=release.name,
            version=spec.version,
            revision=Revision(spec.revision),
            digest=Digest(spec.digest),
            changes=spec.changes,
            promoted_by=spec.promoted_by,
            promotion=promotion,
            commit=commit,
            restores=spec.restores,
            released_at=at,
            spec=spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        )

    def _trailers(self, commits: Sequence[str]) -> dict[str, str]:
        """Promotions of this project by the commit that names one, without the project's name."""
        output = self.objects.output(
            *("log", "--no-walk=unsorted", "--stdin", "-z", f"--format={_TRAILERS}"),
            stdin="".join(f"{commit}\n" for commit in commits).encode(),
        )
        prefix = f"{self.project}/"
        return {
            revision: value.removeprefix(prefix)
            for revision, trailers in _pairs(output)
            for value in trailers.split(_UNIT)
            if value.startswith(prefix)
        }


@dataclass(frozen=True, slots=True)
class _WrittenFiles:
    """The files that one commit changed, as a tree of manifests."""

    revision: Revision
    blobs: dict[str, tuple[str, int, bytes]]
    others: frozenset[str]

    def paths(self) -> Sequence[str]:
        return sorted(self.blobs)

    def links(self) -> AbstractSet[str]:
        return self.others

    def identity(self, path: str) -> str:
        return self.blobs[path][0]

    def size(self, path: str) -> int:
        return self.blobs[path][1]

    def read(self, path: str) -> bytes:
        return self.blobs[path][2]


@dataclass(frozen=True, slots=True)
class _Change:
    """A path that a commit left as something else than its parents; ``mode`` is what it is now."""

    commit: str
    path: str
    mode: str
    object_id: str


def _places(environment: str, agent: str) -> tuple[str, ...]:
    """Where such releases stand; a pattern would make Git look into every folder there is."""
    if environment and agent:
        path = release_path(environment, agent)
        return (path, f"{path.removesuffix('.yaml')}.yml")
    return (f"{RELEASES_FOLDER}{environment}".rstrip("/"),)


def _changes(output: bytes) -> list[_Change]:
    """``<commit>\\0``, then ``:<modes> <ids> <letters>\\0<path>\\0`` with a colon per parent."""
    found: list[_Change] = []
    commit, fields = "", iter(output.split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            commit = field.decode("ascii", "replace").strip() or commit
            continue
        path = next(fields, b"").decode("utf-8", "backslashreplace")
        parents = len(field) - len(field.lstrip(b":"))
        words = field.lstrip(b":").decode("ascii", "replace").split()
        found.append(_Change(commit, path, words[parents], words[2 * parents + 1]))
    return found


def _trees(objects: GitObjects, changes: Sequence[_Change]) -> dict[str, _WrittenFiles]:
    """What each commit wrote. A deletion wrote nothing; what is too large is not read."""
    files = [each for each in changes if each.mode.startswith("100")]
    sizes = objects.sizes([each.object_id for each in files])
    small = [
        each.object_id
        for each, size in zip(files, sizes, strict=True)
        if size <= MANIFEST_FILE_MAX_BYTES
    ]
    read = dict(zip(small, objects.contents(small, "blob"), strict=True))
    blobs: dict[str, dict[str, tuple[str, int, bytes]]] = {each.commit: {} for each in changes}
    for each, size in zip(files, sizes, strict=True):
        content = read.get(each.object_id, b"")
        blobs[each.commit][each.path] = (each.object_id, size, content)
    links = {
        commit: frozenset(
            each.path for each in changes if each.commit == commit and each.mode[:2] in {"12", "16"}
        )
        for commit in blobs
    }
    return {
        commit: _WrittenFiles(Revision(commit), of, links[commit]) for commit, of in blobs.items()
    }


def _pairs(output: bytes) -> Iterator[tuple[str, str]]:
    fields = output.decode("utf-8", "replace").removesuffix("\0").split("\0")
    yield from zip(fields[::2], fields[1::2], strict=False)
