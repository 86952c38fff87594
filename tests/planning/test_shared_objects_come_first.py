"""What an agent points at is made before it, once, and nothing old is deleted."""

from typing import Any

import pytest

from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.errors import ClaimPending
from trunkline.model.ids import ExternalId, reference
from trunkline.model.ledger import Claim
from trunkline.model.plan_json import plan_summary
from trunkline.model.planner import drift_only, plan_agent
from trunkline.model.plans import Kept
from trunkline.model.shared_objects import (
    KnownObjects,
    bindings_of,
    doubtful_references,
    object_key,
    unreferenced,
)
from trunkline.model.writes import create_body

SECRET = "TRUNKLINE_SECRET_ACME_BOOKING"


def claim_of(kind: str, item: Any, external_id: str | None) -> Claim:
    return Claim.model_validate(
        {
            "account": "a",
            "project": "acme",
            "environment": "testing",
            "kind": kind,
            "name": item if kind == "secret" else item.name,
            "digest": "" if kind == "secret" else item.digest,
            "claimant": "agent/acme/testing/front-desk",
            "external_id": external_id,
        }
    )


def planned(desired: Any, claims: list[Claim], world: Any, **facts: Any) -> Any:
    known = KnownObjects(**{"bindings": bindings_of(claims), "claims": tuple(claims), **facts})
    return plan_agent(
        desired,
        render_agent(desired),
        RULES,
        entry=world.entry,
        observed=world.observed,
        shared=known,
        previous=world.previous,
    )


def test_secrets_then_tools_then_documents_then_the_agent(
    make_agent: Any, make_tool: Any, make_document: Any, make_world: Any
) -> None:
    desired = make_agent(
        tools=(make_tool("b"), make_tool("a")), documents=(make_document("d"), make_document("c"))
    )
    plan = make_world().plan(desired)
    assert [(step.subject, step.name) for step in plan.steps] == [
        ("secret", SECRET),
        ("tool", "a"),
        ("tool", "b"),
        ("document", "c"),
        ("document", "d"),
        ("agent", "front-desk"),
    ]
    assert plan.calls == 2 + 4 + 4 + 3


def test_what_is_known_is_not_made_again(make_agent: Any, make_tool: Any, make_world: Any) -> None:
    tool = make_tool()
    claims = [claim_of("secret", SECRET, "secret_1"), claim_of("tool", tool, "tool_1")]
    plan = planned(make_agent(tools=(tool,)), claims, make_world())
    assert [step.subject for step in plan.steps] == ["agent"]


def test_a_changed_tool_is_replaced_and_the_old_one_kept(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    old, new = make_tool(), make_tool(description="Books a haircut")
    world = make_world()
    world.bindings[reference("tool", object_key(old.name, old.digest))] = ExternalId("tool_1")
    world.apply(make_agent(tools=(old,)))
    claims = [claim_of("secret", SECRET, "secret_1"), claim_of("tool", old, "tool_1")]
    plan = planned(make_agent(tools=(new,)), claims, world)
    tool, agent = plan.steps
    assert tool.replaces == object_key(old.name, old.digest)
    assert [(c.operation, c.path, c.old, c.new) for c in tool.changes] == [
        ("~", "description", "Books an appointment", "Books a haircut")
    ]
    assert agent.changes[0].new == [reference("tool", object_key(new.name, new.digest))]
    assert plan_summary(plan).model_dump() == {"add": 0, "change": 1, "replace": 1, "destroy": 0}
    assert plan.kept == (
        Kept(
            subject="tool",
            name=object_key(old.name, old.digest),
            external_id=ExternalId("tool_1"),
            reason="pruning is not enabled",
        ),
    )


def test_kept_objects_do_not_make_a_plan(make_agent: Any, make_tool: Any, make_world: Any) -> None:
    old, new = make_tool(), make_tool(description="Books a haircut")
    desired = make_agent(tools=(new,))
    world = make_world()
    world.apply(desired)
    claims = [claim_of("tool", old, "tool_1"), claim_of("secret", SECRET, "secret_1")]
    plan = planned(desired, claims, world, bindings=world.bindings)
    assert plan.empty
    assert [kept.external_id for kept in plan.kept] == ["tool_1"]


def test_a_rotated_secret_is_updated_without_a_value(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    desired = make_agent(tools=(make_tool(),))
    world = make_world()
    world.apply(desired)
    plan = planned(desired, [], world, bindings=world.bindings, stale_secrets=frozenset({SECRET}))
    [step] = plan.steps
    assert (step.action, step.subject, step.name) == ("update", "secret", SECRET)
    assert [(c.old, c.new) for c in step.changes] == [("(sensitive)", "(sensitive)")]


def test_a_tool_somebody_deleted_is_doubted_and_made_again_as_drift(
    make_agent: Any, make_tool: Any, make_world: Any
) -> None:
    tool = make_tool()
    desired = make_agent(tools=(tool,))
    world = make_world()
    world.apply(desired)
    wanted = reference("tool", object_key(tool.name, tool.digest))
    assert doubtful_references(desired, world.bindings, world.observed) == ()
    world.edit({"conversation_config": {"agent": {"prompt": {"tool_ids": []}}}})
    assert doubtful_references(desired, world.bindings, world.observed) == (wanted,)
    claims = [claim_of("tool", tool, world.bindings[wanted])]
    left = {key: value for key, value in world.bindings.items() if key != wanted}
    plan = planned(desired, claims, world, bindings=left)
    assert [step.subject for step in plan.steps] == ["tool", "agent"]
    assert {c.origin for c in plan.steps[0].changes} == {"drift"}
    assert not drift_only(plan) or plan.steps[1].changes[0].origin == "drift"


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "url", "url": "https://shop.example.com/faq"},
        {"source": "file", "file_type": "pdf"},
    ],
    ids=["page", "file"],
)
def test_a_page_and_a_file_come_before_their_agent_as_a_text_does(
    fields: dict[str, Any], make_agent: Any, make_document: Any, make_world: Any
) -> None:
    document = make_document(**fields)
    desired = make_agent(documents=(document,))
    world = make_world()
    plan = world.plan(desired)
    assert plan.obstacles == ()
    assert [(step.action, step.subject) for step in plan.steps] == [
        ("create", "document"),
        ("create", "agent"),
    ]
    told = {change.path: change.new for change in plan.steps[0].changes}
    assert told["source"] == fields["source"]
    assert told.get("url") == fields.get("url")
    assert told.get("fileType") == fields.get("file_type")
    world.apply(desired)
    assert world.plan(desired).empty


def test_a_whole_website_is_an_obstacle_with_words(
    make_agent: Any, make_document: Any, make_world: Any
) -> None:
    document = make_document(source="website", url="https://shop.example.com")
    desired = make_agent(documents=(document,))
    plan = make_world().plan(desired)
    assert plan.steps == ()
    [obstacle] = plan.obstacles
    assert obstacle.reason == "KnowledgeSourceNotEnabled"
    assert "name its pages one by one" in obstacle.message
    assert not obstacle.waiting


def test_an_agent_is_not_written_before_every_id_is_known(make_agent: Any, make_tool: Any) -> None:
    with pytest.raises(ClaimPending, match="tool/book-slot@"):
        create_body(render_agent(make_agent(tools=(make_tool(),))), {}, nonce="n")


def test_objects_no_wish_points_at_are_kept(make_agent: Any, make_tool: Any) -> None:
    used, unused = make_tool("a"), make_tool("b")
    claims = [
        claim_of("tool", used, "tool_1"),
        claim_of("tool", unused, "tool_2"),
        claim_of("tool", make_tool("c"), None),
    ]
    assert [kept.external_id for kept in unreferenced(claims, [make_agent(tools=(used,))])] == [
        "tool_2"
    ]
