"""What one look at ``releases/`` makes of each release: whether it counts, and if not, why.

A release that does not count changes nothing: what was verified before it stays in force. What
cannot be read is never taken for removed. Nothing here reads Git, a table or a key; whoever looks
hands in what was found.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from trunkline.model.canonical import digest
from trunkline.model.evidence import EVIDENCE_INVALID
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS
from trunkline.model.manifests import Releases
from trunkline.model.problems import Problem
from trunkline.model.releases import ReleaseStanding

RELEASE_INVALID: Final = "ReleaseInvalid"
"""The file cannot be read."""
VERSION_NOT_ALLOCATED: Final = "VersionNotAllocated"
"""No tag on the pinned revision allocated the version, or it is older than what runs."""
REVISION_MISSING: Final = "RevisionMissing"
"""The pinned commit cannot be had from the repository."""
CLOSURE_INVALID: Final = "ClosureInvalid"
"""At the pinned commit the agent is not there, is a draft, or cannot be resolved."""
AWAITING_RELEASE: Final = "AwaitingRelease"
"""What a number says whose agent was never released."""
WAITING_FOR_RELEASE: Final = "waiting for its first release"
"""What an environment says in which no agent was ever released."""
MENDED_ELSEWHERE: Final = frozenset({VERSION_NOT_ALLOCATED, REVISION_MISSING})
"""Reasons that may go without the release or the project being changed."""

RELEASE_REASONS: Final = frozenset(
    {
        RELEASE_INVALID,
        EVIDENCE_INVALID,
        VERSION_NOT_ALLOCATED,
        REVISION_MISSING,
        CLOSURE_INVALID,
        AWAITING_RELEASE,
    }
)
"""Everything that is said of an agent or number because of a release."""

RELEASES_FOLDER: Final = "releases"
SHORT_REVISION: Final = 10

Key: TypeAlias = tuple[str, str]
"""Environment and agent."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the branch says of one agent's release: a release, words why its file says nothing
    that can be trusted, or neither if the file is gone.
    """

    environment: str
    agent: str
    release: ReleaseSpec | None = None
    problem: str = ""

    @property
    def key(self) -> Key:
        """Environment and agent."""
        return self.environment, self.agent

    @property
    def says_something(self) -> bool:
        """False if the file is gone."""
        return self.release is not None or bool(self.problem)


def sightings(
    releases: Releases, environments: Collection[str], known: Iterable[ReleaseStanding]
) -> tuple[Sighting, ...]:
    """Everything the branch says of these environments, and what it no longer says.

    While something in an environment's folder cannot be read, nothing counts as removed there: it
    may be the release that is missed, in a file that is mistyped or misplaced.
    """
    broken = _broken(releases.problems)
    found = {
        key: Sighting(*key, release=placed.manifest.spec)
        for key, placed in releases.released.items()
        if key[0] in environments and key not in broken
    }
    for key, words in broken.items():
        if key[0] in environments:
            found[key] = Sighting(*key, problem=words)
    doubts = {each: _doubt(releases.problems, each) for each in environments}
    for standing in known:
        key = (standing.environment, standing.agent)
        if key in found or standing.removed or standing.environment not in doubts:
            continue
        doubt = doubts[standing.environment]
        words = f"{doubt}; until that is mended, this release does not count as removed"
        found[key] = Sighting(*key, problem=words if doubt else "")
    return tuple(found[key] for key in sorted(found))


def rests_on(project: Project, environment: Environment, public_keys: Collection[str]) -> Digest:
    """A digest of what besides the release and its pinned commit decides about the wish: whose
    signature counts, and what an environment's account replaces.
    """
    account = project.accounts(environment).elevenlabs
    return digest(
        {
            "environment": environment.name,
            "elevenlabs": account.model_dump(mode="json") if account is not None else None,
            "publicKeys": [*sorted(public_keys)],
        }
    )


def is_settled(former: ReleaseStanding | None, seen: Sighting, resting: str) -> bool:
    """True if a look would come to what is known already, without reading anything else."""
    if former is None or former.removed or seen.release is None or seen.problem:
        return False
    if former.seen != seen.release or former.rests_on != resting:
        return False
    return former.reason not in {RELEASE_INVALID, *MENDED_ELSEWHERE}


def is_held_only(former: ReleaseStanding | None, seen: Sighting, resting: str) -> bool:
    """True if all that changed is whether the release is held, which needs no signature."""
    if former is None or former.seen is None or seen.release is None:
        return False
    unheld = (each.model_copy(update={"hold": None}) for each in (former.seen, seen.release))
    bare = former.model_copy(update={"seen": next(unheld)})
    return is_settled(bare, Sighting(*seen.key, release=next(unheld)), resting)


def claim_problem(
    release: ReleaseSpec, former: ReleaseStanding | None, tags: Mapping[int, Revision]
) -> str:
    """Why a release's version does not count, in words; "" if it does.

    ``tags`` maps the versions of its environment and agent to what their tags stand on. Where
    nothing was verified yet, the newest tag says which versions are past.
    """
    past = former.applied_version if former is not None else 0
    newest = past or max(tags, default=0)
    version = release.version
    if version < newest:
        which = "runs" if past else "was allocated"
        return (
            f"version {version} is older than version {newest}, which {which}; what ran before "
            "is brought back by: trunkline rollback"
        )
    tagged = tags.get(version)
    if tagged is None:
        return (
            f"no tag allocated version {version}; releases are made by promotions, not by hand: "
            "restore the file as it was, or promote"
        )
    if tagged != release.revision:
        return (
            f"version {version} was allocated to commit {tagged[:SHORT_REVISION]}, and the "
            f"release pins {release.revision[:SHORT_REVISION]}"
        )
    return ""


def counted(
    former: ReleaseStanding | None, seen: Sighting, *, project: str, tip: Revision, resting: str
) -> ReleaseStanding:
    """The standing of a release that was verified."""
    return ReleaseStanding(
        project=project,
        environment=seen.environment,
        agent=seen.agent,
        seen=seen.release,
        seen_commit=_seen_commit(former, seen, tip),
        applied_version=seen.release.version if seen.release is not None else 0,
        applied=seen.release,
        rests_on=resting,
    )


def refused(
    former: ReleaseStanding | None,
    seen: Sighting,
    reason: str,
    words: str,
    *,
    project: str,
    tip: Revision,
    resting: str,
) -> ReleaseStanding:
    """The standing of a release that does not count: what was verified before stays."""
    place = f"{RELEASES_FOLDER}/{seen.environment}/{seen.agent}.yaml"
    told = words if words.startswith(f"{RELEASES_FOLDER}/") else f"{place}: {words}"
    if former is not None and former.applied is not None:
        told += f"; version {former.applied_version} stays as it was verified"
    return ReleaseStanding(
        project=project,
        environment=seen.environment,
        agent=seen.agent,
        seen=seen.release,
        seen_commit=_seen_commit(former, seen, tip),
        applied_version=former.applied_version if former is not None else 0,
        applied=former.applied if former is not None else None,
        reason=reason,
        message=told[:EVENT_MESSAGE_MAX_CHARACTERS],
        rests_on=resting,
    )


def as_before(standing: ReleaseStanding, former: ReleaseStanding) -> ReleaseStanding:
    """The standing of a release that does not count, with what was verified before it."""
    stays = f"{standing.message}; version {former.applied_version} stays as it was verified"
    return standing.model_copy(
        update={
            "applied": former.applied,
            "applied_version": former.applied_version,
            "message": stays[:EVENT_MESSAGE_MAX_CHARACTERS],
        }
    )


def gone(former: ReleaseStanding, tip: Revision) -> ReleaseStanding:
    """The standing of a release whose file was removed: the agent is no longer wished for, and its
    versions stay used.
    """
    return former.model_copy(
        update={
            "seen": None,
            "seen_commit": tip,
            "applied": None,
            "reason": "",
            "message": "",
            "removed": True,
        }
    )


def _seen_commit(former: ReleaseStanding | None, seen: Sighting, tip: Revision) -> Revision:
    """The first tip that said this."""
    same = former is not None and not former.removed and former.seen == seen.release
    return former.seen_commit or tip if former is not None and same else tip


def _broken(problems: Iterable[Problem]) -> dict[Key, str]:
    """Problems by the release whose place the file has."""
    found: dict[Key, str] = {}
    for problem in problems:
        key = _place(problem.position.file)
        if key is not None:
            found.setdefault(key, str(problem))
    return found


def _place(file: str) -> Key | None:
    parts = file.split("/")
    if len(parts) != 3 or parts[0] != RELEASES_FOLDER:  # noqa: PLR2004 - folder, environment, file
        return None
    return parts[1], parts[2].rpartition(".")[0]


def _doubt(problems: Iterable[Problem], environment: str) -> str:
    """The first problem that may hide a release of an environment; "" if none does."""
    return next((str(problem) for problem in _hiding(problems, environment)), "")


def _hiding(problems: Iterable[Problem], environment: str) -> Iterator[Problem]:
    """Those in its folder, and those of files that are in no environment's."""
    for problem in problems:
        place = _place(problem.position.file)
        if place is None or place[0] == environment:
            yield problem
