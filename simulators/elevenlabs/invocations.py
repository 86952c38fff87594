"""Runs of the platform's own tests: started, watched, run again, cancelled.

An invocation runs each of its tests some times, one after the other, beside the requests that ask
how far it is. A run is bound to the version it was run against, unless a configuration nobody
stored was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from simulators.elevenlabs import configs
from simulators.elevenlabs.account import WORKSPACE_ID
from simulators.elevenlabs.agent_tests import AgentTests
from simulators.elevenlabs.agents import PREFIX as AGENTS
from simulators.elevenlabs.agents import Agents
from simulators.elevenlabs.calls import PAGE_SIZE, TEXT, Call, Endpoint, invalid_cursor
from simulators.elevenlabs.errors import Refused, not_found, refused
from simulators.elevenlabs.history import History
from simulators.elevenlabs.talks.judging import Verdict
from simulators.elevenlabs.talks.minds import Minds
from simulators.elevenlabs.talks.troubles import Troubles
from simulators.elevenlabs.trials import Trials
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.limits import MAX_INVOCATIONS, MAX_TEST_RUNS
from simulators.wire import Answer, Json, json_answer

logger = logging.getLogger(__name__)

PREFIX = "/v1/convai/test-invocations"
PENDING = "pending"
TEST_KINDS = {"llm": "llm", "tool": "tool_call", "simulation": "simulation"}
SECONDS: Json = {"kind": "integer", "nullable": True}


class Invocations:
    """The invocations of one account, newest first."""

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        agents: Agents,
        tests: AgentTests,
        trials: Trials,
        minds: Minds,
        troubles: Troubles,
        commit: Callable[[], None],
    ) -> None:
        self._space = workspace
        self._history = history
        self._agents = agents
        self._tests = tests
        self._trials = trials
        self._minds = minds
        self._troubles = troubles
        self._commit = commit
        self._going: dict[str, asyncio.Task[None]] = {}

    def endpoints(self) -> list[Endpoint]:
        """Routes of runs of tests."""
        one = PREFIX + "/{test_invocation_id}"
        listing = {
            "agent_id": TEXT,
            "branch_id": TEXT,
            "version_id": TEXT,
            "test_id": TEXT,
            "start_time": SECONDS,
            "end_time": SECONDS,
            "created_by_user_id": TEXT,
            "search": TEXT,
            "page_size": PAGE_SIZE,
            "cursor": TEXT,
        }
        return [
            Endpoint("POST", AGENTS + "/{agent_id}/run-tests", self.start, body="TestRun"),
            Endpoint("GET", PREFIX, self.listed, query=listing),
            Endpoint("GET", one, self.get),
            Endpoint("POST", one + "/resubmit", self.again, body="TestRunAgain"),
            Endpoint("POST", one + "/cancel", self.cancel),
        ]

    def start(self, call: Call) -> Answer:
        """Begin to run tests; every one of them has to be there (404)."""
        body = call.body
        agent = self._agents.known(call.values["agent_id"])
        tests = [self._tests.known(item["test_id"]) for item in body["tests"]]
        if len(tests) * body["repeat_count"] > MAX_TEST_RUNS:
            raise refused(400, "too_many_test_runs", f"At most {MAX_TEST_RUNS} runs at once.")
        branch, version_id = self._at(agent, body)
        invocation_id = self._space.identifiers.elevenlabs("suite")
        invocation: Json = {
            "id": invocation_id,
            "agent_id": agent["agent_id"],
            "branch_id": branch["id"],
            "version_id": version_id,
            "override": body.get("agent_config_override"),
            "created_at": self._space.now(),
            "repeat_count": body["repeat_count"],
            "title": tests[0]["body"]["name"] if len(tests) == 1 else f"{len(tests)} tests",
            "creator": recorded(call.person),
            "cancelled": False,
            "runs": [],
        }
        for item, test in zip(body["tests"], tests, strict=True):
            for _ in range(body["repeat_count"]):
                invocation["runs"].append(self._run_of(invocation, item, test))
        self._put(invocation)
        self._work(invocation_id)
        return json_answer(self._body(invocation))

    def _at(self, agent: Json, body: Json) -> tuple[Json, str | None]:
        """The branch that is run against and its version; None for what nobody stored."""
        branch = self._history.branch(agent, body.get("branch_id") or agent["main_branch_id"])
        if branch["is_archived"]:
            raise refused(400, "branch_archived", "Tests cannot run on an archived branch.")
        override = body.get("agent_config_override")
        if override is not None:
            self._agents.candidate(override)
            return branch, None
        return branch, str(branch["versions"][-1])

    def _run_of(self, invocation: Json, item: Json, test: Json) -> Json:
        return {
            "test_run_id": self._space.identifiers.elevenlabs("trun"),
            "test_id": test["id"],
            "test_name": test["body"]["name"],
            "test": test["body"],
            "workflow_node_id": item.get("workflow_node_id"),
            "branch_id": invocation["branch_id"],
            "version_id": invocation["version_id"],
            "status": PENDING,
            "verdict": None,
            "responses": None,
            "updated_at": self._space.now(),
        }

    def _put(self, invocation: Json) -> None:
        kept = self._space.invocations
        if invocation["id"] not in kept and len(kept) >= MAX_INVOCATIONS:
            kept.drop(next(iter(kept))["id"])
        kept.put(invocation["id"], invocation)

    def _work(self, invocation_id: str) -> None:
        """See to it that somebody carries out what is pending."""
        if invocation_id in self._going:
            return
        task = asyncio.get_running_loop().create_task(self._carry_out(invocation_id))
        self._going[invocation_id] = task
        task.add_done_callback(partial(self._worked, invocation_id))

    def _worked(self, invocation_id: str, task: asyncio.Task[None]) -> None:
        """Nobody carries out an invocation any more; if that was a mistake, it says so."""
        self._going.pop(invocation_id, None)
        error = None if task.cancelled() else task.exception()
        invocation = self._space.invocations.get(invocation_id)
        if error is None or invocation is None:
            return
        logger.error("invocation %s", invocation_id, exc_info=error)
        for run in invocation["runs"]:
            if run["status"] == PENDING:
                verdict = Verdict("unknown", f"The simulator failed: {type(error).__name__}.")
                run.update(status="failed", verdict=verdict.body(), responses=[])
        self._put(invocation)
        self._commit()

    async def _carry_out(self, invocation_id: str) -> None:
        while True:
            invocation = self._space.invocations.get(invocation_id)
            runs = invocation["runs"] if invocation else []
            run = next((run for run in runs if run["status"] == PENDING), None)
            if invocation is None or run is None:
                return
            await self._space.clock.wait(self._troubles.settings.think_ms / 1000)
            verdict, lines = await self._tried(invocation, run)
            if run["status"] != PENDING:
                continue
            run.update(
                status="passed" if verdict.result == "success" else "failed",
                verdict=verdict.body(),
                responses=lines,
                updated_at=self._space.now(),
            )
            self._put(invocation)
            self._commit()

    async def _tried(self, invocation: Json, run: Json) -> tuple[Verdict, list[Json]]:
        agent = self._space.agents.get(invocation["agent_id"])
        if agent is None or run["test_id"] not in self._space.tests:
            return Verdict("unknown", "The agent or the test was deleted."), []
        try:
            config = self._config(agent, invocation, run)
        except Refused:
            return Verdict("unknown", "The version or a part of the override was deleted."), []
        settings = self._troubles.settings
        made = self._minds.make(config, agent["tags"], settings, run["test_run_id"])
        placeholders = config["agent"]["dynamic_variables"]["dynamic_variable_placeholders"]
        metadata = {
            "agent_id": agent["agent_id"],
            "branch_id": run["branch_id"],
            "workflow_node_id": run["workflow_node_id"],
            "version_id": run["version_id"],
        }
        return await self._trials.run(run["test"], made, placeholders, metadata)

    def _config(self, agent: Json, invocation: Json, run: Json) -> Json:
        override = invocation["override"]
        if override is not None:
            found: Json = self._agents.candidate(override)["conversation_config"]
            return found
        version = self._history.version(agent, run["version_id"])
        config: Json = configs.expanded(version["config"])["conversation_config"]
        return config

    def _known(self, call: Call) -> Json:
        invocation_id = call.values["test_invocation_id"]
        invocation = self._space.invocations.get(invocation_id)
        if invocation is None:
            raise not_found("Document", invocation_id)
        if any(run["status"] == PENDING for run in invocation["runs"]):
            self._work(invocation_id)
        return invocation

    def get(self, call: Call) -> Answer:
        """How far an invocation is."""
        return json_answer(self._body(self._known(call)))

    def again(self, call: Call) -> Answer:
        """Run some of the runs once more, on what the body names now."""
        invocation = self._known(call)
        agent = self._agents.known(call.body["agent_id"])
        branch, version_id = self._at(agent, call.body)
        runs = {run["test_run_id"]: run for run in invocation["runs"]}
        for run_id in call.body["test_run_ids"]:
            if run_id not in runs:
                raise not_found("Test run", run_id)
        for run_id in call.body["test_run_ids"]:
            runs[run_id].update(
                status=PENDING,
                verdict=None,
                responses=None,
                branch_id=branch["id"],
                version_id=version_id,
                updated_at=self._space.now(),
            )
        invocation["override"] = call.body.get("agent_config_override")
        invocation["cancelled"] = False
        self._put(invocation)
        self._work(invocation["id"])
        return json_answer({})

    def cancel(self, call: Call) -> Answer:
        """Run nothing more of an invocation; what is done stays."""
        invocation = self._known(call)
        for run in invocation["runs"]:
            if run["status"] == PENDING:
                run.update(status="cancelled", updated_at=self._space.now())
        invocation["cancelled"] = True
        self._put(invocation)
        return json_answer({})

    def listed(self, call: Call) -> Answer:
        """One page of invocations; the cursor is the last one shown."""
        query = call.query
        found = [one for one in reversed(list(self._space.invocations)) if _wanted(one, query)]
        ids = [one["id"] for one in found]
        cursor = query["cursor"]
        if cursor and cursor not in ids:
            raise invalid_cursor()
        start = ids.index(cursor) + 1 if cursor else 0
        page = found[start : start + query["page_size"]]
        more = start + len(page) < len(found)
        return json_answer(
            {
                "meta": {"total": len(found), "page": None, "page_size": query["page_size"]},
                "results": [_summary(one) for one in page],
                "next_cursor": page[-1]["id"] if more else None,
                "has_more": more,
            }
        )

    def _body(self, invocation: Json) -> Json:
        runs = invocation["runs"]
        done = all(run["status"] != PENDING for run in runs)
        grouped = invocation["repeat_count"] > 1
        status = ("completed" if done else PENDING) if grouped else None
        return {
            "id": invocation["id"],
            "agent_id": invocation["agent_id"],
            "branch_id": invocation["branch_id"],
            "version_id": invocation["version_id"],
            "ran_against_draft": False,
            "created_at": invocation["created_at"],
            "folder_id": None,
            "repeat_count": invocation["repeat_count"],
            "bucketing_status": status,
            "result_groups": _groups(runs) if grouped and done else [],
            "test_runs": [_run_body(invocation, run) for run in runs],
        }

    async def stop(self) -> None:
        """Stop carrying out; what is pending stays pending."""
        going = list(self._going.values())
        for task in going:
            task.cancel()
        for task in going:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._going.clear()


def _run_body(invocation: Json, run: Json) -> Json:
    test: dict[str, Any] = {name: value for name, value in run["test"].items() if name != "name"}
    return {
        "test_run_id": run["test_run_id"],
        "test_info": test,
        "test_invocation_id": invocation["id"],
        "agent_id": invocation["agent_id"],
        "branch_id": run["branch_id"],
        "version_id": run["version_id"],
        "ran_against_draft": False,
        "workflow_node_id": run["workflow_node_id"],
        "status": run["status"],
        "agent_responses": run["responses"],
        "test_id": run["test_id"],
        "test_name": run["test_name"],
        "condition_result": run["verdict"],
        "last_updated_at_unix": run["updated_at"],
        "metadata": {
            "workspace_id": WORKSPACE_ID,
            "test_name": run["test_name"],
            "ran_by_user_email": invocation["creator"]["email"],
            "test_type": TEST_KINDS[run["test"]["type"]],
        },
        "root_folder_id": None,
        "root_folder_name": None,
        "environment": run["test"].get("environment"),
    }


def _groups(runs: list[Json]) -> list[Json]:
    groups: dict[str, Json] = {}
    for run in runs:
        group = groups.setdefault(
            run["test_id"],
            {
                "test_id": run["test_id"],
                "test_name": run["test_name"],
                "workflow_node_id": run["workflow_node_id"],
                "buckets": {},
            },
        )
        reason = ((run["verdict"] or {}).get("rationale") or {}).get("summary") or ""
        bucket = group["buckets"].setdefault(
            (run["status"], reason),
            {
                "test_run_ids": [],
                "title": run["status"].capitalize(),
                "reason": reason,
                "status": run["status"],
            },
        )
        bucket["test_run_ids"].append(run["test_run_id"])
    return [{**group, "buckets": list(group["buckets"].values())} for group in groups.values()]


def _summary(invocation: Json) -> Json:
    statuses = [run["status"] for run in invocation["runs"]]
    return {
        "id": invocation["id"],
        "agent_id": invocation["agent_id"],
        "branch_id": invocation["branch_id"],
        "version_id": invocation["version_id"],
        "ran_against_draft": False,
        "runs_diverged_from_version": any(
            run["version_id"] != invocation["version_id"] for run in invocation["runs"]
        ),
        "created_at_unix_secs": invocation["created_at"],
        "test_run_count": len(statuses),
        "passed_count": statuses.count("passed"),
        "failed_count": statuses.count("failed"),
        "pending_count": statuses.count(PENDING),
        "cancelled_count": statuses.count("cancelled"),
        "title": invocation["title"],
        "access_info": access(invocation["creator"]),
        "repeat_count": invocation["repeat_count"],
    }


def _wanted(invocation: Json, query: Any) -> bool:
    equal = ("agent_id", "branch_id", "version_id")
    if any(query[name] not in (None, invocation[name]) for name in equal):
        return False
    created_at = invocation["created_at"]
    return (
        (query["search"] or "").casefold() in invocation["title"].casefold()
        and query["test_id"] in (None, *(run["test_id"] for run in invocation["runs"]))
        and (query["start_time"] is None or created_at >= query["start_time"])
        and (query["end_time"] is None or created_at <= query["end_time"])
    )
