"""Kind Release: what production runs, written by promotions and read by itself."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from trunkline.model.base import JsonObject
from trunkline.model.kinds.base import DigestText, Envelope, Name, Part, Shape, Text
from trunkline.model.kinds.project import Rollout, TrafficPercent


class Hold(Part):
    """Why nothing is promoted automatically, and who said so."""

    reason: Text
    held_by: Text = Field(alias="by")


class Experiment(Part):
    """A second version that answers a lasting share of the calls, to be compared."""

    version: Annotated[StrictInt, Field(ge=1)]
    revision: Annotated[str, Shape(r"^[0-9a-f]{40}$", "a full commit id of 40 characters")]
    digest: DigestText
    percent: TrafficPercent


class ReleaseSpec(Part):
    """What an environment runs: the closure with this digest, as it was at this commit.

    ``restores`` is set by a rollback: the version whose closure this one runs again.
    """

    environment: Name
    version: Annotated[StrictInt, Field(ge=1)]
    revision: Annotated[str, Shape(r"^[0-9a-f]{40}$", "a full commit id of 40 characters")]
    digest: DigestText
    changes: Text
    promoted_by: Text
    restores: Annotated[StrictInt, Field(ge=1)] | None = None
    experiment: Experiment | None = None
    rollout: Rollout | None = None
    hold: Hold | None = None
    evidence: JsonObject = Field(default_factory=dict)


class Release(Envelope):
    """One release of one agent; ``metadata.name`` is the agent's."""

    kind: Literal["Release"]
    spec: ReleaseSpec
