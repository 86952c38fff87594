"""Kind PhoneNumber: who answers a number, and what happens when nobody can.

A number belongs to one environment. Whether the named agents exist and take calls is checked
where all documents are known.
"""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from trunkline.model.durations import Duration
from trunkline.model.kinds.base import (
    Envelope,
    LanguageCode,
    Name,
    Part,
    PhoneNumberText,
    Shape,
    refuse,
)
from trunkline.model.kinds.windows import HoursText, TimeZone
from trunkline.model.limits import LIST_MAX_ITEMS

CallerText = Annotated[
    str, Shape(r"^\+[1-9][0-9]{0,14}$", "a number or its beginning, such as +44, in quotes")
]


class Condition(Part):
    """When a route is taken; everything that is given must hold. ``weight`` is the share, in
    percent, of the calls for which the rest of it holds.
    """

    hours: HoursText | None = None
    timezone: TimeZone | None = None
    callers: Annotated[tuple[CallerText, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    language: LanguageCode | None = None
    skill: Name | None = None
    weight: Annotated[StrictInt, Field(ge=1, le=99)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if not (self.hours or self.callers or self.language or self.skill or self.weight):
            raise refuse(
                "`when` needs at least one of `hours`, `callers`, `language`, `skill` and `weight`"
            )
        if self.timezone is not None and self.hours is None:
            raise refuse("`timezone` needs `hours`", at=("timezone",))
        return self


class Route(Part):
    """One line of a routing table: a condition and an agent, or what happens otherwise."""

    when: Condition | None = None
    agent: Name | None = None
    otherwise: Name | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Route":
        if (self.otherwise is None) == (self.when is None and self.agent is None):
            raise refuse("a route is either `when` and `agent`, or `otherwise`")
        if self.otherwise is None and (self.when is None or self.agent is None):
            raise refuse("a route with `when` or `agent` needs both")
        return self

    @property
    def target(self) -> str:
        """The agent this line leads to."""
        return self.otherwise or self.agent or ""


class Fallback(Part):
    """Where calls go when nothing of ours answers."""

    number: PhoneNumberText


class Cutover(Part):
    """How long running calls may hold up the move of a number."""

    drain: Duration


class PhoneNumberSpec(Part):
    """A number without ``agent`` and ``route`` is held and answers with nobody."""

    number: PhoneNumberText
    environment: Name
    routing: Literal["native", "bridge", "register-call"] = "native"
    agent: Name | None = None
    route: Annotated[tuple[Route, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS)] | None = (
        None
    )
    fallback: Fallback | None = None
    takeover: StrictBool = False
    cutover: Cutover | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> "PhoneNumberSpec":
        if self.route is None:
            return self
        if self.agent is not None:
            raise refuse("a number takes `agent` or `route`, not both", at=("route",))
        if self.routing == "native":
            raise refuse(
                "`route` needs `routing: bridge` or `routing: register-call`", at=("route",)
            )
        if [route.otherwise is None for route in self.route].count(False) != 1 or (
            self.route[-1].otherwise is None
        ):
            raise refuse("`route` ends with its only `otherwise`", at=("route",))
        return self

    @model_validator(mode="after")
    def _fallback_differs(self) -> "PhoneNumberSpec":
        if self.fallback is not None and self.fallback.number == self.number:
            raise refuse(
                "`fallback.number` is the number itself; calls would go round in circles",
                at=("fallback", "number"),
            )
        return self

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent the number can lead to, in order."""
        if self.route is not None:
            return tuple(route.target for route in self.route)
        return (self.agent,) if self.agent is not None else ()


class PhoneNumber(Envelope):
    """One phone number."""

    kind: Literal["PhoneNumber"]
    spec: PhoneNumberSpec
