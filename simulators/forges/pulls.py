"""Pull requests: opened, pushed to, edited, merged; the same for both dialects.

What Git says decides: a push moves the head, a merge is a commit on the base branch, a head that
reached the base by itself counts as merged. Every change is news for the webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.forges.bounds import MAX_BODY_CHARACTERS, MAX_TITLE_CHARACTERS
from simulators.forges.git import ZERO, Bare, MergeConflict, Person
from simulators.forges.news import News, Tell
from simulators.forges.refusals import Refused, invalid, missing
from simulators.forges.space import Space
from simulators.store import Json

RESOURCE = "PullRequest"
METHODS = ("merge", "squash", "rebase")
FORGE = Person("GitHub", "noreply@github.com")
NOT_MERGEABLE = "Pull Request is not mergeable"
HEAD_MOVED = "Head branch was modified. Review and try the merge again."


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody asks to have merged; ``head`` is ``branch`` or ``owner:branch``."""

    title: str
    head: str
    base: str
    body: str = ""
    draft: bool = False
    labels: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Merge:
    """How to merge: ``sha`` is the head it is meant for, empty for whatever it is."""

    method: str = "merge"
    title: str = ""
    message: str = ""
    sha: str = ""


class Pulls:
    """The pull requests of all repositories."""

    def __init__(self, space: Space, tell: Tell) -> None:
        self._space = space
        self._tell = tell

    def bare(self, repository: Json) -> Bare:
        """A repository's Git."""
        return Bare(self._space.folder(repository))

    def open(self, repository: Json, author: str, proposal: Proposal) -> Json:
        """Propose a branch. Raises Refused 422."""
        head_repository, branch = self._head(repository, proposal.head)
        head_sha = self.bare(head_repository).commit_of(branch) if head_repository else None
        base_sha = self.bare(repository).commit_of(proposal.base)
        self._check_texts(proposal.title, proposal.body)
        if head_repository is None or head_sha is None:
            raise invalid(RESOURCE, "head")
        if base_sha is None:
            raise invalid(RESOURCE, "base")
        for other in self._space.pulls_of(repository):
            place = (other["head_repository"], other["head_branch"], other["base_branch"])
            asked = (head_repository["full_name"], branch, proposal.base)
            if other["state"] == "open" and place == asked:
                owner = head_repository["owner"]
                words = f"A pull request already exists for {owner}:{branch}."
                raise invalid(RESOURCE, "head", words)
        number = self._space.issue(f"numbers/{repository['full_name']}")
        bare = self.bare(repository)
        bare.fetch(self.bare(head_repository), head_sha, _head_ref(number))
        if bare.contains(base_sha, head_sha):
            bare.drop_ref(_head_ref(number))
            words = f"No commits between {proposal.base} and {branch}"
            raise invalid(RESOURCE, "head", words)
        pull = self._new(repository, author, proposal, number)
        pull |= {
            "head_repository": head_repository["full_name"],
            "head_branch": branch,
            "head_sha": head_sha,
            "base_sha": base_sha,
        }
        self._space.put_pull(pull)
        self._keep_merge_ref(repository, pull)
        self._tell(News("pull_request", repository, author, "opened", pull=pull))
        return pull

    def _new(self, repository: Json, author: str, proposal: Proposal, number: int) -> Json:
        return {
            "id": self._space.issue("pulls"),
            "repository": repository["full_name"],
            "number": number,
            "title": proposal.title,
            "body": proposal.body,
            "author": self._space.user(author)["login"],
            "state": "open",
            "draft": proposal.draft,
            "labels": list(proposal.labels),
            "merged_at": None,
            "merged_by": None,
            "merge_commit_sha": None,
            "turns": [],
            "base_branch": proposal.base,
            "created_at": self._space.now(),
            "closed_at": None,
        }

    def _head(self, repository: Json, head: str) -> tuple[Json | None, str]:
        owner, colon, branch = head.partition(":")
        if not colon or owner.casefold() == repository["owner"].casefold():
            return repository, branch or head
        for other in self._space.repositories:
            if other["owner"].casefold() == owner.casefold() and repository["full_name"] in (
                other["parent"],
                other["full_name"],
            ):
                return other, branch
        return None, branch

    def _check_texts(self, title: str | None, body: str | None) -> None:
        if title is not None and not title.strip():
            raise invalid(RESOURCE, "title", code="missing_field")
        if title is not None and len(title) > MAX_TITLE_CHARACTERS:
            words = f"title is too long (maximum is {MAX_TITLE_CHARACTERS} characters)"
            raise invalid(RESOURCE, "title", words)
        if body is not None and len(body) > MAX_BODY_CHARACTERS:
            words = f"body is too long (maximum is {MAX_BODY_CHARACTERS} characters)"
            raise invalid(RESOURCE, "body", words)

    def edit(self, repository: Json, number: int, sender: str, changes: Json) -> Json:
        """Title, body, base, draft, labels or state. Raises Refused 404 and 422."""
        pull = dict(self._space.pull(repository, number))
        self._check_texts(changes.get("title"), changes.get("body"))
        state = changes.get("state") or pull["state"]
        if state not in ("open", "closed"):
            raise invalid(RESOURCE, "state")
        if state == "open" and pull["merged_at"]:
            raise invalid(RESOURCE, "state", "state cannot be changed. The pull request is merged.")
        before = {
            name: {"from": pull[name]}
            for name in ("title", "body")
            if changes.get(name) is not None and changes[name] != pull[name]
        }
        given = {k: v for k, v in changes.items() if k != "state" and v is not None}
        if "base_branch" in given:
            base_sha = self.bare(repository).commit_of(given["base_branch"])
            if base_sha is None:
                raise invalid(RESOURCE, "base")
            given["base_sha"] = base_sha
        pull |= given
        if before or given.keys() - {"title", "body"}:
            self._space.put_pull(pull)
            news = News("pull_request", repository, sender, "edited", pull=pull, changes=before)
            self._tell(news)
        if state != pull["state"]:
            self._set_state(repository, pull, state, sender)
        return pull

    def _set_state(self, repository: Json, pull: Json, state: str, sender: str) -> None:
        if state == "open":
            self._reopen(repository, pull)
        pull["state"] = state
        pull["closed_at"] = self._space.now() if state == "closed" else None
        self._turned(pull, "close" if state == "closed" else "reopen", sender)
        self._space.put_pull(pull)
        action = "closed" if state == "closed" else "reopened"
        self._tell(News("pull_request", repository, sender, action, pull=pull))

    def _reopen(self, repository: Json, pull: Json) -> None:
        source = self._space.repositories.get((pull["head_repository"] or "").casefold())
        sha = self.bare(source).commit_of(pull["head_branch"]) if source else None
        if source is None or sha is None:
            words = f"state cannot be changed. The {pull['head_branch']} branch has been deleted."
            raise invalid(RESOURCE, "state", words)
        self._move_head(repository, pull, source, sha)

    def merge(self, repository: Json, number: int, sender: str, how: Merge) -> Json:
        """Merge into the base branch. Raises Refused 404, 405, 409 and 422."""
        pull = dict(self._space.pull(repository, number))
        if how.method not in METHODS:
            raise invalid(RESOURCE, "merge_method")
        if pull["state"] != "open":
            raise Refused(405, NOT_MERGEABLE)
        if how.sha and how.sha != pull["head_sha"]:
            raise Refused(409, HEAD_MOVED)
        bare = self.bare(repository)
        base = bare.commit_of(pull["base_branch"])
        if base is None:
            raise Refused(405, NOT_MERGEABLE)
        try:
            sha = self._merged(bare, pull, base, how, sender)
        except MergeConflict as error:
            raise Refused(405, NOT_MERGEABLE) from error
        bare.set_ref(f"refs/heads/{pull['base_branch']}", sha)
        self._finish(repository, pull, sender, sha)
        self.pushed(repository, sender, {pull["base_branch"]: (base, sha)})
        return pull

    def _merged(self, bare: Bare, pull: Json, base: str, how: Merge, sender: str) -> str:
        head = pull["head_sha"]
        committer = FORGE if self._space.kind == "github" else self.person(sender)
        if how.method == "rebase":
            return bare.rebased(base, head, committer)
        tree = bare.merged_tree(base, head)
        if how.method == "squash":
            words = how.title or f"{pull['title']} (#{pull['number']})"
            parents, author = [base], self.person(pull["author"])
        else:
            owner = (pull["head_repository"] or pull["repository"]).split("/")[0]
            default = f"Merge pull request #{pull['number']} from {owner}/{pull['head_branch']}"
            words = how.title or default
            parents, author = [base, head], self.person(sender)
        message = f"{words}\n\n{how.message or pull['title']}\n"
        return bare.commit_tree(tree, parents, message, author, committer)

    def person(self, login: str) -> Person:
        """How commits of somebody are signed."""
        user = self._space.user(login)
        return Person(user["name"], user["email"])

    def _finish(self, repository: Json, pull: Json, sender: str, sha: str) -> None:
        now = self._space.now()
        pull |= {"state": "closed", "closed_at": now, "merged_at": now, "merge_commit_sha": sha}
        pull["merged_by"] = self._space.user(sender)["login"]
        self._turned(pull, "merge_pull", sender)
        self._space.put_pull(pull)
        self._tell(News("pull_request", repository, sender, "closed", pull=pull))

    def _turned(self, pull: Json, what: str, sender: str) -> None:
        """Who closed, reopened or merged it is part of its timeline."""
        by = self._space.user(sender)["login"]
        turn = {"id": self._space.issue("comments"), "type": what, "by": by}
        pull["turns"] = [*pull["turns"], {**turn, "at": self._space.now()}]

    def pushed(self, repository: Json, sender: str, moved: dict[str, tuple[str, str]]) -> None:
        """Branches moved from one commit to another (ZERO: not there): tell, and follow."""
        for branch, (before, after) in moved.items():
            repository["pushed_at"] = self._space.now()
            self._space.repositories.put(repository["full_name"].casefold(), repository)
            ref = f"refs/heads/{branch}"
            self._tell(News("push", repository, sender, ref=ref, before=before, after=after))
            for pull in [p for p in self._space.pulls if p["state"] == "open"]:
                if (pull["head_repository"], pull["head_branch"]) == (
                    repository["full_name"],
                    branch,
                ):
                    self._follow_head(dict(pull), repository, sender, after)
                elif (pull["repository"], pull["base_branch"]) == (repository["full_name"], branch):
                    self._follow_base(dict(pull), repository, sender, after)

    def _follow_head(self, pull: Json, source: Json, sender: str, after: str) -> None:
        target = self._space.repository(pull["repository"])
        if after == ZERO:
            self._set_state(target, pull, "closed", sender)
            return
        before = pull["head_sha"]
        self._move_head(target, pull, source, after)
        news = News(
            "pull_request", target, sender, "synchronize", pull=pull, before=before, after=after
        )
        self._tell(news)

    def _move_head(self, target: Json, pull: Json, source: Json, sha: str) -> None:
        self.bare(target).fetch(self.bare(source), sha, _head_ref(pull["number"]))
        pull["head_sha"] = sha
        self._space.put_pull(pull)
        self._keep_merge_ref(target, pull)

    def _follow_base(self, pull: Json, repository: Json, sender: str, after: str) -> None:
        if after == ZERO:
            self._set_state(repository, pull, "closed", sender)
            return
        pull["base_sha"] = after
        if self.bare(repository).contains(after, pull["head_sha"]):
            self._finish(repository, pull, sender, after)
            return
        self._space.put_pull(pull)
        self._keep_merge_ref(repository, pull)

    def is_mergeable(self, repository: Json, pull: Json) -> bool:
        """True if an open one merges without conflict."""
        if pull["state"] != "open":
            return False
        try:
            self.bare(repository).merged_tree(pull["base_sha"], pull["head_sha"])
        except MergeConflict:
            return False
        return True

    def _keep_merge_ref(self, repository: Json, pull: Json) -> None:
        """GitHub shows the merge as it would be; Gitea has no such ref."""
        if self._space.kind != "github":
            return
        bare, ref = self.bare(repository), f"refs/pull/{pull['number']}/merge"
        base, head = pull["base_sha"], pull["head_sha"]
        try:
            tree = bare.merged_tree(base, head)
        except MergeConflict:
            bare.drop_ref(ref)
            return
        words = f"Merge {head} into {base}\n"
        bare.set_ref(ref, bare.commit_tree(tree, [base, head], words, FORGE, FORGE))

    def of_number(self, repository: Json, text: str) -> Json:
        """The pull request a path names. Raises Refused 404."""
        if not text.isascii() or not text.isdecimal():
            raise missing()
        return self._space.pull(repository, int(text))


def _head_ref(number: int) -> str:
    return f"refs/pull/{number}/head"
