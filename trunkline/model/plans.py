"""A plan is data: ordered, hashable, printable steps, each exactly one external write."""

from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json
from trunkline.model.ids import Digest, ExternalId

Operation = Literal["+", "~", "-"]
Action = Literal[
    "create",
    "update",
    "import",
    "assign",
    "relink",
    "unassign",
    "adopt",
    "delete",
    "split",
    "archive",
]
"""``split`` divides an agent's calls among its branches, ``archive`` puts a branch away."""
Subject = Literal["agent", "tool", "document", "secret", "test", "number", "branch", "traffic"]
ChangeOrigin = Literal["git", "drift", "reset"]

SENSITIVE: Final = "(sensitive)"
"""Stands for a secret's value, which no plan ever holds."""
SET_BY_PLATFORM: Final = "(set by the voice platform)"
"""Stands for a value the platform chooses."""


class Change(Frozen):
    """One leaf. ``path`` is dotted (``conversation_config.tts.speed``); a key that holds a dot is
    written in brackets with JSON quoting. ``origin`` tells a wish from somebody else's edit and
    from the reset of a path that left Git.
    """

    operation: Operation
    path: str
    old: Json = None
    new: Json = None
    origin: ChangeOrigin = "git"


class Step(Frozen):
    """One external write. ``replaces`` names the object a new content-addressed one stands in
    for, which makes the step print as ``-/+``. ``unchanged`` counts owned leaves that already are
    as wished.
    """

    action: Action
    subject: Subject
    name: str
    key: str
    external_id: ExternalId | None = None
    replaces: str | None = None
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    calls: int = 1
    summary: str = ""


class Kept(Frozen):
    """Something no longer wished for that stays where it is, and why."""

    subject: Subject
    name: str
    external_id: ExternalId | None
    reason: str


class Obstacle(Frozen):
    """Why a subject cannot be planned further: a condition reason, words, and what to do."""

    reason: str
    message: str
    waiting: bool = False


class Drifted(Frozen):
    """One field that is not as it was left: what Git wishes there, what is there instead, and as
    far as the platform tells who put it there, when (UTC, ISO 8601) and in which version.

    ``kept``: the plan leaves it. ``policy`` is heal, report, adopt or ignore; ``next`` says what
    happens to it.
    """

    subject: Subject
    name: str
    path: str
    wished: Json = None
    live: Json = None
    kept: bool = False
    by: str = ""
    at: str = ""
    version_id: str = ""
    policy: str = ""
    next: str = ""


class Plan(Frozen):
    """What to do about one agent or number, or, joined, about an environment.

    ``base_version_id`` is the platform version the comparison was made against. ``digest`` hashes
    steps and base, so that an approval can name exactly this plan. ``unchanged`` counts subjects
    that need nothing; ``hidden`` counts server-filled leaves that are nobody's wish. ``parts``
    of a joined plan maps ``agent/name`` to the base version its own plan was made against.
    ``adopts`` is the agent that is to be taken over; ``differs`` says in words what of it and its
    objects is not as Git says.
    ``accounts`` are the platform accounts of a whole environment's plan; ``partial`` says that it
    was made for some names only. ``drift`` lists what somebody else changed, as far as the plan
    leaves it or somebody asked for all of it; ``patch`` is the change to the manifests that would
    make it the wish. ``rolling`` says how far a release is rolled out, as long as it is.
    """

    project: str
    environment: str
    digest: Digest
    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()
    base_version_id: str | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    partial: bool = False
    unchanged: int = 0
    hidden: int = 0
    adopts: ExternalId | None = None
    differs: tuple[str, ...] = ()
    drift: tuple[Drifted, ...] = ()
    patch: str = ""
    rolling: str = ""

    @property
    def empty(self) -> bool:
        """True if nothing would be written."""
        return not self.steps

    @property
    def calls(self) -> int:
        """Provider calls the execution will make if nothing has to be repeated."""
        return sum(step.calls for step in self.steps)
