"""What holds for one call, from the project's manifest in force and the agent's wish.

Read once when a call begins: what changes meanwhile holds for the next one. A manifest that cannot
be read, or is not there yet, leaves every rule at its default, because a caller is on the line.
"""

import logging
from dataclasses import dataclass

from activities.calls.facts import call_rules
from trunkline.model.calls.records import CallRecord
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import StoreUnavailable, TrunklineError
from trunkline.model.kinds.calls import Calls
from trunkline.ports import Wishes

FALLBACK_LANGUAGE = "en"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRules:
    """``longest_s`` is the shorter one of the project's and the agent's; ``fallback`` is where the
    number sends callers nobody of ours can serve, "" if it has no such number.
    """

    calls: Calls
    longest_s: float
    language: str = FALLBACK_LANGUAGE
    fallback: str = ""


async def rules_of(wishes: Wishes, record: CallRecord) -> CallRules:
    """The rules of a call; what cannot be asked or read leaves the defaults."""
    calls, agent, number = Calls(), None, None
    try:
        calls = await call_rules(wishes, record.project)
    except TrunklineError as error:
        logger.warning("call %s goes by the defaults: %s", record.id, error.message)
    try:
        agent = await wishes.wish(record.project, record.environment, "agent", record.agent)
        if record.number:
            number = await wishes.wish(record.project, record.environment, "number", record.number)
    except StoreUnavailable as error:
        logger.warning("call %s goes by the project alone: %s", record.id, error.message)
    desired = DesiredAgent.model_validate(agent.body) if agent is not None else None
    wanted = DesiredNumber.model_validate(number.body) if number is not None else None
    longest_s = calls.longest.total_seconds()
    if desired is not None and desired.max_duration_s is not None:
        longest_s = min(longest_s, desired.max_duration_s)
    return CallRules(
        calls,
        longest_s,
        language=(desired.language if desired is not None else None) or FALLBACK_LANGUAGE,
        fallback=(wanted.fallback_number if wanted is not None else None) or "",
    )
