"""What a proposal holds, as far as Git alone tells: worked out once for two commits.

Everything here is read, nothing is observed on a platform; it is kept by whoever worked it out and
made again by whoever lost it.
"""

from collections.abc import Collection, Iterator
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.closure_paths import closure_paths
from trunkline.model.closures import Shared, closure_digest
from trunkline.model.durations import format_duration
from trunkline.model.ids import Revision
from trunkline.model.kinds import Agent, ConversationTest
from trunkline.model.kinds.project import Environment, Project
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.promotions.policies import rules_of, weakened
from trunkline.model.pulls.weakening import Weakening
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.scripts import compile_script

AgentChange = Literal["added", "configuration", "tests"]
Runner = Literal["conversations", "platform"]

NAMES_SHOWN = 5
"""Names in a sentence before the rest is counted."""


class ReviewedAgent(Frozen):
    """An agent that is not as it was: what of it changed, how many tests it has, who carries them
    out and why not the platform.
    """

    name: str
    change: AgentChange
    tests: int = 0
    runner: Runner = "conversations"
    reason: str = ""


class ReviewedEnvironment(Frozen):
    """An environment of the proposal; one that is ``new`` has no accounts in force yet."""

    name: str
    source: Literal["head", "releases"]
    new: bool = False


class Reading(Frozen):
    """A proposal. ``reason`` is why it is not valid, empty if it is; ``problems`` are all that is
    wrong, ``file:line:column`` first. ``environment`` is the one tests are carried out in;
    ``beyond`` counts agents that are too many to be tested. ``behind`` counts commits of the
    branch that the head does not build on.
    """

    head: Revision
    base: Revision
    merged: Revision | None = None
    behind: int = 0
    reason: str = ""
    message: str = ""
    problems: tuple[str, ...] = ()
    signature: str = ""
    environment: str = ""
    environments: tuple[ReviewedEnvironment, ...] = ()
    agents: tuple[ReviewedAgent, ...] = ()
    beyond: int = 0
    removed: tuple[str, ...] = ()
    weakened: tuple[Weakening, ...] = ()
    rules: tuple[str, ...] = ()
    after_merge: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """True if there is something to plan."""
        return not self.reason and self.merged is not None


def reviewed_environments(base: Manifests, merged: Manifests) -> tuple[ReviewedEnvironment, ...]:
    """The environments of the proposal, as it lists them."""
    known = {one.name for one in base.project.manifest.spec.environments}
    return tuple(
        ReviewedEnvironment(name=one.name, source=one.source, new=one.name not in known)
        for one in merged.project.manifest.spec.environments
    )


def place_of_tests(base: Manifests, merged: Manifests) -> Environment | None:
    """Where tests are carried out: the first environment that follows the branch, and is there."""
    known = {one.name for one in base.project.manifest.spec.environments}
    listed = merged.project.manifest.spec.environments
    return next((one for one in listed if one.source == "head" and one.name in known), None)


def reviewed_agents(
    base: Manifests, merged: Manifests, changed: Collection[str], environment: str
) -> tuple[ReviewedAgent, ...]:
    """Agents whose configuration or tests are other than before, by name; drafts are nowhere.

    ``changed`` are the files that differ: nothing else is compared, so that cost follows change.
    """
    paths = frozenset(changed)
    before, after = Shared(base), Shared(merged)
    found: list[ReviewedAgent] = []
    for name, placed in sorted(merged.agents.items()):
        if placed.manifest.spec.content(environment).lifecycle == "draft":
            continue
        change = _change(before, after, name, paths, environment)
        if change is not None:
            count = len(chosen_tests(merged, agents=(name,)))
            found.append(ReviewedAgent(name=name, change=change, tests=count))
    return tuple(found)


def removed_agents(base: Manifests, merged: Manifests) -> tuple[str, ...]:
    """Agents the proposal no longer names, and nobody goes on with under another name."""
    renamed = {one.manifest.metadata.renamed_from for one in merged.agents.values()}
    return tuple(sorted(set(base.agents) - set(merged.agents) - renamed))


def weaker_rules(base: Manifests, merged: Manifests, revision: str) -> tuple[str, ...]:
    """What of the rules of promotion is weaker in the proposal: an admin must agree to it."""
    former, new = base.project.manifest, merged.project.manifest
    names = [one.name for one in former.spec.environments]
    return tuple(
        f"{name}: {words}"
        for name in names
        for words in weakened(rules_of(former, name, revision), rules_of(new, name, revision))
    )


def known_after_merge(
    base: Manifests, merged: Manifests, agents: Collection[ReviewedAgent]
) -> tuple[str, ...]:
    """What nobody can know before the merge, in sentences: it is said, and never passed."""
    project = merged.project.manifest
    configured = [one.name for one in agents if one.change != "tests"]
    return (
        *_of_other_places(base, merged, [one.name for one in agents if one.tests]),
        *_of_environments(base.project.manifest, project, configured),
        *_of_secrets(base, merged),
        *_of_pages(base, merged),
    )


def _change(
    before: Shared, after: Shared, name: str, paths: frozenset[str], environment: str
) -> AgentChange | None:
    placed, former = after.manifests.agents[name], before.manifests.agents.get(name)
    if former is None:
        renamed = placed.manifest.metadata.renamed_from
        return "configuration" if renamed in before.manifests.agents else "added"
    made_of = {*closure_paths(before.manifests, name), *closure_paths(after.manifests, name)}
    if made_of & paths and _differs(before, former, after, placed, environment):
        return "configuration"
    if _suite_differs(before.manifests, after.manifests, name, paths, environment):
        return "tests"
    return None


def _differs(
    before: Shared, former: Placed[Agent], after: Shared, placed: Placed[Agent], environment: str
) -> bool:
    if closure_digest(before, former) != closure_digest(after, placed):
        return True
    lifecycle = former.manifest.spec.content(environment).lifecycle
    return lifecycle == "draft"


def _suite_differs(
    before: Manifests, after: Manifests, name: str, paths: frozenset[str], environment: str
) -> bool:
    theirs, ours = _tests(before, name), _tests(after, name)
    if set(theirs) != set(ours):
        return True
    touched = [test for test in ours if (_files(theirs[test]) | _files(ours[test])) & paths]
    return any(
        compile_script(before, test, environment=environment).test_digest
        != compile_script(after, test, environment=environment).test_digest
        or theirs[test].manifest.spec.required != ours[test].manifest.spec.required
        for test in touched
    )


def _tests(manifests: Manifests, agent: str) -> dict[str, Placed[ConversationTest]]:
    return {
        name: placed
        for name, placed in manifests.tests.items()
        if placed.manifest.spec.agent == agent
    }


def _files(placed: Placed[ConversationTest]) -> set[str]:
    """The files a test is made of: its own, those it includes, recordings and samples."""
    spec = placed.manifest.spec
    named = [turn.audio_file for turn in spec.turns if turn.audio_file is not None]
    named += list(spec.judge.calibrate)
    positions = placed.positions
    return {positions.file, *positions.included.values(), *map(placed.path_of, named)}


def _of_other_places(base: Manifests, merged: Manifests, tested: list[str]) -> Iterator[str]:
    """Tests are carried out in one environment: what others say otherwise is not in them."""
    place = place_of_tests(base, merged)
    if place is None or not tested:
        return
    listed = merged.project.manifest.spec.environments
    others = [one.name for one in listed if one.source == "head" and one.name != place.name]
    if others:
        yield (
            f"tests are carried out as {place.name} has it; what follows the branch as well is"
            f" planned and not tested: {_listed(others)}"
        )


def _of_environments(former: Project, project: Project, configured: list[str]) -> Iterator[str]:
    for environment in project.spec.environments:
        known = former.environment(environment.name)
        if known is None:
            yield (
                f"{environment.name} is a new environment: its accounts count, and it can be"
                " planned, once this is merged"
            )
            continue
        if project.accounts(environment) != former.accounts(known):
            yield (
                f"{environment.name} gets other accounts: this was planned with those in force now"
            )
        if environment.source == "releases" and configured:
            yield _released_words(environment, configured)


def _released_words(environment: Environment, configured: list[str]) -> str:
    words = (
        f"{environment.name} goes on with what is released there: {_listed(configured)} changes"
        " there by a promotion"
    )
    promotion = environment.promotion
    if promotion is None:
        return words
    needs = [f"a gate on the rendering of {environment.name}"]
    if promotion.approvals.count:
        needs.append(f"{promotion.approvals.count} approval(s)")
    if promotion.soak:
        needs.append(f"{format_duration(promotion.soak)} of soak")
    if promotion.windows:
        needs.append("a window")
    return f"{words}, which needs {', '.join(needs)}"


def _of_secrets(base: Manifests, merged: Manifests) -> Iterator[str]:
    new = sorted(_secrets(merged) - _secrets(base))
    if new:
        yield (
            f"whether this server holds {_listed(new)} is known once it is used: checks of pull"
            " requests are given no secrets"
        )


def _secrets(manifests: Manifests) -> set[str]:
    return {name for tool in Shared(manifests).tools.values() for name in tool.secrets()}


def _of_pages(base: Manifests, merged: Manifests) -> Iterator[str]:
    pages = sorted(
        name
        for name, placed in merged.documents.items()
        if (placed.manifest.spec.source.url or placed.manifest.spec.source.website)
        and (name not in base.documents or base.documents[name].manifest != placed.manifest)
    )
    if pages:
        yield f"what the pages of {_listed(pages)} say is read when they are stored"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
