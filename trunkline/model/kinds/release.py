"""Kinds Release and ConversationTest: what production runs, and what was asked of it.

A Release is written by promotions and read by itself. Of a ConversationTest only the envelope and
the agent's name are fixed here; the script belongs to whoever runs it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt

from trunkline.model.base import JsonObject
from trunkline.model.kinds.base import DigestText, Envelope, Metadata, Name, Part, Shape, Text
from trunkline.model.kinds.project import Rollout
from trunkline.model.limits import LIST_MAX_ITEMS


class Hold(Part):
    """Why nothing is promoted automatically, and who said so."""

    reason: Text
    held_by: Text = Field(alias="by")


class ReleaseSpec(Part):
    """What an environment runs: the closure with this digest, as it was at this commit."""

    environment: Name
    version: Annotated[StrictInt, Field(ge=1)]
    revision: Annotated[str, Shape(r"^[0-9a-f]{40}$", "a full commit id of 40 characters")]
    digest: DigestText
    changes: Text
    promoted_by: Text
    rollout: Rollout | None = None
    hold: Hold | None = None
    evidence: JsonObject = Field(default_factory=dict)


class Release(Envelope):
    """One release of one agent; ``metadata.name`` is the agent's."""

    kind: Literal["Release"]
    spec: ReleaseSpec


class TestMetadata(Metadata):
    """``tags`` select tests, ``why`` says what made somebody write this one."""

    __test__ = False

    tags: Annotated[tuple[Name, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    why: Text | None = None


class ConversationTestSpec(Part):
    """The agent under test; the rest of the script is open."""

    model_config = ConfigDict(extra="allow")

    agent: Name


class ConversationTest(Envelope):
    """One scripted conversation."""

    kind: Literal["ConversationTest"]
    metadata: TestMetadata
    spec: ConversationTestSpec
