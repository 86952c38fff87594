"""What would be promoted now: an agent's closure at the last applied revision, and who made it.

Reading a tree costs, and most looks find the revision they knew; so what was worked out for a
revision is kept, in a bounded number, by this process.
"""

from collections import OrderedDict
from dataclasses import dataclass

from activities.promotions.ports import PromotionPorts
from trunkline.model.canonical import digest
from trunkline.model.closure_paths import closure_paths
from trunkline.model.closures import Shared, closure_digest
from trunkline.model.errors import (
    CommitUnreadable,
    InvalidManifests,
    NotFound,
    TrunklineError,
)
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import CANDIDATES_REMEMBERED
from trunkline.model.manifests import Manifests
from trunkline.model.promotions.facts import Candidate
from trunkline.model.promotions.records import CommitAuthor, PromotionRecord
from trunkline.model.resolution import agent_wish
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.scripts import compile_script, suite_digest
from trunkline.ports.releasing import ReleaseRepository


@dataclass(frozen=True, slots=True)
class Found:
    """A closure at a revision. ``candidate`` None: the agent is not there.

    ``paths`` are the files it is made of, ``numbers`` the names of those that lead to it in the
    target, ``persona_digest`` its persona's.
    """

    candidate: Candidate | None
    paths: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    persona_digest: str = ""


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who touched a closure, or why nobody can tell."""

    authors: tuple[CommitAuthor, ...] | None
    problem: str = ""


class Candidates:
    """Closures by revision, and their authors."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports
        self._found: OrderedDict[tuple[str, str, str, str], Found] = OrderedDict()
        self._authors: OrderedDict[tuple[str, ...], Authorship] = OrderedDict()

    async def at(self, project: str, environment: str, agent: str, revision: Revision) -> Found:
        """The closure of an agent as a commit has it, resolved for an environment.

        Raises SourceErrors, InvalidManifests.
        """
        key = (project, environment, agent, revision)
        found = self._found.pop(key, None)
        if found is None:
            source = await self._ports.sources.source(project)
            manifests = await source.manifests(revision)
            found = await self._made(project, environment, agent, revision, manifests)
        self._found[key] = found
        while len(self._found) > CANDIDATES_REMEMBERED:
            self._found.popitem(last=False)
        return found

    async def authorship(
        self,
        repository: ReleaseRepository,
        record: PromotionRecord,
        found: Found,
        *,
        since: Revision | None,
        until: Revision,
    ) -> Authorship:
        """Who touched the closure after ``since``; files it was made of then count as well, so
        that a renamed file takes its authors along. Raises retryable SourceErrors.
        """
        key = (record.project, record.environment, record.agent, since or "", until)
        known = self._authors.pop(key, None)
        if known is None:
            paths = {*found.paths, *await self._former_paths(record, since)}
            try:
                known = Authorship(await repository.authors(since, until, sorted(paths)))
            except CommitUnreadable as error:
                known = Authorship(None, f"{error.message} {error.hint}".strip())
        self._authors[key] = known
        while len(self._authors) > CANDIDATES_REMEMBERED:
            self._authors.popitem(last=False)
        return known

    async def _former_paths(
        self, record: PromotionRecord, since: Revision | None
    ) -> tuple[str, ...]:
        if since is None:
            return ()
        try:
            former = await self.at(record.project, record.environment, record.agent, since)
        except (InvalidManifests, NotFound, CommitUnreadable):
            return ()
        return former.paths

    async def _made(
        self,
        project: str,
        environment: str,
        agent: str,
        revision: Revision,
        manifests: Manifests,
    ) -> Found:
        target = manifests.project.manifest.environment(environment)
        placed = manifests.agents.get(agent)
        if target is None or placed is None:
            return Found(None)
        shared, content = Shared(manifests), placed.manifest.spec.content(environment)
        candidate = Candidate(
            revision=revision,
            digest=closure_digest(shared, placed),
            rendered_digest=await self._rendered(project, manifests, target, agent),
            suite_digest=_suite(manifests, environment, agent),
            lifecycle=content.lifecycle,
        )
        persona = content.persona
        return Found(
            candidate,
            paths=closure_paths(manifests, agent),
            numbers=_numbers(manifests, environment, agent),
            persona_digest=digest(shared.personas[persona]) if persona is not None else "",
        )

    async def _rendered(
        self, project: str, manifests: Manifests, target: Environment, agent: str
    ) -> Digest | None:
        """The digest of what the target would be sent; None for a draft, or without an account."""
        desired = agent_wish(manifests, target, agent)
        try:
            voice = await self._ports.accounts.voice(project, target.name)
        except TrunklineError as error:
            if error.retryable:
                raise
            return None
        return voice.render(desired).digest if desired is not None else None


def _suite(manifests: Manifests, environment: str, agent: str) -> str:
    """The digest of all tests of an agent, as a run of them says it."""
    tests = chosen_tests(manifests, agents=(agent,))
    scripts = (compile_script(manifests, test.name, environment=environment) for test in tests)
    return suite_digest([script.test_digest for script in scripts])


def _numbers(manifests: Manifests, environment: str, agent: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name, placed in manifests.numbers.items()
            if placed.manifest.spec.environment == environment
            and agent in placed.manifest.spec.agents
        )
    )
