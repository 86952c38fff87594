"""Which tags are ours to take away, what is remembered for the way back, what stays forbidden."""

from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.model.desired import DesiredAgent, DesiredTool
from trunkline.model.ejection import (
    Belonging,
    as_said,
    ejected,
    ejection_of,
    tags_left,
    way_back,
)
from trunkline.model.gates import Question, Standing, verdict
from trunkline.model.ids import Digest, ExternalId
from trunkline.model.interventions import Intervention
from trunkline.model.planner import plan_digest
from trunkline.model.plans import Plan, Step
from trunkline.model.policies import Policy

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OURS = "trunkline:acme/testing/front-desk"
DIGEST = Digest("sha256:" + "5e" * 32)
OTHER_DIGEST = Digest("sha256:" + "6f" * 32)
SAID = ejected("acme", "testing", by="ada", at=NOW, reason="we part")


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ((OURS, "trunkline-nonce:1", "trunkline-protected", "customer"), ("customer",)),
        (("customer",), ("customer",)),
        (("trunkline-protected", "customer"), ("trunkline-protected", "customer")),
        (
            (OURS, "trunkline:other/testing/x", "trunkline-nonce:2"),
            ("trunkline:other/testing/x", "trunkline-nonce:2"),
        ),
        (("trunkline:acme/testing-eu/x",), ("trunkline:acme/testing-eu/x",)),
        (("trunkline:acme/testing/renamed", "trunkline-nonce:1"), ()),
    ],
)
def test_only_marks_of_the_environment_go(tags: tuple[str, ...], left: tuple[str, ...]) -> None:
    assert tags_left(tags, "acme", "testing") == left
    assert tags_left(left, "acme", "testing") == left


def wish(**said: Any) -> DesiredAgent:
    tool = DesiredTool(
        name="book", digest=DIGEST, type="client", function="book", description="Books"
    )
    facts: dict[str, Any] = {
        "project": "acme",
        "environment": "testing",
        "name": "front-desk",
        "display_name": "Front desk",
        "digest": DIGEST,
        "tools": (tool,),
        **said,
    }
    return DesiredAgent.model_validate(facts)


def remembered(kind: Any, name: str, external_id: str, digest: str = "") -> Intervention:
    item = Belonging(kind=kind, name=name, external_id=ExternalId(external_id), digest=digest)
    return way_back(SAID, item)


def test_the_way_back_leads_to_the_same_objects() -> None:
    decided = (
        SAID,
        remembered("agent", "front-desk", "agent_1"),
        remembered("tool", "book", "tool_1", DIGEST),
    )
    found = as_said(wish(), decided)
    assert (found.adopt, found.tools[0].adopt) == ("agent_1", "tool_1")
    assert found.digest == wish().digest


def test_what_changed_meanwhile_or_stands_in_a_manifest_is_not_what_was_remembered() -> None:
    decided = (
        remembered("agent", "front-desk", "agent_1"),
        remembered("tool", "book", "tool_1", OTHER_DIGEST),
    )
    found = as_said(wish(adopt="agent_9"), decided)
    assert (found.adopt, found.tools[0].adopt) == ("agent_9", None)
    elsewhere = as_said(wish(environment="production"), decided)
    assert elsewhere.adopt is None


def test_an_ejected_environment_is_not_written_to_in_an_emergency_either() -> None:
    step = Step(action="update", subject="number", name="main-line", key="main-line")
    plan = Plan(
        project="acme", environment="testing", digest=plan_digest((step,), None), steps=(step,)
    )
    question = Question(kind="number", name="main-line", plan=plan, break_glass=True)
    policy = Policy(
        mode="enforce",
        enforces=True,
        heals=True,
        drift_policy="heal",
        sweep_interval_s=300.0,
    )
    suspended = SAID.model_copy(update={"details": {}})
    for said, reason in ((SAID, "Suspended"), (suspended, "")):
        standing = Standing(environment="testing", policy=policy, now=NOW, interventions=(said,))
        assert verdict(standing, question).reason == reason
    assert ejection_of((suspended,), "testing") is None
