"""What a proposal holds, read from Git: is it valid, whom does it change, which tests are theirs.

Working that out costs two trees, and most looks find the commits they knew; so what was found for
two commits is kept, in a bounded number, by this process.
"""

from collections import OrderedDict
from typing import Any

from activities.pull_requests.ports import PullRequestPorts
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import (
    CommitUntrusted,
    InvalidManifests,
    TreeEmpty,
    TrunklineError,
)
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import (
    PROBLEMS_MAX,
    PULL_REQUEST_AGENTS_MAX,
    PULL_REQUEST_READINGS_KEPT,
)
from trunkline.model.manifests import Manifests
from trunkline.model.proposals import Proposal
from trunkline.model.pulls.readings import (
    Reading,
    ReviewedAgent,
    known_after_merge,
    place_of_tests,
    removed_agents,
    reviewed_agents,
    reviewed_environments,
    weaker_rules,
)
from trunkline.model.pulls.weakening import weakenings
from trunkline.model.resolution import agent_wish
from trunkline.model.signatures import commit_rule, require_trusted
from trunkline.model.testing.calibration import examples
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.scripts import compile_script
from trunkline.ports import ManifestSource, VoicePlatform

NEW_AGENT = "it is new, so its tests are conversations with an agent made for them"
OBJECTS_CHANGED = "its tools or documents change, so its tests are conversations on a branch"


class ProposalReader:
    """Readings by project and commits."""

    def __init__(self, ports: PullRequestPorts) -> None:
        self._ports = ports
        self._kept: OrderedDict[tuple[str, Proposal], Reading] = OrderedDict()

    async def read(self, project: str, proposal: Proposal) -> Reading:
        """What there is to say of it; a proposal that is not valid says why.

        Raises SourceErrors that trying again may mend, and StoreUnavailable.
        """
        key = (project, proposal)
        known = self._kept.pop(key, None)
        if known is None:
            known = await self._read(project, proposal)
        self._kept[key] = known
        while len(self._kept) > PULL_REQUEST_READINGS_KEPT:
            self._kept.popitem(last=False)
        return known

    async def _read(self, project: str, proposal: Proposal) -> Reading:
        source = await self._ports.sources.source(project)
        merged = await source.merged(proposal)
        reading = Reading(head=proposal.head, base=proposal.base, behind=merged.behind)
        if merged.revision is None:
            message = "It is in conflict with the branch: merge the branch into it, or rebase it."
            return _invalid(reading, "MergeConflict", message, merged.conflicts)
        signature = await self._signature(project, source, proposal.head)
        reading = reading.model_copy(update={"merged": merged.revision, "signature": signature})
        try:
            after = await source.manifests(merged.revision)
        except InvalidManifests as error:
            listed = tuple(str(problem) for problem in error.problems[:PROBLEMS_MAX])
            return _invalid(reading, error.reason, _problem_words(len(error.problems)), listed)
        except TreeEmpty as error:
            return _invalid(reading, error.reason, error.message, ())
        if after.project.manifest.name != project:
            message = f"It renames the project to {after.project.manifest.name}."
            return _invalid(reading, "ProjectRenamed", message, ())
        try:
            before = await source.manifests(proposal.base)
        except (InvalidManifests, TreeEmpty):
            before = after
        return await self._compared(project, reading, before, after, merged.changed)

    async def _compared(
        self,
        project: str,
        reading: Reading,
        before: Manifests,
        after: Manifests,
        changed: tuple[str, ...],
    ) -> Reading:
        environment = place_of_tests(before, after)
        agents: tuple[ReviewedAgent, ...] = ()
        if environment is not None:
            agents = reviewed_agents(before, after, changed, environment.name)
        shown = agents[:PULL_REQUEST_AGENTS_MAX]
        found: dict[str, Any] = {
            "environment": environment.name if environment is not None else "",
            "environments": reviewed_environments(before, after),
            "agents": tuple(
                [await self._with_runner(project, one, environment, before, after) for one in shown]
            ),
            "beyond": len(agents) - len(shown),
            "removed": removed_agents(before, after),
            "weakened": weakenings(before, after),
            "rules": weaker_rules(before, after, reading.base),
            "after_merge": known_after_merge(before, after, agents),
        }
        return reading.model_copy(update=found)

    async def _with_runner(
        self,
        project: str,
        agent: ReviewedAgent,
        environment: Environment | None,
        before: Manifests,
        after: Manifests,
    ) -> ReviewedAgent:
        """Who carries its tests out: the platform, unwritten, where that says all of them."""
        if environment is None or not agent.tests:
            return agent
        if agent.change == "added":
            return agent.model_copy(update={"reason": NEW_AGENT})
        try:
            voice = await self._ports.accounts.voice(project, environment.name)
        except TrunklineError as error:
            if error.retryable:
                raise
            return agent
        reason = _why_not_platform(voice, agent.name, environment, before, after)
        runner = "conversations" if reason else "platform"
        return agent.model_copy(update={"runner": runner, "reason": reason})

    async def _signature(self, project: str, source: ManifestSource, head: Revision) -> str:
        """What the rule for commits says against the head, in words; it is said and stops nothing,
        as the rule is about what the branch holds.
        """
        rule = commit_rule(await self._ports.wishes.project_manifest(project))
        if rule is None or not rule.signers or rule.policy == "off":
            return ""
        try:
            found = await source.signatures(head, rule, since=None)
            require_trusted(
                found,
                rule,
                today=self._ports.clock.now().date(),
                whose="the manifest applied last",
            )
        except CommitUntrusted as error:
            return error.message
        return ""


def _invalid(reading: Reading, reason: str, message: str, problems: tuple[str, ...]) -> Reading:
    return reading.model_copy(update={"reason": reason, "message": message, "problems": problems})


def _problem_words(count: int) -> str:
    return f"{count} problem{'s' if count != 1 else ''} in the manifests."


def _why_not_platform(
    voice: VoicePlatform,
    name: str,
    environment: Environment,
    before: Manifests,
    after: Manifests,
) -> str:
    """Why the platform cannot carry all required tests out on what is not stored; "" if it can."""
    current, candidate = agent_wish(before, environment, name), agent_wish(after, environment, name)
    if current is None or candidate is None:
        return NEW_AGENT
    if _objects(current) != _objects(candidate):
        return OBJECTS_CHANGED
    for test in chosen_tests(after, agents=(name,)):
        script = compile_script(after, test.name, environment=environment.name)
        compiled = voice.compile_test(script.test, candidate, examples(script))
        if test.spec.required and (compiled.left_out or not compiled.tests):
            why = compiled.left_out[0].why if compiled.left_out else "nothing of it"
            return f"{test.name} is a conversation on a branch: of the platform's own tests: {why}"
    return ""


def _objects(wish: DesiredAgent) -> set[tuple[str, str]]:
    tools = {(tool.name, tool.digest) for tool in wish.tools}
    return tools | {(document.name, document.digest) for document in wish.documents}
