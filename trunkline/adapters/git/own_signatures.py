"""The server's own signature on its commits and tags, in the form Git calls ``ssh``.

It is made in memory and put where Git looks for one, so that the private key is never given to a
program nor written to a file. Where a project wants signed commits, ours would vouch for all that
it stands on: it is made only on a commit that counts already, and never where it would not count.
"""

import base64
import hashlib
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from trunkline.adapters.git.repository import Repository
from trunkline.adapters.git.signatures import verify
from trunkline.model.errors import CommitUntrusted, PushRefused, SignatureUncheckable
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.public_keys import ssh_blob
from trunkline.model.signatures import (
    commit_problem,
    commit_rule,
    list_own_key,
    require_trusted,
)
from trunkline.ports import Projects, Wishes
from trunkline.ports.releasing import EvidenceKeys

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = (1).to_bytes(4, "big")
_NAMESPACE: Final = b"git"
_HASH: Final = b"sha512"
_KEY_TYPE: Final = b"ssh-ed25519"
_LINE_CHARACTERS: Final = 70


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts for commits of a project: the rule of what was applied last, and what that is."""

    rule: CommitSigning | None
    applied: Revision | None


@dataclass(frozen=True, slots=True)
class CommitSigner:
    """Signs what we push with ``keys``, if they have a key, as a project's rule allows it."""

    keys: EvidenceKeys
    projects: Projects
    wishes: Wishes

    async def in_force(self, project: str) -> InForce:
        """What counts now. Raises StoreUnavailable."""
        state = await self.projects.source(project)
        if state is None or state.applied_revision is None:
            return InForce(None, None)
        rule = commit_rule(await self.wishes.project_manifest(project))
        return InForce(rule, state.applied_revision)

    def keys_for(
        self, repository: Repository, base: Revision, in_force: InForce, *, urgent: bool
    ) -> EvidenceKeys | None:
        """Who signs a commit on ``base``; None: it goes unsigned. Blocks.

        An ``urgent`` one is made unsigned where a signed one would be refused. Raises PushRefused,
        SignatureUncheckable and what reading raises.
        """
        rule = in_force.rule
        try:
            if rule is not None and rule.policy != "off":
                self._require_accepted(repository, base, rule, in_force.applied)
        except (PushRefused, SignatureUncheckable):
            if not urgent:
                raise
            return None
        return self.keys if self.keys.public_key else None

    def _require_accepted(
        self, repository: Repository, base: Revision, rule: CommitSigning, applied: Revision | None
    ) -> None:
        today = datetime.now(UTC).date()
        problem = commit_problem(rule, self.keys.public_key, today=today)
        if problem:
            raise PushRefused(
                f"nothing was committed: {problem}", hint=list_own_key(self.keys.public_key)
            )
        if base == applied:
            return
        found = repository.on_copy(
            base,
            lambda _: verify(
                repository.cache.commands(),
                [base],
                rule.signers,
                timeout_s=repository.bounds.read_timeout_s,
            ),
        )
        try:
            require_trusted(found, rule, today=today, whose="the manifest applied last")
        except CommitUntrusted as error:
            raise PushRefused(
                "nothing was committed, because a signed commit would vouch for the one it stands"
                f" on: {error.message}",
                hint=error.hint,
            ) from error


def signed_commit(content: bytes, keys: EvidenceKeys) -> bytes:
    """A commit's bytes with a signature in its header. Raises SigningKeyMissing."""
    headers, _, message = content.partition(b"\n\n")
    signature = _armored(content, keys).replace(b"\n", b"\n ")
    return b"".join((headers, b"\ngpgsig ", signature, b"\n\n", message))


def signed_tag(content: bytes, keys: EvidenceKeys) -> bytes:
    """A tag's bytes with a signature at its end. Raises SigningKeyMissing."""
    return content + _armored(content, keys) + b"\n"


def _armored(content: bytes, keys: EvidenceKeys) -> bytes:
    """The signature as OpenSSH's PROTOCOL.sshsig spells one."""
    digest = hashlib.sha512(content).digest()
    said = _MAGIC + b"".join(map(_field, (_NAMESPACE, b"", _HASH, digest)))
    signature = _field(_KEY_TYPE) + _field(base64.b64decode(keys.sign(said)))
    fields = (ssh_blob(keys.public_key), _NAMESPACE, b"", _HASH, signature)
    blob = _MAGIC + _VERSION + b"".join(map(_field, fields))
    lines = textwrap.wrap(base64.b64encode(blob).decode("ascii"), _LINE_CHARACTERS)
    framed = ("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----")
    return "\n".join(framed).encode("ascii")


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value
