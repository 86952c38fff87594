"""What a forge refuses, before either dialect has worded it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Flaw:
    """One entry of a refusal's ``errors``."""

    resource: str
    code: str
    name: str = ""
    message: str = ""

    def body(self) -> dict[str, Any]:
        """The entry with the keys that are given."""
        facts = {"resource": self.resource, "code": self.code}
        if self.name:
            facts["field"] = self.name
        if self.message:
            facts["message"] = self.message
        return facts


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer: status, words, flaws and headers."""

    status: int
    message: str
    flaws: tuple[Flaw, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request the forge answers with an error."""

    def __init__(self, status: int, message: str, *flaws: Flaw, **headers: str) -> None:
        super().__init__(message)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusal = Refusal(status, message, flaws, named)


def missing() -> Refused:
    """404, which also hides what somebody may not see."""
    return Refused(404, "Not Found")


def invalid(resource: str, name: str, message: str = "", *, code: str = "invalid") -> Refused:
    """422 about one field; with words of its own the code is ``custom``."""
    flaw = Flaw(resource, "custom" if message else code, "" if message else name, message)
    return Refused(422, "Validation Failed", flaw)
