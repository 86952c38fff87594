"""Writes the JSON Schemas: ``python -m trunkline.manifests FOLDER``, as ``make docs`` does."""

import sys
from pathlib import Path

from trunkline.manifests.schemas import schema_files


def write_schemas(folder: Path) -> None:
    """Bring the schema files of a folder up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
