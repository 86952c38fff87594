"""A lifecycle is written where people would write it, and nothing else changes."""

import pytest

from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.lifecycles import with_lifecycle

AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }
spec:   # what callers meet
  # the name they hear
  displayName: Front desk
"""
OTHER = """\
kind: Agent
metadata: { name: night-desk }
spec: { displayName: Night desk, lifecycle: 'active' }   # kept
"""


def test_it_is_added_below_spec_and_comments_stay() -> None:
    wanted = AGENT.replace("meet\n", "meet\n  lifecycle: draft\n")
    assert with_lifecycle(AGENT, "front-desk", "draft") == wanted


def test_what_is_written_is_replaced_in_its_style() -> None:
    changed = with_lifecycle(OTHER, "night-desk", "draft")
    assert changed == OTHER.replace("'active'", "'draft'")


def test_braces_are_kept() -> None:
    text = OTHER.replace(", lifecycle: 'active'", "")
    assert "{ lifecycle: draft, displayName: Night desk }   # kept" in with_lifecycle(
        text, "night-desk", "draft"
    )


def test_only_the_named_agent_of_a_file_changes() -> None:
    both = f"{AGENT}---\n{OTHER}"
    assert with_lifecycle(both, "night-desk", "draft").startswith(AGENT)
    assert with_lifecycle(both, "front-desk", "inactive").endswith(OTHER)


@pytest.mark.parametrize(
    "text", ["", "kind: Agent\n", AGENT.replace("Agent", "Tool"), "a: [", "spec: {}\n", "- 1\n"]
)
def test_what_is_not_there_cannot_be_edited(text: str) -> None:
    with pytest.raises(Uneditable):
        with_lifecycle(text, "front-desk", "draft")


def test_an_alias_is_not_rewritten_behind_its_back() -> None:
    text = AGENT.replace("spec:   # what callers meet", "spec: &shared") + "again: *shared\n"
    with pytest.raises(Uneditable):
        with_lifecycle(text, "front-desk", "draft")
