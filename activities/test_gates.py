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
    question = Question(kind="agent", name=agent, plan=plan, accounts=(account,), break_glass=True)
    return verdict(standing, question)


test_verdict.__test__ = False  # type: ignore[attr-defined]
