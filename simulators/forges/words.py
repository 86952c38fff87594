"""Comments of pull requests and statuses of commits; the same for both dialects."""

from __future__ import annotations

from simulators.forges.bounds import MAX_BODY_CHARACTERS, MAX_DESCRIPTION_CHARACTERS
from simulators.forges.git import Bare
from simulators.forges.news import News, Tell
from simulators.forges.refusals import Refused, invalid
from simulators.forges.space import Space
from simulators.store import Json

STATES = ("error", "failure", "pending", "success")


class Words:
    """What people and machines say beside a pull request."""

    def __init__(self, space: Space, tell: Tell) -> None:
        self._space = space
        self._tell = tell

    def comment(self, repository: Json, pull: Json, author: str, body: object) -> Json:
        """Write a comment. Raises Refused 422."""
        text, now = _checked(body), self._space.now()
        comment: Json = {
            "id": self._space.issue("comments"),
            "repository": repository["full_name"],
            "number": pull["number"],
            "author": self._space.user(author)["login"],
            "body": text,
            "created_at": now,
            "updated_at": now,
        }
        self._space.comments.put(str(comment["id"]), comment)
        self._say(repository, pull, comment, author, "created")
        return comment

    def edit(self, repository: Json, comment: Json, sender: str, body: object) -> Json:
        """Give a comment another text. Raises Refused 422."""
        changes = {"body": {"from": comment["body"]}}
        edited = {**comment, "body": _checked(body), "updated_at": self._space.now()}
        self._space.comments.put(str(comment["id"]), edited)
        pull = self._space.pull(repository, comment["number"])
        self._say(repository, pull, edited, sender, "edited", changes)
        return edited

    def remove(self, repository: Json, comment: Json, sender: str) -> None:
        """Delete a comment."""
        self._space.comments.drop(str(comment["id"]))
        pull = self._space.pull(repository, comment["number"])
        self._say(repository, pull, comment, sender, "deleted")

    def _say(
        self,
        repository: Json,
        pull: Json,
        comment: Json,
        sender: str,
        action: str,
        changes: Json | None = None,
    ) -> None:
        self._tell(
            News(
                "issue_comment",
                repository,
                sender,
                action,
                pull=pull,
                comment=comment,
                changes=changes or {},
            )
        )

    def status(self, repository: Json, sha: str, creator: str, facts: Json) -> Json:
        """Say something of a commit. Raises Refused 422."""
        if Bare(self._space.folder(repository)).commit_of(sha) != sha:
            raise Refused(422, f"No commit found for SHA: {sha}")
        description = facts.get("description") or ""
        if facts.get("state") not in STATES:
            raise invalid("Status", "state")
        if len(description) > MAX_DESCRIPTION_CHARACTERS:
            words = f"description is too long (maximum is {MAX_DESCRIPTION_CHARACTERS} characters)"
            raise invalid("Status", "description", words)
        status: Json = {
            "id": self._space.issue("statuses"),
            "repository": repository["full_name"],
            "sha": sha,
            "state": facts["state"],
            "context": facts.get("context") or "default",
            "description": description,
            "target_url": facts.get("target_url") or "",
            "creator": self._space.user(creator)["login"],
            "created_at": self._space.now(),
        }
        self._space.statuses.put(str(status["id"]), status)
        return status


def _checked(body: object) -> str:
    if not isinstance(body, str) or not body.strip():
        raise invalid("IssueComment", "body", code="missing_field")
    if len(body) > MAX_BODY_CHARACTERS:
        words = f"body is too long (maximum is {MAX_BODY_CHARACTERS} characters)"
        raise invalid("IssueComment", "body", words)
    return body
