"""What of a recorded history is kept: nothing of the machine it was recorded on."""

from typing import Any


def portable(value: Any) -> Any:
    """A history without what belongs to the machine it was recorded on."""
    if isinstance(value, dict):
        return {
            key: "recorder" if key == "identity" else portable(item)
            for key, item in value.items()
            if key not in ("stackTrace", "binaryChecksum")
        }
    return [portable(item) for item in value] if isinstance(value, list) else value
