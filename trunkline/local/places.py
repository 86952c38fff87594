"""Where the local stack keeps its state and what it downloads.

State is what a person would lose; the cache is what can be had again. Root keeps its state outside
of its home: PostgreSQL refuses to run as root, and the account it runs under instead must be able
to walk to its data without the home being opened to everybody.
"""

import os
from pathlib import Path

import platformdirs

_ROOT_STATE = Path("/var/lib/trunkline")


def default_home() -> Path:
    """Where the local stack keeps its state unless TRUNKLINE_HOME says otherwise."""
    if os.name == "posix" and os.geteuid() == 0:
        return _ROOT_STATE
    return platformdirs.user_state_path("trunkline", appauthor=False)


def cache_folder() -> Path:
    """Where servers that had to be fetched or built are kept for every checkout."""
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "trunkline"
    return platformdirs.user_cache_path("trunkline", appauthor=False)
