"""Who may sign what: keys of evidence, and the rule for the commits that are applied.

The rule in force is that of the manifest applied last, so that no commit can lift its own check.
Nothing here verifies a signature.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trunkline.model.kinds.base import EmailAddress, Part, Shape, exactly_one, refuse
from trunkline.model.limits import LIST_MAX_ITEMS
from trunkline.model.public_keys import (
    NotAPublicKey,
    openpgp_fingerprint,
    parse_evidence_key,
    parse_ssh,
)

CommitPolicy = Literal["off", "head", "strict"]


def _check_ssh(text: str) -> str:
    try:
        parse_ssh(text)
    except NotAPublicKey as error:
        raise refuse(str(error)) from error
    return text


def _check_gpg(text: str) -> str:
    try:
        openpgp_fingerprint(text)
    except NotAPublicKey as error:
        raise refuse(str(error)) from error
    return text


def _check_evidence_key(text: str) -> str:
    try:
        parse_evidence_key(text)
    except NotAPublicKey as error:
        raise refuse(str(error)) from error
    return text


def _check_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise refuse(f"there is no day {text}") from error
    return text


SshKey = Annotated[str, AfterValidator(_check_ssh)]
GpgKey = Annotated[str, AfterValidator(_check_gpg)]
EvidenceKey = Annotated[str, AfterValidator(_check_evidence_key)]
Day = Annotated[
    str,
    Shape(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a day, such as 2027-12-31"),
    AfterValidator(_check_day),
]


class Signer(Part):
    """A public key whose commits count, through the last UTC day of ``validUntil`` if given.

    ``emails`` say whose key it is; an SSH key carries no name of its own and needs at least one.
    """

    ssh: SshKey | None = None
    gpg: GpgKey | None = None
    emails: Annotated[tuple[EmailAddress, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    valid_until: Day | None = None

    @model_validator(mode="after")
    def _one_key(self) -> "Signer":
        exactly_one(self, ("ssh", "gpg"), "a signer")
        if self.ssh is not None and not self.emails:
            raise refuse("an SSH key does not say whose it is; add `emails`")
        return self

    @property
    def fingerprint(self) -> str:
        """The key's name, spelt as Git spells it."""
        if self.ssh is not None:
            return parse_ssh(self.ssh).fingerprint
        return openpgp_fingerprint(self.gpg or "")

    @property
    def label(self) -> str:
        """How people read it: ``ssh:ada@example.com``, ``gpg:<fingerprint>``."""
        return f"ssh:{self.emails[0]}" if self.ssh is not None else f"gpg:{self.fingerprint}"


class CommitSigning(Part):
    """Whether commits must be signed to be applied, and by whom.

    ``head`` asks it of the branch's tip; ``strict`` of every commit since the one applied last;
    ``off`` of none, while signatures of the signers are still shown.
    """

    policy: CommitPolicy
    signers: Annotated[tuple[Signer, ...], Field(max_length=LIST_MAX_ITEMS)] = ()

    @model_validator(mode="after")
    def _signers_fit(self) -> "CommitSigning":
        if self.policy != "off" and not self.signers:
            raise refuse(
                f"policy {self.policy} needs `signers`: without one no commit could be applied",
                at=("policy",),
            )
        first: dict[str, int] = {}
        for index, signer in enumerate(self.signers):
            before = first.setdefault(signer.fingerprint, index)
            if before != index:
                raise refuse(f"is the key of signers[{before}] again", at=("signers", str(index)))
        return self

    def signer(self, fingerprint: str) -> Signer | None:
        """The signer with that key, or None."""
        return next((each for each in self.signers if each.fingerprint == fingerprint), None)


class Signing(Part):
    """Public keys that evidence may be signed with, and the rule for commits."""

    public_keys: Annotated[tuple[EvidenceKey, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    commits: CommitSigning | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Signing":
        if not self.public_keys and self.commits is None:
            raise refuse("`signing` needs `publicKeys`, `commits` or both")
        first: dict[str, int] = {}
        for index, text in enumerate(self.public_keys):
            before = first.setdefault(parse_evidence_key(text), index)
            if before != index:
                raise refuse(
                    f"is the key of publicKeys[{before}] again", at=("publicKeys", str(index))
                )
        return self
