"""PostgreSQL finds by labels exactly what a selector means, page by page."""

import itertools
from random import Random

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import StatusRecord
from trunkline.model.selectors import Requirement, Selector

KEYS = ("team", "a.b/c", "odd'\"key")
VALUES = ("", "one", "two", 'back\\slash "quoted"', "100%")
TESTS = ("equal", "different", "present", "absent")
ALL = 60


async def test_rows_are_those_whose_labels_fulfil_every_requirement(store: PostgresStore) -> None:
    chosen = Random(7)  # noqa: S311 - labels
    labels = {
        f"agent-{number:02}": {key: chosen.choice(VALUES) for key in KEYS if chosen.random() < 0.7}
        for number in range(ALL)
    }
    for name, given in labels.items():
        status = StatusRecord(
            project="acme", environment="testing", kind="agent", name=name, labels=given
        )
        await store.put_status(status, [])
    requirements = [
        Requirement.model_validate({"key": key, "test": test, "value": value})
        for key, test, value in itertools.product(KEYS, TESTS, VALUES)
    ]
    selectors = [Selector(requirements=(one,)) for one in requirements]
    selectors += [Selector(requirements=tuple(chosen.sample(requirements, 3))) for _ in range(30)]
    for selector in selectors:
        wanted = [name for name, given in labels.items() if selector.matches(given)]
        found = await store.statuses("acme", kind="agent", selector=selector, limit=ALL)
        assert [row.name for row in found] == wanted, selector
    assert any(
        0 < sum(selector.matches(given) for given in labels.values()) < ALL
        for selector in selectors[-30:]
    )


async def test_a_page_of_rows_with_a_label_goes_on_behind_the_last_one(
    store: PostgresStore,
) -> None:
    for number in range(10):
        status = StatusRecord(
            project="acme",
            environment="testing",
            kind="agent",
            name=f"agent-{number}",
            labels={"team": "even" if number % 2 == 0 else "odd"},
        )
        await store.put_status(status, [])
    even = Selector(requirements=(Requirement(key="team", test="equal", value="even"),))
    first = await store.statuses("acme", selector=even, limit=3)
    assert [row.name for row in first] == ["agent-0", "agent-2", "agent-4"]
    rest = await store.statuses("acme", selector=even, after="agent/agent-4/testing", limit=3)
    assert [row.name for row in rest] == ["agent-6", "agent-8"]
