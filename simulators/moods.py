"""How a look-alike behaves and goes wrong in one matter, changed by the control plane as it runs.

What the settings are, and what a fault does, is known where they are; this keeps what is in force,
throws the dice and counts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from simulators.faults import Armed, Selection, first_hit
from simulators.wire import Json


class MoodSettings(BaseModel):
    """What the control plane says of a matter; ``seed`` is that of the dice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0


Settings = TypeVar("Settings", bound=MoodSettings)
Trouble = TypeVar("Trouble", bound=Selection)


class Mood(Generic[Settings, Trouble]):
    """The settings in force; ``faults_of`` names the one that holds the faults."""

    def __init__(self, beginning: Settings, faults_of: str) -> None:
        self.settings = self._beginning = beginning
        self._faults_of = faults_of
        self.clear()

    def clear(self) -> None:
        """As at the start."""
        self._take(self._beginning)

    def change(self, settings: Settings) -> None:
        """These settings from now on; faults and dice begin afresh if the body names them."""
        given = {name: getattr(settings, name) for name in settings.model_fields_set}
        merged = self.settings.model_copy(update=given)
        if {self._faults_of, "seed"} & set(given):
            self._take(merged)
        else:
            self.settings = merged

    def describe(self) -> Json:
        """The settings, and how much each fault has seen and hit."""
        faults = [armed.describe() for armed in self._armed]
        return {**self.settings.model_dump(mode="json"), self._faults_of: faults}

    def _take(self, settings: Settings) -> None:
        self.settings = settings
        self._dice = random.Random(settings.seed)  # noqa: S311 - repeatable dice
        faults: tuple[Trouble, ...] = getattr(settings, self._faults_of)
        self._armed = [Armed(fault) for fault in faults]

    def _hit(self, looks_at: Callable[[Trouble], bool]) -> Trouble | None:
        """The first fault that hits; every fault that looks at it counts it."""
        return first_hit(self._armed, self._dice, looks_at)
