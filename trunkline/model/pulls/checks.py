"""What is still to be done for a pull request, and what its checks came to so far.

Decided afresh at each look from what Git, plans and reports say; nothing is remembered that could
be found out again. Passed is only what passed: what nobody could find out stays inconclusive.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.canonical import digest
from trunkline.model.forges import PullRequest
from trunkline.model.ids import Revision, short_digest
from trunkline.model.pull_requests import AgentCheck, CheckState, PullRequestRecord
from trunkline.model.pulls.readings import Reading, ReviewedAgent
from trunkline.model.records import PlanRecord
from trunkline.model.testing.results import TestRunReport

ENDED: Final[frozenset[CheckState]] = frozenset({"passed", "failed", "inconclusive", "refused"})
RUN_NAME_MAX_CHARACTERS: Final = 48
"""Of an agent's name in the id of a run; the digest behind it tells agents apart."""
NOT_TRUSTED: Final = "waits for a maintainer: /trunkline test trusts exactly this commit"
"""Plans read accounts with their keys and say what is live there, so they wait as tests do."""


class Trouble(Frozen):
    """Why a plan or a run ended without leaving anything; ``key`` is the work's."""

    key: str
    reason: str
    message: str
    definite: bool = False


class WantedRun(Frozen):
    """Tests of one agent: on the ``candidate``, or on what runs now."""

    run_id: str
    agent: str
    current: bool
    platform: bool


class Findings(Frozen):
    """What is known: plans by environment, reports by run, troubles by key."""

    plans: dict[str, PlanRecord] = Field(default_factory=dict)
    reports: dict[str, TestRunReport] = Field(default_factory=dict)
    troubles: dict[str, Trouble] = Field(default_factory=dict)


class Checks(Frozen):
    """The record as it is now, the environments still to be planned and the runs still to be had,
    candidates before what runs now.
    """

    record: PullRequestRecord
    plans: tuple[str, ...] = ()
    runs: tuple[WantedRun, ...] = ()

    @property
    def settled(self) -> bool:
        """True if nothing is on its way."""
        return not self.plans and not self.runs


def plan_key(record: PullRequestRecord, environment: str) -> str:
    """The name of the plan of an environment, as an operation."""
    return f"pull-request/{record.project}/{record.number}/{record.plan_round}/{environment}"


def run_key(record: PullRequestRecord, agent: str, *, current: bool) -> str:
    """The id of a run of tests: short enough for an address, and of no two runs the same."""
    which = "current" if current else "candidate"
    told = short_digest(digest([record.project, agent]))
    shown = agent[:RUN_NAME_MAX_CHARACTERS]
    return f"pull-{record.number}-{record.test_round}-{shown}-{told}-{which}"


def first_record(project: str, pull: PullRequest, now: datetime) -> PullRequestRecord:
    """A pull request nobody looked at yet."""
    return PullRequestRecord(
        project=project,
        number=pull.number,
        title=pull.title,
        author=pull.author,
        head=pull.head,
        head_seen_at=now,
    )


def as_proposed(
    record: PullRequestRecord, pull: PullRequest, base: Revision | None, now: datetime
) -> PullRequestRecord:
    """The record of what the forge says now. Another head begins everything anew, and nobody has
    trusted it; a branch that moved on does not, until somebody asks.
    """
    said = record.model_copy(
        update={
            "title": pull.title,
            "author": pull.author,
            "url": pull.url,
            "state": pull.state,
            "is_fork": pull.is_fork,
            "head_ref": pull.head_ref,
            "head_branch": pull.head_branch,
        }
    )
    if pull.state != "open" or base is None:
        return said
    if pull.head != record.head or record.base is None:
        said = said.model_copy(
            update={
                "head_seen_at": record.head_seen_at if pull.head == record.head else now,
                "head": pull.head,
                "trusted_head": record.trusted_head if pull.head == record.trusted_head else None,
            }
        )
        return begun_again(said, base, plans=True, tests=True)
    return said


def begun_again(
    record: PullRequestRecord, base: Revision, *, plans: bool, tests: bool
) -> PullRequestRecord:
    """Plans or tests once more, on the newest commit of the branch; both if that moved."""
    moved = base != record.base
    update: dict[str, object] = {"base": base}
    if plans or moved:
        update |= {"plan_round": record.plan_round + 1, "plan": "waiting"}
    if tests or moved:
        update |= {"test_round": record.test_round + 1, "agents": ()}
    return record.model_copy(update=update)


def may_check(record: PullRequestRecord) -> bool:
    """True if plans and tests of this head may be begun: a fork's only if somebody trusts exactly
    it.
    """
    return record.state == "open" and (not record.is_fork or record.trusted_head == record.head)


def checked(record: PullRequestRecord, reading: Reading, found: Findings) -> Checks:
    """Where the checks stand, and what is left to do."""
    if not reading.valid:
        refused = {"plan": "refused", "agents": (), "message": reading.message}
        return Checks(record=record.model_copy(update=refused))
    if not may_check(record):
        waiting = {"plan": "waiting", "agents": tuple(_waiting(reading)), "message": NOT_TRUSTED}
        return Checks(record=record.model_copy(update=waiting))
    plans = tuple(
        one.name
        for one in reading.environments
        if not one.new
        and one.name not in found.plans
        and plan_key(record, one.name) not in found.troubles
    )
    runs: list[WantedRun] = []
    agents = [_agent(record, one, found, runs) for one in reading.agents if one.tests]
    runs.sort(key=lambda run: run.current)
    state = _plan_state(record, reading, found, open_plans=bool(plans))
    known = record.model_copy(update={"plan": state, "agents": tuple(agents), "message": ""})
    return Checks(record=known, plans=plans, runs=tuple(runs))


def verdict(record: PullRequestRecord) -> CheckState:
    """What all of it came to: the worst that is definite, then what is open."""
    states = [record.plan, *(one.state for one in record.agents)]
    order: tuple[CheckState, ...] = ("refused", "failed", "running", "waiting", "inconclusive")
    return next((state for state in order if state in states), "passed")


def _plan_state(
    record: PullRequestRecord, reading: Reading, found: Findings, *, open_plans: bool
) -> CheckState:
    troubles = [
        found.troubles[plan_key(record, one.name)]
        for one in reading.environments
        if plan_key(record, one.name) in found.troubles
    ]
    if any(one.definite for one in troubles):
        return "failed"
    if open_plans:
        return "running"
    return "inconclusive" if troubles else "passed"


def _agent(
    record: PullRequestRecord, agent: ReviewedAgent, found: Findings, runs: list[WantedRun]
) -> AgentCheck:
    """The check of one agent; what of it is still to be run is added to ``runs``."""
    candidate = run_key(record, agent.name, current=False)
    current = "" if agent.change == "added" else run_key(record, agent.name, current=True)
    check = AgentCheck(agent=agent.name, state="waiting", run_id=candidate, current_run_id=current)
    wanted = [
        WantedRun(
            run_id=run_id,
            agent=agent.name,
            current=run_id == current,
            platform=agent.runner == "platform",
        )
        for run_id in (candidate, current)
        if run_id and not _is_over(run_id, found)
    ]
    runs += wanted
    if wanted:
        return check.model_copy(
            update={"state": "running", "message": _progress(wanted, found, agent)}
        )
    return check.model_copy(update=_outcome(candidate, found))


def _waiting(reading: Reading) -> Iterator[AgentCheck]:
    """The agents of a head nobody trusts yet: no run of theirs has an id."""
    for one in reading.agents:
        if one.tests:
            yield AgentCheck(agent=one.name, state="waiting", message=NOT_TRUSTED)


def _is_over(run_id: str, found: Findings) -> bool:
    report = found.reports.get(run_id)
    return (report is not None and report.state != "Running") or run_id in found.troubles


def _progress(wanted: list[WantedRun], found: Findings, agent: ReviewedAgent) -> str:
    done = sum(
        len(report.tests) for run in wanted if (report := found.reports.get(run.run_id)) is not None
    )
    sides = 1 if agent.change == "added" else 2
    over = (sides - len(wanted)) * agent.tests
    return f"{min(done + over, sides * agent.tests)} of {sides * agent.tests} tests done"


def _outcome(run_id: str, found: Findings) -> dict[str, str]:
    report = found.reports.get(run_id)
    if report is None or report.state == "Running":
        trouble = found.troubles[run_id]
        return {"state": "inconclusive", "message": f"{trouble.reason}: {trouble.message}"}
    words = " ".join(_reasons(report))
    return {"state": report.outcome or "inconclusive", "message": words}


def _reasons(report: TestRunReport) -> Iterator[str]:
    if report.outcome == "passed":
        return
    if report.reason:
        yield f"{report.reason}:" if report.message else report.reason
    if report.message:
        yield report.message


def reports_wanted(record: PullRequestRecord, reading: Reading) -> Mapping[str, str]:
    """Runs the checks may have left, by id, with their agents."""
    return {
        run_key(record, one.name, current=current): one.name
        for one in reading.agents
        if one.tests
        for current in (False, True)
    }
