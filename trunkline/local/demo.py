"""``make demo``: the main job once, start to end, on a stack that is thrown away.

Everything is done the way a person would do it: the command line in processes of its own, Git by
commit and push, somebody else's edit through the simulator's own door. What the demo claims is what
the platform answers, asked without Trunkline. Ends with 1 if anything took too long.
"""

import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from trunkline.local.dev import say_on_stderr
from trunkline.local.places import default_home
from trunkline.local.ports import FREE_PORTS
from trunkline.local.processes import ServerFailed, stopped_by_signals
from trunkline.local.repository import BRANCH
from trunkline.local.stack import START_CLI, LocalStack, StackOptions
from trunkline.manifests.sample import sample_folder
from trunkline.model.errors import TrunklineError

ENVIRONMENT = "testing"
STEP_TIMEOUT_S = 60.0
_POLL_INTERVAL_S = 0.05
_PLAN_HEAD_LINES = 24
_PLAN_TAIL_LINES = 14
_SWEEP_INTERVAL = "2s"
_COLLEAGUE = {"name": "Robin", "email": "robin@example.com"}


class DemoFailed(TrunklineError):
    """The demo could not show what it claims."""

    reason = "DemoFailed"


@dataclass(slots=True)
class Story:
    """What is told on stdout, and how long each chapter took."""

    figures: list[tuple[str, float]] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """Begin the next part."""
        self.tell(f"\n== {title}")

    def tell(self, line: str) -> None:
        """One line, at once: the commands in between write to the same terminal."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def figure(self, what: str, duration_s: float) -> None:
        """Keep a time for the end."""
        self.figures.append((what, duration_s))

    def conclude(self) -> None:
        """Print the times."""
        self.chapter("Times")
        width = max(len(what) for what, _ in self.figures)
        for what, duration_s in self.figures:
            self.tell(f"  {what:<{width}}  {duration_s:6.2f} s")


def run_demo() -> int:
    """Run the demo; answers the exit code. The stack is gone afterwards; its logs stay if the
    demo failed.
    """
    parent = Path(os.environ.get("TRUNKLINE_HOME") or default_home())
    parent.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=parent))
    options = StackOptions(home, sample_folder(), FREE_PORTS, poll_interval="5m", seeded=False)
    story = Story()
    started = time.monotonic()
    try:
        with stopped_by_signals():
            story.chapter("Starting Temporal, PostgreSQL, the simulators, the worker and the API")
            with LocalStack(options, story.tell) as stack:
                story.figure("the stack is up", time.monotonic() - started)
                _run(_Demo(stack, story))
    except KeyboardInterrupt:
        say_on_stderr("stopped")
        shutil.rmtree(home, ignore_errors=True)
        return 130
    except TrunklineError as error:
        say_on_stderr(f"\nThe demo failed: {error.message}\n{error.hint}\nLogs: {home / 'logs'}")
        return 1
    story.figure("all of it", time.monotonic() - started)
    story.conclude()
    story.tell("\nThe same stack to play with, on the usual ports: make up")
    shutil.rmtree(home, ignore_errors=True)
    return 0


def _run(demo: "_Demo") -> None:
    try:
        demo.run()
    except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
        raise DemoFailed(f"a part of the stack did not answer: {error}") from error


class _Demo:
    def __init__(self, stack: LocalStack, story: Story) -> None:
        self._stack = stack
        self._story = story
        self._clone = stack.repository.clone
        self._environment = {
            **os.environ,
            **stack.client_environment("admin"),
            **stack.platform_environment(),
            "TRUNKLINE_PROJECT": stack.project,
            "COLUMNS": "120",
        }

    def run(self) -> None:
        """Every chapter in order."""
        self._sweep_often()
        self._plan_everything()
        self._sync()
        self._plan_nothing()
        agent = self._some_agent()
        self._drift(agent)
        self._edit(agent)
        self._story.chapter("How everything is")
        self._trunkline("status")

    def _sweep_often(self) -> None:
        manifest = self._clone / "trunkline.yaml"
        text = manifest.read_text("utf-8")
        interval = f"interval: {_SWEEP_INTERVAL}"
        manifest.write_text(re.sub(r"interval: \d+(ms|s|m|h)\b", interval, text), "utf-8")

    def _plan_everything(self) -> None:
        self._story.chapter("What would happen: a plan of the folder, nothing is written")
        plan = ("plan", "--local", str(self._clone), "--environment", ENVIRONMENT)
        self._story.tell(f"$ trunkline {_readable(plan)}")
        lines = self._trunkline(*plan, shown=False).rstrip().splitlines()
        hidden = len(lines) - _PLAN_HEAD_LINES - _PLAN_TAIL_LINES
        if hidden > 0:
            lines[_PLAN_HEAD_LINES:-_PLAN_TAIL_LINES] = [f"  … {hidden} more lines …"]
        self._story.tell("\n".join(lines))

    def _sync(self) -> None:
        self._story.chapter("A push to the manifests repository becomes agents and a phone number")
        started = time.monotonic()
        self._push("First manifests")
        # hard, so that the answer names everything even if the server's own look came first
        self._trunkline("sync", "--environment", ENVIRONMENT, "--hard-refresh")
        self._story.figure("first push until everything is in place", time.monotonic() - started)

    def _plan_nothing(self) -> None:
        self._story.chapter("The same plan again, from the server: nothing is left to do")
        self._trunkline("plan", "--environment", ENVIRONMENT, "--exit-code")

    def _some_agent(self) -> tuple[str, str]:
        """Name and external id of an agent that answers a number and has a prompt of its own."""
        listed = self._trunkline("status", "--environment", ENVIRONMENT, "-o", "json", shown=False)
        for agent in json.loads(listed)["agents"]:
            prompt = self._clone / "agents" / agent["name"] / "prompt.md"
            if agent["externalId"] and agent["numbers"] and prompt.exists():
                return agent["name"], agent["externalId"]
        raise DemoFailed("no agent is deployed", hint="see the events of the project")

    def _drift(self, agent: tuple[str, str]) -> None:
        name, external_id = agent
        self._story.chapter(f"Robin edits {name} in the platform's dashboard, past Git")
        before = self._first_message(external_id)
        theirs = "Yo! What's up?"
        body = {"conversation_config": {"agent": {"first_message": theirs}}}
        edit = {"agent_id": external_id, "body": body, **_COLLEAGUE}
        address = f"{self._stack.addresses.elevenlabs}/_sim/edit"
        httpx.post(address, json=edit, timeout=10.0).raise_for_status()
        started = time.monotonic()
        if self._first_message(external_id) != theirs:
            raise DemoFailed("the edit in the dashboard did not take effect")
        self._story.tell(f'  first message is now "{theirs}"')
        self._wait_until(
            lambda: self._first_message(external_id) == before, "the drift was not healed"
        )
        self._story.figure("foreign edit until it is healed", time.monotonic() - started)
        self._story.tell(f'  first message is again "{before}"')
        self._trunkline("events", name, "--environment", ENVIRONMENT)

    def _edit(self, agent: tuple[str, str]) -> None:
        name, external_id = agent
        self._story.chapter(f"An edit of the prompt of {name}: commit, push, live")
        sentence = "Ask for the caller's name once, early, and use it."
        prompt = self._clone / "agents" / name / "prompt.md"
        prompt.write_text(f"{prompt.read_text('utf-8').rstrip()}\n\n{sentence}\n", "utf-8")
        self._push(f"Have {name} ask for the caller's name")
        pushed = time.monotonic()
        self._announce()
        self._wait_until(
            lambda: sentence in self._agent(external_id)["agent"]["prompt"]["prompt"],
            "the edit did not arrive",
        )
        live_s = time.monotonic() - pushed
        self._story.figure("pushed edit until it is live", live_s)
        self._story.tell(f"  live {live_s:.2f} s after the push")

    def _push(self, subject: str) -> None:
        revision = self._stack.repository.push(subject)
        self._story.tell(f"$ git commit -am '{subject}' && git push    # {revision[:12]}")

    def _announce(self) -> None:
        """What GitHub does after a push: a signed webhook."""
        repository = {"url": str(self._stack.repository.bare)}
        body = json.dumps({"ref": f"refs/heads/{BRANCH}", "repository": repository}).encode()
        key = self._stack.webhook_secret.encode()
        headers = {
            "x-github-event": "push",
            "x-hub-signature-256": f"sha256={hmac.new(key, body, 'sha256').hexdigest()}",
            "content-type": "application/json",
        }
        address = f"{self._stack.addresses.api}/v1/webhooks/github"
        httpx.post(address, content=body, headers=headers, timeout=10.0).raise_for_status()
        self._story.tell("  announced by a signed webhook, as a forge does")

    def _agent(self, external_id: str) -> dict[str, Any]:
        key = self._stack.platform_environment()["ELEVENLABS_API_KEY"]
        answer = httpx.get(
            f"{self._stack.addresses.elevenlabs}/v1/convai/agents/{external_id}",
            headers={"xi-api-key": key},
            timeout=10.0,
        )
        config: dict[str, Any] = answer.raise_for_status().json()["conversation_config"]
        return config

    def _first_message(self, external_id: str) -> str:
        return str(self._agent(external_id)["agent"]["first_message"])

    def _wait_until(self, is_true: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while not is_true():
            failure: ServerFailed | None = self._stack.ended()
            if failure is not None:
                raise failure
            if time.monotonic() > deadline:
                raise DemoFailed(f"{otherwise} within {STEP_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_INTERVAL_S)

    def _trunkline(self, *arguments: str, shown: bool = True) -> str:
        """Run one command as a person would; answers stdout if it is not shown."""
        if shown:
            self._story.tell(f"$ trunkline {_readable(arguments)}")
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [sys.executable, "-c", START_CLI, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.PIPE,
            text=True,
            timeout=STEP_TIMEOUT_S * 3,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"trunkline {arguments[0]} ended with exit code {done.returncode}")
        return done.stdout or ""


def _readable(arguments: Sequence[str]) -> str:
    return " ".join("manifests" if os.sep in part else part for part in arguments)


if __name__ == "__main__":
    sys.exit(run_demo())
