"""Promotions: what they add to their tests, how fast a bad release is gone, how fast a good one is
there.

The gate stands beside what its conversations lasted, as the figure of conversations does; what
follows a verdict or an approval stands beside its calls to the platform times their latency, one
after the other. Moments are those of whoever knows: Temporal's history for what was asked and
answered, the simulator's log for what reached the platform, the repository's files for commits.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import Client

from activities.names import (
    COMMIT_RELEASE,
    CONVERSE,
    LOOK_AT_PROMOTION,
    STEER_ROLLOUT,
)
from benchmarks.conversations import PLACES, PROJECT, THINK_MS
from benchmarks.courses import Course, course, last_end
from benchmarks.figures import LATENCY_MS, report
from benchmarks.machine import Meter
from benchmarks.operations import ask, forget_calls
from benchmarks.scripts import DESK, GREETING, SMALL_DESK, desk_path, small_desk
from simulators.server import DEFAULT_ELEVENLABS_KEY
from trunkline.adapters.git.seed import Author, commit
from trunkline.local.repository import BRANCH
from trunkline.local.stack import LocalStack
from trunkline.model.ids import promotion_workflow_id, release_tag, test_run_workflow_id
from trunkline.model.testing.limits import TALK_PLACES_RESERVED

PRODUCTION = "production"
STEPWISE = "stepwise"
QUICK_MS = 50
"""What the agent thinks where what follows a conversation is measured, not the conversation."""
DEPLOYMENTS_ROUTE = "/v1/convai/agents/{agent_id}/deployments"
AUTHOR = Author("Author", "author@example.com")
TEST_RUNS = test_run_workflow_id(PROJECT, "")
ALL_TRAFFIC = 100


@dataclass(frozen=True, slots=True)
class Started:
    """A promotion that was asked for, and when; Unix seconds."""

    id: str
    workflow_id: str
    asked_s: float


@dataclass(frozen=True, slots=True)
class Effect:
    """Seconds from a beginning to an effect, and the calls to the platform in between."""

    duration_s: float
    calls: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A bad verdict, from the end of the failing conversation; ``closed_s`` until its tests were
    over, ``told_s`` until the rollout was told.
    """

    closed_s: float
    told_s: float
    traffic: Effect
    synced: Effect


@dataclass(frozen=True, slots=True)
class Released:
    """A release, from the last approval; ``pushing_s`` until the push was begun, ``written_s``
    until the last write to the platform was answered.
    """

    pushing_s: float
    written_s: float
    committed: Effect
    synced: Effect


class Promotions:
    """An installation with two environments that are promoted to."""

    def __init__(self, stack: LocalStack, client: Client) -> None:
        self._stack = stack
        self._client = client
        key = {"xi-api-key": DEFAULT_ELEVENLABS_KEY}
        self._platform = httpx.Client(
            base_url=stack.addresses.elevenlabs, headers=key, timeout=60.0
        )
        self._operator = self._person("admin")
        self._approver = self._person("approver")

    async def measure(self, conversations: int, rounds: int) -> None:
        """The figures; the first releases load what only the first ones have to."""
        ask(self._operator, "sync", {})
        self._talks(QUICK_MS)
        self._platform.post("/_sim/latency", json={"ms": LATENCY_MS}).raise_for_status()
        await self._ended(self._promote(SMALL_DESK, STEPWISE), "Done")
        first = self._promote(SMALL_DESK, PRODUCTION)
        await self._gate_passed(first)
        self._approve(first)
        await self._ended(first, "Done")
        self._talks(THINK_MS)
        await self._gate(conversations)
        self._talks(QUICK_MS)
        _report_releases([await self._release() for _ in range(rounds)])
        tag = f"trunkline:{PROJECT}/{STEPWISE}/{SMALL_DESK}"
        self._talks(QUICK_MS, degraded_tags=[tag])
        _report_verdicts([await self._bad_verdict() for _ in range(rounds)])

    async def _gate(self, conversations: int) -> None:
        """Everything from asking for a promotion to its gate being passed."""
        meter = Meter(self._stack.children)
        started = self._promote(DESK, PRODUCTION)
        promotion = await self._gate_passed(started)
        cost = meter.cost()
        run_id = self._read(started)["gate"]["runId"]
        tests = await course(self._client, test_run_workflow_id(PROJECT, run_id))
        answer = self._operator.get(f"/test-runs/{run_id}").raise_for_status().json()
        durations_s = [run["durationS"] for test in answer["tests"] for run in test["runs"]]
        if len(durations_s) != conversations:
            sys.exit(f"{len(durations_s)} of {conversations} conversations were held")
        shown = self._platform.get("/_sim/talks").raise_for_status().json()
        if shown["bursts"] or shown["most_in_progress"] > PLACES:
            sys.exit(f"{shown['most_in_progress']} conversations at once are more than allowed")
        passed_s = _gate_passed_s(promotion)
        if passed_s is None:
            sys.exit("the gate was not passed")
        took_s, sum_s, longest_s = passed_s - started.asked_s, sum(durations_s), max(durations_s)
        floor_s = max(longest_s, sum_s / PLACES)
        most = shown["most_in_progress"]
        report(
            "gate",
            f"{took_s:.1f} s from promote to passed, {conversations} conversations,"
            f" {most} at once, {THINK_MS} ms thought",
        )
        report(
            "",
            f"{took_s / floor_s:.2f} times max(longest {longest_s:.1f} s,"
            f" sum {sum_s:.0f} s / {PLACES} = {sum_s / PLACES:.1f} s)",
            None,
            cost,
        )
        talks = tests.named(CONVERSE)
        first_s, last_s = talks[0].asked_s, last_end(talks)
        child = promotion.named(TEST_RUNS)[0]
        looks_s = child.asked_s - started.asked_s + passed_s - child.ended_s
        report(
            "",
            f"over it {took_s - floor_s:.1f} s: prepare {first_s - child.asked_s:.1f},"
            f" conversations {last_s - first_s - floor_s:.1f},"
            f" decide and tidy {child.ended_s - last_s:.1f}, looks {looks_s:.1f}",
        )
        self._approve(started)
        await self._ended(started, "Done")

    async def _release(self) -> Released:
        """From the last approval to the commit, and to production being as it says."""
        self._change()
        started = self._promote(SMALL_DESK, PRODUCTION)
        await self._gate_passed(started)
        forget_calls(self._platform)
        approved_s = time.time()
        self._approve(started)
        done, log = await self._ended(started, "Done"), self._log()
        promotion = await course(self._client, started.workflow_id)
        push = promotion.after(COMMIT_RELEASE, approved_s)
        if push is None:
            sys.exit(f"{started.id} was not pushed")
        committed_s = self._pushed_s(PRODUCTION, done["version"])
        writes = [entry for entry in log if entry["method"] != "GET"]
        return Released(
            push.asked_s - approved_s,
            writes[-1]["time_unix_s"] - approved_s,
            _effect(log, approved_s, committed_s),
            _effect(log, approved_s, _phase_end_s(done, "Settling")),
        )

    async def _bad_verdict(self) -> TakenBack:
        """From the end of a conversation that failed at the first share of the calls, to no call
        reaching that version, and to the former release being there again.
        """
        self._change()
        forget_calls(self._platform)
        started = self._promote(SMALL_DESK, STEPWISE)
        done = await self._ended(started, "RolledBack")
        log, promotion = self._log(), await course(self._client, started.workflow_id)
        run_id = test_run_workflow_id(PROJECT, done["checks"][-1]["runId"])
        tests = await course(self._client, run_id)
        failed_s = last_end(tests.named(CONVERSE))
        told = promotion.after(STEER_ROLLOUT, failed_s)
        if done["reason"] != "CheckFailed" or told is None:
            sys.exit(f"{started.id} was taken back without a check: {done['message']}")
        split = next(
            entry
            for entry in log
            if (entry["method"], entry["route"]) == ("POST", DEPLOYMENTS_ROUTE)
            and entry["time_unix_s"] > failed_s
        )
        self._require_main(split["path"])
        return TakenBack(
            tests.ended_s - failed_s,
            told.ended_s - failed_s,
            _effect(log, failed_s, split["time_unix_s"]),
            _effect(log, failed_s, _seconds(done["finishedAt"])),
        )

    def _change(self) -> None:
        """Another greeting of the small agent, and testing is at it."""
        greeting = GREETING.replace("Practice", f"Practice {uuid4().hex[:8]}")
        edits = {desk_path(SMALL_DESK): small_desk(greeting)}
        bare = self._stack.repository.bare
        commit(bare, edits, message="Another greeting", author=AUTHOR, branch=BRANCH)
        ask(self._operator, "sync", {"environment": "testing"})

    def _promote(self, agent: str, environment: str) -> Started:
        order = {
            "stage": "production",
            "environment": environment,
            "changes": "Greets callers in other words than before",
        }
        asked_s = time.time()
        answer = self._operator.post(f"/agents/{agent}/deploy", json=order)
        if answer.is_error:
            sys.exit(f"{agent} is not promoted: {answer.text}")
        found = answer.json()["promotion"]["id"]
        number = int(found.rpartition(".")[2])
        place = promotion_workflow_id(PROJECT, environment, agent, number)
        return Started(found, place, asked_s)

    async def _gate_passed(self, started: Started) -> Course:
        """The promotion as far as its gate, once it waits for an approval."""
        found = await course(
            self._client, started.workflow_id, lambda now: _gate_passed_s(now) is not None
        )
        waits = self._read(started)
        if waits["phase"] != "Approval":
            sys.exit(f"{started.id} does not wait for an approval: {waits['headline']}")
        return found

    def _approve(self, started: Started) -> None:
        self._approver.post(f"/promotions/{started.id}/approve", json={}).raise_for_status()

    async def _ended(self, started: Started, state: str) -> dict[str, Any]:
        await course(self._client, started.workflow_id)
        done = self._read(started)
        if done["state"] != state:
            sys.exit(f"{started.id} ended as {done['state']}: {done['message']}")
        return done

    def _read(self, started: Started) -> dict[str, Any]:
        path = f"/promotions/{started.id}"
        found: dict[str, Any] = self._operator.get(path).raise_for_status().json()
        return found

    def _pushed_s(self, environment: str, version: int) -> float:
        """When the repository took the push: the age of the tag that came with the commit."""
        tag = release_tag(environment, SMALL_DESK, version).removeprefix("refs/tags/")
        return (self._stack.repository.bare / "refs" / "tags" / tag).stat().st_mtime

    def _require_main(self, deployments: str) -> None:
        """The platform itself says that all calls reach Main, and that this was the last word."""
        branches = f"{deployments.rpartition('/')[0]}/branches"
        listed = self._platform.get(branches).raise_for_status().json()["results"]
        main = {one["name"]: one["id"] for one in listed}["Main"]
        made = self._platform.get(deployments).raise_for_status().json()["results"]
        shares = made[0]["traffic_percentage_branch_id_map"].items()
        split = {branch: share for branch, share in shares if share}
        if split != {main: ALL_TRAFFIC}:
            sys.exit(f"the calls are divided otherwise: {split}")

    def _talks(self, think_ms: int, **more: Any) -> None:
        settings = {"think_ms": think_ms, "concurrency": PLACES + TALK_PLACES_RESERVED, **more}
        self._platform.post("/_sim/talks", json=settings).raise_for_status()

    def _log(self) -> list[dict[str, Any]]:
        found = self._platform.get("/_sim/requests").raise_for_status().json()
        entries: list[dict[str, Any]] = found["requests"]
        return entries

    def _person(self, name: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self._stack.addresses.api}/v1/projects/{PROJECT}",
            headers={"authorization": f"Bearer {self._stack.tokens[name]}"},
            timeout=60.0,
        )


def _gate_passed_s(promotion: Course) -> float | None:
    """When the look after the tests was over; None if it is not yet."""
    children = promotion.named(TEST_RUNS)
    if not children:
        return None
    look = promotion.after(LOOK_AT_PROMOTION, children[0].ended_s)
    return look.ended_s if look is not None else None


def _effect(log: Sequence[dict[str, Any]], began_s: float, ended_s: float) -> Effect:
    calls = sum(began_s < entry["time_unix_s"] <= ended_s for entry in log)
    return Effect(ended_s - began_s, calls)


def _phase_end_s(promotion: dict[str, Any], phase: str) -> float:
    ends = [one["endedAt"] for one in promotion["timeline"] if one["phase"] == phase]
    if not ends or ends[-1] is None:
        sys.exit(f"{promotion['id']} never came through {phase}")
    return _seconds(ends[-1])


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _report_verdicts(found: Sequence[TakenBack]) -> None:
    times = f"{len(found)} failed checks at the first share"
    report("bad verdict", f"all calls on Main {_spread([one.traffic for one in found])}, {times}")
    closed_s = statistics.median(one.closed_s for one in found)
    told_s = statistics.median(one.told_s for one in found)
    traffic_s = statistics.median(one.traffic.duration_s for one in found)
    report(
        "",
        f"of it, medians: tests over after {closed_s:.2f} s, rollout told after {told_s:.2f} s,"
        f" all calls on Main after {traffic_s:.2f} s",
    )
    report("", f"former release synced {_spread([one.synced for one in found])}")


def _report_releases(found: Sequence[Released]) -> None:
    committed = _spread([one.committed for one in found])
    report("release", f"last approval to commit {committed}, {len(found)} releases")
    pushing_s = statistics.median(one.pushing_s for one in found)
    committed_s = statistics.median(one.committed.duration_s for one in found)
    written_s = statistics.median(one.written_s for one in found)
    report("", f"production synced {_spread([one.synced for one in found])}, no rollout")
    report(
        "",
        f"of it, medians: push begun after {pushing_s:.2f} s, commit after {committed_s:.2f} s,"
        f" platform written after {written_s:.2f} s",
    )


def _spread(effects: Sequence[Effect]) -> str:
    """Median and longest, beside what the calls in between take one after the other."""
    durations_s = [one.duration_s for one in effects]
    calls = statistics.median(one.calls for one in effects)
    floor_s = sum(one.calls for one in effects) * LATENCY_MS / 1000
    beside = f"{calls:g} calls"
    if floor_s:
        beside = f"{beside}, {sum(durations_s) / floor_s:.1f} times their floor"
    middle_s, longest_s = statistics.median(durations_s), max(durations_s)
    return f"p50 {middle_s:.2f} s, max {longest_s:.2f} s ({beside})"
