"""Files of the local stack that hold secrets: whole or not there, and read by their owner only."""

import os
from pathlib import Path


def write_privately(path: Path, text: str) -> None:
    """Replace a file by one that nobody else may read."""
    incomplete = path.with_suffix(".incomplete")
    incomplete.unlink(missing_ok=True)
    descriptor = os.open(incomplete, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    incomplete.replace(path)
