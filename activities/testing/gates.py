"""Whether an agent may be tested right now: what holds writes back, as far as it concerns a branch.

A branch without traffic changes nothing that is live, so windows, approvals and drift policies do
not matter to it. An environment that only observes, a suspension, an agent somebody took the calls
away from and an account nobody confirmed do.
"""

from trunkline.model.gates import Question, Standing, Verdict, suspension_words, verdict
from trunkline.model.planner import plan_digest
from trunkline.model.plans import Plan, Step

SUSPENDED = "Suspended"
DISABLED = "Disabled"
UNDONE = "a test needs a branch beside the live agent, and nothing is written"
ELSEWHERE = "a folder is tested on the simulators with `trunkline test run --local`"


def test_verdict(standing: Standing, project: str, agent: str, account: str) -> Verdict:
    """Why the agent may not be tested; an empty reason if it may."""
    suspended = standing.find("suspend", "agent", agent)
    if suspended is not None:
        return Verdict(reason=SUSPENDED, message=suspension_words(suspended))
    disabled = standing.find("disable", "agent", agent)
    if disabled is not None:
        words = f"{disabled.name} was disabled by {disabled.by}: {disabled.reason}"
        return Verdict(reason=DISABLED, message=words)
    step = Step(action="create", subject="test", name=agent, key=agent, summary="test branch")
    plan = Plan(
        project=project,
        environment=standing.environment,
        digest=plan_digest((step,), None),
        steps=(step,),
    )
    question = Question(
        kind="agent",
        name=agent,
        plan=plan,
        accounts=(account,),
        break_glass=True,
        undone=UNDONE,
    )
    found = verdict(standing, question)
    if not found.held:
        return found
    return found.model_copy(update={"message": f"{found.message}; {ELSEWHERE}"})


test_verdict.__test__ = False  # type: ignore[attr-defined]
