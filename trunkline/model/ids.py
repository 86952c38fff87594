"""Names and marks: how a thing of ours is called in Temporal and recognised on a platform.

Every mark is derived from project, environment and name alone, so that a lost ledger can be
rebuilt from what the platforms still say. Nothing here knows a vendor's endpoints.
"""

import hashlib
import re
import secrets
from typing import NewType

from trunkline.model.base import Frozen

ProjectName = NewType("ProjectName", str)
EnvironmentName = NewType("EnvironmentName", str)
AgentName = NewType("AgentName", str)
Digest = NewType("Digest", str)
"""``sha256:`` and 64 hexadecimal characters."""
ExternalId = NewType("ExternalId", str)
Revision = NewType("Revision", str)
"""A full Git commit id, 40 hexadecimal characters."""

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A DNS label (RFC 1123), as every Kubernetes user expects of ``metadata.name``."""

OWNER_PREFIX = "trunkline:"
NONCE_PREFIX = "trunkline-nonce:"
PROTECTED_TAG = "trunkline-protected"
"""Protection on the platform itself, so that it survives the loss of our store."""
TOOL_OWNER_VARIABLE = "trunkline_owner"
FORGE_TOKEN_PREFIX = "TRUNKLINE_FORGE_TOKEN_"  # noqa: S105 - the beginning of a variable's name
WEBHOOK_SECRET_PREFIX = "TRUNKLINE_WEBHOOK_SECRET_"  # noqa: S105 - a variable's beginning
PLATFORM_WEBHOOK_SECRET_PREFIX = "TRUNKLINE_ELEVENLABS_WEBHOOK_SECRET_"  # noqa: S105 - likewise
GIT_TOKEN_PREFIX = "TRUNKLINE_GIT_TOKEN_"  # noqa: S105 - the beginning of a variable's name
REFERENCE_PREFIX = "trunkline-ref:"
RELEASE_TAGS = "trunkline/"
PROMOTION_TRAILER = "Trunkline-Promotion"
"""Names the promotion a release commit belongs to, so that a push nobody answered is found."""
CHANGE_TRAILER = "Trunkline-Change"
"""The same for a change that somebody asked for outside of Git."""

OWN_REQUEST = "trunkline:"
"""How the id of what nobody asked for begins: a look at Git, a sweep, a round that is due."""

_NO_SPAN = "0" * 16
_SAMPLED = "01"
_ROLLOUT_BRANCH = re.compile(r"trunkline-(?:release|experiment)-v[1-9][0-9]*")
_DOCUMENT_MARK = re.compile(r" #trunkline:(?P<owner>[^\s#]+)$")


def owner(project: str, environment: str, name: str) -> str:
    """``<project>/<environment>/<name>``, the identity every mark carries."""
    return f"{project}/{environment}/{name}"


def owner_tag(project: str, environment: str, name: str) -> str:
    """The tag that says an agent is ours."""
    return OWNER_PREFIX + owner(project, environment, name)


def nonce_tag(nonce: str) -> str:
    """The tag that tells one incarnation of an agent from every other."""
    return NONCE_PREFIX + nonce


def new_nonce() -> str:
    """Sixteen random hexadecimal characters."""
    return secrets.token_hex(8)


def short_digest(digest: str) -> str:
    """The first twelve hexadecimal characters of a digest."""
    return digest.removeprefix("sha256:")[:12]


def content_mark(project: str, environment: str, name: str, digest: str) -> str:
    """``<project>/<environment>/<name>@<digest12>``: identity of a content-addressed object."""
    return f"{owner(project, environment, name)}@{short_digest(digest)}"


def document_title(title: str, mark: str) -> str:
    """The title a document carries on the platform: readable first, its mark as a suffix."""
    return f"{title} #trunkline:{mark}"


def document_mark(title: str) -> str | None:
    """The mark in a document's title, or None if the document is not ours."""
    found = _DOCUMENT_MARK.search(title)
    return found["owner"] if found else None


def secret_title(project: str, environment: str, name: str) -> str:
    """The name of a secret on the platform."""
    return OWNER_PREFIX + owner(project, environment, name)


def secret_prefix(project: str) -> str:
    """What the names of a project's secrets begin with on the server."""
    return f"TRUNKLINE_SECRET_{project.upper().replace('-', '_')}_"


def git_token_variable(project: str) -> str:
    """The variable with a project's own credential for its repository; no manifest may name it."""
    return f"{GIT_TOKEN_PREFIX}{project.upper().replace('-', '_')}"


def forge_token_variable(project: str) -> str:
    """The variable with a project's own credential for its forge; no manifest may name it."""
    return f"{FORGE_TOKEN_PREFIX}{project.upper().replace('-', '_')}"


def webhook_secret_variable(project: str) -> str:
    """The variable with the secret that signs webhooks about one project's repository."""
    return f"{WEBHOOK_SECRET_PREFIX}{project.upper().replace('-', '_')}"


def platform_webhook_secret_variable(project: str) -> str:
    """The variable with the secret that signs the voice platform's news of one project's calls."""
    return f"{PLATFORM_WEBHOOK_SECRET_PREFIX}{project.upper().replace('-', '_')}"


def share_secrets(first: str, second: str) -> bool:
    """True if one of two projects could name secrets of the other: ``acme`` and ``acme-eu``."""
    ours, theirs = secret_prefix(first), secret_prefix(second)
    return first != second and (ours.startswith(theirs) or theirs.startswith(ours))


def reference(kind: str, key: str) -> str:
    """A placeholder for the id of an object of ours that a rendering points at.

    ``kind`` is ``tool``, ``document`` or ``secret``; ``key`` is ``<name>@<digest12>``, for a
    secret its name alone.
    """
    return f"{REFERENCE_PREFIX}{kind}/{key}"


def project_workflow_id(project: str) -> str:
    """Temporal id of a project's entity workflow."""
    return f"project/{project}"


def agent_workflow_id(project: str, environment: str, name: str) -> str:
    """Temporal id of an agent's entity workflow."""
    return f"agent/{project}/{environment}/{name}"


def number_workflow_id(account: str, number: str) -> str:
    """Temporal id of a phone number's entity workflow; ``account`` is the telephony account."""
    return f"number/{account}/{number}"


def prune_workflow_id(project: str, environment: str) -> str:
    """Temporal id of the workflow that deletes what an environment no longer wishes for."""
    return f"prune/{project}/{environment}"


def sweep_id(project: str, environment: str) -> str:
    """Temporal id of the schedule that looks for drift in an environment."""
    return f"sweep/{project}/{environment}"


def retest_id(project: str, environment: str) -> str:
    """Temporal id of the schedule that tests released agents again."""
    return f"retest/{project}/{environment}"


def adoption_workflow_id(project: str, environment: str, agent: str) -> str:
    """Temporal id of the workflow that proposes what somebody changed of an agent."""
    return f"adoption/{project}/{environment}/{agent}"


def promotion_id(environment: str, agent: str, number: int) -> str:
    """How a promotion is called in addresses: ``production.front-desk.3``; names hold no dot."""
    return f"{environment}.{agent}.{number}"


def promotion_workflow_id(project: str, environment: str, agent: str, number: int) -> str:
    """Temporal id of one promotion; numbers go up by one per environment and agent."""
    return f"promotion/{project}/{environment}/{agent}/{number}"


def pull_request_workflow_id(project: str, number: int) -> str:
    """Temporal id of the workflow that checks one pull request of the manifests repository."""
    return f"pull-request/{project}/{number}"


def pull_request_sweep_id(project: str) -> str:
    """Temporal id of the schedule that looks for pull requests nobody announced, and leftovers."""
    return f"pull-requests/{project}"


def notification_workflow_id(project: str, event_id: int, recipient: str) -> str:
    """Temporal id of one delivery; ``recipient`` is a short digest of where it goes."""
    return f"notification/{project}/{event_id}/{recipient}"


def pull_request_object(number: int) -> str:
    """How what a pull request's checks make on a platform is called."""
    return f"trunkline-pr-{number}"


def change_branch(change: str) -> str:
    """The Git branch of a change somebody asked for outside of Git."""
    return f"trunkline/change/{change}"


def release_request_branch(environment: str, agent: str, number: int) -> str:
    """The Git branch a promotion proposes its release on."""
    return f"trunkline/release/{environment}/{agent}/{number}"


def adoption_request_branch(environment: str, agent: str) -> str:
    """The Git branch on which what somebody changed on the platform is proposed as the wish."""
    return f"trunkline/adopt/{environment}/{agent}"


def test_run_workflow_id(project: str, run_id: str) -> str:
    """Temporal id of the workflow of one run of tests."""
    return f"test-run/{project}/{run_id}"


test_run_workflow_id.__test__ = False  # type: ignore[attr-defined]


def new_call_id(number: str) -> str:
    """The id of a call and the name of its room: the caller's digits and ten random characters."""
    digits = "".join(re.findall("[0-9]", number)) or "unknown"
    return f"call_{digits}_{secrets.token_hex(5)}"


def call_workflow_id(project: str, order_id: str) -> str:
    """Temporal id of the workflow that follows a call somebody asked for to its end."""
    return f"call/{project}/{order_id}"


def calls_schedule_id(project: str) -> str:
    """Temporal id of the schedule that reads calls the platforms carried by themselves, closes
    those nobody carries any more, and forgets what is old.
    """
    return f"calls/{project}"


def release_tag(environment: str, agent: str, version: int) -> str:
    """The annotated tag that allocates a version; it stands on the source revision."""
    return f"{RELEASE_TAGS}{environment}/{agent}/v{version}"


def release_path(environment: str, agent: str) -> str:
    """Where an agent's release of an environment stands in the repository."""
    return f"releases/{environment}/{agent}.yaml"


def release_branch(version: int) -> str:
    """The platform branch a release is rolled out on."""
    return f"trunkline-release-v{version}"


def experiment_branch(version: int) -> str:
    """The platform branch a second version answers its lasting share of the calls on."""
    return f"trunkline-experiment-v{version}"


def is_rollout_branch(name: str) -> bool:
    """True for a branch that a release or an experiment of ours may have made."""
    return _ROLLOUT_BRANCH.fullmatch(name) is not None


class Origin(Frozen):
    """What work is done for: the id of a request, and where its trace goes on (a W3C traceparent,
    "" if nobody traces).

    ``cause`` is set within a round: what the round hangs below. ``links`` are traces of requests
    that the same round serves.
    """

    request_id: str = ""
    traceparent: str = ""
    cause: str = ""
    links: tuple[str, ...] = ()


def is_own_request(request_id: str) -> bool:
    """True for the id of work that no person and no other system asked for."""
    return request_id.startswith(OWN_REQUEST)


def own_origin(kind: str, place: str) -> Origin:
    """The origin of work nobody asked for; ``place`` is what no other work of its kind has.

    Whoever works for it finds the same trace without being told, as it follows from the id.
    """
    request_id = f"{OWN_REQUEST}{kind}:{_hashed(place, 12)}"
    return Origin(
        request_id=request_id, traceparent=f"00-{_hashed(request_id, 32)}-{_NO_SPAN}-{_SAMPLED}"
    )


def round_origin(asked: Origin, place: str) -> Origin:
    """The origin of a round's own work: the same trace, below a span that stands for the round.

    The span's id follows from trace and ``place``, as a workflow can neither draw nor send one.
    """
    version, _, rest = asked.traceparent.partition("-")
    trace, _, rest = rest.partition("-")
    flags = rest.partition("-")[2]
    if not flags:
        return asked
    span = _hashed(f"{trace}/{place}", 16)
    return Origin(
        request_id=asked.request_id,
        traceparent=f"{version}-{trace}-{span}-{flags}",
        cause=asked.traceparent,
        links=asked.links,
    )


def _hashed(text: str, characters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:characters]
