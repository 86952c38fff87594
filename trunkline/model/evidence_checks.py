"""A repository's releases held against what they claim: signatures, tags, closures, versions.

Whoever audits what ran trusts neither a server nor a table: everything is worked out again from
what Git holds. Nothing here reads Git; whoever does hands in what was found.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.errors import InvalidInput
from trunkline.model.evidence import Verifies, is_signed, parse_evidence, release_problem
from trunkline.model.ids import release_tag
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.problems import Problem
from trunkline.model.releases import ReleaseRecord, ReleaseTag

Place = tuple[str, str]
"""Environment and agent."""


class CheckedRelease(Frozen):
    """One release of a repository's history and what became of checking it.

    ``evidence`` is ``invalid`` for a definite objection and ``unreadable`` where it could not be
    found out; ``message`` says which. ``version`` is 0 for a file nobody can read.
    """

    environment: str
    agent: str
    version: int
    evidence: Literal["valid", "invalid", "unreadable"]
    message: str = ""
    revision: str = ""
    digest: str = ""
    commit: str = ""
    promotion: str = ""
    changes: str = ""
    promoted_by: str = ""
    released_at: datetime | None = None
    restores: int | None = None
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Closure:
    """What an agent is at a revision: its digest, or why it has none; ``is_known`` is False where
    the revision could not be read.
    """

    digest: str = ""
    problem: str = ""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What Git holds of a project's releases. ``records`` are newest first, ``closures`` by
    revision and agent, ``problems`` those of the files at the tip.
    """

    project: str
    records: Sequence[ReleaseRecord]
    tags: Sequence[ReleaseTag]
    closures: Mapping[tuple[str, str], Closure]
    problems: Sequence[Problem] = ()


def checked_releases(
    facts: ReleaseFacts, *, public_keys: Sequence[str], keys: Verifies
) -> tuple[CheckedRelease, ...]:
    """Every release with its verdict, by environment and agent, newest version first; what is
    missing between them counts as invalid, too.
    """
    records: defaultdict[Place, list[ReleaseRecord]] = defaultdict(list)
    tags: defaultdict[Place, dict[int, ReleaseTag]] = defaultdict(dict)
    for record in reversed(facts.records):
        records[record.environment, record.agent].append(record)
    for tag in facts.tags:
        tags[tag.environment, tag.agent][tag.version] = tag
    found: list[CheckedRelease] = []
    for place in sorted({*records, *tags}):
        checks = _Checks(facts, tags[place], public_keys, keys)
        rows = [*checks.of(records[place]), *_missing(place, records[place], tags[place])]
        found.extend(sorted(rows, key=lambda row: -row.version))
    return (*found, *(_broken(problem) for problem in facts.problems))


@dataclass(frozen=True, slots=True)
class _Checks:
    """What the releases of one agent in one environment are held against."""

    facts: ReleaseFacts
    tags: Mapping[int, ReleaseTag]
    public_keys: Sequence[str]
    keys: Verifies

    def of(self, records: Sequence[ReleaseRecord]) -> Iterator[CheckedRelease]:
        """A row for each release, oldest first; a commit that only set a hold has none."""
        before: dict[int, ReleaseSpec] = {}
        newest = 0
        for record in records:
            spec = ReleaseSpec.model_validate(record.spec)
            bare = spec.model_copy(update={"hold": None})
            if before.get(record.version) == bare and record.version == newest:
                continue
            yield self._row(record, spec, _order_problem(record, newest, before))
            if self._is_signed(record, spec):
                before.setdefault(record.version, bare)
                newest = max(newest, record.version)

    def _is_signed(self, record: ReleaseRecord, spec: ReleaseSpec) -> bool:
        """False for what anybody may have written: it casts no doubt on what came after it."""
        place = (self.facts.project, record.agent)
        return is_signed(*place, spec, public_keys=self.public_keys, keys=self.keys)

    def _row(self, record: ReleaseRecord, spec: ReleaseSpec, order: str) -> CheckedRelease:
        closure = self.facts.closures.get((record.revision, record.agent), Closure(is_known=False))
        words = next(self._objections(record, spec, closure, order), "")
        doubt = "" if closure.is_known else f"revision {record.revision} could not be read"
        return CheckedRelease(
            environment=record.environment,
            agent=record.agent,
            version=record.version,
            evidence="invalid" if words else "unreadable" if doubt else "valid",
            message=words or doubt,
            revision=record.revision,
            digest=record.digest,
            commit=record.commit or "",
            promotion=record.promotion,
            changes=record.changes,
            promoted_by=record.promoted_by,
            released_at=record.released_at,
            restores=record.restores,
            key_id=_key_of(spec),
        )

    def _objections(
        self, record: ReleaseRecord, spec: ReleaseSpec, closure: Closure, order: str
    ) -> Iterator[str]:
        place = (record.environment, record.agent)
        words = release_problem(
            self.facts.project, *place, spec, public_keys=self.public_keys, keys=self.keys
        )
        if words:
            yield words
        name = release_tag(*place, record.version)
        tag = self.tags.get(record.version)
        if tag is None:
            yield f"no tag {name} allocated its version"
        elif tag.revision != record.revision:
            yield f"tag {name} stands on {tag.revision}, not on the revision it pins"
        if closure.problem:
            yield f"at revision {record.revision} {closure.problem}"
        elif closure.is_known and closure.digest != record.digest:
            yield (
                f"at revision {record.revision} the agent has the digest {closure.digest}, "
                "which is not the one that was tested"
            )
        if order:
            yield order


def _order_problem(record: ReleaseRecord, newest: int, before: Mapping[int, ReleaseSpec]) -> str:
    commit = (record.commit or "")[:12]
    if record.version in before and record.version < newest:
        return f"commit {commit} put it back over version {newest}"
    if record.version in before:
        return f"commit {commit} wrote the version a second time, and otherwise"
    if record.version < newest:
        return f"commit {commit} released it after version {newest}"
    return ""


def _missing(
    place: Place, records: Sequence[ReleaseRecord], tags: Mapping[int, ReleaseTag]
) -> Iterator[CheckedRelease]:
    """Versions between the first and the newest that no commit released, those in a row as one."""
    released = {record.version for record in records}
    known = sorted({0, *released, *tags})
    for version in sorted(tags.keys() - released):
        name = release_tag(*place, version)
        yield _absent(place, version, f"tag {name} is there, and no commit of the branch fits it")
    for lower, upper in pairwise(known):
        first, last = lower + 1, upper - 1
        if first <= last:
            words = f"version {first} has" if first == last else f"versions {first} to {last} have"
            yield _absent(place, last, f"{words} neither a tag nor a release")


def _absent(place: Place, version: int, words: str) -> CheckedRelease:
    return CheckedRelease(
        environment=place[0], agent=place[1], version=version, evidence="invalid", message=words
    )


def _broken(problem: Problem) -> CheckedRelease:
    """A file below ``releases/`` that nobody can read; its path says whose it is."""
    folders = problem.position.file.split("/")
    environment = folders[1] if len(folders) > 2 else ""  # noqa: PLR2004 - releases/<environment>/
    agent = folders[-1].rpartition(".")[0]
    return CheckedRelease(
        environment=environment, agent=agent, version=0, evidence="invalid", message=str(problem)
    )


def _key_of(spec: ReleaseSpec) -> str:
    try:
        return parse_evidence(spec.evidence).key_id
    except InvalidInput:
        return ""
