"""What the API's benchmark puts into a store comes out of it as if workers had written it."""

from benchmarks.populations import (
    AUDITED,
    EVENTS,
    PRODUCTION,
    PROJECT,
    TESTING,
    VERSIONS,
    populate,
    status_of,
)
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import StatusRecord
from trunkline.services.access import AccessService


async def test_every_room_of_the_store_understands_its_rows(postgres_url: str) -> None:
    population = await populate(postgres_url, 30, people=2)
    name = population.agents[3]
    async with PostgresStore(postgres_url) as store:
        rows = await store.statuses(PROJECT, environment=TESTING, kind="agent", limit=100)
        assert [row.name for row in rows] == list(population.agents)
        written = status_of(name, 3, TESTING)
        assert not await store.put_status(StatusRecord.model_validate(vars(written)), [])
        assert len(await store.events(PROJECT, name=name, limit=100)) == EVENTS
        assert len(await store.audit(subject=name, limit=100)) == AUDITED
        releases = await store.releases_of(PROJECT, PRODUCTION, name, limit=100)
        assert [one.version for one in releases] == list(range(VERSIONS, 0, -1))
        standing = await store.standing_of(PROJECT, PRODUCTION, name)
        assert standing is not None
        assert standing.applied_version == VERSIONS
        promotion = await store.last_promotion_of(PROJECT, PRODUCTION, name)
        assert promotion is not None
        assert promotion.is_open
        assert await store.count_agents(PROJECT, PRODUCTION) == len(population.agents)
        people = [await AccessService(store).authenticate(each) for each in population.tokens]
        assert [each.role for each in people] == ["admin", "admin"]
