"""What a forge announces: is it really the forge, is it about us, then look for ourselves.

Nothing of a payload is believed beyond "look at Git now" and "look at pull request N now": what is
there is read from Git and from the forge, so that a forged, late or repeated announcement can at
worst cause one look.
"""

import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from activities.types import RefreshRequest
from trunkline.model import limits
from trunkline.model.base import Json
from trunkline.model.errors import InvalidInput, NotConfigured, Unauthenticated
from trunkline.model.ids import WEBHOOK_SECRET_PREFIX, webhook_secret_variable
from trunkline.model.records import ProjectRecord
from trunkline.ports import Projects
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine

_SCP_ADDRESS = re.compile(r"^(?:[^@/:]+@)?(?P<host>[^/:]+):(?!//)(?P<path>.+)$")
_URL_ADDRESS = re.compile(
    r"^[a-z+]+://(?:[^@/]*@)?(?P<host>[^/:]*)(?::\d+)?/(?P<path>.+)$", re.IGNORECASE
)
_REVISION = re.compile(r"[0-9a-f]{40,64}")
_ADDRESS_KEYS = (
    *("clone_url", "ssh_url", "git_url", "html_url", "url"),
    *("git_http_url", "git_ssh_url", "http_url", "web_url", "homepage"),
)
"""Names of a repository's addresses at GitHub and Gitea, and at GitLab."""
_PULL_REQUEST_ACTIONS = frozenset(
    {
        *("opened", "synchronize", "synchronized", "reopened", "closed", "edited"),
        *("ready_for_review", "converted_to_draft", "labeled", "unlabeled"),
        *("label_updated", "label_cleared"),
    }
)
"""What of a pull request's life changes what is to be done; Gitea has words of its own."""
_NUMBER_MAX = 2**31


@dataclass(frozen=True, slots=True)
class Forge:
    """How a kind of forge signs and names its deliveries.

    ``marks`` are pairs of header names, signature and event; the first signature that is there
    counts, so that a bad one is not made good by another. ``prefix`` stands before the digest.
    ``signs_payload``: of a form, what is signed is the JSON inside and not the form's bytes.
    ``shows_secret``: nothing is signed, the secret itself is shown. ``pushes`` are the names of
    the event of a push, and ``about_pulls`` of those about a pull request.
    """

    name: str
    title: str
    marks: tuple[tuple[str, str], ...]
    prefix: str = ""
    signs_payload: bool = False
    shows_secret: bool = False
    pushes: frozenset[str] = frozenset({"push"})
    about_pulls: frozenset[str] = frozenset()


GITHUB = Forge(
    "github",
    "GitHub",
    (("x-hub-signature-256", "x-github-event"),),
    "sha256=",
    about_pulls=frozenset({"pull_request", "issue_comment"}),
)
"""Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
GITEA = Forge(
    "gitea",
    "Gitea or Forgejo",
    (("x-forgejo-signature", "x-forgejo-event"), ("x-gitea-signature", "x-gitea-event")),
    signs_payload=True,
    about_pulls=frozenset(
        {"pull_request", "pull_request_sync", "issue_comment", "pull_request_comment"}
    ),
)
"""Sources: https://docs.gitea.com/usage/repository/webhooks and
https://forgejo.org/docs/latest/user/webhooks"""
GITLAB = Forge(
    "gitlab",
    "GitLab",
    (("x-gitlab-token", "x-gitlab-event"),),
    shows_secret=True,
    pushes=frozenset({"Push Hook"}),
)
"""Pushes only: its merge requests are another interface. Source:
https://docs.gitlab.com/user/project/integrations/webhooks"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a forge: lower-case header names, the body exactly as it was signed."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What a delivery led to; ``projects`` are looking at Git, or at the pull request, now."""

    result: Literal["refreshed", "ignored", "pong"]
    reason: str = ""
    projects: tuple[str, ...] = ()


def sign(secret: str, body: bytes, forge: Forge = GITHUB) -> str:
    """The signature a forge sends: HMAC-SHA256 in hexadecimal."""
    return forge.prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def repository_key(address: str) -> str:
    """``host/owner/name`` of a Git address in any of its spellings; a path stays a path."""
    found = _URL_ADDRESS.match(address) or _SCP_ADDRESS.match(address)
    key = f"{found['host']}/{found['path']}" if found else address
    return key.rstrip("/").removesuffix(".git").lower()


@dataclass(frozen=True, slots=True)
class _Proof:
    """What proved a delivery: by which secrets, and a mark it is recognised by when repeated."""

    mark: str
    event: str
    shared: bool
    owners: frozenset[str]


class WebhookService:
    """Deliveries of forges; without a secret the door is closed.

    ``own_secrets`` belong to single projects, by their names in upper case with ``_`` for ``-``;
    such a project is woken by its own secret only.
    """

    def __init__(
        self,
        projects: Projects,
        access: AccessService,
        engine: Engine,
        *,
        secret: str | None,
        own_secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._projects = projects
        self._access = access
        self._engine = engine
        self._secret = secret
        self._own_secrets = {who: own for who, own in (own_secrets or {}).items() if own}
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(
        self, delivery: Delivery, *, request_id: str, forge: Forge = GITHUB
    ) -> DeliveryResult:
        """Check a delivery and wake the projects it is about.

        Raises NotConfigured, Unauthenticated, InvalidInput, EngineUnavailable. A delivery that
        was taken before is ignored, one that failed may be sent again.
        """
        proof = self._verify(delivery, forge)
        event = proof.event
        if event == "ping":
            return DeliveryResult("pong")
        if event not in forge.pushes | forge.about_pulls:
            return DeliveryResult("ignored", f"event {event!r} is not a push")
        if proof.mark in self._seen:
            return DeliveryResult("ignored", "this delivery was taken before")
        payload = _payload(delivery)
        number = None if event in forge.pushes else _pull_request_number(payload)
        if event not in forge.pushes and number is None:
            return DeliveryResult("ignored", f"this {event!r} changes nothing of a pull request")
        matching = [
            project
            for project in await self._projects.projects()
            if self._is_proved(project, proof) and _concerns(payload, project, number)
        ]
        for project in matching:
            if number is None:
                await self._wake(project, payload, forge, request_id)
            else:
                await self._look(project, number, proof.event, forge, request_id)
        self._remember(proof.mark)
        if not matching:
            return DeliveryResult("ignored", "no project follows this branch of this repository")
        return DeliveryResult("refreshed", projects=tuple(p.name for p in matching))

    def _verify(self, delivery: Delivery, forge: Forge) -> _Proof:
        """By which of our secrets a delivery is proved. Raises NotConfigured, Unauthenticated."""
        if not self._secret and not self._own_secrets:
            raise NotConfigured(
                f"The server has no webhook secret, so it cannot tell {forge.title} from anybody"
                " else",
                hint="Set TRUNKLINE_WEBHOOK_SECRET on the server and in the webhook",
            )
        headers = delivery.headers
        signed, named = next((mark for mark in forge.marks if mark[0] in headers), forge.marks[0])
        shown = headers.get(signed, "")
        content = _content(delivery) if forge.signs_payload else delivery.body
        shared = bool(self._secret) and _fits(shown, self._secret or "", content, forge)
        owners = frozenset(
            owner
            for owner, secret in self._own_secrets.items()
            if _fits(shown, secret, content, forge)
        )
        if not shared and not owners:
            raise Unauthenticated(
                "The token is not the webhook's secret"
                if forge.shows_secret
                else "The signature does not fit the body",
                hint="The webhook's secret and TRUNKLINE_WEBHOOK_SECRET must be the same",
            )
        mark = hashlib.sha256(content).hexdigest() if forge.shows_secret else shown
        return _Proof(f"{forge.name} {mark}", headers.get(named, ""), shared, owners)

    def _is_proved(self, project: ProjectRecord, proof: _Proof) -> bool:
        own = webhook_secret_variable(project.name).removeprefix(WEBHOOK_SECRET_PREFIX)
        return own in proof.owners if own in self._own_secrets else proof.shared

    async def _wake(
        self, project: ProjectRecord, payload: Mapping[str, Json], forge: Forge, request_id: str
    ) -> None:
        await self._engine.refresh(
            project.name, RefreshRequest(), poll_interval_s=project.poll_interval_s
        )
        after = payload.get("after")
        await self._access.record(
            Principal(forge.name, "operator", project.name),
            "webhook.push",
            project=project.name,
            subject=project.branch,
            request_id=request_id,
            details={"after": after if _is_revision(after) else None},
        )

    async def _look(
        self, project: ProjectRecord, number: int, event: str, forge: Forge, request_id: str
    ) -> None:
        await self._engine.look_at_pull_request(project.name, number, reason=event)
        await self._access.record(
            Principal(forge.name, "operator", project.name),
            "webhook.pull-request",
            project=project.name,
            subject=str(number),
            request_id=request_id,
            details={"event": event},
        )

    def _remember(self, mark: str) -> None:
        self._seen[mark] = None
        while len(self._seen) > limits.WEBHOOK_DELIVERIES_REMEMBERED:
            self._seen.popitem(last=False)


def _fits(shown: str, secret: str, content: bytes, forge: Forge) -> bool:
    expected = secret if forge.shows_secret else sign(secret, content, forge)
    return hmac.compare_digest(shown.encode(), expected.encode())


def _is_revision(value: Json) -> bool:
    return isinstance(value, str) and _REVISION.fullmatch(value) is not None


def _content(delivery: Delivery) -> bytes:
    """The JSON of a delivery, unread; empty for a form that holds none."""
    if "x-www-form-urlencoded" not in delivery.headers.get("content-type", ""):
        return delivery.body
    try:
        return parse_qs(delivery.body.decode(), max_num_fields=10)["payload"][0].encode()
    except (ValueError, KeyError):
        return b""


def _payload(delivery: Delivery) -> Mapping[str, Json]:
    try:
        payload = json.loads(_content(delivery))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body of the delivery is not the JSON of a push") from error
    if not isinstance(payload, dict):
        raise InvalidInput("The body of the delivery is not the JSON of a push")
    return payload


def _pull_request_number(payload: Mapping[str, Json]) -> int | None:
    """The pull request that a delivery is about, if something of it changed that counts.

    Comments on plain issues, and edited ones, are none of our business: commands are written new.
    """
    action, issue = payload.get("action"), payload.get("issue")
    if isinstance(issue, dict):
        about: Json = issue
        is_pull = payload.get("is_pull") is True or bool(issue.get("pull_request"))
        wanted = is_pull and action == "created" and "comment" in payload
    else:
        about, wanted = payload.get("pull_request"), action in _PULL_REQUEST_ACTIONS
    number = about.get("number") if isinstance(about, dict) else None
    if not wanted or not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if 0 < number < _NUMBER_MAX else None


def _concerns(payload: Mapping[str, Json], project: ProjectRecord, number: int | None) -> bool:
    """Is it about the project's repository and, if it is a push, about its branch?"""
    if number is None and payload.get("ref") != f"refs/heads/{project.branch}":
        return False
    wanted = repository_key(project.repository)
    shown = [payload.get(name) for name in ("repository", "project")]
    addresses = [
        repository.get(key)
        for repository in shown
        if isinstance(repository, dict)
        for key in _ADDRESS_KEYS
    ]
    return any(isinstance(a, str) and repository_key(a) == wanted for a in addresses)
