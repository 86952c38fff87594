"""Which of a tree's tests are meant by agents, tags and names. Everything given must fit."""

from collections.abc import Collection

from trunkline.model.errors import NotFound
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.manifests import Manifests


def chosen_tests(
    manifests: Manifests,
    *,
    agents: Collection[str] = (),
    tags: Collection[str] = (),
    names: Collection[str] = (),
) -> tuple[ConversationTest, ...]:
    """The tests of any of the agents, with any of the tags, of any of the names, by name; what is
    left empty does not matter. Raises NotFound for an agent or a test that is not there.
    """
    _require(agents, manifests.agents, "agent")
    _require(names, manifests.tests, "conversation test")
    found = [placed.manifest for _, placed in sorted(manifests.tests.items())]
    return tuple(
        test
        for test in found
        if (not agents or test.spec.agent in agents)
        and (not tags or set(tags) & set(test.metadata.tags))
        and (not names or test.name in names)
    )


def _require(wanted: Collection[str], known: Collection[str], what: str) -> None:
    absent = sorted(set(wanted) - set(known))
    if absent:
        raise NotFound(f"there is no {what} {absent[0]} in Git")
