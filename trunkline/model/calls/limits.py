"""Bounds of live calls. Each says what it protects, so that whoever moves it knows what for."""

from typing import Final

CALL_FORM_MAX_BYTES: Final = 64 * 1024
"""A carrier's form about a call: some forty fields of a line each."""
