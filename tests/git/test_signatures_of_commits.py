"""Git's own programs say what a signature is worth, with the keys of the project and no others."""

import os
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitSource, commit
from trunkline.model.errors import HeadSignatureInvalid, SignatureUncheckable
from trunkline.model.ids import Revision
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.signatures import CommitSignature, described

DAY_OF_OLD_KEYS = "20200101T120000"


def rule(*entries: dict[str, object], policy: str = "head") -> CommitSigning:
    return CommitSigning.model_validate({"policy": policy, "signers": list(entries)})


async def tip(source: GitSource, asked: CommitSigning) -> CommitSignature:
    head = await source.head(known=None)
    [found] = await source.signatures(head.revision, asked, since=None)
    return found


@pytest.mark.parametrize(
    "form",
    [
        "ed25519",
        pytest.param("ecdsa", marks=pytest.mark.slow),
        pytest.param("rsa", marks=pytest.mark.slow),
    ],
)
async def test_a_good_ssh_signature_names_the_signer(
    source: GitSource, remote: Any, keys: Any, form: str
) -> None:
    key = keys.ssh(form)
    keys.sign(remote.bare, key)
    found = await tip(source, rule(key.entry()))
    assert (found.state, found.subject) == ("good", "Describe our agents")
    assert described(found, rule(key.entry())) == "ssh:ada@example.com"


async def test_a_good_gpg_signature_names_the_key(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key, other = keys.gpg(), keys.ssh()
    keys.sign(remote.bare, key)
    asked = rule(other.entry(), key.entry())
    found = await tip(source, asked)
    assert found.state == "good"
    assert described(found, asked) == f"gpg:{asked.signers[1].fingerprint}"


async def test_no_signature_is_unsigned(source: GitSource, keys: Any) -> None:
    assert (await tip(source, rule(keys.ssh().entry()))).state == "unsigned"


@pytest.mark.parametrize("form", ["ssh", "gpg"])
async def test_a_key_that_is_not_listed_is_unknown(
    source: GitSource, remote: Any, keys: Any, form: str
) -> None:
    stranger, ours = getattr(keys, form)(), getattr(keys, form)()
    keys.sign(remote.bare, stranger)
    found = await tip(source, rule(ours.entry()))
    assert found.state == "unknown"
    assert found.key
    assert rule(stranger.entry()).signers[0].fingerprint.endswith(found.key)


@pytest.mark.parametrize("form", ["ssh", "gpg"])
async def test_a_commit_changed_after_it_was_signed_is_invalid(
    source: GitSource, remote: Any, keys: Any, form: str
) -> None:
    key = getattr(keys, form)()
    keys.sign(remote.bare, key)
    whole = keys.git(remote.bare, "cat-file", "commit", "main")
    forged = whole.replace("Describe our agents", "Describe my agents")
    remote.force(
        keys.git(remote.bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=forged)
    )
    found = await tip(source, rule(key.entry()))
    assert (found.state, found.subject) == ("invalid", "Describe my agents")
    assert "changed after it was signed" in found.words


async def test_an_expired_gpg_key_is_invalid_even_for_what_it_signed_before(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key = keys.gpg(expires="2d", made_at=DAY_OF_OLD_KEYS)
    keys.sign(remote.bare, key, at=DAY_OF_OLD_KEYS)
    found = await tip(source, rule(key.entry()))
    assert (found.state, found.words) == ("invalid", "is of a key that has expired")


@pytest.mark.slow
async def test_a_revoked_gpg_key_is_invalid(source: GitSource, remote: Any, keys: Any) -> None:
    key = keys.gpg()
    keys.sign(remote.bare, key)
    found = await tip(source, rule(keys.revoked(key).entry()))
    assert (found.state, found.words) == ("invalid", "is of a key that was revoked")


@pytest.mark.slow
async def test_a_signature_of_another_kind_is_invalid(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key = keys.gpg()
    keys.sign(remote.bare, key)
    whole = keys.git(remote.bare, "cat-file", "commit", "main")
    other = whole.replace("PGP SIGNATURE", "SIGNED MESSAGE")
    remote.force(keys.git(remote.bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=other))
    found = await tip(source, rule(key.entry()))
    assert found.state == "invalid"
    assert "cannot be checked here" in found.words


async def test_the_users_own_key_ring_and_settings_count_for_nothing(
    source: GitSource, remote: Any, keys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stranger = keys.gpg()
    keys.sign(remote.bare, stranger)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / ".gitconfig").write_text("[gpg]\n\tprogram = true\n")
    monkeypatch.setenv("GNUPGHOME", str(keys.home))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    assert (await tip(source, rule(keys.gpg().entry()))).state == "unknown"


async def test_a_missing_program_is_no_verdict(
    source: GitSource,
    remote: Any,
    keys: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    key = keys.gpg()
    keys.sign(remote.bare, key)
    head = await source.head(known=None)
    programs = tmp_path / "programs"
    programs.mkdir()
    git = next(
        path
        for folder in os.environ["PATH"].split(os.pathsep)
        if (path := Path(folder) / "git").is_file()
    )
    (programs / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(SignatureUncheckable, match="gpg is not installed") as raised:
        await source.signatures(head.revision, rule(key.entry()), since=None)
    assert raised.value.retryable
    assert "GnuPG" in raised.value.hint


@pytest.mark.slow
async def test_strict_looks_at_every_commit_since(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key = keys.ssh()
    remote.push("# one\n", subject="One")
    remote.push("# two\n", subject="Two")
    tip_revision = Revision(keys.sign(remote.bare, key))
    await source.head(known=None)
    asked = rule(key.entry(), policy="strict")
    found = await source.signatures(tip_revision, asked, since=remote.first)
    assert [(each.subject, each.state) for each in found] == [("Two", "good"), ("One", "unsigned")]
    keys.sign(remote.bare, key, back=1)
    head = await source.head(known=None)
    found = await source.signatures(head.revision, asked, since=remote.first)
    assert [each.state for each in found] == ["good", "good"]


@pytest.mark.slow
async def test_strict_sees_what_a_merge_brings_in(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key = keys.ssh()
    ours = remote.push("# ours\n", subject="Ours")
    keys.git(remote.bare, "branch", "side", remote.first)
    theirs = commit(remote.bare, {"b.yaml": "# b\n"}, message="Theirs", branch="side")
    tree = keys.git(remote.bare, "rev-parse", "main^{tree}")
    merged = keys.git(
        remote.bare, "commit-tree", tree, "-p", ours, "-p", theirs, "-m", "Merge side"
    )
    remote.force(merged)
    keys.sign(remote.bare, key)
    head = await source.head(known=None)
    asked = rule(key.entry(), policy="strict")
    found = await source.signatures(head.revision, asked, since=ours)
    assert [each.subject for each in found if each.state == "unsigned"] == ["Theirs"]


async def test_strict_refuses_a_history_it_cannot_follow(
    source: GitSource, remote: Any, keys: Any
) -> None:
    key = keys.ssh()
    keys.sign(remote.bare, key)
    head = await source.head(known=None)
    with pytest.raises(HeadSignatureInvalid, match="no longer in the repository"):
        await source.signatures(
            head.revision, rule(key.entry(), policy="strict"), since=Revision("1" * 40)
        )
