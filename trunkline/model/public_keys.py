"""Public keys as people paste them, read far enough to name them and to refuse what is none.

A key that was cut short, or a private one, is found when manifests are validated and not when a
commit waits to be applied. Nothing is verified with a key here: that is the business of Git's own
programs.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trunkline.model.limits import PUBLIC_KEY_MAX_CHARACTERS

SSH_KEY_TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""What ``ssh-keygen`` signs with today; DSA is refused by it since OpenSSH 10."""

EVIDENCE_KEY_PREFIX = "ed25519:"
"""What the short spelling of a key of evidence begins with; 32 bytes in base 64 follow."""
EVIDENCE_KEY_BYTES = 32
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""What comes before those bytes in a PEM block: RFC 8410, section 4."""
_BEGIN_PEM, _END_PEM = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_FIELD = 2**255 - 19
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        _FIELD,
        _FIELD + 1,
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            "little",
        ),
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
            "little",
        ),
    }
)
"""Points everybody can sign for, by their y: zeros as a placeholder are one of them."""

_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_LENGTH_BYTES = 4
_PUBLIC_KEY = 6
"""The packet tag of a primary public key, as RFC 4880 numbers it."""
_VERSION = 4
_NEW_FORMAT, _PACKET = 0x40, 0x80
_ONE_OCTET_MAX, _TWO_OCTETS_MAX, _FOUR_OCTETS = 191, 223, 255


class NotAPublicKey(ValueError):
    """What is wrong with a text that should be a public key; never repeats any of it."""


@dataclass(frozen=True, slots=True)
class SshPublicKey:
    """One line of a ``.pub`` file: its type, the key in base 64, and the fingerprint Git shows."""

    type: str
    data: str
    fingerprint: str


def parse_ssh(text: str) -> SshPublicKey:
    """The key of an OpenSSH line; options and a comment are not part of it.

    Raises NotAPublicKey.
    """
    _refuse_private(text)
    words = text.split(maxsplit=2)
    lines = len(text.strip().splitlines())
    if lines != 1 or len(words) < 2 or words[0] not in SSH_KEY_TYPES:  # noqa: PLR2004
        raise NotAPublicKey(
            f"must be the line of a .pub file, beginning with {', '.join(SSH_KEY_TYPES)}"
        )
    blob = _decoded(words[1])
    length = int.from_bytes(blob[:_LENGTH_BYTES], "big")
    if blob[_LENGTH_BYTES : _LENGTH_BYTES + length] != words[0].encode() or not _is_whole(blob):
        raise NotAPublicKey("is not a whole key; copy the line of the .pub file again")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return SshPublicKey(type=words[0], data=words[1], fingerprint=f"SHA256:{digest}")


def openpgp_fingerprint(armored: str) -> str:
    """The fingerprint of the one primary key in an armoured block, in upper-case hexadecimal.

    Source of the format: RFC 4880, sections 4.2, 6.2 and 12.2. Raises NotAPublicKey.
    """
    _refuse_private(armored)
    lines = [line.strip() for line in armored.strip().splitlines()]
    if (
        len(armored) > PUBLIC_KEY_MAX_CHARACTERS
        or lines[:1] != [_BEGIN]
        or lines[-1] != _END
        or lines.count(_END) > 1
    ):
        raise NotAPublicKey(
            "must be one block as `gpg --armor --export KEY` prints it, from its BEGIN line to its "
            f"END line, {PUBLIC_KEY_MAX_CHARACTERS} characters at most"
        )
    body = [line for line in lines[1:-1] if line and ": " not in line]
    checksum = body.pop() if body and body[-1].startswith("=") else ""
    data = _decoded("".join(body))
    if checksum and _decoded(checksum[1:]) != _crc24(data).to_bytes(3, "big"):
        raise NotAPublicKey("is damaged: its checksum does not fit; export it again")
    keys = [body for tag, body in _packets(data) if tag == _PUBLIC_KEY]
    if len(keys) != 1:
        raise NotAPublicKey(f"holds {len(keys)} keys; write one entry for each")
    if keys[0][0] != _VERSION:
        raise NotAPublicKey(f"is a key of version {keys[0][0]}; Git needs one of version 4")
    hashed = b"\x99" + len(keys[0]).to_bytes(2, "big") + keys[0]
    return hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper()


def parse_evidence_key(text: str) -> str:
    """An Ed25519 public key in its one short spelling: ``ed25519:`` and base 64.

    Given as that, or as the PEM block that ``openssl pkey -pubout`` prints. Raises NotAPublicKey.
    """
    _refuse_private(text)
    given = text.strip()
    if given.startswith(EVIDENCE_KEY_PREFIX):
        raw = _decoded(given.removeprefix(EVIDENCE_KEY_PREFIX))
    elif given.startswith(_BEGIN_PEM) and given.endswith(_END_PEM):
        body = given.removeprefix(_BEGIN_PEM).removesuffix(_END_PEM)
        der = _decoded("".join(body.split()))
        if not der.startswith(_SPKI_PREFIX):
            raise NotAPublicKey("is not an Ed25519 key: openssl genpkey -algorithm ed25519")
        raw = der.removeprefix(_SPKI_PREFIX)
    else:
        raise NotAPublicKey(
            f"must be {EVIDENCE_KEY_PREFIX} and the key in base 64, or the PEM block that "
            "`openssl pkey -pubout` prints"
        )
    if len(raw) != EVIDENCE_KEY_BYTES:
        raise NotAPublicKey(
            f"has {len(raw)} bytes where an Ed25519 public key has {EVIDENCE_KEY_BYTES}; copy it"
            " again"
        )
    if int.from_bytes(raw, "little") % 2**255 in _SMALL_ORDER:
        raise NotAPublicKey("is no key: anybody could sign for it")
    return evidence_key(raw)


def evidence_key(raw: bytes) -> str:
    """The short spelling of a key's 32 bytes."""
    return EVIDENCE_KEY_PREFIX + base64.b64encode(raw).decode("ascii")


def ssh_blob(key: str) -> bytes:
    """A key of evidence as OpenSSH writes it in bytes: its type and its 32 bytes, each after its
    length (RFC 8709, section 4). Raises NotAPublicKey.
    """
    raw = base64.b64decode(parse_evidence_key(key).removeprefix(EVIDENCE_KEY_PREFIX))
    fields = (SSH_KEY_TYPES[0].encode("ascii"), raw)
    return b"".join(len(field).to_bytes(_LENGTH_BYTES, "big") + field for field in fields)


def ssh_line(key: str) -> str:
    """A key of evidence as the line of a ``.pub`` file. Raises NotAPublicKey."""
    return f"{SSH_KEY_TYPES[0]} {base64.b64encode(ssh_blob(key)).decode('ascii')}"


def _refuse_private(text: str) -> None:
    if _PRIVATE.search(text):
        raise NotAPublicKey(
            "is a private key: take it out, count it as stolen, and write the public one"
        )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAPublicKey("is not a whole key; copy it again") from error


def _is_whole(blob: bytes) -> bool:
    """True if the blob is fields of a length and as many bytes each, at least two of them."""
    fields = 0
    while blob:
        length = int.from_bytes(blob[:_LENGTH_BYTES], "big")
        if len(blob) < _LENGTH_BYTES + length:
            return False
        blob = blob[_LENGTH_BYTES + length :]
        fields += 1
    return fields > 1


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of every packet."""
    while data:
        tag, size, start = _header(data)
        if start + size > len(data) or not size:
            raise NotAPublicKey("is not a whole key; export it again")
        yield tag, data[start : start + size]
        data = data[start + size :]


def _header(data: bytes) -> tuple[int, int, int]:
    """A packet's tag, the size of its body and where that begins."""
    first, second = data[0], data[1] if len(data) > 1 else 0
    if not first & _PACKET:
        raise NotAPublicKey("is not an OpenPGP key; export it again")
    if not first & _NEW_FORMAT:
        octets = (1, 2, 4, 0)[first & 3]
        size = int.from_bytes(data[1 : 1 + octets], "big") if octets else len(data) - 1
        return (first >> 2) & 0xF, size, 1 + octets
    tag = first & 0x3F
    if second <= _ONE_OCTET_MAX:
        return tag, second, 2
    if second <= _TWO_OCTETS_MAX:
        return tag, ((second - 192) << 8) + int.from_bytes(data[2:3], "big") + 192, 3
    if second == _FOUR_OCTETS:
        return tag, int.from_bytes(data[2:6], "big"), 6
    raise NotAPublicKey("is not an OpenPGP key; export it again")


def _crc24(data: bytes) -> int:
    """The checksum of an armoured block (RFC 4880, section 6.1)."""
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
