"""A carrier asks who takes a call: decided, written down, and answered in the carrier's words.

Asked again about the same call, the answer is the same as long as the call goes on, whichever
process is asked. What cannot be answered is left to the carrier's own fallback, which a number's
plan has set: an error here is no silence there.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from trunkline.model.calls.addresses import (
    AFTER_ROUTE,
    STREAM_ROUTE,
    after_address,
    media_address,
    number_address,
    public_address,
    whisper_address,
)
from trunkline.model.calls.limits import (
    REGISTER_CALL_TIMEOUT_S,
    REGISTERED_CALLS_MAX,
    SUMMARY_MAX_CHARACTERS,
)
from trunkline.model.calls.lines import LineRequest
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import OVER, CallRecord, EndedBy, RouteTaken
from trunkline.model.calls.routing import CallFacts, Decision, decide
from trunkline.model.calls.signed import Fields, SignedRequest, value_of
from trunkline.model.desired import DesiredLine, DesiredNumber
from trunkline.model.errors import CallOver, Forbidden, PlatformError
from trunkline.model.ids import ExternalId, new_call_id
from trunkline.model.own_routing import in_force
from trunkline.ports import Clock, Ledger, Wishes
from trunkline.ports.calls import Calls, Carrier
from trunkline.services.call_rules import rules_of
from trunkline.services.call_standings import CallStandings, Standing
from trunkline.services.caller_languages import languages_of
from trunkline.services.carrier_requests import (
    UNSIGNED,
    CallPlace,
    CarrierRequests,
    ProvedRequest,
)

ENDED_WELL: Final[frozenset[EndedBy]] = frozenset({"caller", "agent", "operator", "limit"})
"""Ends after which there is nobody to apologise to."""
MARKUP: Final = "<"
NOBODY: Final = Standing("")

logger = logging.getLogger(__name__)


def facts_of(query: Fields, fields: Fields, *, skill: str) -> CallFacts:
    """What is known of a call: a menu's choices are in the address, the rest the carrier says."""
    asked, country = value_of(query, "language"), value_of(fields, "FromCountry")
    return CallFacts(
        caller=value_of(fields, "From"),
        call_id=value_of(fields, "CallSid"),
        languages=(asked,) if asked else languages_of(country),
        of_country="" if asked else country.upper(),
        skill=value_of(query, "skill") or skill,
    )


def answering(number: DesiredNumber) -> DesiredNumber:
    """The number with a table, also where its calls are not meant to come to us: while it moves
    from or to the platform some still do.
    """
    if number.lines or number.agent is None:
        return number
    return number.model_copy(update={"lines": (DesiredLine(agent=number.agent),)})


class CallRoutingService:
    """Answers carriers about calls of numbers."""

    def __init__(
        self,
        requests: CarrierRequests,
        calls: Calls,
        wishes: Wishes,
        ledger: Ledger,
        standings: CallStandings,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._calls = calls
        self._wishes = wishes
        self._ledger = ledger
        self._standings = standings
        self._clock = clock
        self._registered: OrderedDict[str, str] = OrderedDict()

    async def answer(self, place: CallPlace, name: str, request: SignedRequest) -> str:
        """What a call to a number is to do. Raises Forbidden, NotConfigured, InvalidInput, and
        CallOver for a call that has ended.
        """
        proved = await self._requests.proved(place, request)
        number = await self._number(place, name)
        query = request.query()
        if value_of(query, "order"):
            return await self._outgoing(number, proved, query)
        known = await self._calls.call_of_carrier(proved.carrier.account, proved.call_id)
        if known is None:
            if proved.is_repeated:
                raise CallOver("This request was answered before, and its call is not known")
            known = await self._opened(number, proved, query)
        if (known.project, known.environment) != place:
            raise Forbidden(UNSIGNED)
        if known.is_over:
            raise CallOver(f"Call {known.id} has ended")
        return await self._connected(number, proved.carrier, known)

    async def after(self, place: CallPlace, name: str, request: SignedRequest) -> str:
        """What a call is to do whose media stream has ended, or whose caller was passed on to
        somebody and is alone again. Raises as ``answer`` does.
        """
        proved = await self._requests.proved(place, request)
        record = await self._calls.call_of_carrier(proved.carrier.account, proved.call_id)
        if record is None or (record.project, record.environment, record.number) != (*place, name):
            raise Forbidden(UNSIGNED)
        if record.transferred_to and proved.said("DialCallStatus"):
            return await self._passed_on(proved, record)
        if record.transferred_to and record.transfer_failure is None:
            public_url = self._requests.public_url
            return proved.carrier.transfer_answer(
                record.transferred_to,
                whisper_url=whisper_address(public_url, record),
                then=after_address(public_url, record),
            )
        if record.ended_by in ENDED_WELL:
            return proved.carrier.hangup_answer()
        return await self._apology(proved.carrier, record)

    async def whisper(self, place: CallPlace, call_id: str, request: SignedRequest) -> str:
        """What whoever takes a call over hears before they are connected: its summary.

        The request is about the call to that person, which the carrier says belongs to ours.
        Raises as ``answer`` does.
        """
        proved = await self._requests.proved(place, request)
        record = await self._calls.call(place.project, call_id)
        if record is None or record.environment != place.environment or not record.transferred_to:
            raise Forbidden(UNSIGNED)
        caller_leg = (proved.carrier.account, proved.said("ParentCallSid"))
        if caller_leg != (record.carrier_account, record.carrier_call_id):
            raise Forbidden(UNSIGNED)
        if record.is_over:
            raise CallOver(f"Call {record.id} has ended")
        rules = await rules_of(self._wishes, record)
        words = record.summary[:SUMMARY_MAX_CHARACTERS]
        return proved.carrier.whisper_answer(words, language=rules.language)

    async def decision(
        self, number: DesiredNumber, facts: CallFacts, at: datetime
    ) -> tuple[Decision, Mapping[str, Standing]]:
        """Who would take a call at a moment, and how the agents of the table stand now."""
        table = answering(number)
        standings = await self._standings.of(
            number.project, number.environment, (line.agent for line in table.lines)
        )
        unfit = {agent: standing.unfit for agent, standing in standings.items()}
        return decide(table, facts, at, unfit), standings

    async def number_in_force(self, desired: DesiredNumber) -> DesiredNumber:
        """The wish with the table that was taken over."""
        entry = await self._ledger.entry(
            desired.project, desired.environment, "number", desired.name
        )
        return in_force(desired, entry.applied) if entry is not None else desired

    async def _number(self, place: CallPlace, name: str) -> DesiredNumber:
        record = await self._wishes.wish(place.project, place.environment, "number", name)
        if record is None or record.removed:
            raise Forbidden(UNSIGNED)
        return await self.number_in_force(DesiredNumber.model_validate(record.body))

    async def _opened(
        self, number: DesiredNumber, proved: ProvedRequest, query: Fields
    ) -> CallRecord:
        """The record of a new call, with the way it is to take."""
        report = proved.carrier.report(proved.fields)
        if report.state in OVER:
            raise CallOver("The call has ended before it began")
        facts = facts_of(query, proved.fields, skill=number.skill)
        decision, standings = await self.decision(number, facts, self._clock.now())
        chosen = standings.get(decision.agent or "", NOBODY)
        desired, row = chosen.desired, chosen.row
        call_id = new_call_id(report.from_number)
        ticket = proved.carrier.ticket(call_id)
        record = CallRecord(
            id=call_id,
            project=number.project,
            environment=number.environment,
            agent=decision.agent or "",
            routing="register-call" if number.routing == "register-call" else "bridge",
            state=report.state,
            number=number.name,
            from_number=report.from_number,
            to_number=report.to_number,
            carrier_account=proved.carrier.account,
            carrier_call_id=proved.call_id,
            agent_id=row.external_id if row is not None else None,
            version=row.version if row is not None else 0,
            revision=row.revision if row is not None else None,
            digest=row.digest if row is not None else None,
            route=RouteTaken(line=decision.line, words=decision.words),
            started_at=self._clock.now(),
            message="" if decision.agent else decision.words,
            context=desired.context if desired is not None else {},
            ticket_digest=hashlib.sha256(ticket.encode()).hexdigest() if decision.agent else "",
        )
        return await self._calls.open_call(record)

    async def _outgoing(self, number: DesiredNumber, proved: ProvedRequest, query: Fields) -> str:
        """Somebody whom we called answers: the record is there already, and names the agent."""
        wanted = value_of(query, "try")
        known = await self._calls.call(number.project, wanted) if wanted else None
        if known is None or known.order != value_of(query, "order"):
            raise Forbidden(UNSIGNED)
        if known.environment != number.environment or known.direction != "outbound":
            raise Forbidden(UNSIGNED)
        if known.carrier_call_id not in ("", proved.call_id):
            raise Forbidden(UNSIGNED)
        if known.is_over:
            raise CallOver(f"Call {known.id} has ended")
        ticket = hashlib.sha256(proved.carrier.ticket(known.id).encode()).hexdigest()
        account, state = proved.carrier.account, proved.carrier.report(proved.fields).state

        def answered(record: CallRecord) -> CallRecord:
            if record.is_over or proved.is_repeated:
                return record
            found: dict[str, object] = {
                "carrier_account": account,
                "carrier_call_id": proved.call_id,
            }
            if state == "in-progress":
                at = record.answered_at or self._clock.now()
                found = {**found, "state": state, "answered_at": at}
            return record.model_copy(
                update={**found, "ticket_digest": ticket, "placing": None, "routing": "bridge"}
            )

        changed = await self._calls.change_call(known.project, known.id, answered)
        return await self._connected(number, proved.carrier, changed)

    async def _connected(self, number: DesiredNumber, carrier: Carrier, record: CallRecord) -> str:
        """The answer that brings a call where its record says."""
        is_scripted = bool(record.test) and record.direction == "outbound"
        if not is_scripted and (not record.agent or record.agent_id is None):
            return await self._apology(carrier, record)
        if record.routing == "register-call":
            return await self._registered_call(carrier, record)
        public_url = self._requests.public_url
        return carrier.stream_answer(
            media_address(public_url),
            {"call": record.id, "ticket": carrier.ticket(record.id)},
            then=number_address(public_url, AFTER_ROUTE, number),
            status_url=public_address(public_url, STREAM_ROUTE),
        )

    async def _passed_on(self, proved: ProvedRequest, record: CallRecord) -> str:
        """The caller is alone again: the person has hung up, or was never there."""
        failure = proved.carrier.transfer_failure(proved.fields)
        if failure is None:
            return proved.carrier.hangup_answer()

        def failed(known: CallRecord) -> CallRecord:
            words = f"nobody took over at {known.transferred_to}: {failure}"
            update = {"transfer_failure": failure, "message": words}
            changed = known.model_copy(update=update)
            return changed.model_copy(update={"outcome": outcome_of(changed)})

        changed = await self._calls.change_call(record.project, record.id, failed)
        return await self._apology(proved.carrier, changed)

    async def _registered_call(self, carrier: Carrier, record: CallRecord) -> str:
        """The voice platform's own words for the carrier: it takes the call itself."""
        if record.id in self._registered:
            return self._registered[record.id]
        request = LineRequest(
            agent_id=record.agent_id or ExternalId(""),
            variables=dict(record.context),
            caller=record.from_number,
            called=record.to_number,
            call_sid=record.carrier_call_id,
        )
        try:
            lines = await self._requests.platforms.lines(record.project, record.environment)
            answer = await lines.register_call(
                request, direction=record.direction, timeout_s=REGISTER_CALL_TIMEOUT_S
            )
        except PlatformError as error:
            return await self._unregistered(carrier, record, error.message)
        if not answer.lstrip().startswith(MARKUP):
            words = "the voice platform answered with something no carrier can follow"
            return await self._unregistered(carrier, record, words)
        self._registered[record.id] = answer
        while len(self._registered) > REGISTERED_CALLS_MAX:
            self._registered.popitem(last=False)
        return answer

    async def _unregistered(self, carrier: Carrier, record: CallRecord, words: str) -> str:
        logger.warning("call %s was not taken by the voice platform: %s", record.id, words)
        message = f"not taken by the voice platform: {words}"
        changed = await self._calls.change_call(
            record.project, record.id, lambda known: known.model_copy(update={"message": message})
        )
        return await self._apology(carrier, changed)

    async def _apology(self, carrier: Carrier, record: CallRecord) -> str:
        """Nobody can answer: the number's fallback is dialled, after a sentence if the caller was
        waiting for an agent already; without a fallback there is the sentence alone.
        """
        rules = await rules_of(self._wishes, record)
        if not record.agent and rules.fallback:
            return carrier.transfer_answer(rules.fallback)
        return carrier.apology_answer(
            rules.calls.apology, language=rules.language, forward_to=rules.fallback
        )
