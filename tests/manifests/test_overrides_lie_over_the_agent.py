"""An environment's override: objects by key, lists and one-of choices whole."""

from collections.abc import Callable, Mapping

from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.model.desired import DesiredAgent
from trunkline.model.resolution import wishes

Write = Callable[[Mapping[str, str]], DirectoryTree]

FILES = {
    "trunkline.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Project
        metadata: { name: acme }
        spec: { environments: [{ name: testing }, { name: live }] }
        """,
    "agents/desk/agent.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk, labels: { team: a } }
        spec:
          persona: host
          prompt: { file: prompt.md }
          variables: { company: Test, floor: "1" }
          voice: { id: a, speed: 1.1 }
          limits: { maxDuration: 10m, concurrency: 1 }
          tools: [book, { builtin: end_call }]
          elevenlabs: { conversation_config: { turn: { turn_timeout: 8, turn_eagerness: eager } } }
          overrides:
            live:
              persona: null
              prompt: { text: Live prompt }
              variables: { company: Live }
              limits: { concurrency: 9 }
              tools: []
              elevenlabs: { conversation_config: { turn: { turn_timeout: 5 } } }
        """,
}


def desk(write: Write, environment: str) -> DesiredAgent:
    found = wishes(load(write(FILES), caches=Caches())).agent(environment, "desk")
    assert found is not None
    return found


def test_the_environment_without_an_override_keeps_the_agent(write: Write) -> None:
    agent = desk(write, "testing")
    assert agent.variables == {"company": "Test", "floor": "1"}
    assert agent.prompt == "You answer the phone."
    assert agent.voice.style == 0.3
    assert agent.builtin_tools == ("end_call",)
    assert agent.positions["spec.limits.concurrency"] == "agents/desk/agent.yaml:9:44"


def test_objects_merge_and_lists_and_prompts_replace(write: Write) -> None:
    agent = desk(write, "live")
    assert agent.variables == {"company": "Live", "floor": "1"}
    assert agent.prompt == "Live prompt"
    assert (agent.max_duration_s, agent.concurrency) == (600, 9)
    assert (agent.tools, agent.builtin_tools) == ((), ())
    assert agent.voice.model_dump(exclude_none=True) == {"id": "a", "speed": 1.1}
    assert agent.elevenlabs == {
        "conversation_config": {"turn": {"turn_timeout": 5, "turn_eagerness": "eager"}}
    }


def test_positions_lead_to_the_line_that_counts(write: Write) -> None:
    positions = desk(write, "live").positions
    assert positions["spec.limits.concurrency"] == "agents/desk/agent.yaml:17:30"
    assert positions["spec.limits.maxDuration"] == "agents/desk/agent.yaml:9:26"
    assert positions["spec.variables.company"] == "agents/desk/agent.yaml:16:29"
