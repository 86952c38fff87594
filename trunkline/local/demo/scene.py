"""What every chapter of the demo has at hand: the stack, its people, its manifests, the vendors.

Knows how things are done and not what is shown.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from trunkline.local.announcing import announce_push
from trunkline.local.demo.outside import Outside
from trunkline.local.demo.story import DemoFailed, Story
from trunkline.local.demo.terminals import Terminal
from trunkline.local.processes import ServerFailed
from trunkline.local.repository import LocalRepository
from trunkline.local.stack import LocalStack

STEP_TIMEOUT_S = 60.0
_POLL_INTERVAL_S = 0.05


class Scene:
    """A running stack, with an admin's terminal; the others' are made from it."""

    def __init__(self, stack: LocalStack, story: Story) -> None:
        self.story = story
        self.outside = Outside(stack.platform_environment(), stack.project)
        self.admin = Terminal(
            story,
            {
                **os.environ,
                **stack.client_environment("admin"),
                **stack.platform_environment(),
                "TRUNKLINE_PROJECT": stack.project,
                "COLUMNS": "120",
            },
        )
        self.approver = self.admin.of("approver", stack.tokens["approver"])
        self._stack = stack

    @property
    def repository(self) -> LocalRepository:
        """The manifests repository with its clone."""
        return self._stack.repository

    @property
    def project(self) -> str:
        """The project's name."""
        return self._stack.project

    def newcomer(self, person: str, role: str) -> Terminal:
        """The terminal of somebody who is given a token now."""
        order = ("tokens", "create", person, "--role", role, "--project", self.project)
        self.story.tell(f"$ trunkline {' '.join(order)}")
        token = json.loads(self.admin.read(*order, "-o", "json"))["secret"]
        return self.admin.of(person, token)

    def only(self, environment: str, agent: str) -> str:
        """The external id of an agent. Raises DemoFailed if the platform has none, or several."""
        found = self.outside.agents(environment, agent)
        if len(found) != 1:
            raise DemoFailed(f"the platform has {len(found)} agents {agent} of {environment}")
        return found[0]

    def push(self, subject: str) -> str:
        """Commit and push everything that changed in the clone; answers the commit id."""
        revision = self.repository.push(subject)
        self.story.tell(f"$ git commit -am '{subject}' && git push    # {revision[:12]}")
        return revision

    def rewrite(self, path: Path, change: Callable[[str], str]) -> None:
        """Change a file of the clone. Raises DemoFailed if nothing changes."""
        text = path.read_text("utf-8")
        changed = change(text)
        if changed == text:
            raise DemoFailed(f"{path.name} is not as the demo knows it")
        path.write_text(changed, "utf-8")

    def prompt_file(self, agent: str) -> Path:
        """Where an agent's prompt is in the clone."""
        return self.repository.clone / "agents" / agent / "prompt.md"

    def announce(self) -> None:
        """What GitHub does after a push: a signed webhook."""
        announce_push(self._stack)
        self.story.tell("  announced by a signed webhook, as a forge does")

    def wait_until(self, is_true: Callable[[], bool], otherwise: str) -> None:
        """Wait for something outside of Trunkline. Raises DemoFailed after STEP_TIMEOUT_S."""
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while not is_true():
            failure: ServerFailed | None = self._stack.ended()
            if failure is not None:
                raise failure
            if time.monotonic() > deadline:
                raise DemoFailed(f"{otherwise} within {STEP_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_INTERVAL_S)
