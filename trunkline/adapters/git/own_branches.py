"""Branches and tags of ours beside the project's branch: what is proposed, and what was merged.

A branch that somebody is asked to merge is ours alone, so it may be moved and deleted, but only
from where we last saw it, and never by a name that could be anybody else's. Knows no forge and
nothing of what is proposed.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from trunkline.adapters.git.addresses import checked_branch
from trunkline.adapters.git.drafting import Draft
from trunkline.adapters.git.objects import GitObjects
from trunkline.adapters.git.pushing import Push
from trunkline.adapters.git.repository import Repository
from trunkline.adapters.git.tags import checked_tag
from trunkline.metrics import git_request
from trunkline.model.errors import CommitUnreadable, InvalidInput, InvalidSettings, PushRejected
from trunkline.model.ids import RELEASE_TAGS, Revision
from trunkline.ports.releasing import EvidenceKeys


@dataclass(frozen=True, slots=True)
class OwnCommit:
    """One commit on ``base`` that writes (None: deletes) files, and the branch it is to be."""

    branch: str
    base: Revision
    edits: Mapping[str, str | None]
    message: str
    author: tuple[str, str]


def checked_own_branch(branch: str, of_project: str) -> str:
    """The name itself if the branch can be nobody's but ours, else InvalidInput."""
    try:
        checked_branch(branch)
    except InvalidSettings as error:
        raise InvalidInput(f"{branch!r} cannot be a branch's name") from error
    if not branch.startswith(RELEASE_TAGS) or branch.casefold() == of_project.casefold():
        raise InvalidInput(
            f"{branch!r} is not a branch that proposals are made on",
            hint=f"They lie below {RELEASE_TAGS} and are never the project's own branch.",
        )
    return branch


class OwnBranches:
    """Pushes to a repository what is ours alone; its methods block and raise SourceErrors."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def push(
        self, wanted: OwnCommit, lease: Revision | None, keys: Callable[[], EvidenceKeys | None]
    ) -> Revision:
        """The branch's head, which is the wanted commit: pushed, or found to be there."""
        repository = self._repository
        with git_request("look"):
            head = repository.head(wanted.branch)
        if head is not None:
            with suppress(CommitUnreadable):
                repository.ensure(head)
        signing = keys()

        def push(_: Revision) -> Revision:
            local = repository.cache.commands()
            timeout_s = repository.bounds.read_timeout_s
            draft = Draft(local, wanted.base, timeout_s=timeout_s, keys=signing)
            commit = draft.commit(wanted.edits, message=wanted.message, author=wanted.author)
            if head is not None and repository.cache.has(head):
                made, there = GitObjects(local, timeout_s=timeout_s).contents(
                    [commit, head], "commit"
                )
                if _said(made) == _said(there):
                    return head
            if head != lease:
                raise _elsewhere(wanted.branch, head, lease)
            self._run(wanted.branch, commit, f"refs/heads/{wanted.branch}", lease or "")
            return commit

        return repository.on_copy(wanted.base, push)

    def delete(self, branch: str, lease: Revision | None) -> None:
        """The branch is gone afterwards, or not where ``lease`` says."""
        with git_request("look"):
            head = self._repository.head(branch)
        if head is None or lease not in {None, head}:
            return
        try:
            self._run(branch, "", f"refs/heads/{branch}", head)
        except PushRejected:
            if self._repository.head(branch) == head:
                raise

    def tag(self, name: str, revision: Revision, message: str, keys: EvidenceKeys | None) -> None:
        """One annotated tag of a release, on a commit of the repository."""
        ref = checked_tag(name)
        repository = self._repository
        repository.ensure(revision)

        def push(_: Revision) -> None:
            local = repository.cache.commands()
            timeout_s = repository.bounds.read_timeout_s
            made = Draft(local, revision, timeout_s=timeout_s, keys=keys).tag(
                name, revision, message
            )
            self._run(name, made, ref, None)

        repository.on_copy(revision, push)

    def _run(self, name: str, object_id: str, ref: str, lease: str | None) -> None:
        repository = self._repository
        remote = repository.cache.commands(repository.credential())
        leases = {} if lease is None else {ref: lease}
        with git_request("push"):
            Push(repository.address, name, [(object_id, ref)], leases).run(
                remote, timeout_s=repository.bounds.push_timeout_s
            )


def _elsewhere(branch: str, head: Revision | None, lease: Revision | None) -> PushRejected:
    there = f"is at {head[:12]}" if head else "is gone"
    expected = f"at {lease[:12]}" if lease else "not there yet"
    return PushRejected(
        f"branch {branch} {there}, and was to be {expected}",
        hint="It is looked at again, and decided again.",
    )


def _said(commit: bytes) -> tuple[list[bytes], bytes]:
    """What a commit says apart from when it was made and who signed it."""
    head, _, message = commit.partition(b"\n\n")
    lines = head.split(b"\n")
    facts = [line for line in lines if line.startswith((b"tree ", b"parent "))]
    people = [line.rsplit(b" ", 2)[0] for line in lines if line.startswith(b"author ")]
    return facts + people, message
