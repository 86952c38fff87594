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


def _refuse_private(text: str) -> None:
    if _PRIVATE.search(text):
        raise NotAPublicKey(
            "is a private key: take it out, count it as stolen, and write the public one"
        )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
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
