"""What happens in a repository, before a dialect makes a webhook's payload of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from simulators.store import Json

Event = Literal["push", "pull_request", "issue_comment", "ping"]


@dataclass(frozen=True, slots=True)
class News:
    """One happening; what a kind of event does not have is empty.

    ``action`` is GitHub's word; ``changes`` holds what texts were before an edit.
    """

    event: Event
    repository: Json
    sender: str
    action: str = ""
    pull: Json | None = None
    comment: Json | None = None
    hook: Json | None = None
    ref: str = ""
    before: str = ""
    after: str = ""
    changes: Json = field(default_factory=dict)


Tell = Callable[[News], None]
