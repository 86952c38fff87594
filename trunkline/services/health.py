"""Is everything there that answers need: each dependency by name, so that the broken one is said.

A check has a deadline of its own: a probe that hangs with the store would say nothing at all.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from trunkline.model.errors import TrunklineError
from trunkline.services.engine import Engine

CHECK_TIMEOUT_S = 3.0
"""Longer than the dependency's own time-out, shorter than the usual probe's five seconds."""


class Checkable(Protocol):
    """A dependency that can be asked whether it works."""

    async def check(self) -> None:
        """Raises a leaf of the error tree, with what to do, if it does not."""


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency; ``message`` says what is wrong, or nothing."""

    name: str
    ready: bool
    message: str = ""


class HealthService:
    """Readiness of the store and of Temporal."""

    def __init__(self, store: Checkable, engine: Engine) -> None:
        self._store = store
        self._engine = engine

    async def checks(self) -> tuple[Check, ...]:
        """Every dependency, in a fixed order, looked at together."""
        return tuple(
            await asyncio.gather(
                _check("store", self._store.check()),
                _check("temporal", self._engine.check()),
            )
        )


async def _check(name: str, attempt: Awaitable[object]) -> Check:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await attempt
    except TrunklineError as error:
        return Check(name, ready=False, message=f"{error.message}. {error.hint}".strip())
    except TimeoutError:
        message = f"no answer within {CHECK_TIMEOUT_S:g} s"
        return Check(name, ready=False, message=message)
    return Check(name, ready=True)
