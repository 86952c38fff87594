"""A pasted public key is named as Git names it, and what is none is refused in plain words."""

import base64
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.public_keys import NotAPublicKey, openpgp_fingerprint, parse_ssh

BEGIN, END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"


@pytest.mark.parametrize("form", ["ed25519", "ecdsa", "rsa"])
def test_an_ssh_key_is_named_as_ssh_keygen_names_it(keys: Any, form: str) -> None:
    key = keys.ssh(form)
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{key.secret}.pub"], capture_output=True, text=True, check=True
    )
    assert parse_ssh(key.public).fingerprint == shown.stdout.split()[1]


def test_a_gpg_key_is_named_as_gpg_names_it(keys: Any) -> None:
    key = keys.gpg()
    fingerprint = openpgp_fingerprint(key.public)
    shown = subprocess.run(
        ["gpg", "--homedir", str(keys.home), "--with-colons", "--list-keys", key.secret],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"fpr:::::::::{fingerprint}:" in shown.stdout


def test_two_keys_in_one_block_are_two_entries(keys: Any) -> None:
    data = b"".join(
        base64.b64decode("".join(keys.gpg().public.splitlines()[2:-2])) for _ in range(2)
    )
    block = f"{BEGIN}\n\n{base64.b64encode(data).decode()}\n{END}"
    with pytest.raises(NotAPublicKey, match="holds 2 keys"):
        openpgp_fingerprint(block)


def test_a_second_key_on_another_line_is_not_overlooked(keys: Any) -> None:
    with pytest.raises(NotAPublicKey, match=r"the line of a \.pub file"):
        parse_ssh(f"{keys.ssh().public}\n{keys.ssh().public}")


def test_a_private_key_is_refused_and_not_repeated(keys: Any) -> None:
    secret = Path(keys.ssh().secret).read_text(encoding="ascii")
    for parse in (parse_ssh, openpgp_fingerprint):
        with pytest.raises(NotAPublicKey, match="private key") as raised:
            parse(secret)
        assert secret.splitlines()[1] not in str(raised.value)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    for parse, pasted in (
        (openpgp_fingerprint, f"{BEGIN}\n\n{text}\n{END}"),
        (parse_ssh, f"ssh-ed25519 {text}"),
    ):
        with suppress(NotAPublicKey):
            assert parse(pasted)


def test_a_wall_of_blanks_is_refused_at_once() -> None:
    with pytest.raises(NotAPublicKey):
        openpgp_fingerprint(f"{BEGIN}\n{' ' * 1_000_000}x\n{END}")
