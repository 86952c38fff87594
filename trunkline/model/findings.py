"""What a look at an installation found: facts as adapters see them, findings as people read them.

A fact says how something is, a finding whether that is well and what to do about it. Neither holds
a secret: they are printed, and answered by the API.
"""

from datetime import datetime
from typing import Literal

from trunkline.model.base import Frozen

FindingState = Literal["ok", "warning", "failed", "skipped"]


class Finding(Frozen):
    """One check. ``name`` is dotted and stable; ``advice`` says what to do, if anything."""

    name: str
    state: FindingState
    found: str
    advice: str = ""


class StoreFacts(Frozen):
    """How PostgreSQL is. ``version`` is its own number, such as 140011 or 160003.

    ``tables`` is the version of our tables and ``wanted`` the one of this release;
    ``write_refusal`` says in PostgreSQL's words why a row cannot be written, or nothing.
    """

    version: int
    tables: str
    wanted: str
    write_refusal: str
    now: datetime


class EngineFacts(Frozen):
    """How Temporal is. ``silent_queues`` are task queues that no worker has asked lately."""

    version: str
    namespace_refusal: str
    missing_attributes: tuple[str, ...]
    silent_queues: tuple[str, ...]
    queues: tuple[str, ...]


class AccountFacts(Frozen):
    """A vendor's account behind a credential; ``refused`` are reads the credential may not do.

    ``now`` is the vendor's time, as its last answer gave it.
    """

    account: str
    refused: tuple[str, ...] = ()
    now: datetime | None = None


class MachineFacts(Frozen):
    """The machine a process runs on; ``programs`` are the versions of those that are there."""

    python: tuple[int, int, int]
    programs: dict[str, str]
    folder: str
    folder_refusal: str = ""
    free_bytes: int = 0


class ServerSettings(Frozen):
    """What the server was told, without the secrets themselves.

    ``signing_public_key`` belongs to TRUNKLINE_SIGNING_KEY, "" without one.
    """

    public_url: str = ""
    has_webhook_secret: bool = False
    signing_public_key: str = ""
