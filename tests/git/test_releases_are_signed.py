"""What the server commits bears the server's signature, and Git's own programs say so."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from trunkline.adapters.git import CommitSigner, GitReleases, GitSource, Repository
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.base import JsonObject
from trunkline.model.errors import PushRefused, PushRejected
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.public_keys import ssh_line
from trunkline.model.records import SourceState
from trunkline.model.signatures import OWN_EMAIL, described
from trunkline.ports import Projects, Wishes

PATH = "releases/production/front-desk.yaml"
TAG = "trunkline/production/front-desk/v1"
ADA = ("Ada Lovelace", "ada@example.com")
PEM = new_private_key()
KEYS = Ed25519Keys(PEM)
LINE = ssh_line(KEYS.public_key)
OWN: dict[str, object] = {"ssh": LINE, "emails": [OWN_EMAIL]}
FORGED = "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"


@dataclass
class Applied:
    """What a look at Git stored: the revision applied last, and its rule for commits."""

    revision: Revision | None = None
    rule: JsonObject | None = None

    async def source(self, project: str) -> SourceState:
        """As a store answers."""
        return SourceState(project=project, applied_revision=self.revision)

    async def project_manifest(self, _: str) -> JsonObject:
        """As a store answers."""
        return {"spec": {"signing": {"commits": self.rule}}} if self.rule is not None else {}


def rule(policy: str, *signers: dict[str, object]) -> JsonObject:
    said = CommitSigning.model_validate({"policy": policy, "signers": list(signers)})
    return cast("JsonObject", said.model_dump(mode="json", by_alias=True))


def signing(
    remote: Any, cache: Path, applied: Applied | None = None, keys: Ed25519Keys = KEYS
) -> GitReleases:
    known = applied or Applied()
    signer = CommitSigner(keys, cast("Projects", known), cast("Wishes", known))
    repository = Repository(str(remote.bare), "main", cache=cache, allow_local=True)
    return GitReleases("acme", repository, signer)


async def push(
    releases: GitReleases, remote: Any, message: str = "Release front-desk v1", **more: Any
) -> Revision:
    return await releases.push_release(
        await releases.fetch_tip(),
        edits={PATH: remote.release()},
        message=message,
        author=ADA,
        tag=TAG,
        tag_revision=remote.first,
        tag_message=message,
        **more,
    )


def verdict(remote: Any, tmp_path: Path, command: str, name: str, line: str = LINE) -> str:
    """What Git says with only one signer known; "" if it accepts the signature."""
    allowed = tmp_path / "allowed-signers"
    allowed.write_text(f'{OWN_EMAIL} namespaces="git" {line}\n')
    settings = ("-c", f"gpg.ssh.allowedSignersFile={allowed}", "-c", "safe.directory=*")
    done = subprocess.run(
        ["git", "-C", str(remote.bare), *settings, command, name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr or "refused"
    assert f'Good "git" signature for {OWN_EMAIL}' in done.stderr
    return ""


def contents(folder: Path) -> list[bytes]:
    return [each.read_bytes() for each in folder.rglob("*") if each.is_file()]


@pytest.mark.parametrize("message", ["Shorter greeting", f"Grüße\n\n{FORGED}", f"A\n{FORGED}B"])
async def test_git_verifies_commit_and_tag(remote: Any, tmp_path: Path, message: str) -> None:
    releases = signing(remote, tmp_path / "cache")
    pushed = await push(releases, remote, message)
    assert verdict(remote, tmp_path, "verify-commit", pushed) == ""
    assert verdict(remote, tmp_path, "verify-tag", TAG) == ""
    stranger = ssh_line(Ed25519Keys(new_private_key()).public_key)
    assert verdict(remote, tmp_path, "verify-commit", pushed, stranger)
    remote.git("fsck", "--strict")
    assert remote.git("show", "-s", "--format=%B", "main") == message.strip()
    assert remote.git("show", "-s", "--format=%an/%cn", "main") == "Ada Lovelace/Trunkline"


async def test_a_signature_is_nothing_that_readers_stumble_over(
    remote: Any, tmp_path: Path
) -> None:
    releases = signing(remote, tmp_path / "cache")
    message = "Shorter greeting\n\nTrunkline-Promotion: acme/production.front-desk.1\n"
    pushed = await push(releases, remote, message)
    await releases.fetch_tip()
    (tag,) = await releases.release_tags()
    assert (tag.message, tag.revision) == (message.strip(), remote.first)
    assert await releases.commits_with_trailer("production.front-desk.1", since=None) == (pushed,)
    (author,) = await releases.authors(remote.first, pushed, [PATH])
    assert author.email == "ada@example.com"
    assert await releases.subjects(remote.first, pushed, [PATH]) == ("Shorter greeting",)
    (found,) = await releases.release_history(limit=5)
    assert found.version == 1


async def test_a_change_after_signing_is_noticed(remote: Any, tmp_path: Path) -> None:
    await push(signing(remote, tmp_path / "cache"), remote)
    whole = remote.git("cat-file", "commit", "main")
    forged = remote.store("commit", whole.replace("desk v1", "desk v2").encode() + b"\n")
    assert verdict(remote, tmp_path, "verify-commit", forged)


async def test_the_private_key_is_written_nowhere(remote: Any, tmp_path: Path) -> None:
    await push(signing(remote, tmp_path / "cache"), remote)
    kept = contents(tmp_path)
    assert kept
    secret = "".join(PEM.splitlines()[1:-1]).encode()
    assert not any(secret in each or b"PRIVATE" in each for each in kept)


async def test_without_a_key_nothing_is_signed(remote: Any, tmp_path: Path) -> None:
    releases = signing(remote, tmp_path / "cache", keys=Ed25519Keys())
    await push(releases, remote)
    assert "gpgsig" not in remote.git("cat-file", "commit", "main")
    assert "SIGNATURE" not in remote.git("cat-file", "tag", TAG)


@pytest.mark.parametrize("policy", ["head", "strict"])
async def test_a_rule_that_lists_our_key_takes_our_commits(
    source: GitSource, remote: Any, tmp_path: Path, policy: str
) -> None:
    asked = rule(policy, OWN)
    releases = signing(remote, tmp_path / "cache", Applied(remote.first, asked))
    first = await push(releases, remote)
    second = await releases.push_release(first, edits={PATH: None}, message="Remove it", author=ADA)
    read = CommitSigning.model_validate(asked)
    found = await source.signatures(second, read, since=remote.first)
    assert {described(each, read) for each in found} == {f"ssh:{OWN_EMAIL}"}
    assert len(found) == (1 if policy == "head" else 2)


@pytest.mark.parametrize(
    ("listed", "own", "words", "hint"),
    [
        (None, KEYS, "this server's key is none of the signers'", LINE),
        ("2024-12-31", KEYS, "this server's key counted until 2024-12-31", LINE),
        (None, Ed25519Keys(), "this server has no key", "TRUNKLINE_SIGNING_KEY"),
    ],
    ids=["not listed", "expired", "no key"],
)
async def test_a_commit_that_would_be_refused_is_not_made(
    remote: Any, tmp_path: Path, keys: Any, listed: str | None, own: Ed25519Keys, words: str,
    hint: str,
) -> None:  # fmt: skip
    signers = [keys.ssh().entry(), *([{**OWN, "validUntil": listed}] if listed else [])]
    known = Applied(remote.first, rule("strict", *signers))
    releases = signing(remote, tmp_path / "cache", known, own)
    with pytest.raises(PushRefused, match=words) as raised:
        await push(releases, remote)
    assert hint in raised.value.hint
    assert (remote.tip(), remote.tags()) == (remote.first, [])
    await push(releases, remote, urgent=True)
    assert "gpgsig" not in remote.git("cat-file", "commit", "main")


async def test_our_signature_never_vouches_for_what_nobody_signed(
    source: GitSource, remote: Any, tmp_path: Path
) -> None:
    asked = rule("head", OWN)
    releases = signing(remote, tmp_path / "cache", Applied(remote.first, asked))
    smuggled = remote.push("# not reviewed\n", subject="Smuggle")
    with pytest.raises(PushRefused, match="would vouch") as raised:
        await push(releases, remote)
    assert '"Smuggle" is not signed' in raised.value.message
    assert (remote.tip(), remote.tags()) == (smuggled, [])
    urgent = await push(releases, remote, urgent=True)
    read = CommitSigning.model_validate(asked)
    [found] = await source.signatures(urgent, read, since=None)
    assert found.state == "unsigned"


async def test_a_newer_commit_that_a_signer_signed_is_built_on(
    remote: Any, tmp_path: Path, keys: Any
) -> None:
    key = keys.ssh()
    known = Applied(remote.first, rule("strict", key.entry(), OWN))
    remote.push("# reviewed\n")
    keys.sign(remote.bare, key)
    pushed = await push(signing(remote, tmp_path / "cache", known), remote)
    assert verdict(remote, tmp_path, "verify-commit", pushed) == ""


async def test_a_branch_that_moved_is_looked_at_again_before_any_rule(
    remote: Any, tmp_path: Path
) -> None:
    releases = signing(remote, tmp_path / "cache", Applied(remote.first, rule("head", OWN)))
    base = await releases.fetch_tip()
    remote.push("# faster\n")
    with pytest.raises(PushRejected):
        await releases.push_release(base, edits={PATH: "x: 1\n"}, message="m", author=ADA)
