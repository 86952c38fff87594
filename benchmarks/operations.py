"""Asks the API for something that takes a while, and waits until it is done.

What did not succeed ends the measurement: a figure of half a fleet is no figure.
"""

import json
import sys
import time
from typing import Any

import httpx

OPERATION_TIMEOUT_S = 1_800.0
POLL_INTERVAL_S = 0.1


def ask(api: httpx.Client, what: str, order: dict[str, Any]) -> None:
    """Post the order below the project and wait for its operation."""
    operation = api.post(f"/{what}", json=order).raise_for_status().json()
    deadline = time.monotonic() + OPERATION_TIMEOUT_S
    while operation["state"] == "Running":
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not end: {json.dumps(operation)[:500]}")
        time.sleep(POLL_INTERVAL_S)
        operation = api.get(f"/operations/{operation['id']}").raise_for_status().json()
    if operation["state"] != "Succeeded":
        sys.exit(f"{what} ended as {operation['state']}: {operation['message']}")


def forget_calls(platform: httpx.Client) -> None:
    """Have a simulator count and log afresh."""
    platform.delete("/_sim/counters").raise_for_status()
