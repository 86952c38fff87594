"""The files an agent is made of: whoever edits one of them is an author of it."""

from tests.manifests.conftest import SOUND, Write
from trunkline.manifests import load
from trunkline.model.closure_paths import closure_paths

OTHER_HOURS = """\
    apiVersion: trunkline/v1alpha1
    kind: KnowledgeDocument
    metadata: { name: holidays }
    spec: { title: Holidays, source: { file: texts/holidays.md } }
    """


def test_everything_an_agent_is_made_of_counts_and_nothing_else(write: Write) -> None:
    manifests = load(write({}))
    assert closure_paths(manifests, "desk") == (
        "agents/desk/agent.yaml",
        "agents/desk/prompt.md",
        "knowledge.yaml",
        "personas.yaml",
        "tools.yaml",
    )


def test_what_only_an_override_uses_counts_as_well(write: Write) -> None:
    agent = SOUND["agents/desk/agent.yaml"].rstrip()
    tree = write(
        {
            "agents/desk/agent.yaml": agent
            + "\n          overrides: { production: { knowledge: [holidays] } }\n",
            "more/holidays.yaml": OTHER_HOURS,
            "more/texts/holidays.md": "Closed in August.\n",
        }
    )
    paths = closure_paths(load(tree), "desk")
    assert {"more/holidays.yaml", "more/texts/holidays.md"} <= set(paths)


def test_an_agent_the_commit_does_not_name_has_no_files(write: Write) -> None:
    assert closure_paths(load(write({})), "nobody") == ()
