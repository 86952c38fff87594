"""Facts of a pull request as its comment is made of them."""

from datetime import UTC, datetime
from typing import Any

from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.plans import Change, Plan, Step
from trunkline.model.pull_requests import AgentCheck, CommandReply, PullRequestRecord
from trunkline.model.pulls.behaviour import AgentBehaviour, LineDifference, TestDifference
from trunkline.model.pulls.readings import Reading, ReviewedAgent, ReviewedEnvironment
from trunkline.model.pulls.weakening import Weakening
from trunkline.model.records import PlanRecord

HEAD = Revision("3f0c9a1be7d24c55a0f1c2d3e4f5061728394a5b")
BASE = Revision("9b1de0a7c6f54e33b2a1908f7e6d5c4b3a291807")
SEEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
STRANGE = "ask @everybody | <b>now</b>\n`x` [y](https://evil.example) #12"


def record(**more: Any) -> PullRequestRecord:
    """A pull request whose checks have begun."""
    given: dict[str, Any] = {
        "project": "acme",
        "number": 7,
        "title": "A shorter greeting",
        "author": "ada",
        "head": HEAD,
        "base": BASE,
        "head_ref": "refs/pull/7/head",
        "head_seen_at": SEEN,
        "plan_round": 1,
        "test_round": 1,
        **more,
    }
    return PullRequestRecord.model_validate(given)


def reading(**more: Any) -> Reading:
    """A proposal that is valid."""
    given: dict[str, Any] = {
        "head": HEAD,
        "base": BASE,
        "merged": HEAD,
        "environment": "testing",
        "environments": (
            ReviewedEnvironment(name="testing", source="head"),
            ReviewedEnvironment(name="production", source="releases"),
        ),
        **more,
    }
    return Reading.model_validate(given)


def plan(environment: str, *steps: Step, **more: Any) -> PlanRecord:
    """A stored plan."""
    return PlanRecord(
        id=f"plan-{environment}",
        project="acme",
        environment=environment,
        revision=HEAD,
        plan=Plan(
            project="acme",
            environment=environment,
            digest=Digest("sha256:" + "0" * 64),
            steps=steps,
            **more,
        ),
    )


def update(old: str, new: str, name: str = "front-desk") -> Step:
    """A prompt that changes."""
    return Step(
        action="update",
        subject="agent",
        name=name,
        key=name,
        external_id=ExternalId("agent_1"),
        changes=(
            Change(
                operation="~",
                path="conversation_config.agent.prompt.prompt",
                old=old,
                new=new,
            ),
        ),
        unchanged=10,
        calls=2,
    )


def deletion(name: str) -> Step:
    """A document that goes."""
    return Step(action="delete", subject="document", name=name, key=name)


PROMPT = "You are the front desk of Acme.\n- The clinic opens at nine on weekdays.\nBe kind.\n"
CHECKED = AgentCheck(
    agent="front-desk", state="failed", run_id="r1", current_run_id="r2", message="1 of 2 failed"
)
DIFFERS = AgentBehaviour(
    agent="front-desk",
    tests=(
        TestDifference(
            name="nine",
            required=True,
            candidate="failed",
            current="passed",
            runs="1/3",
            words=f"expected: nine; found {STRANGE}",
        ),
        TestDifference(
            name="kind", required=False, candidate="passed", current="failed", runs="3/3"
        ),
        TestDifference(name="calm", required=True, candidate="passed", current="passed"),
        TestDifference(
            name="loud", required=True, candidate="inconclusive", current="passed", words="no place"
        ),
    ),
    lines=(
        LineDifference(
            turn="newly failing",
            test="nine",
            position="agents/front-desk/tests/nine.yaml:9",
            wanted="says nine",
            found=STRANGE,
        ),
        LineDifference(
            turn="newly passing", test="kind", position="tests/kind.yaml:4", wanted="is kind"
        ),
    ),
    candidate_p95_ms=900,
    current_p95_ms=800,
    candidate_usd=0.24,
    current_usd=0.2,
)
WHOLE = reading(
    behind=3,
    signature="commit 3f0c9a1be7d2 is not signed",
    agents=(
        ReviewedAgent(name="front-desk", change="configuration", tests=4, runner="platform"),
        ReviewedAgent(name="lab", change="added"),
    ),
    removed=("night-desk",),
    weakened=(
        Weakening(test="nine", agent="front-desk", words="deleted", position="tests/nine.yaml:1"),
    ),
    rules=("production: approvals 0, 1 before",),
    after_merge=("production goes on with what is released there",),
)
REPLIES = (
    CommandReply(login="mallory", command="/trunkline approve", words="needs a person", done=False),
    CommandReply(login="ada", command=f"/trunkline plan {STRANGE}", words="planned again"),
)
