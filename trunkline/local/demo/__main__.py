"""Starts the stack, plays both halves, and leaves nothing behind."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from trunkline.local.demo.promotions import Promotions
from trunkline.local.demo.pushes import Pushes
from trunkline.local.demo.scene import Scene
from trunkline.local.demo.story import DemoFailed, Story
from trunkline.local.dev import say_on_stderr
from trunkline.local.places import default_home
from trunkline.local.ports import FREE_PORTS
from trunkline.local.processes import stopped_by_signals
from trunkline.local.stack import LocalStack, StackOptions
from trunkline.manifests import DirectoryTree, load
from trunkline.manifests.sample import sample_folder
from trunkline.model.errors import TrunklineError


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
                _play(Scene(stack, story))
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


def _play(scene: Scene) -> None:
    agent, number = _released_line(scene)
    try:
        Pushes(scene).play(agent)
        Promotions(scene, agent, number).play()
        scene.story.chapter("How everything is")
        scene.admin.run("status")
    except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
        raise DemoFailed(f"a part of the stack did not answer: {error}") from error


def _released_line(scene: Scene) -> tuple[str, str]:
    """The sample's agent with a number where releases run, and that number."""
    manifests = load(DirectoryTree(scene.repository.clone))
    environments = manifests.project.manifest.spec.environments
    released = {each.name for each in environments if each.source == "releases"}
    for placed in manifests.numbers.values():
        spec = placed.manifest.spec
        if spec.environment in released and spec.agent is not None:
            return spec.agent, spec.number
    raise DemoFailed("the sample has no number for its released agents")


if __name__ == "__main__":
    sys.exit(run_demo())
