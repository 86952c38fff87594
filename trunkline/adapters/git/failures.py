"""What Git's words mean. Git tells causes apart only in prose, so prose is read here and nowhere
else; what is not recognised is an unreachable repository, which is tried again.
"""

import re

from trunkline.adapters.git.commands import GitFailed
from trunkline.model.errors import (
    BranchMissing,
    CommitUnreadable,
    SourceCredentialsRejected,
    SourceError,
    SourceUnreachable,
)

_CREDENTIALS = re.compile(
    r"authentication failed|could not read (username|password)|returned error: 40[13]"
    r"|permission denied|terminal prompts disabled|access denied|invalid credentials"
    r"|host key verification failed",
    re.IGNORECASE,
)
_BRANCH = re.compile(r"couldn't find remote ref|remote branch .* not found", re.IGNORECASE)
_DAMAGE = re.compile(
    r"bad object|bad tree object|corrupt|did not send all|unable to read|early eof|index-pack"
    r"|inflate|missing (blob|tree|commit|object)|not our ref|aborting due to possible",
    re.IGNORECASE,
)
_REDIRECT = re.compile(r"redirect|returned error: 30[1278]", re.IGNORECASE)
_NETWORK = re.compile(
    r"could not resolve|failed to connect|connection (refused|reset|timed out|closed)|timed out"
    r"|unable to access|could not read from remote|hung up|rpc failed|curl \d+|ssl|tls",
    re.IGNORECASE,
)
_NOWHERE = re.compile(r"not found|does not appear to be a git repository", re.IGNORECASE)


def source_error(failure: GitFailed, branch: str) -> SourceError:
    """The leaf of our error tree that a failed network command stands for."""
    words = _last_line(failure.words)
    if failure.timed_out:
        return SourceUnreachable(
            f"the repository did not answer in time: {words}",
            hint="Check the network between here and the Git server; it is tried again.",
        )
    if _BRANCH.search(failure.words):
        return branch_missing(branch)
    if _DAMAGE.search(failure.words):
        return CommitUnreadable(
            f"the branch's objects cannot be read: {words}",
            hint="Run `git fsck` where the repository is kept; it is tried again.",
        )
    if _CREDENTIALS.search(failure.words):
        return SourceCredentialsRejected(
            f"the repository refused our credential: {words}",
            hint="Set TRUNKLINE_GIT_TOKEN to a token that may read the repository.",
        )
    hint = "Check the repository's address and the network; it is tried again."
    if _REDIRECT.search(failure.words):
        hint = "The repository has moved: register the address it moved to."
    elif _NOWHERE.search(failure.words):
        hint = "Check the address, and that the token may see the repository."
    return SourceUnreachable(f"the repository cannot be reached: {words}", hint=hint)


def is_remote(failure: GitFailed) -> bool:
    """True if the cause lies beyond this machine, so that the local copy is not to blame."""
    words = failure.words
    if failure.timed_out:
        return True
    if _DAMAGE.search(words):
        return False
    causes = (_BRANCH, _CREDENTIALS, _REDIRECT, _NETWORK)
    return any(cause.search(words) for cause in causes)


def branch_missing(branch: str) -> BranchMissing:
    """The branch is not on the server."""
    return BranchMissing(
        f"the repository has no branch {branch}",
        hint="Push the branch again or register the project with another one.",
    )


def _last_line(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "ERROR:", "error:"))]
    return (fatal or lines or ["git said nothing"])[0]
