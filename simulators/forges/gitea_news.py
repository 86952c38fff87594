"""Webhook payloads and their headers as Gitea and Forgejo send them.

Source: https://docs.gitea.com/usage/repository/webhooks. A delivery carries GitHub's header names
beside Gitea's own, and a push to a pull request is ``synchronized`` here.
"""

from __future__ import annotations

import hashlib
import hmac

from simulators.forges.bounds import MAX_ANNOUNCED_COMMITS
from simulators.forges.git import ZERO, Bare
from simulators.forges.gitea_bodies import GiteaBodies
from simulators.forges.news import News
from simulators.forges.space import Space
from simulators.store import Json

TYPES = {"pull_request": "pull_request", "issue_comment": "pull_request_comment", "push": "push"}


class GiteaNews:
    """Makes payloads of news."""

    def __init__(self, space: Space, bodies: GiteaBodies) -> None:
        self._space = space
        self._bodies = bodies

    def delivery_headers(self, hook: Json, event: str, guid: str, body: bytes) -> dict[str, str]:
        """The headers of one delivery."""
        key = hook["secret"].encode()
        digest = hmac.new(key, body, "sha256").hexdigest() if key else ""
        old_digest = hmac.new(key, body, hashlib.sha1).hexdigest() if key else ""
        facts = {"Delivery": guid, "Event": event, "Event-Type": TYPES.get(event, event)}
        prefixes = ("X-Gitea", "X-Gogs", "X-GitHub")
        return {
            "Content-Type": "application/json",
            **{f"{prefix}-{name}": fact for prefix in prefixes for name, fact in facts.items()},
            "X-Gitea-Hook-Installation-Target-Type": "repository",
            "X-Gitea-Signature": digest,
            "X-Gogs-Signature": digest,
            "X-Hub-Signature": f"sha1={old_digest}",
            "X-Hub-Signature-256": f"sha256={digest}",
        }

    def payload(self, news: News) -> Json:
        """The body of one delivery."""
        common: Json = {
            "repository": self._bodies.repository(news.repository),
            "sender": self._bodies.user(news.sender),
        }
        if news.event == "push":
            return {**self._push(news), **common}
        changes = {"changes": news.changes} if news.action == "edited" else {}
        if news.event == "issue_comment" and news.comment and news.pull:
            return {
                "action": news.action,
                "issue": self._bodies.issue(news.pull),
                "pull_request": self._pull(news, news.pull),
                "comment": self._bodies.comment(news.comment),
                **changes,
                **common,
                "is_pull": True,
            }
        pull = news.pull or {}
        moved = {"before": news.before, "after": news.after} if news.before else {}
        return {
            "action": "synchronized" if news.action == "synchronize" else news.action,
            **moved,
            "number": pull["number"],
            **changes,
            "pull_request": self._pull(news, pull),
            "requested_reviewer": None,
            **common,
            "commit_id": "",
            "review": None,
        }

    def _pull(self, news: News, pull: Json) -> Json:
        bare = Bare(self._space.folder(news.repository))
        difference = bare.difference(pull["base_sha"], pull["head_sha"])
        return self._bodies.pull(pull, difference, mergeable=pull["state"] == "open")

    def _push(self, news: News) -> Json:
        web = f"{self._space.url}/{news.repository['full_name']}"
        bare = Bare(self._space.folder(news.repository))
        rows = (
            bare.log(news.before, news.after, MAX_ANNOUNCED_COMMITS) if news.after != ZERO else []
        )
        commits = [self._commit(row, web, bare) for row in reversed(rows)]
        return {
            "ref": news.ref,
            "before": news.before,
            "after": news.after,
            "compare_url": f"{web}/compare/{news.before}...{news.after}",
            "commits": commits,
            "total_commits": len(commits),
            "head_commit": commits[0] if commits else None,
            "pusher": self._bodies.user(news.sender),
        }

    def _commit(self, row: dict[str, str], web: str, bare: Bare) -> Json:
        person = {"name": row["name"], "email": row["email"], "username": row["name"]}
        return {
            "id": row["id"],
            "message": f"{row['message']}\n",
            "url": f"{web}/commit/{row['id']}",
            "author": person,
            "committer": person,
            "verification": None,
            "timestamp": row["timestamp"],
            **bare.changed_files(row["id"]),
        }
