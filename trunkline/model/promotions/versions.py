"""Version numbers of releases: allocated by tags, up by one, never used twice.

A tag outlives its branch and its file, so it and not the file says which numbers are taken.
"""

from collections.abc import Iterable

from trunkline.model.ids import release_tag
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.releases import ReleaseTag


def next_version(tags: Iterable[ReleaseTag], tip: ReleaseSpec | None) -> int:
    """One more than the highest version of the tags and of the branch's own file. ``tags`` are
    those of one environment and agent.
    """
    return 1 + max([0, *(tag.version for tag in tags), tip.version if tip else 0])


def problem_of_version(
    agent: str, spec: ReleaseSpec, tags: Iterable[ReleaseTag], *, applied_version: int = 0
) -> str:
    """Why a release's version does not count, in words; "" if it does. Only tags of its own
    environment and agent are asked; ``applied_version`` is the one that was verified before it.
    """
    name = release_tag(spec.environment, agent, spec.version)
    own = [
        tag
        for tag in tags
        if (tag.environment, tag.agent, tag.version) == (spec.environment, agent, spec.version)
    ]
    if not own:
        return f"there is no tag {name}: its version was never allocated"
    if own[0].revision != spec.revision:
        return (
            f"the tag {name} stands on {own[0].revision[:10]}, and the release says"
            f" {spec.revision[:10]}"
        )
    if spec.version < applied_version:
        return (
            f"version {spec.version} is below {applied_version}, which is in force; to go back:"
            f" trunkline rollback {agent} -e {spec.environment} --to {spec.version}"
        )
    return ""
