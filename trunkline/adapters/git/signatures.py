"""Signatures of commits, verified by Git itself with nobody's keys but a project's.

Git calls gpg and ssh-keygen, and both listen to the machine: here they get a key ring and a list of
signers made for one verification, and no agent, no key server and no settings. A commit counts as
well signed only if ``git verify-commit`` says so and the key is one of those that were given.
Knows no policy.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from trunkline.adapters.git.commands import GitCommands, GitFailed
from trunkline.adapters.git.objects import GitObjects
from trunkline.model.errors import SignatureUncheckable
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import Signer
from trunkline.model.public_keys import parse_ssh
from trunkline.model.signatures import CommitSignature

_GPG_CONFIGURATION = """\
batch
no-tty
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-check-trustdb
trust-model always
weak-digest SHA1
"""
_FORMAT = "%H%x00%G?%x00%GP%x00%GF%x00%GK%x00%s"
"""Git's verdict, fingerprints of the primary and of the signing key, key id, subject."""
_SIGNATURE = re.compile(rb"^gpgsig(?:-sha256)? -----BEGIN ([A-Z ]+)-----$", re.MULTILINE)
_FORMS = {b"SSH SIGNATURE": "ssh", b"PGP SIGNATURE": "gpg", b"PGP MESSAGE": "gpg"}
_PROGRAMS = {"ssh": "ssh-keygen", "gpg": "gpg"}
_WRONG = {
    "B": "does not fit: the commit was changed after it was signed, or the signature is damaged",
    "X": "has expired",
    "Y": "is of a key that has expired",
    "R": "is of a key that was revoked",
}
_SUBJECT_MAX_CHARACTERS = 72
"""As much of a subject as a condition's message repeats."""
_UNREADABLE = "is of a kind that cannot be checked here; sign with an SSH key or with GnuPG"
_NEEDS = "Install GnuPG, OpenSSH and Git 2.34 or newer where the workers run; it is tried again."


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One line of what Git says."""

    revision: str
    letter: str
    primary_key: str
    signing_key: str
    key_id: str
    subject: str

    @property
    def key(self) -> str:
        return self.primary_key or self.signing_key or self.key_id


def verify(
    commands: GitCommands,
    revisions: Sequence[Revision],
    signers: Sequence[Signer],
    *,
    timeout_s: float,
) -> tuple[CommitSignature, ...]:
    """What the signature of each commit is worth, in their order.

    ``timeout_s`` bounds each program. Raises SignatureUncheckable, CommitUnreadable.
    """
    forms = _forms(commands, revisions, timeout_s)
    for form in sorted({form for form in forms.values() if form in _PROGRAMS}):
        if shutil.which(_PROGRAMS[form]) is None:
            raise SignatureUncheckable(f"{_PROGRAMS[form]} is not installed", hint=_NEEDS)
    with TemporaryDirectory(prefix="trunkline-signers-") as folder:
        place = Path(folder)
        environment = _environment(place)
        _write_signers(place, signers)
        if "gpg" in forms.values():
            _import_keys(place, signers, timeout_s)
        verdicts = _verdicts(commands, revisions, environment, timeout_s)
        known = {signer.fingerprint for signer in signers}
        found = [_signature(each, forms[each.revision], known) for each in verdicts]
        good = [each.revision for each in found if each.state == "good"]
        if good:
            _confirm(commands, good, environment, timeout_s)
    return tuple(found)


def _forms(
    commands: GitCommands, revisions: Sequence[Revision], timeout_s: float
) -> Mapping[str, str]:
    """Which kind of signature each commit carries: ``ssh``, ``gpg``, ``other`` or none."""
    forms: dict[str, str] = {}
    contents = GitObjects(commands, timeout_s=timeout_s).contents(revisions, "commit")
    for revision, content in zip(revisions, contents, strict=True):
        headers, _, _ = content.partition(b"\n\n")
        signature = _SIGNATURE.search(headers)
        forms[revision] = _FORMS.get(signature[1], "other") if signature else ""
    return forms


def _verdicts(
    commands: GitCommands,
    revisions: Sequence[Revision],
    environment: Mapping[str, str],
    timeout_s: float,
) -> Iterator[_Verdict]:
    arguments = ("log", "--no-walk=unsorted", "--stdin", "-z", f"--format={_FORMAT}")
    stdin = "".join(f"{revision}\n" for revision in revisions).encode()
    try:
        output = commands.run(arguments, timeout_s=timeout_s, stdin=stdin, extra=environment)
    except GitFailed as error:
        raise SignatureUncheckable(
            f"the signatures cannot be checked: {error}", hint=_NEEDS
        ) from error
    fields = output.decode("utf-8", "replace").removesuffix("\0").split("\0")
    width = _FORMAT.count("%x00") + 1
    if len(fields) != width * len(revisions):
        raise SignatureUncheckable("git did not say what the signatures are worth", hint=_NEEDS)
    for start in range(0, len(fields), width):
        yield _Verdict(*fields[start : start + width])


def _signature(verdict: _Verdict, form: str, known: set[str]) -> CommitSignature:
    revision, subject = Revision(verdict.revision), verdict.subject[:_SUBJECT_MAX_CHARACTERS]
    if not form:
        return CommitSignature(revision, subject, "unsigned")
    if form == "other" or verdict.letter == "N":
        return CommitSignature(revision, subject, "invalid", words=_UNREADABLE)
    key = verdict.key
    if verdict.letter in _WRONG:
        return CommitSignature(revision, subject, "invalid", key, _WRONG[verdict.letter])
    accepted = verdict.letter == "G" or (form == "gpg" and verdict.letter == "U")
    if accepted and key in known:
        return CommitSignature(revision, subject, "good", key)
    listed = any(name.endswith(key) for name in known) if key else False
    words = "; gpg cannot use the key as it is listed, export it again" if listed else ""
    return CommitSignature(revision, subject, "unknown", key, words)


def _confirm(
    commands: GitCommands,
    revisions: Sequence[Revision],
    environment: Mapping[str, str],
    timeout_s: float,
) -> None:
    try:
        commands.run(("verify-commit", "--raw", *revisions), timeout_s=timeout_s, extra=environment)
    except GitFailed as error:
        raise SignatureUncheckable(
            f"git contradicts itself about a signature: {error}", hint=_NEEDS
        ) from error


def _write_signers(place: Path, signers: Sequence[Signer]) -> None:
    """The list for ssh-keygen; who a key belongs to is looked up by its fingerprint."""
    lines = []
    for index, signer in enumerate(signers):
        if signer.ssh is not None:
            key = parse_ssh(signer.ssh)
            lines.append(f'signer-{index} namespaces="git" {key.type} {key.data}\n')
    (place / "allowed-signers").write_text("".join(lines), encoding="ascii")


def _import_keys(place: Path, signers: Sequence[Signer], timeout_s: float) -> None:
    """Fill the key ring. A key gpg does not take is no key: its signatures stay unknown."""
    (place / "gpg.conf").write_text(_GPG_CONFIGURATION, encoding="ascii")
    blocks = "\n".join(signer.gpg.strip() for signer in signers if signer.gpg is not None)
    if not blocks:
        return
    try:
        subprocess.run(
            ["gpg", "--quiet", "--import"],  # noqa: S607 - git itself finds gpg on PATH
            input=f"{blocks}\n".encode(),
            env={"PATH": os.environ.get("PATH", os.defpath), **_private(place), "LC_ALL": "C"},
            cwd=place,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SignatureUncheckable("gpg did not take the signers' keys", hint=_NEEDS) from error


def _environment(place: Path) -> dict[str, str]:
    settings = {
        "gpg.program": "gpg",
        "gpg.openpgp.program": "gpg",
        "gpg.ssh.program": "ssh-keygen",
        "gpg.x509.program": "false",
        "gpg.ssh.allowedSignersFile": str(place / "allowed-signers"),
        "log.showSignature": "false",
    }
    environment = {**_private(place), "GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _private(place: Path) -> dict[str, str]:
    return {"GNUPGHOME": str(place), "HOME": str(place), "TMPDIR": str(place)}
