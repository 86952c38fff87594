"""A plan reads as Terraform users expect, in the terminal, in a comment and as JSON."""

import re
from typing import Any

import jsonschema
import pytest

from trunkline.model.ids import ExternalId, reference
from trunkline.model.plan_json import estimate_s, plan_schema
from trunkline.model.plan_text import plan_json, plan_markdown, render_plan, summary_line
from trunkline.model.planner import join_plans, plan_digest
from trunkline.model.plans import Change, Kept, Obstacle, Operation, Plan, Step

ESCAPE = "\x1b"


def plan_of(*steps: Step, **facts: Any) -> Plan:
    said = {"project": "acme", "environment": "testing", "digest": plan_digest(steps, None)}
    return Plan(**{**said, "steps": steps, **facts})


def update(*changes: Change, **facts: Any) -> Step:
    said: dict[str, Any] = {
        "action": "update",
        "subject": "agent",
        "name": "front-desk",
        "key": "front-desk",
        "changes": changes,
    }
    return Step(**{**said, **facts})


def change(
    operation: Operation, path: str, old: Any = None, new: Any = None, **more: Any
) -> Change:
    return Change(operation=operation, path=path, old=old, new=new, **more)


def lines(*steps: Step, **facts: Any) -> list[str]:
    return render_plan(plan_of(*steps, **facts)).splitlines()


def test_an_update_shows_old_and_new_and_hides_the_rest() -> None:
    step = update(change("~", "tts.speed", 1.0, 0.9), change("+", "language", None, "en"))
    assert lines(step.model_copy(update={"unchanged": 12, "calls": 4})) == [
        "  # agent front-desk will be updated in-place",
        '  ~ agent "front-desk" {',
        "      ~ tts.speed = 1.0 -> 0.9",
        '      + language = "en"',
        "        (12 unchanged attributes hidden)",
        "    }",
        "",
        "Plan: 0 to add, 1 to change, 0 to replace, 0 to destroy.",
        "4 provider calls, about 1.2 s one after another.",
    ]


@pytest.mark.parametrize(
    ("facts", "heading", "opening"),
    [
        ({"action": "create"}, "will be created", '  + tool "x" {'),
        ({"action": "create", "replaces": "x@1"}, "must be replaced", '-/+ tool "x" {'),
        ({"action": "update"}, "will be updated in-place", '  ~ tool "x" {'),
    ],
)
def test_each_kind_of_step_has_its_sign(facts: dict[str, Any], heading: str, opening: str) -> None:
    page = lines(update(subject="tool", name="x", key="x", **facts))
    assert page[:2] == [f"  # tool x {heading}", opening]


def test_nothing_to_do_is_one_line() -> None:
    assert lines(unchanged=7) == ["No changes. The platforms are as Git wants them."]


def test_counts_are_of_subjects_not_of_steps() -> None:
    number = {"subject": "number", "name": "main", "key": "+15005550006"}
    plan = plan_of(
        update(action="import", **number),
        update(action="assign", **number),
        update(action="create", subject="tool", name="a", key="a@1", replaces="a@0"),
        update(),
    )
    assert summary_line(plan) == "Plan: 1 to add, 1 to change, 1 to replace, 0 to destroy."


def test_what_is_kept_stands_outside_the_counts() -> None:
    kept = Kept(
        subject="agent",
        name="old-desk",
        external_id=ExternalId("agent_7"),
        reason="pruning is not enabled",
    )
    assert lines(kept=(kept,)) == [
        "  # agent old-desk (agent_7)",
        "  - kept (pruning is not enabled)",
        "",
        "No changes. The platforms are as Git wants them.",
    ]


def test_drift_has_a_section_of_its_own() -> None:
    page = lines(update(change("~", "language", "fr", "en", origin="drift")))
    assert page[:5] == [
        "Changed outside of Git since the last apply:",
        "",
        "  # agent front-desk was changed",
        '      ~ language = "en" -> "fr"',
        "",
    ]
    assert '      ~ language = "fr" -> "en"  # changed outside of Git' in page


def test_a_reset_says_why() -> None:
    page = lines(update(change("-", "variables.company", "ACME", None, origin="reset")))
    assert '      - variables.company = "ACME"  # no longer in Git, reset' in page


def test_an_id_that_is_not_there_yet_is_known_after_apply() -> None:
    wanted = reference("tool", "book-slot@0123456789ab")
    page = lines(update(change("~", "tool_ids", ["tool_1", "tool_2"], ["tool_2", wanted])))
    assert page[2:7] == [
        "      ~ tool_ids = [",
        '          - "tool_1"',
        "          + (known after apply)",
        "            (1 unchanged element hidden)",
        "        ]",
    ]
    assert "trunkline-ref" not in "\n".join(page)


def test_a_changed_prompt_is_shown_word_by_word() -> None:
    old = "You are kind.\nGreet the caller warmly.\nNever hurry.\nBe brief.\nSay goodbye."
    new = "You are kind.\nGreet the guest warmly.\nNever hurry.\nBe brief.\nSay goodbye."
    page = lines(update(change("~", "prompt", old, new)))
    assert page[2:7] == [
        "      ~ prompt =",
        "            You are kind.",
        "            Greet the [-caller-]{+guest+} warmly.",
        "            Never hurry.",
        "            (2 unchanged lines hidden)",
    ]


def test_a_long_new_text_is_cut_and_says_so() -> None:
    text = "\n".join(f"line {n}" for n in range(25))
    page = lines(update(change("+", "prompt", None, text)))
    assert "            line 19" in page
    assert "            line 20" not in page
    assert "            (5 more lines)" in page


def test_obstacles_and_notes_are_said() -> None:
    page = lines(
        obstacles=(
            Obstacle(reason="NumberTaken", message="number main is taken"),
            Obstacle(reason="DependencyNotReady", message="waits for x", waiting=True),
        ),
        notes=("left as it is",),
    )
    assert page == [
        "Blocked: NumberTaken: number main is taken",
        "Waiting: DependencyNotReady: waits for x",
        "Note: left as it is",
        "",
        "Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy.",
    ]


def test_there_is_no_colour_unless_asked() -> None:
    old, new = "Greet the caller.\nBe brief.", "Greet the guest.\nBe brief."
    plan = plan_of(update(change("~", "prompt", old, new), change("+", "a", None, 1)))
    assert ESCAPE not in render_plan(plan)
    coloured = render_plan(plan, colour=True)
    assert f"{ESCAPE}[31mcaller{ESCAPE}[0m{ESCAPE}[32mguest{ESCAPE}[0m" in coloured
    assert "[-" not in re.sub(r"\x1b\[\d+m", "", coloured)


def test_a_narrow_terminal_cuts_values() -> None:
    text = render_plan(plan_of(update(change("~", "path", "a" * 55, "b" * 55))), width=40)
    cut = next(line for line in text.splitlines() if "path" in line)
    assert len(cut) == 40
    assert cut.endswith("aaa…")


def test_no_value_can_drive_a_terminal() -> None:
    evil = f"x{ESCAPE}[2Jy\x07\x9b31m"
    text = f"{evil} and many more words to make it a text of some length, really"
    kept = Kept(subject="tool", name=evil, external_id=ExternalId(evil), reason=evil)
    plan = plan_of(
        update(change("~", evil, evil, text), change("+", "a", None, [evil, {evil: evil}])),
        kept=(kept,),
        notes=(evil,),
        obstacles=(Obstacle(reason="X", message=evil),),
    )
    page = render_plan(plan)
    assert all(c.isprintable() or c == "\n" for c in page)


def test_words_of_ours_cannot_be_faked_by_a_value() -> None:
    assert '      + a = "(known after apply)"' in lines(
        update(change("+", "a", None, "(known after apply)"))
    )


def test_the_same_plan_is_the_same_text(make_agent: Any, make_tool: Any, make_world: Any) -> None:
    plan = make_world().plan(make_agent(tools=(make_tool(),)))
    assert render_plan(plan) == render_plan(Plan.model_validate_json(plan.model_dump_json()))


def test_a_secret_shows_its_name_and_never_a_value(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    page = render_plan(make_world().plan(make_agent(tools=(make_tool(),))))
    assert '      + headers.Authorization.secret = "TRUNKLINE_SECRET_ACME_BOOKING"' in page
    assert "      + value = (sensitive)" in page


def test_a_comment_cannot_be_broken_out_of() -> None:
    plan = plan_of(update(change("+", "a", None, "```\n</details> and more of it, quite a lot")))
    comment = plan_markdown(plan)
    assert comment.startswith("**Plan: 0 to add, 1 to change")
    assert comment.count("````") == 2


def test_json_fits_its_schema(
    make_agent: Any, make_tool: Any, make_document: Any, make_world: Any
) -> None:
    world = make_world()
    first = world.plan(make_agent(tools=(make_tool(),), documents=(make_document(source="url"),)))
    world.apply(make_agent(first_message="Hello"))
    world.edit({"conversation_config": {"agent": {"language": "fr"}}})
    second = world.plan(make_agent())
    joined = join_plans([first, second], project="acme", environment="testing")
    validator = jsonschema.Draft202012Validator(plan_schema())
    validator.check_schema(plan_schema())
    for plan in (first, second, joined, plan_of()):
        document = plan_json(plan)
        validator.validate(document)
        assert document["empty"] == plan.empty
        assert document["calls"] == plan.calls
        assert document["estimateS"] == estimate_s(plan)
        assert document["formatVersion"] == "1"
    assert not validator.is_valid({**plan_json(second), "surprise": 1})
