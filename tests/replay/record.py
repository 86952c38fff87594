"""Record the histories that the replay gate replays, by running the workflow tests for real.

Run by ``make record-histories``; a test keeps a history where it calls ``Stack.record``.
"""

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    os.environ["TRUNKLINE_RECORD_HISTORIES"] = "1"
    tests = Path(__file__).parent.parent
    recording = ("workflows", "notifications", "pulls", "outbound")
    sys.exit(pytest.main([*(str(tests / folder) for folder in recording), "-q"]))
