"""The files of a new manifests repository: small, valid, and worth keeping.

Nothing is written here; whoever asks decides where the files go and what to do about files that
are already there.
"""

import re

from trunkline.manifests.documents import read_documents
from trunkline.manifests.schemas import COMBINED_SCHEMA, SCHEMA_FOLDER, combined_schema
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import NAME_PATTERN

_PROJECT = """\
# yaml-language-server: $schema=schema/trunkline.json
apiVersion: trunkline/v1alpha1
kind: Project
metadata:
  name: {name}
spec:
  accounts:
    elevenlabs:
      apiKey: {{ env: ELEVENLABS_API_KEY }}
    twilio:
      accountSid: {{ env: TWILIO_ACCOUNT_SID }}
      authToken: {{ env: TWILIO_AUTH_TOKEN }}
  environments:
    - name: testing
      source: head          # follows the branch
      drift: {{ policy: report, interval: 5m }}
    - name: production
      source: releases      # runs what was promoted
      drift: {{ policy: report }}
      promotion:
        from: testing
        tests: {{ required: true }}
        approvals: {{ count: 1, roles: [approver], notAuthor: true }}
"""

_AGENT = """\
# yaml-language-server: $schema=../../schema/trunkline.json
apiVersion: trunkline/v1alpha1
kind: Agent
metadata:
  name: front-desk
spec:
  displayName: Front desk
  direction: inbound
  prompt: { file: prompt.md }
  firstMessage: "Hello, this is {{company}}. How can I help you?"
  language: en
  model: { name: gemini-2.5-flash, temperature: 0.2 }
  tools: [take-message, { builtin: end_call }]
  knowledge: [about-us]
  variables: { company: Our company }
  limits: { maxDuration: 10m }
"""

_PROMPT = """\
You answer the phone at {{company}}.

Find out what the caller needs, one question at a time. Answer from the document about us; if it
does not say, offer to take a message and call `take_message` with the caller's name, number and
concern. Read the message back before you send it.

Speak in short sentences. Invent nothing: no prices, no dates, no promises.
"""

_TOOL = """\
# yaml-language-server: $schema=../schema/trunkline.json
apiVersion: trunkline/v1alpha1
kind: Tool
metadata:
  name: take-message
spec:
  type: webhook
  function: take_message
  description: Leaves a message for the team. Call it once the caller has agreed to the wording.
  method: POST
  url: https://messages.example.com/v1/messages
  timeout: 10s
  parameters:
    type: object
    required: [caller, message]
    properties:
      caller: { type: string, description: Name and number of the caller }
      message: { type: string, description: What the caller wants in one or two sentences }
"""

_DOCUMENT = """\
# yaml-language-server: $schema=../schema/trunkline.json
apiVersion: trunkline/v1alpha1
kind: KnowledgeDocument
metadata:
  name: about-us
spec:
  title: About us
  source: { file: about-us.md }
  usage: prompt
"""

_ABOUT = """\
# About us

We are open from Monday to Friday, nine to five. Replace this with what callers ask most.
"""

_TEST = """\
# yaml-language-server: $schema=../../../schema/trunkline.json
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata:
  name: says-opening-hours
  tags: [smoke]
spec:
  agent: front-desk
  mode: text
  turns:
    - say: "When are you open?"
      expect:
        - says: { contains: Friday }
"""

_README = """\
# {project}

The wished-for state of our voice agents. Trunkline keeps the platforms like this.

- `trunkline.yaml`: accounts, environments, the rules of promotion
- `agents/<name>/`: one agent, its prompt beside it, its conversation tests in `tests/`
- `tools/`, `knowledge/`: what agents can do and look up
- `schema/`: JSON Schemas for editors

Check a change with `trunkline validate .`, look at it with `trunkline plan --local .`, and push.
"""

_IGNORE = """\
# No credential belongs into this repository; manifests only name them.
.env
*.pem
*.key
"""


def new_repository(project: str) -> dict[str, str]:
    """Path to text of every file of a new repository.

    Raises InvalidInput if ``project`` is not a DNS label.
    """
    if re.match(NAME_PATTERN, project) is None or project.endswith("\n"):
        raise InvalidInput(
            f'"{project}" cannot be a project\'s name',
            hint="Use lower-case letters, digits and dashes, such as acme.",
        )
    return {
        ".gitignore": _IGNORE,
        "README.md": _README.format(project=project),
        "trunkline.yaml": _PROJECT.format(name=_as_text(project)),
        "agents/front-desk/agent.yaml": _AGENT,
        "agents/front-desk/prompt.md": _PROMPT,
        "agents/front-desk/tests/says-opening-hours.yaml": _TEST,
        "tools/take-message.yaml": _TOOL,
        "knowledge/about-us.yaml": _DOCUMENT,
        "knowledge/about-us.md": _ABOUT,
        f"{SCHEMA_FOLDER}/{COMBINED_SCHEMA}": combined_schema(),
    }


def _as_text(name: str) -> str:
    """The name as YAML, in quotes where it would be read as a number, a truth or nothing."""
    read = [document.value for document in read_documents(name)]
    return name if read == [name] else f'"{name}"'
