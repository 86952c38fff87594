"""Which of a tree's tests are meant by agents, tags and names. Everything given must fit."""

from collections.abc import Collection

from trunkline.model.errors import NotFound
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.manifests import Manifests

NAMES_LISTED = 20
"""So many names fit below a message without hiding it."""


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
        listed = ", ".join(sorted(known)[:NAMES_LISTED]) or "none"
        more = ", …" if len(known) > NAMES_LISTED else ""
        raise NotFound(
            f"there is no {what} {absent[0]} in these manifests",
            hint=f"There are: {listed}{more}",
        )
