"""The sample's tests guard the sample: what makes it worse fails a named test, what does not, none.

Every sentence of a prompt and every line of a document is in ``noticed.yaml``, with the tests that
fail without it, or with a reason why none does. A seeded part of it is tried, all of it with
TRUNKLINE_TEST_SHARE=1.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import yaml

from simulators.elevenlabs.talks.troubles import THINK_MS
from tests.sample.mutations import (
    DEPLOYED,
    Mutation,
    deletions,
    renamings,
    settings,
    texts,
)
from tests.sample.workbench import SAMPLE, ChangedTree, Steer, Workbench
from trunkline.manifests import check
from trunkline.model.testing.results import RunResult

T = TypeVar("T")
HERE: Final = Path(__file__).parent
SHARE: Final = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
CHANGES_AT_ONCE: Final = 10
LONGEST_S: Final = 3_600
"""All of it takes some minutes, and longer beside others."""
PATIENCE_S: Final = 2.5
"""How long a turn waits for what a changed agent may never do."""
STARVED_MAX: Final = 10
"""Changes that are tried again by themselves: on a busy machine a conversation may be starved."""
QUICK_MS: Final = 20
"""Agents think so long where their pace is not what is looked at."""
UNCHANGED_RUNS: Final = 50
RUNS_AT_ONCE: Final = 5
"""Runs of everything side by side; each wave has a seed of its own."""
PACED: Final = ("book-appointment", "books-in-spanish", "moves-appointment", "pages-the-vet")
"""One test of each agent says how soon replies begin."""


def share(items: Sequence[T]) -> list[T]:
    """A seeded part, at least one of it."""
    chosen = random.Random(SHARE)  # noqa: S311
    return chosen.sample(items, max(1, round(len(items) * min(SHARE, 1.0))))


def noticed() -> dict[str, tuple[str, ...]]:
    """What fails after each change, by its key; nothing where there is only a reason."""
    table: Mapping[str, Mapping[str, list[str] | str]] = yaml.safe_load(
        (HERE / "noticed.yaml").read_text("utf-8")
    )
    return {
        f"{path}: {what}": tuple(sorted(found)) if isinstance(found, list) else ()
        for path, listed in table.items()
        for what, found in listed.items()
    }


def failed(results: Mapping[str, RunResult]) -> tuple[str, ...]:
    """Tests that did not pass, whatever their replies' pace: here many talk at once."""
    return tuple(
        sorted(
            name
            for name, run in results.items()
            if any(
                each.outcome in ("failed", "inconclusive") and each.check != "repliesWithin"
                for each in run.checks
            )
            or (run.outcome != "passed" and not run.checks)
        )
    )


def surprises(about: str, results: Mapping[str, RunResult], expected: Sequence[str]) -> list[str]:
    """Every test that came to something else than expected, with what it says."""
    return [
        f"{about}: {name}: {results[name].message if name in results else 'there is no such test'}"
        for name in sorted({*failed(results)} ^ {*expected})
    ]


async def some_at_once(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, a few side by side."""
    places = asyncio.Semaphore(CHANGES_AT_ONCE)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with places:
            return await each

    return await asyncio.gather(*(one(each) for each in work))


def test_every_sentence_and_line_is_accounted_for() -> None:
    computed = [each.key for each in (*deletions(), *renamings(), *settings())]

    assert sorted(noticed()) == sorted(computed)


def test_what_is_not_noticed_has_a_reason() -> None:
    table = yaml.safe_load((HERE / "noticed.yaml").read_text("utf-8"))

    assert all(found for listed in table.values() for found in listed.values())
    changes = {each.key for each in (*renamings(), *settings())}
    assert all(tests for key, tests in noticed().items() if key in changes)


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
async def test_what_makes_the_sample_worse_fails_a_named_test(
    bench: Workbench, steer: Steer
) -> None:
    await steer(think_ms=QUICK_MS)
    changes = share([*deletions(), *renamings(), *settings()])
    expected = noticed()

    async def outcome(change: Mutation) -> list[str]:
        results = await bench.results(change.changed, change.agents, patience_s=PATIENCE_S)
        return surprises(change.key, results, expected[change.key])

    found = await some_at_once([outcome(change) for change in changes])
    starved = [change for change, listed in zip(changes, found, strict=True) if listed]
    alone = [await outcome(change) for change in starved[:STARVED_MAX]]

    assert len(starved) <= STARVED_MAX, found
    assert [each for listed in alone for each in listed] == []


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
async def test_the_same_in_other_words_passes(bench: Workbench, steer: Steer) -> None:
    await steer(think_ms=QUICK_MS)
    listed = yaml.safe_load((HERE / "rewordings.yaml").read_text("utf-8"))
    assert len({each["instead"] for each in listed}) == 20
    chosen = share(listed)

    async def outcome(each: Mapping[str, str]) -> list[str]:
        text = (SAMPLE / each["file"]).read_text("utf-8")
        assert text.count(each["text"]) == 1
        changed = {each["file"]: text.replace(each["text"], each["instead"])}
        return surprises(each["instead"], await bench.results(changed, texts()[each["file"]]), ())

    found = await some_at_once([outcome(each) for each in chosen])

    assert [each for listed in found for each in listed] == []


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
async def test_the_sample_as_it_is_passes_every_time(bench: Workbench, steer: Steer) -> None:
    waves = round(UNCHANGED_RUNS * min(SHARE, 1.0)) // RUNS_AT_ONCE
    found: list[str] = []
    for seed in range(waves):
        await steer(think_ms=QUICK_MS, seed=seed, misbehaviour=0)
        runs = [bench.results({}, DEPLOYED) for _ in range(RUNS_AT_ONCE)]
        for results in await asyncio.gather(*runs):
            found += surprises(f"seed {seed}", results, ())

    assert waves > 0
    assert found == []


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
async def test_an_agent_that_takes_twice_as_long_fails_a_test(
    bench: Workbench, steer: Steer
) -> None:
    async def outcomes(think_ms: float) -> dict[str, list[str]]:
        await steer(think_ms=think_ms)
        results = await bench.results({}, DEPLOYED, tests=PACED)
        return {
            name: [each.check for each in run.checks if each.outcome == "failed"]
            for name, run in results.items()
        }

    assert await outcomes(THINK_MS) == {name: [] for name in PACED}
    assert await outcomes(2 * THINK_MS) == {name: ["repliesWithin"] for name in PACED}


def test_a_tool_that_is_renamed_alone_is_refused_by_name_and_line() -> None:
    for change in renamings():
        if "." in change.key.rpartition(": ")[2]:
            continue
        named = {problem.position.file for problem in check(ChangedTree(change.changed))}

        assert any("/tests/" in path for path in named), change.key
