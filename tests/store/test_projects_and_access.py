"""Projects and how their Git is; tokens by their hash; an audit log that only grows."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.conditions import Condition
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision
from trunkline.model.problems import Position, Problem
from trunkline.model.records import AuditRecord, ProjectRecord, SourceState, TokenRecord


async def test_registering_again_updates_a_project(store: PostgresStore) -> None:
    first = ProjectRecord(name="acme", repository="https://git.example.com/acme.git")
    await store.register(first)
    await store.register(ProjectRecord(name="beta", repository="https://git.example.com/b.git"))
    moved = first.model_copy(update={"branch": "live", "poll_interval_s": 5.0})
    await store.register(moved)
    assert await store.project("acme") == moved
    assert [one.name for one in await store.projects()] == ["acme", "beta"]
    assert await store.project("gamma") is None


async def test_a_look_at_git_is_written_only_when_its_meaning_changed(
    store: PostgresStore,
) -> None:
    problem = Problem(position=Position(file="a.yaml", line=3, column=5), message="no such tool")
    stalled = Condition(type="Stalled", status="True", reason="InvalidManifests")
    bad = SourceState(
        project="acme",
        seen_revision=Revision("2" * 40),
        applied_revision=Revision("1" * 40),
        conditions=(stalled,),
        problems=(problem,),
    )
    assert await store.source("acme") is None
    assert await store.put_source(bad)
    assert not await store.put_source(bad)
    assert await store.source("acme") == bad
    assert await store.put_source(bad.model_copy(update={"problems": ()}))


async def test_a_failed_look_does_not_forget_the_last_good_revision(store: PostgresStore) -> None:
    good = SourceState(project="acme", applied_revision=Revision("1" * 40))
    await store.put_source(good)
    assert not await store.put_source(SourceState(project="acme"))
    assert await store.source("acme") == good


async def test_a_token_is_found_by_its_hash_until_it_expires(store: PostgresStore) -> None:
    now = datetime.now(UTC)
    token = TokenRecord(id="t1", prefix="tl_ab", hash="h1", person="ada", role="admin")
    fresh = token.model_copy(
        update={"id": "t2", "hash": "h2", "expires_at": now + timedelta(hours=1)}
    )
    stale = token.model_copy(
        update={"id": "t3", "hash": "h3", "expires_at": now - timedelta(seconds=1)}
    )
    for one in (token, fresh, stale):
        await store.add_token(one)
    found = (await store.token_and_project("h1", ""))[0]
    assert found is not None
    assert found.created_at is not None
    assert found.model_copy(update={"created_at": None}) == token
    assert (await store.token_and_project("h2", ""))[0] is not None
    assert (await store.token_and_project("h3", ""))[0] is None
    assert (await store.token_and_project("h4", ""))[0] is None


async def test_a_hash_that_is_taken_is_refused(store: PostgresStore) -> None:
    token = TokenRecord(id="t1", prefix="tl_ab", hash="h1", person="ada", role="viewer")
    await store.add_token(token)
    with pytest.raises(InvalidInput, match="duplicate key"):
        await store.add_token(token.model_copy(update={"id": "t2", "role": "admin"}))


async def test_the_audit_log_reads_newest_first(store: PostgresStore) -> None:
    for n in range(5):
        await store.add_audit(
            AuditRecord(
                actor="ada",
                role="admin",
                action="sync",
                project="acme",
                subject=f"agent-{n}",
                request_id="r",
                details={"n": n},
            )
        )
    newest = await store.audit(limit=2)
    assert [one.subject for one in newest] == ["agent-4", "agent-3"]
    older = await store.audit(before=newest[-1].id, limit=10)
    assert [one.subject for one in older] == ["agent-2", "agent-1", "agent-0"]
    assert older[0].details == {"n": 2}
    assert older[0].at is not None
