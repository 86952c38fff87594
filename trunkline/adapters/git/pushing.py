"""One push that happens whole or not at all, and what its outcome means.

A push ends in one of four ways, and whoever releases goes on differently after each: it is there;
somebody was faster; the server will not have it; nobody knows. Only Git's words tell them apart,
and where they leave a doubt the answer is that nobody knows. Nothing of others is ever overwritten:
no moved tag, no force, and a lease only on a branch of our own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trunkline.adapters.git.commands import GitCommands, GitFailed
from trunkline.adapters.git.failures import source_error
from trunkline.model.errors import (
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceCredentialsRejected,
    SourceError,
)
from trunkline.model.ids import RELEASE_TAGS
from trunkline.model.limits import GIT_OUTPUT_MAX_CHARACTERS

_VERDICT = re.compile(
    r"^!\t[^\t]*:(?P<ref>[^\t]+)\t\[(?P<by>rejected|remote rejected|remote failure)\]"
    r"(?: \((?P<why>.*)\))?$",
    re.MULTILINE,
)
_OF_THE_SERVER = re.compile(r"^remote:[ \t]?(.*?)[ \t]*$", re.MULTILINE)
_TOGETHER = re.compile(r"atomic (push|transaction) fail(ed|ure)|transaction failed", re.IGNORECASE)
"""What is said of a ref that was given up because of another one."""
_MOVED = re.compile(
    r"cannot lock ref|failed to (update ref|lock)|reference already exists|already exists"
    r"|incorrect old value|but expected [0-9a-f]|unable to create .*\.lock|fetch first"
    r"|non-fast-forward|stale info|reference has changed|update(d)? rejected because",
    re.IGNORECASE,
)
_NOT_ATOMIC = re.compile(r"does not support --?-?atomic", re.IGNORECASE)
_UNKNOWN_USER = re.compile(
    r"authentication failed|could not read (username|password)|returned error: 401|http 401"
    r"|terminal prompts disabled|invalid credentials|permission denied \(|host key verification",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"returned error: 403|http 403|permission (to .* )?denied|access denied|forbidden|read-only"
    r"|not allowed|not permitted|protected branch|GH0\d\d|insufficient permission",
    re.IGNORECASE,
)
_BEGUN = re.compile(
    r"rpc failed|unexpected disconnect|hung up unexpectedly|http 5\d\d", re.IGNORECASE
)
"""The server had been reached, and the request may have been as well."""
_NEVER_REACHED = re.compile(
    r"could not resolve|failed to connect|couldn't connect|connection refused|no route to host"
    r"|unable to access|does not appear to be a git repository|not found|upon initial contact"
    r"|could not read from remote repository",
    re.IGNORECASE,
)
_ALLOW = (
    "Allow the user of Trunkline's token to push to the branch and to tags below trunkline/, "
    "or let releases go through `via: pull-request`."
)
_ALLOW_OWN = (
    "Allow the user of Trunkline's token to make, move and delete branches below trunkline/, and "
    "to make tags there."
)


@dataclass(frozen=True, slots=True)
class Push:
    """What is pushed where: objects of the copy by the refs they become ("": the ref is deleted).

    A ref with a lease is overwritten if it is where the lease says ("": nowhere), and no other is.
    """

    address: str
    branch: str
    updates: Sequence[tuple[str, str]]
    leases: Mapping[str, str] = field(default_factory=dict)

    def run(self, commands: GitCommands, *, timeout_s: float) -> None:
        """Push. Raises PushRejected, PushRefused, PushUnanswered, SourceUnreachable or
        SourceCredentialsRejected; after the last two nothing was written.
        """
        if len(self.updates) > 1:
            self._see_branch(commands, timeout_s)
        self._push(commands, timeout_s)

    def _see_branch(self, commands: GitCommands, timeout_s: float) -> None:
        """Raises PushRefused if those who push are not shown the branch: Git refuses such a one
        and takes the rest of an atomic push all the same, which would use up a version.
        """
        shown = self._push(commands, timeout_s, "--dry-run")
        branch = re.escape(f"refs/heads/{self.branch}")
        if not re.search(rf"^ \t[^\t]*:{branch}\t", shown, re.MULTILINE):
            words = f"it hides {self.branch} from everybody who pushes"
            raise _refused(words, self.branch)

    def _push(self, commands: GitCommands, timeout_s: float, *how: str) -> str:
        """What Git said of each ref."""
        arguments = (
            "push",
            *how,
            "--atomic",
            "--porcelain",
            "--no-progress",
            "--no-verify",
            "--no-follow-tags",
            "--no-signed",
            "--recurse-submodules=no",
            *(f"--force-with-lease={ref}:{lease}" for ref, lease in self.leases.items()),
            "--end-of-options",
            self.address,
            *(f"{object_id}:{ref}" for object_id, ref in self.updates),
        )
        try:
            return commands.run(arguments, timeout_s=timeout_s).decode("utf-8", "replace")
        except GitFailed as error:
            raise push_error(error, self.branch) from error


def push_error(failure: GitFailed, branch: str) -> SourceError:
    """The leaf of our error tree that a failed push stands for."""
    said = failure.transcript
    verdicts = list(_VERDICT.finditer(said))
    if failure.timed_out:
        return _unanswered(failure.words)
    return _by_verdicts(verdicts, said, branch) if verdicts else _without_verdict(failure, branch)


def _without_verdict(failure: GitFailed, branch: str) -> SourceError:
    """The push ended before anything was said of a ref."""
    said = failure.transcript
    words = _words(said, failure.words)
    if _NOT_ATOMIC.search(said):
        return PushRefused(
            f"the Git server cannot take a branch and a tag together: {words}",
            hint="Move the repository to a server that supports atomic pushes.",
        )
    if _UNKNOWN_USER.search(said):
        return SourceCredentialsRejected(
            f"the repository refused our credential: {words}",
            hint="Set TRUNKLINE_GIT_TOKEN to a token that may push to the repository.",
        )
    if _FORBIDDEN.search(said):
        return _refused(words, branch)
    if _NEVER_REACHED.search(said) and not _BEGUN.search(said):
        return source_error(failure, branch)
    return _unanswered(words)


def _by_verdicts(verdicts: Sequence[re.Match[str]], said: str, branch: str) -> SourceError:
    """What the server, or Git on its behalf, said of each ref."""
    whys = [match["why"] or "" for match in verdicts]
    if any(match["by"] == "remote failure" for match in verdicts):
        return _unanswered("; ".join(dict.fromkeys(whys)))
    causes = [why for why in whys if not _TOGETHER.search(why)]
    ours = [match for match in verdicts if match["by"] == "rejected"]
    moved = [why for why in causes if _MOVED.search(why)]
    if ours or (moved and len(moved) == len(causes)):
        return _rejected("; ".join(dict.fromkeys(causes or whys)), branch)
    server = "; ".join(dict.fromkeys(filter(None, _OF_THE_SERVER.findall(said))))
    if not causes and (_MOVED.search(server) or not server):
        return _rejected(server or whys[0], branch)
    return _refused(_cut("; ".join(filter(None, (server, *dict.fromkeys(causes))))), branch)


def _rejected(words: str, branch: str) -> PushRejected:
    return PushRejected(
        f"branch {branch} moved or the tag is taken: {_cut(words)}",
        hint="It is fetched again, and decided again.",
    )


def _refused(words: str, branch: str) -> PushRefused:
    return PushRefused(
        f"the Git server lets nothing be written to {branch}: {words}",
        hint=_ALLOW_OWN if branch.startswith(RELEASE_TAGS) else _ALLOW,
    )


def _unanswered(words: str) -> PushUnanswered:
    return PushUnanswered(
        f"the Git server did not say whether it took the push: {_cut(words)}",
        hint="It is fetched to see whether the release arrived.",
    )


def _words(said: str, words: str) -> str:
    server = "; ".join(dict.fromkeys(filter(None, _OF_THE_SERVER.findall(said))))
    return _cut(server or " ".join(words.split()))


def _cut(words: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in words)
    return printable[:GIT_OUTPUT_MAX_CHARACTERS]
