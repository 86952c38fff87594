"""The tree a pull request would leave on its branch, made in the copy on this machine and nowhere
else.

The commit has no author, no date and no ref: whoever makes it of the same two commits makes the
same one, so that workers need not share it. Knows nothing of forges but where heads are kept.
"""

from typing import Final

from trunkline.adapters.git.commands import GitFailed
from trunkline.adapters.git.repository import Repository
from trunkline.metrics import git_request
from trunkline.model.errors import CommitUnreadable
from trunkline.model.ids import Revision
from trunkline.model.limits import PULL_REQUEST_PATHS_MAX
from trunkline.model.proposals import Merged, Proposal, require_reference

_CONFLICT: Final = 1
"""How ``git merge-tree`` ends when it made a tree with conflicts in it."""
_NOBODY: Final = {
    "GIT_AUTHOR_NAME": "trunkline",
    "GIT_AUTHOR_EMAIL": "trunkline@localhost",
    "GIT_AUTHOR_DATE": "@0 +0000",
    "GIT_COMMITTER_NAME": "trunkline",
    "GIT_COMMITTER_EMAIL": "trunkline@localhost",
    "GIT_COMMITTER_DATE": "@0 +0000",
}
"""Everything about the commit that is not its tree and its parents."""


def merge_proposal(repository: Repository, proposal: Proposal) -> Merged:
    """Merge in the copy; blocks. Raises a SourceError, InvalidInput for a ref that is none."""
    bring_proposal(repository, proposal)

    def merge(_: Revision) -> Merged:
        return _merged(repository, proposal)

    return repository.on_copy(proposal.base, merge)


def bring_proposal(repository: Repository, proposal: Proposal) -> None:
    """Both commits are here afterwards. Raises CommitUnreadable if the head is not served."""
    repository.ensure(proposal.base)
    cache, head = repository.cache, proposal.head
    with cache.locked(alone=False):
        if cache.has(head):
            return
    ref = require_reference(proposal.ref)
    with git_request("fetch"), cache.locked(alone=True):
        cache.bring(repository.credential(), ref)
        if not cache.has(head):
            raise CommitUnreadable(
                f"commit {head} is not what {ref} holds",
                hint="It was pushed over, or the forge is behind; it is looked at again.",
            )


def _merged(repository: Repository, proposal: Proposal) -> Merged:
    cache, head, base = repository.cache, proposal.head, proposal.base
    behind = int(_run(repository, "rev-list", "--count", base, f"^{head}").strip() or 0)
    if not behind:
        return Merged(revision=head, changed=_changed(repository, base, head))
    try:
        made = _run(repository, "merge-tree", "--write-tree", "--no-messages", base, head)
    except GitFailed as error:
        if error.status != _CONFLICT:
            raise CommitUnreadable(f"{head} cannot be merged onto {base}: {error}") from error
        return Merged(conflicts=_conflicts(error), behind=behind)
    tree = made.split("\n", 1)[0].strip()
    commit = (
        cache.commands()
        .run(
            ("commit-tree", "-p", base, "-p", head, "-m", "What a merge would leave", tree),
            timeout_s=repository.bounds.read_timeout_s,
            extra=_NOBODY,
        )
        .decode()
        .strip()
    )
    merged = Revision(commit)
    return Merged(revision=merged, changed=_changed(repository, base, merged), behind=behind)


def _conflicts(error: GitFailed) -> tuple[str, ...]:
    """Files in conflict, of what the command wrote: the tree, then a line for each stage."""
    lines = error.transcript.splitlines()[1:]
    return tuple(dict.fromkeys(line.split("\t", 1)[1] for line in lines if "\t" in line))


def _changed(repository: Repository, base: Revision, merged: Revision) -> tuple[str, ...]:
    listed = _run(
        repository, "diff-tree", "-r", "--name-only", "--no-renames", "-z", base, merged
    ).split("\0")
    return tuple(path for path in listed if path)[:PULL_REQUEST_PATHS_MAX]


def _run(repository: Repository, *arguments: str) -> str:
    commands = repository.cache.commands()
    output = commands.run(arguments, timeout_s=repository.bounds.read_timeout_s)
    return output.decode("utf-8", "replace")
