"""``backup`` and ``restore``: with progress, straight to the database like ``migrate``."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from trunkline.adapters.postgres.backups import write_backup
from trunkline.adapters.postgres.restoring import restore_backup
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import print_text
from trunkline.cli.progress import Progress
from trunkline.settings import load_settings

MEGABYTE = 1_000_000


def backup(target: Path | None) -> ExitCode:
    """Write a backup; without a target under a name with the time, in this folder."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = target or Path(f"trunkline-{moment}.zip")
    database = load_settings().database()
    with Progress("Backing up") as progress:
        manifest = write_backup(database, file, _shown(progress))
    print_text(f"{file}: {manifest.rows} rows, tables at version {manifest.schema_version}")
    return ExitCode.DONE


def restore(file: Path) -> ExitCode:
    """Restore a backup into the empty database of the settings."""
    database = load_settings().database()
    with Progress("Restoring") as progress:
        manifest = restore_backup(database, file, _shown(progress))
    taken = manifest.created_at.isoformat(sep=" ", timespec="seconds")
    print_text(
        f"Restored {manifest.rows} rows as they were at {taken}. Nothing is deleted on a platform"
        " until you say so for each environment: trunkline resume -e NAME --prune"
    )
    return ExitCode.DONE


def _shown(progress: Progress) -> Callable[[str, int], None]:
    size = 0

    def show(table: str, count: int) -> None:
        nonlocal size
        size += count
        progress.show(note=f"{table}, {size / MEGABYTE:.0f} MB")

    return show
