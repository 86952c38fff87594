"""What running conversation tests asks of the store: runs, desks of tools, answers of judges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.base import JsonObject
from trunkline.model.manual_results import ManualResult
from trunkline.model.testing.baselines import Baseline
from trunkline.model.testing.desks import Desk, DeskCall
from trunkline.model.testing.judging import JudgeAnswer
from trunkline.model.testing.results import TestResult, TestRunReport
from trunkline.model.testing.runs import TestHolding, TestPart, TestPartKind


class RunReports(Protocol):
    """Requests for tests and what came of them."""

    async def open_run(self, report: TestRunReport) -> None:
        """Insert; opening the same id again leaves what is there."""

    async def describe_run(self, report: TestRunReport) -> None:
        """Say more about a run that has not ended: what is tested, and about what it will cost."""

    async def put_result(self, run_id: str, result: TestResult) -> None:
        """The newest state of one test of a run, by name."""

    async def finish_run(self, report: TestRunReport) -> None:
        """Outcome and message; the results stay those that were put."""

    async def run_report(self, run_id: str) -> TestRunReport | None:
        """One run with its results by name, or None."""

    async def run_reports(
        self, project: str, *, agent: str | None = None, after: str = "", limit: int
    ) -> tuple[TestRunReport, ...]:
        """Runs without transcripts, newest first."""

    async def spent_usd(self, project: str, since: datetime) -> float:
        """What conversations of the project have cost since then, running ones as estimated."""

    async def spend(self, project: str, run_id: str, usd: float) -> None:
        """Count what a conversation cost."""


class Desks(Protocol):
    """Desks of conversations under test."""

    async def open_desk(self, desk: Desk) -> None:
        """Prepare; a desk opened again under its id begins anew, its calls forgotten."""

    async def close_desk(self, desk_id: str) -> None:
        """Nothing is answered any more; the calls stay readable."""

    async def knows(self, token_digest: str, at: datetime) -> bool:
        """True if a desk is open for that token."""

    async def take_call(
        self,
        token_digest: str,
        tool: str,
        arguments: JsonObject,
        at: datetime,
        *,
        from_query: bool = False,
    ) -> DeskCall | None:
        """Choose the answer and write the call down, in one transaction; None: no such desk.

        ``from_query``: the arguments are texts because they came in an address.
        """

    async def desk_calls(self, desk_id: str, *, after: int = 0) -> Sequence[DeskCall]:
        """Calls in order of arrival, those after an ordinal."""


class JudgeAnswers(Protocol):
    """Answers of judges by content: the same judge, the same question, the same vote."""

    async def judge_answer(self, key: str) -> JudgeAnswer | None:
        """A remembered answer."""

    async def put_judge_answer(self, key: str, answer: JudgeAnswer) -> None:
        """Remember an answer."""


class ManualResults(Protocol):
    """What people found by calling agents themselves."""

    async def put_manual_result(self, result: ManualResult) -> None:
        """Insert; the same id again leaves what is there."""

    async def manual_results(
        self, project: str, agent: str, *, before: tuple[datetime, str] | None = None, limit: int
    ) -> tuple[ManualResult, ...]:
        """Results of an agent, newest first, those older than a time and id."""


class Baselines(Protocol):
    """What released agents did when they were known to be as released."""

    async def put_baseline(self, baseline: Baseline) -> None:
        """Insert, or replace that of what was released before."""

    async def baseline(self, project: str, environment: str, agent: str) -> Baseline | None:
        """That of an agent, or None."""


class RunParts(Protocol):
    """What the activities of one run leave for each other; all of it goes when the run ends."""

    async def put_part(self, run_id: str, part: TestPart) -> None:
        """Insert or replace; nothing happens for a run that is not there."""

    async def part(self, run_id: str, kind: TestPartKind, key: str) -> TestPart | None:
        """One part, or None."""

    async def parts(self, run_id: str, kind: TestPartKind, *, below: str) -> tuple[TestPart, ...]:
        """The parts of a kind whose keys begin with ``below``, by key."""


class Places(Protocol):
    """How many conversations of ours an account has at once, across all processes."""

    async def take_place(self, account: str, holder: str, limit: int, expires_at: datetime) -> bool:
        """Take one of ``limit`` places, or keep the one that is held already."""

    async def leave_place(self, account: str, holder: str) -> None:
        """Give a place back; one that is not held is no error."""

    async def places_taken(self, account: str) -> int:
        """How many places of an account are held."""


class Holdings(Protocol):
    """What was made on a platform for tests, and the runs that use it."""

    async def hold(self, holding: TestHolding, holder: str, expires_at: datetime) -> bool:
        """Hold it for a run; False while somebody is putting it away: ask again."""

    async def keep_holdings(self, project: str, holder: str, expires_at: datetime) -> None:
        """Everything a run holds is held longer: it is still at work."""

    async def stop_holding(self, holding: TestHolding, holder: str, until: datetime) -> bool:
        """Let go of it; True if nobody else holds it, and the caller has until then to put it
        away.
        """

    async def closes(self, holding: TestHolding, until: datetime) -> bool:
        """Go on putting it away until then; False if a run holds it by now."""

    async def stays(self, holding: TestHolding) -> None:
        """It could not be put away: runs may hold it again, and the next one tries once more."""

    async def was_put_away(self, holding: TestHolding) -> None:
        """It is gone from the platform: nothing is known of it any more."""

    async def holdings(self, project: str, holder: str) -> tuple[TestHolding, ...]:
        """What a run holds, branches before tools: a branch refers to its tools."""

    async def abandoned(self, project: str, *, limit: int) -> Sequence[TestHolding]:
        """What runs held that never let go, or was never put away to the end."""
