"""Ed25519 by the library everybody else uses: the server's own key, and other people's signatures.

The private key comes as text from the environment and in the spellings that fit into one: PEM,
PEM in base 64 for files that take one line, or the bare seed. What is wrong with it is said without
showing any of it. What is signed, and whose signature counts, is decided elsewhere.
"""

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from trunkline.model.errors import InvalidSettings, SigningKeyMissing
from trunkline.model.limits import SIGNING_KEY_MAX_CHARACTERS
from trunkline.model.public_keys import (
    EVIDENCE_KEY_BYTES,
    EVIDENCE_KEY_PREFIX,
    NotAPublicKey,
    evidence_key,
    parse_evidence_key,
)

VARIABLE: Final = "TRUNKLINE_SIGNING_KEY"
MAKE_ONE: Final = "make one: openssl genpkey -algorithm ed25519 -out signing-key.pem"

_PEM: Final = "-----BEGIN"
_SIGNATURE_BYTES: Final = 64


class Ed25519Keys:
    """Implements EvidenceKeys. ``private_key`` as TRUNKLINE_SIGNING_KEY holds it, "" for none.

    Raises InvalidSettings for a text that is no Ed25519 private key.
    """

    def __init__(self, private_key: str = "") -> None:
        self._own = _parsed(private_key) if private_key.strip() else None
        raw = self._own.public_key().public_bytes_raw() if self._own is not None else b""
        self._public_key = evidence_key(raw) if raw else ""

    @property
    def public_key(self) -> str:
        """``ed25519:<base64>``, "" without a key of our own."""
        return self._public_key

    def sign(self, payload: bytes) -> str:
        """Base64 of the signature. Raises SigningKeyMissing."""
        if self._own is None:
            raise SigningKeyMissing(
                f"{VARIABLE} is not set: evidence cannot be signed, so nothing can be released",
                hint=f"{MAKE_ONE}; then set {VARIABLE} for every worker",
            )
        return base64.b64encode(self._own.sign(payload)).decode("ascii")

    def verifies(self, payload: bytes, signature: str, public_key: str) -> bool:
        """True if the signature is that key's over exactly these bytes; False for anything odd."""
        try:
            raw = base64.b64decode(parse_evidence_key(public_key).removeprefix(EVIDENCE_KEY_PREFIX))
            given = base64.b64decode(signature, validate=True)
            if len(given) != _SIGNATURE_BYTES or base64.b64encode(given).decode() != signature:
                return False
            Ed25519PublicKey.from_public_bytes(raw).verify(given, payload)
        except (InvalidSignature, NotAPublicKey, ValueError):
            return False
        return True


def new_private_key() -> str:
    """A new private key as a PEM block."""
    made = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return made.decode("ascii")


def _parsed(text: str) -> Ed25519PrivateKey:
    given = text.strip().replace("\\n", "\n")
    if len(given) > SIGNING_KEY_MAX_CHARACTERS:
        raise _refused(f"has more than {SIGNING_KEY_MAX_CHARACTERS} characters")
    if given.startswith(EVIDENCE_KEY_PREFIX):
        return _of_seed(given.removeprefix(EVIDENCE_KEY_PREFIX))
    if not given.startswith(_PEM):
        given = _decoded("".join(given.split())).decode("utf-8", "replace").strip()
        if not given.startswith(_PEM):
            raise _refused(
                f"is none of: a PEM block, a PEM block in base 64, {EVIDENCE_KEY_PREFIX} and 32"
                " bytes in base 64"
            )
    return _of_pem(given)


def _of_seed(text: str) -> Ed25519PrivateKey:
    seed = _decoded(text)
    if len(seed) != EVIDENCE_KEY_BYTES:
        raise _refused(f"has {len(seed)} bytes after ed25519:, and a key has {EVIDENCE_KEY_BYTES}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _of_pem(text: str) -> Ed25519PrivateKey:
    if "PUBLIC KEY" in text.splitlines()[0]:
        raise _refused("is a public key; it wants the private one")
    try:
        loaded = load_pem_private_key(text.encode("utf-8"), password=None)
    except TypeError:
        raise _refused("is encrypted with a passphrase; give it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused("is a damaged PEM block; copy it again") from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise _refused("is a key of another kind than Ed25519")
    return loaded


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("is not whole: it is no base 64") from None


def _refused(what: str) -> InvalidSettings:
    return InvalidSettings(f"{VARIABLE} {what}", hint=MAKE_ONE)
