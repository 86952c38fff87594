"""What a forge does after a push, done for a repository on this machine: a signed webhook.

A repository on disk has nobody who tells of it, and looking for news now and then would show and
measure the time between two looks.
"""

import hmac
import json

import httpx

from trunkline.local.repository import BRANCH
from trunkline.local.stack import LocalStack

_TIMEOUT_S = 10.0


def announce_push(stack: LocalStack, revision: str | None = None) -> None:
    """Tell the stack's API about a push, the way GitHub does. Raises httpx.HTTPError."""
    push = {"ref": f"refs/heads/{BRANCH}", "repository": {"url": str(stack.repository.bare)}}
    body = json.dumps(push if revision is None else {**push, "after": revision}).encode()
    key = stack.webhook_secret.encode()
    headers = {
        "x-github-event": "push",
        "x-hub-signature-256": f"sha256={hmac.new(key, body, 'sha256').hexdigest()}",
        "content-type": "application/json",
    }
    address = f"{stack.addresses.api}/v1/webhooks/github"
    httpx.post(address, content=body, headers=headers, timeout=_TIMEOUT_S).raise_for_status()
