"""The commit statuses of a pull request's head: one for plans, one for each agent that is tested.

Their number is bounded: a forge lists them all, and nobody reads a hundred. Inconclusive is told
as an error, which blocks a protected branch without saying that anything is wrong with the change.
"""

from collections import Counter
from typing import Final

from trunkline.model.forges import PLAN_CONTEXT, TESTS_CONTEXT, CommitState, CommitStatus
from trunkline.model.limits import COMMIT_STATUS_MAX_CHARACTERS, PULL_REQUEST_STATUSES_MAX
from trunkline.model.pull_requests import CheckState, PullRequestRecord
from trunkline.model.pulls.escaping import flat
from trunkline.model.pulls.readings import Reading

ALL_AGENTS: Final = TESTS_CONTEXT.rstrip("/")
"""The context of all agents together, where they are too many for one each."""
STATES: Final[dict[CheckState, CommitState]] = {
    "waiting": "pending",
    "running": "pending",
    "passed": "success",
    "failed": "failure",
    "refused": "failure",
    "inconclusive": "error",
}


def commit_statuses(
    record: PullRequestRecord, reading: Reading | None, *, page_url: str = ""
) -> tuple[CommitStatus, ...]:
    """What the head's statuses say, the plan's first."""
    return (
        _status(PLAN_CONTEXT, record, record.plan, _plan_words(record, reading), page_url),
        *_of_agents(record, page_url),
    )


def _of_agents(record: PullRequestRecord, page_url: str) -> tuple[CommitStatus, ...]:
    if len(record.agents) <= PULL_REQUEST_STATUSES_MAX:
        return tuple(
            _status(f"{TESTS_CONTEXT}{one.agent}", record, one.state, one.message, page_url)
            for one in record.agents
        )
    counts = Counter(one.state for one in record.agents)
    order: tuple[CheckState, ...] = ("failed", "running", "waiting", "inconclusive", "passed")
    worst = next(state for state in order if counts[state])
    words = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    return (_status(ALL_AGENTS, record, worst, words, page_url),)


def _status(
    context: str, record: PullRequestRecord, state: CheckState, words: str, page_url: str
) -> CommitStatus:
    told = STATES[state]
    if told == "pending" and record.state != "open":
        told, words = "error", "closed before it was known"
    return CommitStatus(
        context=context,
        state=told,
        description=flat(words or state, COMMIT_STATUS_MAX_CHARACTERS),
        target_url=page_url,
    )


def _plan_words(record: PullRequestRecord, reading: Reading | None) -> str:
    if reading is None or record.plan in ("waiting", "running"):
        return record.plan
    if not reading.valid:
        return reading.message
    count = len(reading.environments)
    said = f"{count} environment{'s' if count != 1 else ''} planned"
    if record.plan == "inconclusive":
        said = "an environment could not be planned: see the comment"
    if record.plan == "failed":
        said = "an environment cannot be planned: see the comment"
    behind = f", {reading.behind} commits behind" if reading.behind else ""
    unsigned = f"; {reading.signature}" if reading.signature else ""
    return f"{said}{behind}{unsigned}"
