"""Words of servers nobody here runs: what each of them means for a release."""

import pytest

from trunkline.adapters.git.commands import GitFailed
from trunkline.adapters.git.pushing import push_error
from trunkline.model.errors import (
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceCredentialsRejected,
    SourceUnreachable,
)

HEAD = "To https://git.example.com/team/manifests.git\n"
BRANCH = "!\t1111:refs/heads/main\t"
TAG = "!\t2222:refs/tags/trunkline/production/front-desk/v1\t"


def refs(branch: str, tag: str) -> str:
    return f"{HEAD}{BRANCH}{branch}\n{TAG}{tag}\nDone\n"


REJECTED = [
    refs("[rejected] (fetch first)", "[rejected] (atomic push failed)"),
    refs("[rejected] (non-fast-forward)", "[rejected] (atomic push failed)"),
    refs("[rejected] (atomic push failed)", "[rejected] (already exists)"),
    refs("[remote rejected] (atomic push failure)", "[remote rejected] (atomic push failure)")
    + "remote: error: cannot lock ref 'refs/heads/main': is at 33 but expected 11\n",
    refs(
        "[remote rejected] (atomic transaction failed)",
        "[remote rejected] (reference already exists)",
    ),
    refs("[remote rejected] (failed to update ref)", "[remote rejected] (failed to update ref)"),
    refs(
        "[remote rejected] (incorrect old value provided)", "[remote rejected] (transaction failed)"
    ),
    refs("[remote rejected] (atomic push failure)", "[remote rejected] (atomic push failure)"),
]
REFUSED = [
    refs(
        "[remote rejected] (protected branch hook declined)",
        "[remote rejected] (atomic push failure)",
    )
    + "remote: error: GH006: Protected branch update failed for refs/heads/main.\n",
    refs(
        "[remote rejected] (pre-receive hook declined)",
        "[remote rejected] (pre-receive hook declined)",
    )
    + "remote: GitLab: You are not allowed to push code to protected branches on this project.\n",
    refs(
        "[remote rejected] (push declined due to repository rule violations)",
        "[remote rejected] (atomic push failure)",
    ),
    refs(
        "[remote rejected] (TF402455: Pushes to this branch are not permitted)",
        "[remote rejected] (atomic push failure)",
    ),
    refs("[remote rejected] (unpacker error)", "[remote rejected] (unpacker error)")
    + "remote: error: insufficient permission for adding an object to repository database\n",
    refs("[remote rejected] (atomic push failure)", "[remote rejected] (atomic push failure)")
    + "remote: this repository is archived\n",
    (
        "remote: Permission to team/manifests.git denied to somebody.\n"
        "fatal: unable to access 'https://git.example.com': The requested URL returned error: 403\n"
    ),
    "fatal: the receiving end does not support --atomic push\n",
    (
        "ERROR: You are not allowed to push code to this project.\n"
        "fatal: Could not read from remote repository.\n"
    ),
    (
        "remote: This repository was archived so it is read-only.\nfatal: unable to access "
        "'https://git.example.com/': The requested URL returned error: 403\n"
    ),
]
UNANSWERED = [
    (
        "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\n"
        "send-pack: unexpected disconnect while reading sideband packet\n"
        "fatal: the remote end hung up unexpectedly\n"
    ),
    "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: expected flush\n",
    "error: RPC failed; curl 7 Failed to connect to git.example.com: Connection refused\n",
    refs(
        "[remote failure] (remote failed to report status)",
        "[remote failure] (remote failed to report status)",
    ),
    (
        "Connection to git.example.com closed by remote host.\nfatal: the remote end hung up "
        "unexpectedly\n"
    ),
    "fatal: something nobody has seen before\n",
    "",
]
UNREACHABLE = [
    "fatal: unable to access 'https://git.example.com/': Could not resolve host\n",
    "fatal: unable to access 'https://git.example.com/': The requested URL returned error: 503\n",
    (
        "ssh: connect to host git.example.com port 22: Connection refused\n"
        "fatal: Could not read from remote repository.\n"
    ),
    "fatal: the remote end hung up upon initial contact\n",
]
UNKNOWN = [
    "fatal: Authentication failed for 'https://git.example.com/'\n",
    "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled\n",
    "git@git.example.com: Permission denied (publickey).\nfatal: Could not read from remote\n",
    "error: RPC failed; HTTP 401 curl 22 The requested URL returned error: 401\n",
]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        *((said, PushRejected) for said in REJECTED),
        *((said, PushRefused) for said in REFUSED),
        *((said, PushUnanswered) for said in UNANSWERED),
        *((said, SourceUnreachable) for said in UNREACHABLE),
        *((said, SourceCredentialsRejected) for said in UNKNOWN),
    ],
)
def test_words_are_understood(said: str, kind: type[Exception]) -> None:
    error = push_error(GitFailed(128, said[-500:], transcript=said), "main")
    assert type(error) is kind
    assert error.hint


def test_a_push_that_was_cut_off_is_unanswered_whatever_was_said() -> None:
    said = refs("[rejected] (fetch first)", "[rejected] (atomic push failed)")
    error = push_error(GitFailed(-9, "too slow", timed_out=True, transcript=said), "main")
    assert type(error) is PushUnanswered


def test_a_server_cannot_speak_for_git() -> None:
    """What looks like a verdict counts only where Git itself writes them."""
    said = refs("[remote failure] (remote failed to report status)", "[remote failure] (lost)")
    said += f"remote: {BRANCH}[rejected] (fetch first)\n"
    assert type(push_error(GitFailed(1, said, transcript=said), "main")) is PushUnanswered
