"""Scripts of conversation tests that placed a call: read where the run left them, gone through over
whatever line there is, and what was heard left for whoever placed the call. Nothing is judged here.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from activities.conversing import Company, Conversation, converse, lost_conversation
from activities.testing.results import put_part, read_content, read_part
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import TrunklineError
from trunkline.model.ids import ExternalId
from trunkline.model.testing.costs import TestRates
from trunkline.model.testing.placed import HeardCall, PhonePlan, parts_of, plan_key
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.talk import TalkRequest
from trunkline.ports import Clock
from trunkline.ports.calls import Calls
from trunkline.ports.talking import CallerModel, Studio, Talks
from trunkline.ports.testing import RunParts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScriptPorts:
    """What a script over the telephone needs of the outside. ``studio`` makes one, which takes
    memory; without ``caller`` nobody improvises.
    """

    calls: Calls
    parts: RunParts
    clock: Clock
    studio: Callable[[], Studio]
    caller: CallerModel | None = None
    rates: TestRates = field(default_factory=TestRates)


class CallScripts:
    """The callers that are scripts."""

    def __init__(self, ports: ScriptPorts) -> None:
        self._ports = ports

    async def begin(self, record: CallRecord) -> PhonePlan:
        """Who calls whom. From now on whatever ends the call is a caller's hanging up to the
        carrier, so that nobody apologises to a number of ours.

        Raises NotFound for a run that is over, StoreUnavailable.
        """
        run_id, test, _ = parts_of(record.test)
        await self._ports.calls.change_call(
            record.project,
            record.id,
            lambda known: known.model_copy(update={"ended_by": known.ended_by or "caller"}),
        )
        return await read_part(self._ports.parts, run_id, "rendering", plan_key(test), PhonePlan)

    async def hold(self, record: CallRecord, plan: PhonePlan, talks: Talks) -> None:
        """Go through the script and keep what was heard. Raises NotFound, StoreUnavailable."""
        parts = self._ports.parts
        run_id, test, key = parts_of(record.test)
        script = await read_part(parts, run_id, "script", test, Script)
        request = TalkRequest(agent_id=ExternalId(plan.agent), text_only=False)
        try:
            talk = await converse(script, request, self._company(run_id, talks))
        except TrunklineError as error:
            logger.warning("the test's side of call %s broke: %s", record.id, error.message)
            talk = lost_conversation(error)
        await put_part(parts, run_id, "call", key, _heard(talk))

    def _company(self, run_id: str, talks: Talks) -> Company:
        async def sound(digest: str) -> bytes:
            return await read_content(self._ports.parts, run_id, digest) or b""

        return Company(
            talks=talks,
            clock=self._ports.clock,
            studio=self._ports.studio(),
            caller=self._ports.caller,
            sound=sound,
            rates=self._ports.rates,
            is_phone=True,
        )


def _heard(talk: Conversation) -> HeardCall:
    return HeardCall(lines=talk.lines, overs=talk.overs, facts=talk.facts)
