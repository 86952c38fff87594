"""Tags of releases as Git has them: who took which version, and on which commit.

A name is taken by whatever stands under it, so a tag somebody made by hand counts as well; whether
its commit is the right one is found out by whoever compares it with a release.
"""

import re

from trunkline.adapters.git.authors import tagger_of
from trunkline.adapters.git.objects import GitObjects, moment, split
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import RELEASE_TAGS, Revision
from trunkline.model.releases import ReleaseTag

_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_TAG = re.compile(
    rf"{RELEASE_TAGS}(?P<environment>{_NAME})/(?P<agent>{_NAME})/v(?P<version>[1-9]\d{{0,8}})"
)
_GLOB = re.compile(r"[^a-z0-9/-]")
_SIGNATURE = re.compile(rb"^-----BEGIN (?:SSH|PGP) SIGNATURE-----$.*", re.MULTILINE | re.DOTALL)


def checked_tag(name: str) -> str:
    """The ref of a release's tag. Raises InvalidInput for any other name."""
    if not _TAG.fullmatch(name):
        raise InvalidInput(f"{name!r} is not the tag of a release")
    return f"refs/tags/{name}"


def release_tags(objects: GitObjects, environment: str, agent: str) -> tuple[ReleaseTag, ...]:
    """Tags by environment, agent and version; "" asks for every environment or agent."""
    form = "--format=%(objectname) %(objecttype) %(refname:lstrip=2)"
    below = f"{RELEASE_TAGS}{environment}/{agent}/" if environment and agent else RELEASE_TAGS
    if _GLOB.search(below):
        return ()
    output = objects.output("for-each-ref", form, f"refs/tags/{below}")
    found: list[tuple[re.Match[str], str, str]] = []
    for line in output.decode("utf-8", "replace").splitlines():
        object_id, kind, name = line.split(" ", 2)
        match = _TAG.fullmatch(name)
        if match is None or environment not in {"", match["environment"]}:
            continue
        if agent in {"", match["agent"]}:
            found.append((match, object_id, kind))
    annotated = [object_id for _, object_id, kind in found if kind == "tag"]
    contents = dict(zip(annotated, objects.contents(annotated, "tag"), strict=True))
    tags = [_tag(match, object_id, contents.get(object_id)) for match, object_id, _ in found]
    return tuple(sorted(tags, key=lambda tag: (tag.environment, tag.agent, tag.version)))


def _tag(match: re.Match[str], object_id: str, content: bytes | None) -> ReleaseTag:
    headers, message = split(content or b"")
    return ReleaseTag(
        environment=match["environment"],
        agent=match["agent"],
        version=int(match["version"]),
        revision=Revision(headers.get("object", object_id.encode()).decode("ascii", "replace")),
        tagger=tagger_of(headers),
        at=moment(headers.get("tagger", b"")),
        message=_SIGNATURE.sub(b"", message).decode("utf-8", "replace").strip(),
    )
