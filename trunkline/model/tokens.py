"""Tokens of conversations under test: only their digests are ever stored."""

import hashlib


def token_digest(token: str) -> str:
    """What is kept of a token: SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
