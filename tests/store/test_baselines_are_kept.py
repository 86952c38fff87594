"""One baseline for each agent and environment, as it was put last."""

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Digest
from trunkline.model.testing.baselines import Baseline, Retest, TestCounts


def baseline(digest: str, **more: object) -> Baseline:
    """That of one agent."""
    return Baseline.model_validate(
        {
            "project": "acme",
            "environment": "production",
            "agent": "front-desk",
            "digest": Digest(digest),
            **more,
        }
    )


async def test_a_baseline_is_read_as_it_was_written(store: PostgresStore) -> None:
    counts = (TestCounts(name="books", judge="plain/1", passed=4, runs=5, reply_p95_ms=800),)
    last = Retest(run_ids=("a", "b"), outcome="worse", message="a NUL \0 of a stranger")
    put = baseline("sha256:1", tests=counts, retests=3, last=last)
    await store.put_baseline(put)
    found = await store.baseline("acme", "production", "front-desk")
    assert found is not None
    assert (found.tests, found.retests, found.digest) == (counts, 3, "sha256:1")
    assert found.last is not None
    assert found.last.message == "a NUL \ufffd of a stranger"


async def test_what_is_released_next_has_its_own(store: PostgresStore) -> None:
    await store.put_baseline(baseline("sha256:1", retests=3))
    await store.put_baseline(baseline("sha256:2"))
    found = await store.baseline("acme", "production", "front-desk")
    assert found == baseline("sha256:2")
    assert await store.baseline("acme", "testing", "front-desk") is None
