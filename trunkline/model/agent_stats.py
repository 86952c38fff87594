"""What is known of an agent in numbers, as a whole and for each version that was released.

Pure: rows in, counts out. Tests and manual results belong to a version by the digest of what was
spoken to, so that a result counts for a version whenever it was found out, before its release too.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from trunkline.model.base import Frozen
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.tallies import CallTally, count_calls
from trunkline.model.manual_results import ManualResult
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.records import EventRecord
from trunkline.model.releases import ReleaseRecord
from trunkline.model.testing.results import TestResult

DRIFT_BEGINS = frozenset({"ChangedOutsideGit", "Drifted"})
DRIFT_ENDS = "DriftResolved"


class TestTally(Frozen):
    """Results of tests; ``pass_rate`` is of those that came to an answer, None without any."""

    __test__ = False

    tests: int = 0
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    pass_rate: float | None = None
    cost_usd: float = 0.0


class ManualTally(Frozen):
    """Verdicts of people; ``rating`` is their mean from 1 to 5, None without any."""

    results: int = 0
    passed: int = 0
    failed: int = 0
    needs_improvement: int = 0
    rating: float | None = None


class DriftTally(Frozen):
    """How often and how long an agent was not as Git wants it, as far back as its events go.

    ``since`` is when it began to be so now, None while it is as it should be.
    """

    times: int = 0
    total_s: float = 0.0
    last_at: datetime | None = None
    since: datetime | None = None


class VersionTally(Frozen):
    """One version. ``lead_time_s`` is from its promotion being asked for to its release, None where
    no promotion is remembered; ``restores`` is the version a rollback went back to.
    """

    version: int
    revision: str
    digest: str
    released_at: datetime | None
    promoted_by: str
    changes: str
    restores: int | None
    lead_time_s: float | None
    tests: TestTally
    manual: ManualTally
    calls: CallTally = CallTally()


class AgentTally(Frozen):
    """An agent in one environment; ``versions`` newest first, the rest is of all that was read."""

    version: int
    releases: int
    rollbacks: int
    last_released_at: datetime | None
    lead_time_median_s: float | None
    versions: tuple[VersionTally, ...]
    tests: TestTally
    manual: ManualTally
    drift: DriftTally
    calls: CallTally = CallTally()


def tally(
    *,
    version: int,
    releases: Sequence[ReleaseRecord],
    promotions: Iterable[PromotionRecord],
    tests: Sequence[TestResult],
    manual: Sequence[ManualResult],
    events: Sequence[EventRecord],
    calls: Sequence[CallRecord] = (),
    now: datetime,
) -> AgentTally:
    """Count what was read of one agent in one environment; every sequence newest first."""
    asked = {each.version: each.created_at for each in promotions if each.version}
    versions = tuple(
        _version(each, asked, tests, manual).model_copy(
            update={"calls": count_calls(call for call in calls if call.version == each.version)}
        )
        for each in releases
    )
    leads = sorted(each.lead_time_s for each in versions if each.lead_time_s is not None)
    return AgentTally(
        version=version,
        releases=len(releases),
        rollbacks=sum(each.restores is not None for each in releases),
        last_released_at=releases[0].released_at if releases else None,
        lead_time_median_s=_median(leads),
        versions=versions,
        tests=count_tests(tests),
        manual=count_manual(manual),
        drift=count_drift(events, now),
        calls=count_calls(calls),
    )


def count_tests(results: Iterable[TestResult]) -> TestTally:
    """Tests by outcome."""
    found = list(results)
    passed = sum(each.outcome == "passed" for each in found)
    failed = sum(each.outcome == "failed" for each in found)
    answered = passed + failed
    return TestTally(
        tests=len(found),
        passed=passed,
        failed=failed,
        inconclusive=len(found) - answered,
        pass_rate=round(passed / answered, 4) if answered else None,
        cost_usd=round(sum(each.cost_usd for each in found), 4),
    )


def count_manual(results: Iterable[ManualResult]) -> ManualTally:
    """Manual results by verdict."""
    found = list(results)
    return ManualTally(
        results=len(found),
        passed=sum(each.status == "passed" for each in found),
        failed=sum(each.status == "failed" for each in found),
        needs_improvement=sum(each.status == "needs_improvement" for each in found),
        rating=round(sum(each.rating for each in found) / len(found), 2) if found else None,
    )


def count_drift(events: Sequence[EventRecord], now: datetime) -> DriftTally:
    """Stretches between an event that says drift and the one that says it is over."""
    times, total_s = 0, 0.0
    last_at = since = None
    for event in sorted(events, key=lambda each: each.id or 0):
        at = event.at
        if event.reason in DRIFT_BEGINS and since is None and at is not None:
            times, since, last_at = times + 1, at, at
        elif event.reason == DRIFT_ENDS and since is not None and at is not None:
            total_s += max(0.0, (at - since).total_seconds())
            since = None
    if since is not None:
        total_s += max(0.0, (now - since).total_seconds())
    return DriftTally(times=times, total_s=round(total_s, 3), last_at=last_at, since=since)


def _version(
    release: ReleaseRecord,
    asked: dict[int, datetime | None],
    tests: Iterable[TestResult],
    manual: Iterable[ManualResult],
) -> VersionTally:
    began, ended = asked.get(release.version), release.released_at
    lead_s = max(0.0, (ended - began).total_seconds()) if began and ended else None
    return VersionTally(
        version=release.version,
        revision=release.revision,
        digest=release.digest,
        released_at=ended,
        promoted_by=release.promoted_by,
        changes=release.changes,
        restores=release.restores,
        lead_time_s=lead_s,
        tests=count_tests(each for each in tests if each.agent_digest == release.digest),
        manual=count_manual(each for each in manual if each.digest == release.digest),
    )


def _median(ordered: Sequence[float]) -> float | None:
    if not ordered:
        return None
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
