"""Whom simulators trust when they ask an address: the authorities everybody trusts, read once.

They are a hundred and fifty, and to read them takes longer than to start a simulator. Knows nothing
of what is asked.
"""

import ssl
from functools import cache

import httpx


@cache
def trust() -> ssl.SSLContext:
    """What every client of this process verifies with, whatever its environment says."""
    return httpx.create_ssl_context(trust_env=False)
