"""Pushes announced by a forge: is it really the forge, is it about us, then look at Git now.

Nothing of a payload is believed beyond "look now": the commit is read from Git itself, so that a
forged, late or repeated announcement can at worst cause one look.
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
from trunkline.model.records import ProjectRecord
from trunkline.ports import Projects
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine

_SCP_ADDRESS = re.compile(r"^(?:[^@/:]+@)?(?P<host>[^/:]+):(?!//)(?P<path>.+)$")
_URL_ADDRESS = re.compile(
    r"^[a-z+]+://(?:[^@/]*@)?(?P<host>[^/:]*)(?::\d+)?/(?P<path>.+)$", re.IGNORECASE
)
_REVISION = re.compile(r"[0-9a-f]{40,64}")
_ADDRESS_KEYS = ("clone_url", "ssh_url", "git_url", "html_url", "url")


@dataclass(frozen=True, slots=True)
class Forge:
    """How a kind of forge signs and names its deliveries.

    ``marks`` are pairs of header names, signature and event; the first signature that is there
    counts, so that a bad one is not made good by another. ``prefix`` stands before the digest.
    ``signs_payload``: of a form, what is signed is the JSON inside and not the form's bytes.
    """

    name: str
    title: str
    marks: tuple[tuple[str, str], ...]
    prefix: str = ""
    signs_payload: bool = False


GITHUB = Forge("github", "GitHub", (("x-hub-signature-256", "x-github-event"),), "sha256=")
"""Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries"""
GITEA = Forge(
    "gitea",
    "Gitea or Forgejo",
    (("x-forgejo-signature", "x-forgejo-event"), ("x-gitea-signature", "x-gitea-event")),
    signs_payload=True,
)
"""Sources: https://docs.gitea.com/usage/repository/webhooks and
https://forgejo.org/docs/latest/user/webhooks"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a forge: lower-case header names, the body exactly as it was signed."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What a delivery led to; ``projects`` are looking at Git now."""

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


class WebhookService:
    """Deliveries of forges; without a secret the door is closed."""

    def __init__(
        self, projects: Projects, access: AccessService, engine: Engine, *, secret: str | None
    ) -> None:
        self._projects = projects
        self._access = access
        self._engine = engine
        self._secret = secret
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def receive(
        self, delivery: Delivery, *, request_id: str, forge: Forge = GITHUB
    ) -> DeliveryResult:
        """Check a delivery and wake the projects it is about.

        Raises NotConfigured, Unauthenticated, InvalidInput, EngineUnavailable. A delivery that
        was taken before is ignored, one that failed may be sent again.
        """
        signature, event = self._verify(delivery, forge)
        if event == "ping":
            return DeliveryResult("pong")
        if event != "push":
            return DeliveryResult("ignored", f"event {event!r} is not a push")
        if signature in self._seen:
            return DeliveryResult("ignored", "this delivery was taken before")
        payload = _payload(delivery)
        matching = [p for p in await self._projects.projects() if _concerns(payload, p)]
        for project in matching:
            await self._wake(project, payload, forge, request_id)
        self._remember(signature)
        if not matching:
            return DeliveryResult("ignored", "no project follows this branch of this repository")
        return DeliveryResult("refreshed", projects=tuple(p.name for p in matching))

    def _verify(self, delivery: Delivery, forge: Forge) -> tuple[str, str]:
        """The signature, which is good, and the event."""
        if not self._secret:
            raise NotConfigured(
                f"The server has no webhook secret, so it cannot tell {forge.title} from anybody"
                " else",
                hint="Set TRUNKLINE_WEBHOOK_SECRET on the server and in the webhook",
            )
        headers = delivery.headers
        signed, named = next((mark for mark in forge.marks if mark[0] in headers), forge.marks[0])
        shown = headers.get(signed, "")
        signed_bytes = _content(delivery) if forge.signs_payload else delivery.body
        expected = sign(self._secret, signed_bytes, forge)
        if not hmac.compare_digest(shown.encode(), expected.encode()):
            raise Unauthenticated(
                "The signature does not fit the body",
                hint="The webhook's secret and TRUNKLINE_WEBHOOK_SECRET must be the same",
            )
        return expected, headers.get(named, "")

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

    def _remember(self, signature: str) -> None:
        self._seen[signature] = None
        while len(self._seen) > limits.WEBHOOK_DELIVERIES_REMEMBERED:
            self._seen.popitem(last=False)


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


def _concerns(payload: Mapping[str, Json], project: ProjectRecord) -> bool:
    if payload.get("ref") != f"refs/heads/{project.branch}":
        return False
    repository = payload.get("repository")
    if not isinstance(repository, dict):
        return False
    addresses = [repository.get(key) for key in _ADDRESS_KEYS]
    wanted = repository_key(project.repository)
    return any(isinstance(a, str) and repository_key(a) == wanted for a in addresses)
