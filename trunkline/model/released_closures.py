"""Which releases of an agent somebody may go back to, and whether it is certain that these are all.

What they are made of is not deleted, so that going back creates nothing. Tags in Git and the index
both say which versions there were; either may have lost some, so what one of them says counts, and
a version that neither knows is a reason to delete nothing. Nothing here reads Git or a table.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from trunkline.model.ids import Revision
from trunkline.model.limits import RELEASES_KEPT
from trunkline.model.manifests import Releases
from trunkline.model.released import Sighting, sightings
from trunkline.model.releases import ReleaseRecord, ReleaseStanding, ReleaseTag


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """An agent at a commit. ``digest`` is its closure's as a release says it; "" where only a tag
    tells of it.
    """

    agent: str
    version: int
    revision: Revision
    digest: str = ""


def pins_of(
    standing: ReleaseStanding, tags: Iterable[ReleaseTag], indexed: Iterable[ReleaseRecord]
) -> frozenset[Pin]:
    """What the agent runs, what answers beside it, and its last releases.

    ``tags`` and ``indexed`` are this agent's; of the index the newest ``RELEASES_KEPT`` suffice.
    """
    agent, release = standing.agent, standing.applied
    answering = [release, release.experiment] if release is not None else []
    in_use = {
        Pin(agent, one.version, Revision(one.revision), one.digest)
        for one in answering
        if one is not None
    }
    found = in_use | {Pin(agent, one.version, one.revision, one.digest) for one in indexed}
    told = {(pin.version, pin.revision) for pin in found}
    found |= {
        Pin(agent, tag.version, tag.revision)
        for tag in tags
        if (tag.version, tag.revision) not in told
    }
    newest = sorted({pin.version for pin in found}, reverse=True)[:RELEASES_KEPT]
    wanted = {*newest, *_last_versions(standing)}
    return frozenset(in_use | {pin for pin in found if pin.version in wanted})


def missing_words(standing: ReleaseStanding, pins: Collection[Pin]) -> str:
    """Which of the last releases nothing tells of; "" if all are known."""
    known = {pin.version for pin in pins}
    lacking = [version for version in _last_versions(standing) if version not in known]
    if not lacking:
        return ""
    named = ", ".join(f"v{version}" for version in lacking)
    return f"neither a tag nor the index tells what {standing.agent} {named} was"


def history_doubt(
    releases: Releases, environment: str, standings: Collection[ReleaseStanding]
) -> str:
    """Why what the branch says of an environment is not all verified; "" if it is.

    ``releases`` are those of the commit applied last, ``standings`` the environment's.
    """
    known = {one.agent: one for one in standings}
    for seen in sightings(releases, {environment}, standings):
        words = _unverified(seen, known.get(seen.agent))
        if words:
            return words
    return ""


def tags_by_agent(tags: Iterable[ReleaseTag]) -> dict[str, list[ReleaseTag]]:
    """An environment's tags by the agent they are of."""
    found: defaultdict[str, list[ReleaseTag]] = defaultdict(list)
    for tag in tags:
        found[tag.agent].append(tag)
    return found


def _last_versions(standing: ReleaseStanding) -> range:
    newest = standing.applied_version
    return range(max(1, newest - RELEASES_KEPT + 1), newest + 1)


def _unverified(seen: Sighting, standing: ReleaseStanding | None) -> str:
    if seen.problem:
        return seen.problem
    if seen.release is None or standing is None or standing.removed:
        return f"the release of {seen.agent} was not looked at since it changed"
    if standing.reason:
        return standing.message
    if standing.seen != seen.release:
        return f"the release of {seen.agent} was not looked at since it changed"
    return ""
