"""A key in any spelling that fits into an environment; what is none is named and never shown."""

import base64
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.bootstrap import evidence_keys
from trunkline.manifests import Caches, DirectoryTree, check
from trunkline.model.errors import InvalidSettings
from trunkline.model.public_keys import NotAPublicKey, parse_evidence_key
from trunkline.settings import Settings
from trunkline.telemetry import Redactor

PEM = new_private_key()
SEED = base64.b64decode("".join(PEM.splitlines()[1:-1]))[-32:]
PUBLIC = Ed25519Keys(PEM).public_key
SPELLINGS: dict[str, str] = {
    "PEM": PEM,
    "PEM without its last newline": PEM.strip(),
    "PEM on one line": PEM.replace("\n", "\\n"),
    "PEM in base 64": base64.b64encode(PEM.encode()).decode(),
    "PEM in wrapped base 64": base64.encodebytes(PEM.encode()).decode(),
    "seed": "ed25519:" + base64.b64encode(SEED).decode(),
}


def openssl(*arguments: str, given: str = "") -> str:
    done = subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_key(spelling: str) -> None:
    settings = Settings.model_validate({"TRUNKLINE_SIGNING_KEY": SPELLINGS[spelling]})
    assert evidence_keys(settings).public_key == PUBLIC


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_part_of_a_key_gets_into_a_log(spelling: str) -> None:
    text = SPELLINGS[spelling]
    secrets = Settings.model_validate({"TRUNKLINE_SIGNING_KEY": text}).secret_values()
    redactor = Redactor(secrets)
    for line in [text, *text.splitlines(), *text.split("\\n"), text.removeprefix("ed25519:")]:
        if line and not line.startswith("-----"):
            assert line not in redactor.text(f"somebody logged {line} by mistake")
    assert "-----BEGIN" in redactor.text("-----BEGIN CERTIFICATE-----")


def test_without_a_key_nothing_is_public() -> None:
    assert evidence_keys(Settings.model_validate({})).public_key == ""


WRONG: dict[str, tuple[Callable[[], str], str]] = {
    "words": (lambda: "correct horse battery staple", "is not whole"),
    "base 64 of words": (lambda: base64.b64encode(b"no key").decode(), "is none of: a PEM block"),
    "a short seed": (lambda: "ed25519:" + base64.b64encode(SEED[:31]).decode(), "has 31 bytes"),
    "half a PEM block": (lambda: PEM[: len(PEM) // 2], "is a damaged PEM block"),
    "a damaged PEM block": (lambda: PEM.replace("MC4CAQ", "MC4CAR"), "is a damaged PEM block"),
    "its public half": (
        lambda: openssl("pkey", "-pubout", given=PEM),
        "is a public key; it wants the private one",
    ),
    "another kind": (lambda: openssl("genpkey", "-algorithm", "ed448"), "of another kind"),
    "an encrypted one": (
        lambda: openssl("pkey", "-aes256", "-passout", "pass:secret", given=PEM),
        "is encrypted with a passphrase",
    ),
    "a novel": (lambda: "A" * 9000, "has more than 8192 characters"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_key_is_named_and_never_shown(what: str) -> None:
    make, words = WRONG[what]
    text = make()
    settings = Settings.model_validate({"TRUNKLINE_SIGNING_KEY": text})
    with pytest.raises(InvalidSettings) as raised:
        evidence_keys(settings)
    assert raised.value.message.startswith("TRUNKLINE_SIGNING_KEY ")
    assert words in raised.value.message
    shown = f"{raised.value.message} {raised.value.hint}"
    assert not [line for line in text.split() if len(line) > 20 and line in shown]


def test_a_public_key_has_one_spelling() -> None:
    assert parse_evidence_key(PUBLIC) == PUBLIC
    assert parse_evidence_key(f" {PUBLIC}\n") == PUBLIC
    assert parse_evidence_key(openssl("pkey", "-pubout", given=PEM)) == PUBLIC


def test_a_signature_verifies_with_either_spelling() -> None:
    keys = Ed25519Keys(PEM)
    signature = keys.sign(b"payload")
    assert keys.verifies(b"payload", signature, openssl("pkey", "-pubout", given=PEM))


FIELD = 2**255 - 19
CURVE = (-121665 * pow(121666, FIELD - 2, FIELD)) % FIELD


def is_of_small_order(y: int) -> bool:
    """True if eight times a point with that y is nothing (RFC 8032, section 5.1)."""
    square = (y * y - 1) * pow(CURVE * y * y + 1, FIELD - 2, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if (x * x - square) % FIELD:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    if (x * x - square) % FIELD:
        return False
    point = (x, y % FIELD)
    for _ in range(3):
        px, py = point
        product = CURVE * px * px * py * py % FIELD
        point = (
            2 * px * py * pow(1 + product, FIELD - 2, FIELD) % FIELD,
            (py * py + px * px) * pow(1 - product, FIELD - 2, FIELD) % FIELD,
        )
    return point == (0, 1)


EIGHTH = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL = (0, 1, FIELD - 1, FIELD, FIELD + 1, EIGHTH, FIELD - EIGHTH)


@pytest.mark.parametrize("y", SMALL)
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_anybody_can_sign_for_is_none(y: int, sign: int) -> None:
    assert is_of_small_order(y)
    raw = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(NotAPublicKey, match="anybody could sign for it"):
        parse_evidence_key("ed25519:" + base64.b64encode(raw).decode())


BROKEN: dict[str, tuple[str, str]] = {
    "cut": (PUBLIC[:-6], "is not a whole key"),
    "short": ("ed25519:" + base64.b64encode(SEED[:31]).decode(), "has 31 bytes"),
    "of SSH": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEx", "must be ed25519: and the key"),
    "not ASCII": ("ed25519:\u00e4\u00f6", "is not a whole key"),
    "private": (PEM, "is a private key: take it out, count it as stolen"),
    "of another kind": (
        openssl("pkey", "-pubout", given=openssl("genpkey", "-algorithm", "ed448")),
        "is not an Ed25519 key",
    ),
    "named twice": (PUBLIC, "is the key of publicKeys[0] again"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_manifest_names_the_line_of_a_key_that_is_none(tmp_path: Path, what: str) -> None:
    text, words = BROKEN[what]
    indented = "".join(f"          {line}\n" for line in text.splitlines())
    files: Mapping[str, str] = {
        "trunkline.yaml": (
            "apiVersion: trunkline/v1alpha1\nkind: Project\nmetadata: { name: acme }\nspec:\n"
            "  environments: [ { name: testing } ]\n  signing:\n    publicKeys:\n"
            f'      - "{PUBLIC}"\n      - |\n{indented}'
        )
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    [problem] = check(DirectoryTree(tmp_path), caches=Caches())
    assert str(problem).startswith("trunkline.yaml:9:9: ")
    assert words in str(problem)
    assert not [line for line in PEM.splitlines()[1:-1] if line in str(problem)]
