"""Webhooks of forges: signed instead of tokened, read raw because the signature covers bytes."""

from typing import Any

from fastapi import APIRouter, Request

from api.answers import DeliveryAnswer
from api.parameters import RequestId
from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.services.catalogue import Services
from trunkline.services.webhooks import GITEA, GITHUB, GITLAB, Delivery, Forge

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


def _described(sender: str, headers: dict[str, str], *, ignored: str) -> dict[str, Any]:
    """What a delivery looks like; ``headers`` maps a name to its meaning."""
    return {
        "requestBody": {
            "required": True,
            "description": f"A delivery of {sender}; {ignored}",
            "content": {
                media_type: {"schema": {"type": "object"}}
                for media_type in ("application/json", "application/x-www-form-urlencoded")
            },
        },
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "description": meaning,
            }
            for name, meaning in headers.items()
        ],
    }


@router.post(
    "/github",
    status_code=202,
    responses=problem_documents(400, 401, 413, 503),
    openapi_extra=_described(
        "GitHub",
        {
            "X-Hub-Signature-256": "`sha256=` and the HMAC-SHA256 of the body in hexadecimal",
            "X-GitHub-Event": "`push`, `pull_request`, `issue_comment`, `ping` or another event",
        },
        ignored="other events than those named below are ignored",
    ),
)
async def receive_github(
    services: InstalledServices, request: Request, request_id: RequestId
) -> DeliveryAnswer:
    """Wakes every project that follows the pushed branch, or has this pull request.

    What is there is read from Git and from the forge; a repeated delivery is ignored.
    """
    return await _receive(services, request, request_id, GITHUB)


@router.post(
    "/gitea",
    status_code=202,
    responses=problem_documents(400, 401, 413, 503),
    openapi_extra=_described(
        "Gitea, or of Forgejo with `X-Forgejo-` in place of `X-Gitea-`",
        {
            "X-Gitea-Signature": "The HMAC-SHA256 of the body in hexadecimal",
            "X-Gitea-Event": "`push`, `pull_request`, `issue_comment` or another event",
        },
        ignored="other events than those named below are ignored",
    ),
)
async def receive_gitea(
    services: InstalledServices, request: Request, request_id: RequestId
) -> DeliveryAnswer:
    """The same for Gitea and Forgejo."""
    return await _receive(services, request, request_id, GITEA)


@router.post(
    "/gitlab",
    status_code=202,
    responses=problem_documents(400, 401, 413, 503),
    openapi_extra=_described(
        "GitLab",
        {
            "X-Gitlab-Token": "The webhook's secret token",
            "X-Gitlab-Event": "`Push Hook` or another event",
        },
        ignored="events other than `Push Hook` are ignored",
    ),
)
async def receive_gitlab(
    services: InstalledServices, request: Request, request_id: RequestId
) -> DeliveryAnswer:
    """Wakes every project that follows the pushed branch; a repeated delivery is ignored."""
    return await _receive(services, request, request_id, GITLAB)


async def _receive(
    services: Services, request: Request, request_id: str, forge: Forge
) -> DeliveryAnswer:
    delivery = Delivery(dict(request.headers), await request.body())
    done = await services.webhooks.receive(delivery, request_id=request_id, forge=forge)
    return DeliveryAnswer(result=done.result, reason=done.reason, projects=done.projects)
