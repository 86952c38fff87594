"""What people say to hold the reconciler back or to let it go on: one kind of row for all of it.

Git says what is wished for; an intervention says what a person decided about carrying it out:
suspend this, let exactly these deletions through, ignore the window for an hour. Each is in force
for a project, an environment or one subject until it is lifted or expires, and each has an audit
record beside it. Nothing here decides what an intervention does.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json

InterventionVerb = Literal[
    "suspend",
    "disable",
    "protect",
    "override-window",
    "apply",
    "enforce",
    "prune-paused",
    "prune-rules",
    "adopt",
    "behaviour-drifted",
    "promotion-rules",
]
"""``suspend``: no writes. ``disable``: take no calls. ``protect``: never delete.
``override-window``: write although the window is closed. ``apply``: exactly this stored plan may be
written. ``enforce``: a person confirmed the first enforcement of a live account. ``prune-paused``:
delete nothing until lifted. ``prune-rules``: the stricter rules of before a commit loosened them
still hold. ``adopt``: what the manifest wants taken over may be, although the environment does not
enforce. ``behaviour-drifted``: said by retests and not by a person, an agent does worse than it did
when it was released. ``promotion-rules``: an admin agreed to exactly these weaker rules; it is gone
once they are in force.
"""


class Intervention(Frozen):
    """One decision. Empty ``environment``: the whole project; empty ``kind`` and ``name``: all of
    it. There is at most one per place and verb; times are UTC, without ``expires_at`` it stays.
    """

    project: str
    environment: str = ""
    kind: Literal["", "agent", "number", "tool", "document"] = ""
    name: str = ""
    verb: InterventionVerb
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None = None
    details: dict[str, Json] = Field(default_factory=dict)

    def concerns(self, environment: str, kind: str = "", name: str = "") -> bool:
        """True if it is about that environment, or about that subject in it."""
        return (
            self.environment in ("", environment)
            and self.kind in ("", kind)
            and self.name in ("", name)
        )


def in_force(
    interventions: Iterable[Intervention],
    verb: InterventionVerb,
    environment: str,
    kind: str = "",
    name: str = "",
) -> Intervention | None:
    """The most particular intervention of that verb about a subject, or None."""
    fitting = [
        one for one in interventions if one.verb == verb and one.concerns(environment, kind, name)
    ]
    return max(fitting, key=_particularity, default=None)


def _particularity(one: Intervention) -> tuple[bool, bool, bool]:
    return bool(one.name), bool(one.kind), bool(one.environment)
