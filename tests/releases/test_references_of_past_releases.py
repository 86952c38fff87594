"""What the last releases refer to is read from the commits they pin, each once, or not known."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from activities.released_objects import HistoryPorts, ReleasedObjects
from tests.workflows.released_worlds import PRODUCTION
from trunkline.adapters.git import GitSource
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.limits import RELEASE_TREES_PER_LOOK, RELEASES_KEPT
from trunkline.model.records import SourceState

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.releases.conftest import Place
    from trunkline.model.manifests import Manifests
    from trunkline.model.object_pruning import ReleasedReferences

pytestmark = pytest.mark.stack
TOOL = "tools/book-slot.yaml"


class Reading:
    """Asks what is referred to, and counts the trees that were read for it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.trees = 0
        self.objects = ReleasedObjects(
            HistoryPorts(
                sources=self,
                repositories=place,
                releases=place.store,
                projects=place.store,
                wishes=place.store,
            )
        )

    async def source(self, project: str, *, branch: str = "") -> GitSource:
        """The repository, counted."""
        assert project == "acme"
        reading, bare = self, str(self.place.bare)

        class Counted(GitSource):
            async def manifests(self, revision: Revision) -> Manifests:
                reading.trees += 1
                return await super().manifests(revision)

        return Counted(bare, branch or "main", cache=self.place.cache, allow_local=True)

    def require_allowed(self, project: object) -> None:
        """Every repository of a test may be looked at."""

    async def ask(self, *leaving: str) -> ReleasedReferences:
        """What is referred to now, and how many trees that took."""
        self.trees = 0
        return await self.objects.of("acme", PRODUCTION, leaving)


async def release(place: Place, texts: Texts, version: int, agent: str = "front-desk") -> None:
    """A release whose tool differs from all before; Git is applied and looked at."""
    await push(place, texts, version, agent)
    await apply(place)


async def push(place: Place, texts: Texts, version: int, agent: str) -> None:
    """A release whose tool differs from all before."""
    text = texts.whole()[TOOL].replace("slot for", f"slot ({agent} {version}) for")
    tool = f"{agent}-tool"
    manifest = texts.agent(agent, extra=f"  tools: [ {tool} ]\n")
    revision = place.push(
        {
            f"tools/{tool}.yaml": text.replace("name: book-slot", f"name: {tool}"),
            f"agents/{agent}.yaml": manifest,
        }
    )
    await place.release(agent, version, revision)


async def apply(place: Place) -> None:
    """The tip of the branch is what was applied last, with its releases."""
    tip = await (await place.repository("acme")).fetch_tip()
    await place.look()
    project = (await place.project()).model_dump(mode="json")
    state = SourceState(project="acme", applied_revision=tip)
    await place.store.store_tree(state, (), {}, project, released=(PRODUCTION,))


def _delete_tag(place: Place, tag: str) -> None:
    subprocess.run(["git", "tag", "-d", tag], cwd=place.bare, check=True, capture_output=True)


def tools(found: ReleasedReferences, agent: str = "front-desk") -> int:
    assert found.doubt == ""
    return sum(f"tool/{agent}-tool@" in one for one in found.references)


@pytest.mark.slow
async def test_each_release_of_the_past_is_read_once(place: Place, texts: Texts) -> None:
    reading = Reading(place)
    for version in range(1, 8):
        await release(place, texts, version)
    await release(place, texts, 1, agent="night-desk")
    found = await reading.ask()
    assert (tools(found), reading.trees) == (RELEASES_KEPT, RELEASES_KEPT + 1)
    assert tools(found, "night-desk") == 1
    assert any("secret/" in one for one in found.references)
    assert await reading.ask() == found
    assert reading.trees == 0
    await release(place, texts, 8)
    assert tools(await reading.ask()) == RELEASES_KEPT
    assert reading.trees == 1


@pytest.mark.slow
async def test_a_long_history_is_read_in_parts(place: Place, texts: Texts) -> None:
    agents = ("front-desk", "night-desk", "back-desk", "side-desk", "last-desk")
    for agent in agents:
        for version in range(1, RELEASES_KEPT + 1):
            await push(place, texts, version, agent)
    await apply(place)
    reading = Reading(place)
    first = await reading.ask()
    assert (first.partial, reading.trees) == (True, RELEASE_TREES_PER_LOOK)
    second = await reading.ask()
    assert [tools(second, agent) for agent in agents] == [RELEASES_KEPT] * len(agents)
    assert reading.trees == len(agents) * RELEASES_KEPT - RELEASE_TREES_PER_LOOK


async def test_rows_that_were_lost_are_a_doubt_until_git_was_looked_at(
    place: Place, texts: Texts, postgres_url: str
) -> None:
    reading = Reading(place)
    for version in range(1, 3):
        await release(place, texts, version)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute("TRUNCATE releases, release_standings")
    assert "was not looked at" in (await reading.ask()).doubt
    await place.look()
    assert tools(await reading.ask()) == 2


async def test_an_emptied_index_alone_hides_no_release(
    place: Place, texts: Texts, postgres_url: str
) -> None:
    for version in range(1, 4):
        await release(place, texts, version)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute("TRUNCATE releases")
    assert tools(await Reading(place).ask()) == 3
    tag = release_tag(PRODUCTION, "front-desk", 2)
    await asyncio.to_thread(_delete_tag, place, tag)
    assert "front-desk v2" in (await Reading(place).ask()).doubt


async def test_a_release_that_does_not_count_or_cannot_be_read_is_a_doubt(
    place: Place, texts: Texts
) -> None:
    reading = Reading(place)
    await release(place, texts, 1)
    assert tools(await reading.ask()) == 1
    place.push({release_path(PRODUCTION, "front-desk"): "kind: ["})
    await apply(place)
    assert release_path(PRODUCTION, "front-desk") in (await reading.ask()).doubt
    place.bare.rename(place.bare.with_suffix(".away"))
    assert (await Reading(place).ask()).doubt


async def test_a_removed_agent_counts_as_long_as_it_is_there(place: Place, texts: Texts) -> None:
    reading = Reading(place)
    await release(place, texts, 1)
    await release(place, texts, 1, agent="night-desk")
    place.push({release_path(PRODUCTION, "night-desk"): None})
    await apply(place)
    assert tools(await reading.ask("night-desk"), "night-desk") == 1
    assert tools(await reading.ask(), "night-desk") == 0
    assert tools(await reading.ask()) == 1
