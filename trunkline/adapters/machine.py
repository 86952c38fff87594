"""The machine a process runs on: programs, Python, room on the disk. Knows nothing of its use."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from trunkline.model.findings import MachineFacts

PROGRAMS = ("git", "gpg", "ssh-keygen")
"""Git reads manifests; the other two check the signatures of commits."""
PROGRAM_TIMEOUT_S = 5.0


class LocalMachine:
    """``ports.Machine``: this one. ``folder`` is where the process keeps its state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def facts(self) -> MachineFacts:
        """Look now; takes a moment, in a thread of its own."""
        return await asyncio.to_thread(self.look)

    def look(self) -> MachineFacts:
        """The same, blocking."""
        found = {name: _version(name) for name in PROGRAMS}
        refusal, free_bytes = "", 0
        try:
            free_bytes = shutil.disk_usage(_existing(self._folder)).free
        except OSError as error:
            refusal = error.strerror or type(error).__name__
        return MachineFacts(
            python=sys.version_info[:3],
            programs={name: version for name, version in found.items() if version},
            folder=str(self._folder),
            folder_refusal=refusal,
            free_bytes=free_bytes,
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it: it is made when it is first used."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)


def _version(program: str) -> str:
    """The first line a program says of itself, ``found`` if it says nothing, empty if absent."""
    path = shutil.which(program)
    if path is None:
        return ""
    if program == "ssh-keygen":
        return "found"
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed name, found on PATH
            [path, "--version"], capture_output=True, timeout=PROGRAM_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = ended.stdout.decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines else "found"
