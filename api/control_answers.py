"""Shapes of what people decide: holding back, letting go, applying, and the answer to why."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.answers import Answer, Name
from api.parameters import Moment
from trunkline.model import limits
from trunkline.model.base import Frozen, Json
from trunkline.model.interventions import Intervention, InterventionVerb
from trunkline.model.why import Explanation, LinkState

Words = Annotated[str, Field(max_length=limits.REASON_MAX_CHARACTERS, pattern=r"^[^\x00]*$")]
Reason = Annotated[
    str, Field(min_length=1, max_length=limits.REASON_MAX_CHARACTERS, pattern=r"^[^\x00]*$")
]
DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
IdText = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]


class SuspendOrder(Frozen):
    """Hold everything back. Without ``until`` it stays until somebody resumes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "environment": "production",
                "reason": "the booking system is down",
                "until": "2026-03-02T18:00:00Z",
            }
        }
    )

    environment: Name | None = None
    reason: Reason
    until: Moment | None = None


class ResumeOrder(Frozen):
    """Let it go on; with ``prune``, deletions of the environment that were paused; with ``rules``,
    its weaker rules of promotion, which wait for an admin.
    """

    environment: Name | None = None
    reason: Words = ""
    prune: bool = False
    rules: bool = False


class DisableOrder(Frozen):
    """Take an agent's calls away at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"environment": "production", "reason": "it gives wrong prices"}
        }
    )

    environment: Name | None = None
    reason: Reason


class ApplyOrder(Frozen):
    """Write what the plan says. ``overrideWindow`` is the reason to do it in a closed window."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"digest": "sha256:" + "5e" * 32, "reason": "reviewed"}}
    )

    digest: DigestText
    reason: Words = ""
    override_window: Words = ""


class EnforceOrder(Frozen):
    """Confirm the first enforcement of a real account: ``<environment> <number of writes>``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "planId": "8d5f3c1b7a2e4d60",
                "digest": "sha256:" + "5e" * 32,
                "confirmation": "production 12",
            }
        }
    )

    plan_id: IdText
    digest: DigestText
    confirmation: Words


class DecisionAnswer(Answer):
    """A person's decision; ``lifted`` says that it is in force no more."""

    project: str
    environment: str
    kind: Literal["", "agent", "number", "tool", "document"]
    name: str
    verb: InterventionVerb
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None
    details: dict[str, Json]
    lifted: bool = False


class DecisionsAnswer(Answer):
    """Every decision in force."""

    items: tuple[DecisionAnswer, ...]


class LinkAnswer(Answer):
    """One link of the chain from the commit to the vendor."""

    name: str
    state: LinkState
    words: str
    remedy: str
    next_look: str
    next_look_at: datetime | None


class WhyAnswer(Answer):
    """Why an agent or number is not as Git wants it; ``blocking`` names the links that hold it."""

    project: str
    environment: str
    kind: Literal["agent", "number"]
    name: str
    sync: str
    health: str
    headline: str
    blocking: tuple[str, ...]
    links: tuple[LinkAnswer, ...]


def decision_answer(decided: Intervention, *, lifted: bool = False) -> DecisionAnswer:
    """A decision."""
    return DecisionAnswer.model_validate({**decided.model_dump(by_alias=False), "lifted": lifted})


def why_answer(found: Explanation) -> WhyAnswer:
    """An explanation."""
    return WhyAnswer.model_validate(found.model_dump(by_alias=False))
