"""What goes wrong, to which request, and when.

A fault plan is data: each fault says which requests it looks at, which of those it hits (the n-th,
every n-th, by chance from a seed, or all), and what happens to them. The gateway acts on it; the
look-alikes never hear of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.limits import MAX_FAULTS, MAX_HANG_S
from simulators.wire import Answer, Json, dump_json

# An outage as clients most often see it, when a fault does not name another status.
DEFAULT_STATUS = 500


class FaultKind(StrEnum):
    """What happens to a request; *before* and *after* are said of its effect."""

    STATUS_BEFORE = "status-before"
    STATUS_AFTER = "status-after"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    HANG_BEFORE = "hang-before"
    HANG_AFTER = "hang-after"
    TRUNCATE = "truncate"
    RESET = "reset"
    MALFORMED = "malformed"
    DELAYED = "delayed"
    DUPLICATE = "duplicate"
    SLOW = "slow"
    STALE = "stale"


class Selection(BaseModel):
    """Which of the things it looks at a fault hits: all, unless one field says otherwise.

    ``nth`` is this one, once; ``every`` is every so many; ``times`` bounds how often it hits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nth: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_selector(self) -> Self:
        if sum(given is not None for given in (self.nth, self.every, self.probability)) > 1:
            raise ValueError("nth, every and probability exclude each other")
        return self


class Fault(Selection):
    """One fault as the control plane takes it; see ``docs/simulators.md`` for the fields."""

    kind: FaultKind
    method: str | None = None
    route: str | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: Json | list[object] | str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: Annotated[float, Field(ge=0, le=MAX_HANG_S)] | None = None

    @model_validator(mode="after")
    def _stale_reads_only(self) -> Self:
        if self.kind is FaultKind.STALE and self.method not in (None, "GET"):
            raise ValueError("only a GET can be stale")
        return self

    def looks_at(self, method: str, path: str, route: str) -> bool:
        """True if the request is of the kind this fault may hit."""
        if self.kind is FaultKind.STALE and (method != "GET" or "{" not in route):
            return False
        if self.method is not None and self.method.upper() != method:
            return False
        return self.route is None or self.route in (path, route)

    def answer(self, fallback: Answer) -> Answer:
        """The answer a status fault gives: its own body, else the vendor's wording."""
        if self.body is None:
            return Answer(
                status=fallback.status,
                body=fallback.body,
                content_type=fallback.content_type,
                headers={**fallback.headers, **self.headers},
            )
        text = self.body.encode() if isinstance(self.body, str) else dump_json(self.body)
        return Answer(
            status=self.status or DEFAULT_STATUS,
            body=text,
            content_type="text/plain" if isinstance(self.body, str) else "application/json",
            headers=self.headers,
        )


class FaultRequest(BaseModel):
    """Body of ``POST /_sim/faults``: faults are added; a seed restarts the dice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: Annotated[list[Fault], Field(max_length=MAX_FAULTS)]
    seed: int | None = None


Selected = TypeVar("Selected", bound=Selection)


class Armed(Generic[Selected]):
    """A fault in force, with what it has seen and hit."""

    def __init__(self, fault: Selected) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0

    def hits(self, dice: random.Random) -> bool:
        """True if the fault hits this one; every call is one more it has looked at."""
        fault = self.fault
        self.seen += 1
        limit = fault.times or (1 if fault.nth else None)
        if limit is not None and self.fired >= limit:
            return False
        if fault.nth is not None:
            hit = self.seen >= fault.nth
        elif fault.every is not None:
            hit = self.seen % fault.every == 0
        elif fault.probability is not None:
            hit = dice.random() < fault.probability
        else:
            hit = True
        self.fired += hit
        return hit

    def describe(self) -> Json:
        """The fault, and how many it has seen and hit."""
        given = self.fault.model_dump(mode="json", exclude_none=True)
        return {**given, "seen": self.seen, "fired": self.fired}


def first_hit(
    faults: Iterable[Armed[Selected]], dice: random.Random, looks_at: Callable[[Selected], bool]
) -> Selected | None:
    """The first fault that hits what is at hand; every fault that looks at it counts it."""
    looking = [armed for armed in faults if looks_at(armed.fault)]
    hits = [armed.fault for armed in looking if armed.hits(dice)]
    return hits[0] if hits else None


class FaultPlan:
    """The faults in force, in the order they were given; the first that hits acts."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - repeatable dice, not a secret
        self._armed: list[Armed[Fault]] = []

    def add(self, request: FaultRequest) -> None:
        """Put faults in force. Raises ValueError beyond the bound."""
        if len(self._armed) + len(request.faults) > MAX_FAULTS:
            raise ValueError(f"at most {MAX_FAULTS} faults may be in force")
        if request.seed is not None:
            self._dice.seed(request.seed)
        self._armed.extend(Armed(fault) for fault in request.faults)

    def clear(self) -> None:
        """No faults, and dice as at the start."""
        self._armed.clear()
        self._dice.seed(self._seed)

    def describe(self) -> list[Json]:
        """The faults with how many requests each has seen and hit."""
        return [armed.describe() for armed in self._armed]

    def choose(self, method: str, path: str, route: str) -> Fault | None:
        """The fault that hits this request, if any; every fault that looks at it counts it."""
        return first_hit(self._armed, self._dice, lambda fault: fault.looks_at(method, path, route))
