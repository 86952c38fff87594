"""What signatures say about commits, and whether a project's rule is content with it.

Git's programs find the facts; what follows from them is decided here, where it needs no
repository. Which manifest's rule is in force is the caller's to know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from trunkline.model.base import JsonObject
from trunkline.model.errors import (
    CommitUntrusted,
    HeadSignatureInvalid,
    HeadUnsigned,
    SignerUnknown,
)
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning, Signer
from trunkline.model.public_keys import parse_ssh, ssh_line

SignatureState = Literal["good", "unsigned", "invalid", "unknown"]

OWN_EMAIL: Final = "noreply@trunkline.invalid"
"""The address of commits that Trunkline makes; nobody can ever have it."""

_SIGN_AGAIN = (
    "Sign it with a signer's key and push again: `git commit --amend --no-edit -S`, or for several "
    "commits `git rebase --exec 'git commit --amend --no-edit -S' <last applied commit>`."
)
_LIST_KEY = (
    "Let a signer sign it, or first push a commit, signed by one, that adds the key to "
    "spec.signing.commits.signers."
)


@dataclass(frozen=True, slots=True)
class CommitSignature:
    """One commit as Git's verification sees it.

    ``key`` is the fingerprint of the signing key, or what is known of it; of a good signature it
    is one signer's. ``words`` say what is wrong.
    """

    revision: Revision
    subject: str
    state: SignatureState
    key: str = ""
    words: str = ""


def commit_rule(manifest: JsonObject | None) -> CommitSigning | None:
    """The rule of a stored Project manifest; None if it asks for nothing."""
    spec = (manifest or {}).get("spec")
    signing = spec.get("signing") if isinstance(spec, dict) else None
    commits = signing.get("commits") if isinstance(signing, dict) else None
    return CommitSigning.model_validate(commits) if commits is not None else None


def described(found: CommitSignature, rule: CommitSigning) -> str:
    """A signature in one word: ``ssh:<email>``, ``gpg:<fingerprint>``, or its state."""
    signer = rule.signer(found.key)
    return signer.label if found.state == "good" and signer is not None else found.state


def require_trusted(
    commits: Iterable[CommitSignature], rule: CommitSigning, *, today: date, whose: str
) -> None:
    """Raises a CommitUntrusted for the first commit the rule does not accept.

    ``whose`` completes "the signers of …". ``today`` is in UTC.
    """
    if rule.policy == "off":
        return
    for found in commits:
        error = _objection(found, rule, today, whose)
        if error is not None:
            raise error


def commit_problem(rule: CommitSigning | None, public_key: str, *, today: date) -> str:
    """Why the rule refuses what a server with that key of evidence commits; "" if it does not.

    ``public_key`` is "" for a server without one, ``today`` in UTC. Raises NotAPublicKey.
    """
    if rule is None or rule.policy == "off":
        return ""
    wanted = f"commits of the project have to be signed (policy {rule.policy})"
    if not public_key:
        return f"{wanted}, and this server has no key"
    signer = rule.signer(parse_ssh(ssh_line(public_key)).fingerprint)
    if signer is None:
        return f"{wanted}, and this server's key is none of the signers'"
    if _is_over(signer, today):
        return f"{wanted}, and this server's key counted until {signer.valid_until}"
    return ""


def list_own_key(public_key: str) -> str:
    """What to do about a commit_problem, with the very entry to add."""
    if not public_key:
        return "Set TRUNKLINE_SIGNING_KEY; `trunkline doctor` shows the entry to add then."
    return (
        "Let a signer commit this entry to spec.signing.commits.signers:"
        f' {{ ssh: "{ssh_line(public_key)}", emails: [ {OWN_EMAIL} ] }}'
    )


def _is_over(signer: Signer, today: date) -> bool:
    return signer.valid_until is not None and today > date.fromisoformat(signer.valid_until)


def _objection(
    found: CommitSignature, rule: CommitSigning, today: date, whose: str
) -> CommitUntrusted | None:
    name = f'commit {found.revision[:12]} "{found.subject}"'
    if found.state == "unsigned":
        return HeadUnsigned(f"{name} is not signed; {whose} wants it to be", hint=_SIGN_AGAIN)
    if found.state == "invalid":
        return HeadSignatureInvalid(f"the signature of {name} {found.words}", hint=_SIGN_AGAIN)
    signer = rule.signer(found.key)
    if found.state == "unknown" or signer is None:
        return SignerUnknown(
            f"{name} is signed with the key {found.key}, which is none of the signers of {whose}"
            f"{found.words}",
            hint=_LIST_KEY,
        )
    if _is_over(signer, today):
        return HeadSignatureInvalid(
            f"{name} is signed by {signer.label}, whose key counted until {signer.valid_until}",
            hint=_SIGN_AGAIN,
        )
    return None
