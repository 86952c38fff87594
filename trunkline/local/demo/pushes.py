"""The first half: a push becomes agents, an edit past Git is healed, an edit in Git goes live."""

import re
import time

from trunkline.local.demo.scene import Scene

ENVIRONMENT = "testing"
_PLAN_HEAD_LINES = 24
_PLAN_TAIL_LINES = 14
_SHORT = {
    r"interval: \d\S*": "interval: 2s",
    r"soak: \d\S*": "soak: 1s",
    r"every: \d\w*": "every: 1s",
}
"""Times in trunkline.yaml that somebody who watches does not want to wait for."""


class Pushes:
    """Chapters about what follows the branch."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._story = scene.story
        self._admin = scene.admin

    def play(self, agent: str) -> None:
        """All of them in order; ``agent`` is edited."""
        self._scene.rewrite(self._scene.repository.clone / "trunkline.yaml", _hastened)
        self._plan_everything()
        self._sync()
        self._story.chapter("The same plan again, from the server: nothing is left to do")
        self._admin.run("plan", "--environment", ENVIRONMENT, "--exit-code")
        external_id = self._scene.only(ENVIRONMENT, agent)
        self._drift(agent, external_id)
        self._edit(agent, external_id)

    def _plan_everything(self) -> None:
        self._story.chapter("What would happen: a plan of the folder, nothing is written")
        folder = str(self._scene.repository.clone)
        self._admin.show(
            *("plan", "--local", folder, "--environment", ENVIRONMENT),
            first=_PLAN_HEAD_LINES,
            last=_PLAN_TAIL_LINES,
        )

    def _sync(self) -> None:
        self._story.chapter("A push to the manifests repository becomes agents and phone numbers")
        started = time.monotonic()
        self._scene.push("First manifests")
        # hard, so that the answer names everything even if the server's own look came first
        self._admin.run("sync", "--environment", ENVIRONMENT, "--hard-refresh")
        self._story.figure("first push until everything is in place", time.monotonic() - started)

    def _drift(self, agent: str, external_id: str) -> None:
        self._story.chapter(f"Robin edits {agent} in the platform's dashboard, past Git")
        outside = self._scene.outside
        before = outside.first_message(external_id)
        theirs = "Yo! What's up?"
        body = {"conversation_config": {"agent": {"first_message": theirs}}}
        outside.edit(external_id, body, name="Robin", email="robin@example.com")
        started = time.monotonic()
        self._story.claim(
            f'first message is now "{theirs}"',
            holds=outside.first_message(external_id) == theirs,
            otherwise="the edit in the dashboard did not take effect",
        )
        self._scene.wait_until(
            lambda: outside.first_message(external_id) == before, "the drift was not healed"
        )
        self._story.figure("foreign edit until it is healed", time.monotonic() - started)
        self._story.tell(f'  first message is again "{before}"')
        self._admin.run("events", agent, "--environment", ENVIRONMENT)

    def _edit(self, agent: str, external_id: str) -> None:
        self._story.chapter(f"An edit of the prompt of {agent}: commit, push, live")
        sentence = "Ask for the caller's name once, early, and use it."
        self._scene.rewrite(
            self._scene.prompt_file(agent), lambda text: f"{text.rstrip()}\n\n{sentence}\n"
        )
        self._scene.push(f"Have {agent} ask for the caller's name")
        pushed = time.monotonic()
        self._scene.announce()
        self._scene.wait_until(
            lambda: sentence in self._scene.outside.prompt(external_id), "the edit did not arrive"
        )
        live_s = time.monotonic() - pushed
        self._story.figure("pushed edit until it is live", live_s)
        self._story.tell(f"  live {live_s:.2f} s after the push")


def _hastened(text: str) -> str:
    for wanted, short in _SHORT.items():
        text = re.sub(wanted, short, text)
    return text
