"""Webhook payloads and their headers as GitHub sends them.

Source: https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import hashlib
import hmac

from simulators.forges.bounds import MAX_ANNOUNCED_COMMITS
from simulators.forges.git import ZERO, Bare
from simulators.forges.github_bodies import GitHubBodies
from simulators.forges.news import News
from simulators.forges.space import Space
from simulators.store import Json


class GitHubNews:
    """Makes payloads of news."""

    def __init__(self, space: Space, bodies: GitHubBodies) -> None:
        self._space = space
        self._bodies = bodies

    def delivery_headers(self, hook: Json, event: str, guid: str, body: bytes) -> dict[str, str]:
        """The headers of one delivery."""
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/simulated",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-GitHub-Hook-ID": str(hook["id"]),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-GitHub-Hook-Installation-Target-ID": str(
                self._space.repository(hook["repository"])["id"]
            ),
        }
        if hook["secret"]:
            key = hook["secret"].encode()
            headers["X-Hub-Signature"] = f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"
            headers["X-Hub-Signature-256"] = f"sha256={hmac.new(key, body, 'sha256').hexdigest()}"
        return headers

    def payload(self, news: News) -> Json:
        """The body of one delivery."""
        common: Json = {
            "repository": self._bodies.repository(news.repository),
            "sender": self._bodies.user(news.sender),
        }
        if news.event == "push":
            return {**self._push(news, common), **common}
        if news.event == "ping":
            return {**self._ping(news), **common}
        if news.event == "issue_comment" and news.comment and news.pull:
            changes = {"changes": news.changes} if news.action == "edited" else {}
            return {
                "action": news.action,
                **changes,
                "issue": self._bodies.issue(news.pull),
                "comment": self._bodies.comment(news.comment),
                **common,
            }
        return {**self._pull_request(news), **common}

    def _pull_request(self, news: News) -> Json:
        pull = news.pull or {}
        bare = Bare(self._space.folder(news.repository))
        difference = bare.difference(pull["base_sha"], pull["head_sha"])
        shown = self._bodies.pull(pull, difference, mergeable=True)
        unknown = {"mergeable": None, "rebaseable": None, "mergeable_state": "unknown"}
        moved = {"before": news.before, "after": news.after} if news.before else {}
        changes = {"changes": news.changes} if news.action == "edited" else {}
        return {
            "action": news.action,
            "number": pull["number"],
            "pull_request": {**shown, **unknown},
            **moved,
            **changes,
        }

    def _push(self, news: News, common: Json) -> Json:
        web = f"{self._space.url}/{news.repository['full_name']}"
        commits = []
        if news.after != ZERO:
            bare = Bare(self._space.folder(news.repository))
            rows = bare.log(news.before, news.after, MAX_ANNOUNCED_COMMITS)
            commits = [self._commit(row, web, bare) for row in rows]
        common["repository"] = {**common["repository"], "master_branch": "main"}
        common["repository"]["owner"] |= {"name": news.repository["owner"], "email": None}
        return {
            "ref": news.ref,
            "before": news.before,
            "after": news.after,
            "created": news.before == ZERO,
            "deleted": news.after == ZERO,
            "forced": False,
            "base_ref": None,
            "compare": f"{web}/compare/{news.before[:12]}...{news.after[:12]}",
            "commits": commits,
            "head_commit": commits[-1] if commits else None,
            "pusher": {"name": news.sender, "email": self._space.user(news.sender)["email"]},
        }

    def _commit(self, row: dict[str, str], web: str, bare: Bare) -> Json:
        person = {"name": row["name"], "email": row["email"], "username": row["name"]}
        return {
            "id": row["id"],
            "tree_id": row["tree_id"],
            "distinct": True,
            "message": row["message"],
            "timestamp": row["timestamp"],
            "url": f"{web}/commit/{row['id']}",
            "author": person,
            "committer": person,
            **bare.changed_files(row["id"]),
        }

    def _ping(self, news: News) -> Json:
        hook = news.hook or {}
        api = f"{self._bodies.api}/repos/{news.repository['full_name']}/hooks/{hook['id']}"
        return {
            "zen": "Keep it logically awesome.",
            "hook_id": hook["id"],
            "hook": {
                "type": "Repository",
                "id": hook["id"],
                "name": "web",
                "active": True,
                "events": hook["events"],
                "config": {"content_type": "json", "insecure_ssl": "0", "url": hook["url"]},
                "created_at": hook["created_at"],
                "updated_at": hook["created_at"],
                "url": api,
                "test_url": f"{api}/test",
                "ping_url": f"{api}/pings",
                "deliveries_url": f"{api}/deliveries",
                "last_response": {"code": None, "status": "unused", "message": None},
            },
        }
