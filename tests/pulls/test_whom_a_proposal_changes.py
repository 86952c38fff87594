"""Agents are checked whose configuration or tests are others than before; the rest is named."""

import json
from typing import Any

import pytest

from tests.pulls.trees import AGENT, BASE, PROJECT, TEST, changed, document, tree
from trunkline.model.pulls.readings import (
    ReviewedAgent,
    known_after_merge,
    place_of_tests,
    removed_agents,
    reviewed_agents,
    reviewed_environments,
    weaker_rules,
)


def reviewed(**files: str | None) -> tuple[ReviewedAgent, ...]:
    merged = {**BASE, **{path.replace("__", "/") + ".yaml": text for path, text in files.items()}}
    kept = {path: text for path, text in merged.items() if text is not None}
    base = tree(BASE)
    return reviewed_agents(base, tree(kept), changed(BASE, kept), "testing")


def agent(name: str = "front-desk", **more: Any) -> str:
    metadata = {"renamedFrom": more.pop("renamed_from")} if "renamed_from" in more else {}
    return document("Agent", name, {**AGENT, **more}, **metadata)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, []),
        (
            {
                "notes": document(
                    "Persona",
                    "warm",
                    {"traits": {"temper": 0.2, "chattiness": 0.5, "attachment": 0.6}},
                )
            },
            [],
        ),
        ({"agents__front-desk": agent(firstMessage="Hi")}, [("front-desk", "configuration", 1)]),
        ({"agents__front-desk": agent(model={})}, []),
        (
            {"tests__greets": document("ConversationTest", "greets", {**TEST, "mode": "audio"})},
            [("front-desk", "tests", 1)],
        ),
        (
            {"tests__greets": document("ConversationTest", "greets", TEST, tags=["slow"])},
            [],
        ),
        ({"tests__greets": None}, [("front-desk", "tests", 0)]),
        ({"agents__lab": agent("lab")}, [("lab", "added", 0)]),
        ({"agents__lab": agent("lab", lifecycle="draft")}, []),
    ],
)
def test_agents_that_are_others_than_before(
    files: dict[str, str | None], found: list[tuple[str, str, int]]
) -> None:
    assert [(one.name, one.change, one.tests) for one in reviewed(**files)] == found


def test_a_rename_is_a_change_and_no_removal() -> None:
    files = {
        "trunkline.yaml": PROJECT,
        "agents/reception.yaml": agent("reception", renamed_from="front-desk"),
    }
    base, merged = tree(BASE), tree(files)
    [found] = reviewed_agents(base, merged, changed(BASE, files), "testing")
    assert (found.name, found.change) == ("reception", "configuration")
    assert removed_agents(base, merged) == ()


def test_agents_that_go_are_named() -> None:
    assert removed_agents(tree(BASE), tree({"trunkline.yaml": PROJECT})) == ("front-desk",)


def test_a_released_environment_is_known_after_the_merge() -> None:
    files = {**BASE, "agents/front-desk.yaml": agent(firstMessage="Hi")}
    base, merged = tree(BASE), tree(files)
    agents = reviewed_agents(base, merged, changed(BASE, files), "testing")
    [words] = known_after_merge(base, merged, agents)
    assert words == (
        "production goes on with what is released there: front-desk changes there by a promotion,"
        " which needs a gate on the rendering of production, 1 approval(s), 30m of soak"
    )
    assert known_after_merge(base, merged, ()) == ()


def test_environments_that_are_not_tested_in_are_named() -> None:
    places = [{"name": name, "source": "head"} for name in ("testing", "staging", "field")]
    project = document("Project", "acme", {"environments": places})
    both = tree({**BASE, "trunkline.yaml": project})
    front_desk = ReviewedAgent(name="front-desk", change="tests", tests=1)
    [said] = known_after_merge(both, both, (front_desk,))
    assert said == (
        "tests are carried out as testing has it; what follows the branch as well is planned and"
        " not tested: staging, field"
    )
    untested = front_desk.model_copy(update={"tests": 0})
    assert known_after_merge(both, both, (untested,)) == ()
    assert known_after_merge(tree(BASE), tree(BASE), (front_desk,)) == ()


def test_new_environments_and_accounts_wait_for_the_merge() -> None:
    project = json.loads(PROJECT)
    environments = project["spec"]["environments"]
    environments.append({"name": "staging", "source": "head"})
    environments[0]["accounts"] = {"elevenlabs": {"apiKey": {"env": "TRUNKLINE_SECRET_ACME_K"}}}
    base, merged = tree(BASE), tree({**BASE, "trunkline.yaml": json.dumps(project)})
    said = known_after_merge(base, merged, ())
    assert [line.split(" ", 1)[0] for line in said] == ["testing", "staging"]
    listed = {one.name: one.new for one in reviewed_environments(base, merged)}
    assert listed == {"testing": False, "production": False, "staging": True}
    environment = place_of_tests(base, merged)
    assert environment is not None
    assert environment.name == "testing"


def test_secrets_and_pages_are_known_once_they_are_used() -> None:
    tool = {
        "type": "webhook",
        "function": "book",
        "description": "Books",
        "url": "https://booking.example.com",
        "headers": {"Authorization": {"secret": "TRUNKLINE_SECRET_ACME_BOOKING"}},
    }
    page = {"title": "Hours", "source": {"url": "https://example.com/hours"}}
    files = {
        **BASE,
        "tools/book.yaml": document("Tool", "book", tool),
        "knowledge/hours.yaml": document("KnowledgeDocument", "hours", page),
    }
    said = " ".join(known_after_merge(tree(BASE), tree(files), ()))
    assert "TRUNKLINE_SECRET_ACME_BOOKING" in said
    assert "the pages of hours" in said


def test_weaker_rules_are_named() -> None:
    project = json.loads(PROJECT)
    project["spec"]["environments"][1]["promotion"]["approvals"]["count"] = 0
    base, merged = tree(BASE), tree({**BASE, "trunkline.yaml": json.dumps(project)})
    [words] = weaker_rules(base, merged, "0" * 40)
    assert words.startswith("production: ")
    assert weaker_rules(base, base, "0" * 40) == ()
