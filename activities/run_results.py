"""From a conversation that was held to the result of a run: the judge is heard, and all is counted.

The same for a worker and for the command line; knows no store and no Temporal.
"""

from activities.conversing import Conversation
from activities.judging import Allowed, ask, unlimited
from trunkline.model.errors import TrunklineError
from trunkline.model.testing.calibration import samples
from trunkline.model.testing.costs import TestRates, counted_usd
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.verdicts import RunFacts, conclude, questions
from trunkline.ports.talking import Judges


async def run_result(
    script: Script,
    talk: Conversation,
    judges: Judges,
    rates: TestRates,
    *,
    number: int,
    restarts: int = 0,
    allowed: Allowed = unlimited,
) -> RunResult:
    """What a conversation came to. Raises InvalidInput for a sample that is none."""
    spec = script.spec
    facts = talk.facts.model_copy(update={"number": number, "restarts": restarts})
    judged = await ask(
        judges.judge(spec.judge.model),
        questions(script, talk.lines, talk.overs, facts),
        votes=spec.judge.votes,
        samples=samples(script),
        allowed=allowed,
    )
    held_usd = counted_usd(spec.mode, rates, lines=talk.lines, duration_s=facts.duration_s)
    heard = facts.model_copy(
        update={
            "judge": judged.judge,
            "judge_problem": judged.problem,
            "cost_usd": held_usd + judged.usd,
        }
    )
    return conclude(script, talk.lines, talk.overs, judged.answers, heard)


def impossible_run(script: Script, error: TrunklineError, *, number: int) -> RunResult:
    """A run whose conversation could not even begin; nobody is to blame."""
    hint = f". {error.hint}" if error.hint else ""
    return lost_run(script, error.reason, f"{error.message}{hint}", number=number)


def lost_run(script: Script, reason: str, message: str, *, number: int) -> RunResult:
    """A run nothing is known of."""
    facts = RunFacts(number=number, lost=reason, lost_message=message)
    return conclude(script, (), (), {}, facts)
