"""What is to be taken over is named by one document, in an environment that exists."""

import pytest

from tests.manifests.conftest import SOUND, Look
from trunkline.model.closures import Shared, closure_digest
from trunkline.model.manifests import Manifests
from trunkline.model.resolution import wishes

AGENT = SOUND["agents/desk/agent.yaml"]
TOOL = SOUND["tools.yaml"]


def digest(manifests: Manifests) -> str:
    return closure_digest(Shared(manifests), manifests.agents["desk"])


def test_the_id_is_the_wish_of_its_environment_alone_and_in_no_digest(look: Look) -> None:
    plain = look({}).manifests
    named = AGENT.replace("{ name: desk }", "{ name: desk, adopt: { testing: agent_1 } }")
    tool = TOOL.replace("{ name: book }", "{ name: book, adopt: { testing: tool_1 } }")
    adopting = look({"agents/desk/agent.yaml": named, "tools.yaml": tool}).manifests
    assert plain is not None
    assert adopting is not None
    wish = wishes(adopting).agent("testing", "desk")
    assert wish is not None
    assert (wish.adopt, wish.tools[0].adopt, wish.documents[0].adopt) == ("agent_1", "tool_1", None)
    assert digest(adopting) == digest(plain)


def test_two_documents_cannot_be_one_object(look: Look) -> None:
    named = AGENT.replace("{ name: desk }", "{ name: desk, adopt: { testing: agent_1 } }")
    second = named.replace("name: desk,", "name: bench,")
    found = look({"agents/desk/agent.yaml": named, "agents/desk/bench.yaml": second})
    assert [problem.message for problem in found.problems] == [
        "`agent_1` is already taken over by `desk`"
    ]


def test_the_environment_must_exist(look: Look) -> None:
    named = AGENT.replace("{ name: desk }", "{ name: desk, adopt: { tesing: agent_1 } }")
    found = look({"agents/desk/agent.yaml": named})
    assert [(p.message, p.suggestion) for p in found.problems] == [
        ("there is no environment `tesing`", "testing")
    ]


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("elevenlabs: { name: other }", "set by spec.function"),
        ("elevenlabs: { api_schema: { auth_connection: { id: x } } }", "authentication"),
    ],
)
def test_below_a_tools_hatch_nothing_is_said_twice(look: Look, rest: str, words: str) -> None:
    found = look({"tools.yaml": TOOL.replace("description: Books", f"description: Books, {rest}")})
    assert [words in problem.message for problem in found.problems] == [True]


def test_only_a_file_can_be_uploaded(look: Look) -> None:
    text = SOUND["knowledge.yaml"].replace(
        "{ text: Nine to five }", "{ text: Nine to five, upload: true }"
    )
    found = look({"knowledge.yaml": text})
    assert ["can be uploaded" in problem.message for problem in found.problems] == [True]
