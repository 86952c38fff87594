"""What we did last: the third corner of every comparison.

A row outlives the thing it describes. ``applied`` holds the owned leaves as last written, which is
how a path that disappeared from Git is noticed; ``defaults`` remembers what the server had put
there before we first wrote, which is what such a path is reset to.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.ids import Digest, ExternalId

LedgerKind = Literal["agent", "number"]
SharedKind = Literal["tool", "document", "secret", "test"]
"""``test``: one of the platform's own tests. No agent points at it; who runs it makes it."""


class Attempt(Frozen):
    """One create request that was sent, or was about to be. Times are UTC."""

    number: int
    started_at: datetime
    deadline_at: datetime


class Tombstone(Frozen):
    """Git no longer names the object, or nothing refers to it: since when, in UTC, and at which
    revision. Deleting waits from here; a wish that comes back takes the tombstone away.
    """

    since_at: datetime
    revision: str = ""


class LedgerEntry(Frozen):
    """One agent or number of ours. ``applied`` and ``defaults`` map a leaf's path to its value."""

    project: str
    environment: str
    kind: LedgerKind
    name: str
    account: str
    nonce: str | None = None
    external_id: ExternalId | None = None
    digest: Digest | None = None
    rendered_digest: Digest | None = None
    applied: dict[str, Json] = Field(default_factory=dict)
    defaults: dict[str, Json] = Field(default_factory=dict)
    version_id: str | None = None
    attempt: Attempt | None = None
    tombstone: Tombstone | None = None


class NumberOwner(Frozen):
    """Whose wish a phone number of a telephony account follows; everybody else has to wait."""

    account: str
    number: str
    project: str
    environment: str
    name: str


class ObjectOwner(Frozen):
    """Who took an object of an account over that somebody else had made: the first one has it."""

    account: str
    kind: SharedKind | LedgerKind
    external_id: ExternalId
    project: str
    environment: str
    name: str


class Claim(Frozen):
    """A shared object: who makes it, and its id once it is there.

    ``digest`` is empty for a secret, whose value must not be derivable from a row;
    ``fingerprint`` is a salted hash of the value last written. ``body`` is the Desired… value as
    JSON, so that what replaces it can be compared with it.
    """

    account: str
    project: str
    environment: str
    kind: SharedKind
    name: str
    digest: str
    claimant: str
    body: JsonObject | None = None
    external_id: ExternalId | None = None
    fingerprint: str | None = None
    attempt: Attempt | None = None
    tombstone: Tombstone | None = None
