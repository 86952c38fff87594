"""Rows of pull requests: written once for a meaning, in pages, open while things are left."""

from __future__ import annotations

import pytest

from tests.pulls.views import REPLIES, record
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.errors import NotFound
from trunkline.services.pull_requests import PullRequestService

pytestmark = pytest.mark.slow


async def test_the_same_meaning_is_written_once(store: PostgresStore) -> None:
    one = record(replies=REPLIES, plan="running")
    assert await store.put_pull_request(one)
    assert not await store.put_pull_request(one)
    assert await store.put_pull_request(one.model_copy(update={"plan": "passed"}))
    found = await store.pull_request_record("acme", 7)
    assert found is not None
    assert found.updated_at is not None
    assert found.model_copy(update={"updated_at": None}) == one.model_copy(
        update={"plan": "passed"}
    )
    assert await store.pull_request_record("other", 7) is None


async def test_pages_are_newest_first_and_of_one_project(store: PostgresStore) -> None:
    for number in range(1, 6):
        state = "open" if number % 2 else "closed"
        await store.put_pull_request(record(number=number, state=state))
    await store.put_pull_request(record(number=9, project="other"))
    await store.put_pull_request(record(number=6, state="merged", objects_gone=False))
    service = PullRequestService(store)
    first = await service.page("acme", limit=4)
    assert [one.number for one in first.items] == [6, 5, 4, 3]
    rest = await service.page("acme", cursor=first.cursor, limit=4)
    assert ([one.number for one in rest.items], rest.cursor) == ([2, 1], None)
    open_ones = await service.page("acme", open_only=True, limit=10)
    assert [one.number for one in open_ones.items] == [6, 5, 3, 1]
    with pytest.raises(NotFound):
        await service.read("acme", 9)
