"""Manifests of a fleet, made for a measurement: one agent a file, each its own text."""

from pathlib import Path

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: bench }
spec:
  accounts:
    elevenlabs: { apiKey: { env: ELEVENLABS_API_KEY } }
  environments:
    - name: testing
      source: head
      mode: enforce
      drift: { policy: heal, interval: 24h }
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: NAME }
spec:
  displayName: NAME
  prompt: { text: "You answer the phone of NAME. Be brief, be kind, and never guess a price." }
  firstMessage: "NAME, how can I help?"
  language: en
  model: { name: gemini-2.5-flash, temperature: 0.2 }
"""
GREETING = "how can I help?"


def grow(folder: Path, agents: int) -> None:
    """Write the manifests of agents 0 to ``agents``; those already there are left alone."""
    (folder / "agents").mkdir(parents=True, exist_ok=True)
    (folder / "trunkline.yaml").write_text(PROJECT)
    for number in range(agents):
        path = agent_path(folder, number)
        if not path.exists():
            path.write_text(AGENT.replace("NAME", path.stem))


def change(folder: Path, number: int, greeting: str) -> None:
    """Give one agent another first message."""
    path = agent_path(folder, number)
    name = path.stem
    path.write_text(AGENT.replace("NAME", name).replace(GREETING, greeting))


def agent_path(folder: Path, number: int) -> Path:
    """The file of one agent."""
    return folder / "agents" / f"agent-{number:05}.yaml"
