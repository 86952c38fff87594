"""Label selectors as kubectl spells them: which objects a person means by their labels.

A selector is text such as ``team=reception,tier!=trial,!legacy``; every requirement must hold. It
is pure, so that the command line can refuse a misspelt one and the server judge by the same rule.
"""

import re
from collections.abc import Mapping
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.errors import InvalidInput

REQUIREMENTS_MAX = 20
"""Requirements of one selector; every one is compared with every row that is read."""

_KEY = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}"
_VALUE = r"[^\x00-\x1f,!=]{0,63}"
_REQUIREMENT = re.compile(
    rf"(?P<absent>!\s*)?(?P<key>{_KEY})\s*(?:(?P<sign>==|=|!=)\s*(?P<value>{_VALUE}))?"
)


class Requirement(Frozen):
    """One condition on one label. ``different`` and ``absent`` also hold without the label."""

    key: str
    test: Literal["equal", "different", "present", "absent"]
    value: str = ""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True if these labels fulfil it."""
        match self.test:
            case "equal":
                return labels.get(self.key) == self.value
            case "different":
                return labels.get(self.key) != self.value
            case "present":
                return self.key in labels
            case "absent":
                return self.key not in labels


class Selector(Frozen):
    """Requirements that must all hold; none means everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True if these labels fulfil every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_selector(*texts: str) -> Selector:
    """The selector in some texts, joined by *and*. Raises InvalidInput."""
    found = [_requirement(part) for text in texts for part in text.split(",")]
    if len(found) > REQUIREMENTS_MAX:
        raise InvalidInput(
            f"A selector of {len(found)} requirements is too long",
            hint=f"Name at most {REQUIREMENTS_MAX}",
        )
    return Selector(requirements=tuple(found))


def _requirement(text: str) -> Requirement:
    found = _REQUIREMENT.fullmatch(text.strip())
    if found is None or (found["absent"] and found["sign"]):
        raise InvalidInput(
            f"{text.strip()!r} is no selector",
            hint="Write key=value, key!=value, key or !key, joined by commas",
        )
    if found["sign"] is None:
        return Requirement(key=found["key"], test="absent" if found["absent"] else "present")
    test: Literal["equal", "different"] = "different" if found["sign"] == "!=" else "equal"
    return Requirement(key=found["key"], test=test, value=found["value"].strip())
