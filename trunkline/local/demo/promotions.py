"""The second half: what is promoted, what is stopped, what comes back by itself.

Three promotions of one agent: a good one that is tested, approved and released; a worse one that
its gate stops; a good one that meets a bad day of the platform and is taken back. After each of
them Git and the platforms are asked without Trunkline.
"""

import json
import re
import time
from typing import Any

from trunkline.local.demo.pushes import ENVIRONMENT as ORIGIN
from trunkline.local.demo.scene import Scene
from trunkline.local.demo.story import DemoFailed
from trunkline.local.demo.terminals import Running, Terminal
from trunkline.model.ids import PROMOTION_TRAILER, release_branch, release_path, release_tag

TARGET = "production"
_APPROVAL = ": Approval"
"""What ``promote --wait`` says when tests and soak are over."""
_FIRST_STEP = "checking v2 at 10 %"
_THINK_MS = 60
_PLACES = 12
_GUARD = " Never guess a diagnosis, never name a dose."
_BETTER = "If the caller lives far away, name the animal hospital in Harrowgate Road as well."
_GATE_LINES = 14
_RELEASE_LINES = 14


class Promotions:
    """Chapters about one agent and the number that is to lead to what is released of it."""

    def __init__(self, scene: Scene, agent: str, number: str) -> None:
        self._scene = scene
        self._story = scene.story
        self._outside = scene.outside
        self._admin = scene.admin
        self._agent = agent
        self._number = number
        self._prompt_file = scene.prompt_file(agent)
        self._at = ("--environment", TARGET)

    def play(self) -> None:
        """All of them in order."""
        author = self._prepare()
        self._release(author)
        before, prompt = self._live(), self._prompt_file.read_text("utf-8")
        self._stopped(author, before)
        self._taken_back(author, before, f"{prompt.rstrip()}\n\n{_BETTER}\n")
        self._changelog()
        self._evidence()

    def _prepare(self) -> Terminal:
        self._story.chapter("Two people, and a platform in a hurry")
        author = self._scene.newcomer("author", "operator")
        self._outside.be_quick(think_ms=_THINK_MS, places=_PLACES)
        self._story.tell(
            f"  simulated agents think for {_THINK_MS} ms from now on,"
            f" and the account has {_PLACES} conversations at once"
        )
        self._story.claim(
            f"{self._agent} is not in {TARGET} yet, and {self._number} reaches nobody",
            holds=not self._outside.agents(TARGET, self._agent)
            and not self._outside.reached_by(self._number),
            otherwise=f"{TARGET} has {self._agent} before anything was released",
        )
        return author

    def _release(self, author: Terminal) -> None:
        self._story.chapter(f"{self._agent} is to go to {TARGET}: first it is tested as it will be")
        revision = self._scene.repository.git("rev-parse", "HEAD")
        held, started = self._outside.conversations_held(), time.monotonic()
        promotion = self._promote(author, "Asks for the caller's name")
        promotion.until(_APPROVAL)
        self._story.figure("promoted until every test has passed", time.monotonic() - started)
        shown = self._promotion()
        self._admin.show("test", "show", shown["gate"]["runId"], first=_GATE_LINES)
        asked = int(shown["tests"]["expected"])
        held = self._outside.conversations_held() - held
        self._story.claim(
            f"the platform held {held} conversations, and there is nothing in {TARGET} yet",
            holds=held >= asked > 0 and not self._outside.agents(TARGET, self._agent),
            otherwise=f"the gate has {asked} tests and the platform held {held} conversations",
        )
        self._refuse_author()
        approved = time.monotonic()
        self._approve("listened to two calls")
        promotion.end(0)
        self._story.figure("approved until v1 is live and verified", time.monotonic() - approved)
        self._show_release(revision, shown["id"])
        self._show_arrival()

    def _refuse_author(self) -> None:
        self._story.chapter("The author's own approval is refused, somebody else's counts")
        author = self._scene.newcomer("author", "approver")
        said = author.start("approve", self._agent, *self._at).end(1)
        if "is an author" not in said:
            raise DemoFailed("the author's approval was refused for another reason")
        self._scene.repository.pull()
        self._story.claim(
            "Git has no release yet",
            holds=not self._tags(),
            otherwise="Git has a release that nobody approved",
        )

    def _show_release(self, revision: str, promotion: str) -> None:
        self._story.chapter("The release is a commit and a tag: v1")
        git = self._scene.repository.git
        self._scene.repository.pull()
        layout = "%h  by %an, committed by %cn%n%n%w(0,4,4)%B"
        self._story.tell("$ git pull --tags && git log -1 --stat")
        shown = git("log", "-1", "--stat", f"--format={layout}")
        self._story.tell_some(shown.splitlines(), first=_RELEASE_LINES)
        tag = release_tag(TARGET, self._agent, 1)
        self._story.tell(f"$ git tag -n1 --list '{tag}'")
        self._story.tell(f"  {git('tag', '-n1', '--list', tag)}")
        trailers = git("log", "-1", f"--format=%(trailers:key={PROMOTION_TRAILER},valueonly)")
        self._story.claim(
            f"the tag is on {revision[:12]}, which was tested",
            holds=self._tags() == [tag] and git("rev-parse", f"{tag}^{{commit}}") == revision,
            otherwise=f"the tags are {self._tags()}, and not one on {revision[:12]}",
        )
        wanted = f"{self._scene.project}/{promotion}"
        self._story.claim(
            f"the trailer names {wanted}",
            holds=trailers.split() == [wanted],
            otherwise=f"the trailers of the release are {trailers.split()} instead of {wanted}",
        )

    def _show_arrival(self) -> None:
        self._story.chapter(f"What ElevenLabs and Twilio say of {TARGET}, asked without Trunkline")
        external_id = self._scene.only(TARGET, self._agent)
        origin = self._outside.prompt(self._scene.only(ORIGIN, self._agent))
        self._story.claim(
            f"{external_id} is the one {self._agent} of {TARGET}, with the prompt that was tested",
            holds=self._outside.prompt(external_id) == origin,
            otherwise=f"the prompt in {TARGET} is not the one that was tested",
        )
        self._claim_calls(external_id)

    def _stopped(self, author: Terminal, before: dict[str, Any]) -> None:
        self._story.chapter("A worse prompt: shorter by the sentence that keeps it from guessing")
        self._scene.rewrite(self._prompt_file, lambda text: text.replace(_GUARD, ""))
        revision = self._scene.push("A shorter prompt for the night")
        self._admin.run("sync", self._agent, "--environment", ORIGIN)
        started = time.monotonic()
        said = self._promote(author, "A shorter prompt").end(1)
        self._story.figure("worse prompt until its gate has stopped it", time.monotonic() - started)
        failing = self._promotion()["failing"]
        if not failing or not any(self._agent in line and ".yaml:" in line for line in failing):
            raise DemoFailed("the gate stopped the worse prompt and names no line of a test")
        if "Failing:" not in said:
            raise DemoFailed("the promotion failed and its command did not say where")
        self._scene.repository.pull()
        tip = self._scene.repository.git("rev-parse", "HEAD")
        self._story.claim(
            f"{TARGET} is as before, and Git has no release but v1",
            holds=tip == revision and len(self._tags()) == 1 and self._live() == before,
            otherwise=f"something changed in {TARGET} although the gate had failed",
        )

    def _taken_back(self, author: Terminal, before: dict[str, Any], prompt: str) -> None:
        self._story.chapter(f"A better prompt passes its gate, and {TARGET} has a bad day")
        self._scene.rewrite(self._prompt_file, lambda _: prompt)
        self._scene.push("Name the animal hospital to callers who are far away")
        self._admin.run("sync", self._agent, "--environment", ORIGIN)
        promotion = self._promote(author, "Names the animal hospital to callers far away")
        promotion.until(_APPROVAL)
        self._outside.degrade(TARGET, self._agent)
        self._story.tell(f"  the simulator lets {self._agent} of {TARGET} know nothing from now on")
        approved = time.monotonic()
        self._approve("reads well")
        promotion.until(_FIRST_STEP)
        shares = self._outside.shares(self._scene.only(TARGET, self._agent))
        self._story.claim(
            f"ElevenLabs gives the new version {shares.get(release_branch(2), 0):.0f} % of calls",
            holds=shares == {"Main": 90.0, release_branch(2): 10.0},
            otherwise=f"the first tenth of the calls is not with the new version: {shares}",
        )
        promotion.end(1)
        self._story.figure("approved until it is taken back by itself", time.monotonic() - approved)
        self._outside.degrade_nobody()
        self._show_hold()
        self._story.claim(
            f"{TARGET} is as before, to the last field; {ORIGIN} has the better prompt",
            holds=self._live() == before
            and _BETTER in self._outside.prompt(self._scene.only(ORIGIN, self._agent)),
            otherwise=f"{TARGET} is not as it was before the release that was taken back",
        )
        self._claim_calls(self._scene.only(TARGET, self._agent))

    def _show_hold(self) -> None:
        self._scene.repository.pull()
        path = release_path(TARGET, self._agent)
        self._story.tell(f"$ git pull --tags && git show HEAD:{path}")
        text = self._scene.repository.git("show", f"HEAD:{path}")
        self._story.tell_some(text.splitlines(), first=_RELEASE_LINES)
        wanted = (r"^  version: 3$", r"^  restores: 1$", r"^  hold:$")
        tags = [release_tag(TARGET, self._agent, version) for version in (1, 2, 3)]
        self._story.claim(
            "Git has v2, and v3 that restores v1 and holds it; one tag each",
            holds=all(re.search(line, text, re.MULTILINE) for line in wanted)
            and self._tags() == tags,
            otherwise=f"Git is not at v3 with a hold; its tags are {self._tags()}",
        )

    def _changelog(self) -> None:
        self._story.chapter("The changelog")
        self._admin.show("history", self._agent, *self._at, first=_RELEASE_LINES)

    def _evidence(self) -> None:
        self._story.chapter("Every release verified from a clone, without a server")
        clone = str(self._scene.repository.clone)
        table = self._admin.show("history", "--evidence", "--local", clone, first=_RELEASE_LINES)
        found, wanted = table.count(" valid "), len(self._tags())
        self._story.claim(
            f"{found} releases, all of them valid",
            holds=found == wanted == len(table.splitlines()) - 1,
            otherwise=f"{found} of {wanted} releases are valid",
        )

    def _promote(self, who: Terminal, changes: str) -> Running:
        return who.start("promote", self._agent, *self._at, "-m", changes, "--wait")

    def _approve(self, comment: str) -> None:
        self._scene.approver.run("approve", self._agent, *self._at, "--comment", comment)

    def _promotion(self) -> dict[str, Any]:
        read = self._admin.read("promotions", "show", self._agent, *self._at, "-o", "json")
        shown: dict[str, Any] = json.loads(read)
        return shown

    def _tags(self) -> list[str]:
        wanted = release_tag(TARGET, self._agent, 0).removesuffix("0") + "*"
        return self._scene.repository.git("tag", "--list", "--sort=version:refname", wanted).split()

    def _live(self) -> dict[str, Any]:
        return self._outside.configuration(self._scene.only(TARGET, self._agent))

    def _claim_calls(self, external_id: str) -> None:
        shares, reached = self._outside.shares(external_id), self._outside.reached_by(self._number)
        self._story.claim(
            f"{self._number} leads to it, and all calls are on Main",
            holds=shares == {"Main": 100.0} and reached == external_id,
            otherwise=f"{self._number} reaches {reached or 'nobody'}, and the calls are {shares}",
        )
