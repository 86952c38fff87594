"""Keys that commits are signed with, as people make them: by ``ssh-keygen`` and by GnuPG."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SigningKey:
    """A key pair: the entry of ``signers`` that lists it, and what Git signs with."""

    form: str
    public: str
    secret: str

    def entry(self, **more: object) -> dict[str, object]:
        """The key as a manifest's signer."""
        emails = {"emails": ["ada@example.com"]} if self.form == "ssh" else {}
        return {self.form: self.public, **emails, **more}


class SigningKeys:
    """Makes key pairs and signs commits with them, in a home nobody else has."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._count = 0

    def ssh(self, form: str = "ed25519") -> SigningKey:
        """A new SSH key."""
        self._count += 1
        secret = self.home / f"key-{self._count}"
        self._run("ssh-keygen", "-q", "-t", form, "-N", "", "-C", "ada@laptop", "-f", str(secret))
        return SigningKey("ssh", secret.with_suffix(".pub").read_text().strip(), str(secret))

    def gpg(self, *, expires: str = "never", made_at: str = "") -> SigningKey:
        """A new GnuPG key; ``made_at`` such as ``20200101T000000`` lies in the past."""
        self._count += 1
        person = f"ada-{self._count}@example.com"
        self._pretend(made_at)
        self._gpg("--passphrase", "", "--quick-gen-key", person, "ed25519", "sign", expires)
        return SigningKey("gpg", self._gpg("--armor", "--export", person), person)

    def revoked(self, key: SigningKey) -> SigningKey:
        """The key after its owner revoked it."""
        listed = self._gpg("--with-colons", "--list-keys", key.secret)
        fingerprint = listed.split("fpr:::::::::")[1].split(":")[0]
        certificate = self.home / "openpgp-revocs.d" / f"{fingerprint}.rev"
        text = certificate.read_text().replace(":-----BEGIN", "-----BEGIN")
        certificate.write_text(text)
        self._gpg("--import", str(certificate))
        return SigningKey("gpg", self._gpg("--armor", "--export", key.secret), key.secret)

    def sign(
        self, bare: Path, key: SigningKey, *, at: str = "", branch: str = "main", back: int = 0
    ) -> str:
        """Put the commit ``back`` below the tip, and all above it, anew with the key's signature;
        answers the tip.
        """
        self._pretend(at)
        tip = f"refs/heads/{branch}"
        made = ""
        for depth in range(back, -1, -1):
            commit = f"{tip}~{depth}"
            message = self.git(bare, "log", "-1", "--format=%B", commit)
            parents = self.git(bare, "log", "-1", "--format=%P", commit).split()
            above = [made] if made else parents
            made = self.git(
                bare,
                *("-c", f"gpg.format={'openpgp' if key.form == 'gpg' else 'ssh'}"),
                *("-c", f"user.signingKey={key.secret}", "commit-tree", "-S"),
                *(word for parent in above for word in ("-p", parent)),
                *("-m", message, f"{commit}^{{tree}}"),
            )
        self.git(bare, "update-ref", tip, made)
        return made

    def git(self, bare: Path, *arguments: str, stdin: str | None = None) -> str:
        """Git in a repository, as the owner of the keys."""
        return self._run("git", "-C", str(bare), "-c", "safe.directory=*", *arguments, stdin=stdin)

    def close(self) -> None:
        """End the agent that gpg started."""
        self._run("gpgconf", "--kill", "all")

    def _pretend(self, moment: str) -> None:
        settings = f"faked-system-time {moment}\n" if moment else ""
        (self.home / "gpg.conf").write_text(settings)

    def _gpg(self, *arguments: str) -> str:
        return self._run("gpg", "--batch", "--quiet", "--pinentry-mode=loopback", *arguments)

    def _run(self, *command: str, stdin: str | None = None) -> str:
        names = {
            f"GIT_{role}_{part}": "ada@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            command,
            input=stdin,
            env={**os.environ, **names, "GNUPGHOME": str(self.home), "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()
