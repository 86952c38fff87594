"""A rollout in an agent's plan: steps that are for now, words for those that come, in order."""

from __future__ import annotations

from tests.rollouts.platform import NOON, Platform
from trunkline.model.plan_json import plan_summary
from trunkline.model.plan_text import render_plan
from trunkline.model.planner import join_plans, plan_digest
from trunkline.model.plans import Change, Obstacle, Plan, Step
from trunkline.model.rollout_plans import main_state, was_made, with_rollout
from trunkline.model.rollouts import RolloutWish

V7 = "trunkline-release-v7"
WISH = RolloutWish(version=7, steps=(10, 50), every_s=600)
TOOL = Step(action="create", subject="tool", name="book", key="book@1", summary="create tool book")
GREETING = Change(operation="~", path="conversation_config.agent.first_message", old="A", new="B")
NAME = Change(operation="~", path="name", old="Front", new="Front desk")
MAIN = Step(
    action="update",
    subject="agent",
    name="front-desk",
    key="front-desk",
    changes=(GREETING, NAME),
    summary="update agent front-desk: 2 attributes",
)


def plan_of(*steps: Step, **fields: object) -> Plan:
    return Plan.model_validate(
        {
            "project": "acme",
            "environment": "production",
            "digest": plan_digest(steps, "v"),
            "steps": steps,
            "base_version_id": "v",
            "parts": {"agent/front-desk": "v"},
            **fields,
        }
    )


def kinds(plan: Plan) -> list[str]:
    return [f"{step.action} {step.subject}" for step in plan.steps]


def test_the_update_of_main_gives_way_to_a_branch_with_the_same_changes() -> None:
    plan = with_rollout(plan_of(TOOL, MAIN), Platform(WISH).facts())
    assert kinds(plan) == ["create tool", "create branch", "split traffic"]
    assert plan.steps[1].changes == (GREETING,), "a branch has no name of its own"
    assert plan.rolling == "v7 at 10 %"
    assert plan.digest == plan_digest(plan.steps, "v")
    assert any("v7 gets 10 %, 50 % of the calls" in note for note in plan.notes)
    text = render_plan(plan)
    assert f"~ Main = 100.0 -> 90.0\n      + {V7} = 10.0" in text
    assert "# traffic front-desk will be divided" in text
    assert "Plan: 2 to add, 1 to change" in text


def test_a_held_share_writes_nothing_but_says_when_it_ends() -> None:
    platform = Platform(WISH)
    platform.run()
    plan = with_rollout(plan_of(MAIN), platform.facts())
    assert plan.empty
    assert plan.rolling == f"v7 at 10 %, next 50 % at {NOON:%Y-%m-%d} 12:10 UTC"
    assert plan.unchanged == 0


def test_the_end_is_main_then_all_calls_then_tidying() -> None:
    platform = Platform(RolloutWish(version=7, steps=(10,), every_s=60))
    platform.run()
    platform.wait(60)
    plan = with_rollout(plan_of(MAIN), platform.facts())
    assert kinds(plan) == ["update agent", "split traffic", "archive branch"]
    assert plan.steps[0] is MAIN
    assert plan.rolling == ""
    joined = join_plans([plan, plan_of(TOOL)], project="acme", environment="production")
    assert kinds(joined) == ["create tool", "update agent", "split traffic", "archive branch"]
    assert plan_summary(joined).change == 3
    assert '- branch "front-desk" {' in render_plan(joined)


def test_taking_back_comes_before_the_tools_of_what_follows() -> None:
    shares = {"Main": 50.0, "trunkline-release-v6": 50.0}
    plan = with_rollout(plan_of(TOOL, MAIN), Platform(WISH, shares=shares).facts())
    assert kinds(plan)[:2] == ["split traffic", "create tool"]


def test_what_stands_in_the_way_of_the_plan_does_not_hold_calls() -> None:
    platform = Platform(WISH)
    platform.run()
    blocked = plan_of(MAIN, obstacles=(Obstacle(reason="EvidenceInvalid", message="forged"),))
    assert with_rollout(blocked, platform.facts()) == blocked
    platform.abort = "smoke failed"
    plan = with_rollout(blocked, platform.facts())
    assert (kinds(plan), plan.obstacles) == (["split traffic"], ())
    assert plan.rolling == "v7 is taken back"


def test_an_aborted_release_waits_with_its_reason_and_makes_no_tool() -> None:
    platform = Platform(WISH, abort="smoke failed")
    platform.run()
    plan = with_rollout(plan_of(TOOL, MAIN), platform.facts())
    (obstacle,) = plan.obstacles
    assert (obstacle.reason, obstacle.waiting, plan.empty) == ("RolloutAborted", True, True)
    assert obstacle.message.startswith("agent front-desk: v7 was taken back")


def test_mere_drift_of_main_is_no_release() -> None:
    drift = GREETING.model_copy(update={"origin": "drift"})
    assert main_state(plan_of(TOOL, MAIN.model_copy(update={"changes": (drift,)}))) == "drifted"
    assert main_state(plan_of(MAIN)) == "older"
    assert main_state(plan_of(TOOL)) == "wished"


def test_a_step_that_arrived_is_known_by_what_the_platform_says() -> None:
    platform = Platform(WISH)
    create, split = with_rollout(plan_of(MAIN), platform.facts()).steps
    assert not was_made(platform.facts(), create)
    platform.run()
    assert was_made(platform.facts(), create)
    assert was_made(platform.facts(), split)
    platform.shares = {"Main": 80.0, V7: 20.0}
    assert not was_made(platform.facts(), split)
