"""Calls of one Twilio account as ``ports.Carrier``: placed, looked for, ended, redirected.

A create whose answer was lost, or that the vendor broke over, may have placed the call; it is never
said to have failed. Nothing here knows what a call is for.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeGuard, get_args

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest.api.v2010.account.call import CallContext, CallInstance

from trunkline.adapters.rate_limits import Pace
from trunkline.adapters.twilio import answers
from trunkline.adapters.twilio.refusals import MISSING_CODE, translated
from trunkline.adapters.twilio.signing import is_signed
from trunkline.adapters.twilio.telephony import rest_client
from trunkline.adapters.twilio.transport import PacedTransport
from trunkline.adapters.wire import Wire
from trunkline.model.calls.carrier import CarrierCall, CarrierOrder, CarrierReport
from trunkline.model.calls.records import OVER, CallState, TransferFailure
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.errors import CallOver, InvalidInput, OutcomeUnknown, Unavailable

NOT_IN_PROGRESS: Final = 21220
LISTED_MAX: Final = 100
"""Calls between two numbers that are looked through, newest first: hours of trying."""
STATES: Final[frozenset[str]] = frozenset(get_args(CallState))
INITIATED: Final = "initiated"
"""What a report calls a call that has just left the queue; everywhere else it is queued still."""
REACHED: Final = frozenset({"completed", "answered"})
"""How ``Dial`` ends if somebody picked up; whether they were connected is told apart from it."""
UNBRIDGED: Final = "false"
TRANSFER_FAILURES: Final[frozenset[str]] = frozenset(get_args(TransferFailure))
TICKET_PURPOSE: Final = b"trunkline media ticket "


class TwilioCarrier:
    """One account. Holds no connection of its own, so nothing needs closing."""

    def __init__(
        self,
        wire: Wire,
        pace: Pace,
        *,
        account: str,
        token: str,
        read_timeout_s: float,
        shared_keys: Mapping[str, str] | None = None,
    ) -> None:
        self._wire = wire
        self._pace = pace
        self._account = account
        self._token = token
        self._read_timeout_s = read_timeout_s
        self._shared_keys = shared_keys or {}

    def __repr__(self) -> str:
        return f"TwilioCarrier({self._account})"

    @property
    def account(self) -> str:
        """The account id."""
        return self._account

    async def place(self, order: CarrierOrder, *, timeout_s: float) -> CarrierCall:
        """Place a call; every step of it is reported. Raises OutcomeUnknown if in doubt."""
        fields: dict[str, object] = {
            "to": order.to_number,
            "from_": order.from_number,
            "url": order.answer_url,
            "method": "POST",
            "status_callback": order.status_url,
            "status_callback_method": "POST",
            "status_callback_event": ["initiated", "ringing", "answered", "completed"],
            "timeout": order.ring_timeout_s,
        }
        if order.fallback_url:
            fields.update(fallback_url=order.fallback_url, fallback_method="POST")
        if order.longest_s is not None:
            fields["time_limit"] = order.longest_s
        try:
            placed = await self._calls(timeout_s).create_async(**fields)
        except TwilioException as error:
            refusal = self._translated(error, "a new call")
            if not isinstance(refusal, Unavailable):
                raise refusal from error
            words = f"{refusal.message}; the call may have been placed"
            raise OutcomeUnknown(words) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutcomeUnknown("the answer of Twilio about a new call cannot be read") from error
        try:
            return _call(placed)
        except Unavailable as error:
            raise OutcomeUnknown(error.message) from error

    async def find(
        self, *, to_number: str, from_number: str, since: datetime
    ) -> tuple[CarrierCall, ...]:
        """Calls between two numbers since a time, oldest first; those that still wait, too."""
        with self._refusals("calls"):
            page = await self._calls().page_async(
                to=to_number, from_=from_number, page_size=LISTED_MAX
            )
            found = [_call(each) for each in page]
        fresh = [one for one in found if one.started_at is None or one.started_at >= since]
        return tuple(sorted(fresh, key=lambda one: (one.started_at or since, one.sid)))

    async def call(self, sid: str) -> CarrierCall:
        """One call. Raises RemoteMissing."""
        with self._refusals(f"call {sid}"):
            return _call(await self._one(sid).fetch_async())

    async def legs(self, sid: str) -> tuple[CarrierCall, ...]:
        """Calls that were dialled within a call, oldest first."""
        with self._refusals(f"legs of call {sid}"):
            page = await self._calls().page_async(parent_call_sid=sid, page_size=LISTED_MAX)
            return tuple(reversed([_call(each) for each in page]))

    async def end(self, sid: str, *, timeout_s: float) -> None:
        """Hang up, or cancel what nobody answered; a call that is over is no error."""
        for status in ("completed", "canceled"):
            try:
                await self._one(sid, timeout_s).update_async(status=status)
            except TwilioRestException as error:
                if error.code == MISSING_CODE:
                    return
                if error.code != NOT_IN_PROGRESS:
                    raise self._translated(error, f"call {sid}") from error
            except TwilioException as error:
                raise self._translated(error, f"call {sid}") from error
            else:
                return

    async def redirect(self, sid: str, answer: str, *, timeout_s: float) -> None:
        """Let a live call follow another answer. Raises CallOver, RemoteMissing."""
        try:
            await self._one(sid, timeout_s).update_async(twiml=answer)
        except TwilioException as error:
            if isinstance(error, TwilioRestException) and error.code == NOT_IN_PROGRESS:
                raise CallOver(f"call {sid} is not going on any more") from error
            raise self._translated(error, f"call {sid}") from error

    def is_signed(self, request: SignedRequest, url: str) -> bool:
        """True if the account signed the request for this address. Raises InvalidInput."""
        return is_signed(request, url, token=self._token, shared_keys=self._shared_keys)

    def ticket(self, call_id: str) -> str:
        """Follows from the account's key, so that no process has to remember it."""
        said = TICKET_PURPOSE + call_id.encode()
        return hmac.new(self._token.encode(), said, hashlib.sha256).hexdigest()

    def report(self, parameters: Sequence[tuple[str, str]]) -> CarrierReport:
        """A status callback's fields, or those of a question about a call. Raises InvalidInput."""
        said = dict(parameters)
        state, sid = said.get("CallStatus", ""), said.get("CallSid", "")
        state = "queued" if state == INITIATED else state
        if not _is_state(state) or not sid:
            raise InvalidInput("The request does not say how which call is")
        return CarrierReport(
            sid=sid,
            state=state,
            sequence=_count(said.get("SequenceNumber", "0")),
            at=_moment(said.get("Timestamp", "")),
            duration_s=_count(said["CallDuration"]) if said.get("CallDuration") else None,
            from_number=said.get("From", ""),
            to_number=said.get("To", ""),
        )

    def stream_answer(
        self, url: str, parameters: Mapping[str, str], *, then: str, status_url: str = ""
    ) -> str:
        """Connect the call with a media stream both ways; when it ends ``then`` is asked."""
        return answers.stream(url, parameters, then=then, status_url=status_url)

    def apology_answer(self, sentence: str, *, language: str, forward_to: str = "") -> str:
        """Say a sentence, then dial a number if there is one, else hang up."""
        return answers.apology(sentence, language=language, forward_to=forward_to)

    def transfer_answer(
        self,
        to_number: str,
        *,
        sentence: str = "",
        language: str = "",
        caller_id: str = "",
        whisper_url: str = "",
        then: str = "",
    ) -> str:
        """Say a sentence and dial a number; who picks up hears ``whisper_url`` first."""
        return answers.transfer(
            to_number,
            sentence=sentence,
            language=language,
            caller_id=caller_id,
            whisper_url=whisper_url,
            then=then,
        )

    def whisper_answer(self, words: str, *, language: str) -> str:
        """Say words to whoever picked up, and let them be connected."""
        return answers.whisper(words, language=language)

    def transfer_failure(self, parameters: Sequence[tuple[str, str]]) -> TransferFailure | None:
        """Why nobody took over, by how ``Dial`` ended. A word nobody knows is a failure."""
        said = dict(parameters)
        status = said.get("DialCallStatus", "")
        if status in REACHED:
            return "declined" if said.get("DialBridged") == UNBRIDGED else None
        return status if _is_transfer_failure(status) else "failed"

    def hangup_answer(self) -> str:
        """Hang up."""
        return answers.hangup()

    def hosted_fallback(self, forward_to: str, sentence: str) -> str:
        """An address at Twilio itself that dials a number, or says a sentence."""
        return answers.hosted_fallback(forward_to, sentence)

    def _one(self, sid: str, timeout_s: float | None = None) -> CallContext:
        return self._calls(timeout_s)(sid)

    def _calls(self, timeout_s: float | None = None) -> CallContext:
        transport = PacedTransport(
            self._wire, self._pace, timeout_s=timeout_s or self._read_timeout_s
        )
        client = rest_client(transport, self._wire.base_url, self._account, self._token)
        return client.api.v2010.accounts(self._account).calls

    def _translated(self, error: TwilioException, asked: str) -> Exception:
        return translated(error, asked=asked, token=self._token)

    @contextmanager
    def _refusals(self, asked: str) -> Iterator[None]:
        try:
            yield
        except TwilioException as error:
            raise self._translated(error, asked) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"the answer of Twilio about {asked} cannot be read") from error


def _call(instance: CallInstance) -> CarrierCall:
    state = str(instance.status)
    if not instance.sid or not _is_state(state):
        raise Unavailable("the answer of Twilio names a call without id or state")
    outgoing = str(instance.direction or "").startswith("outbound")
    direction: Literal["inbound", "outbound"] = "outbound" if outgoing else "inbound"
    return CarrierCall(
        sid=instance.sid,
        state=state,
        direction=direction,
        from_number=instance._from or "",
        to_number=instance.to or "",
        started_at=_utc(instance.start_time or instance.date_created),
        ended_at=_utc(instance.end_time) if state in OVER else None,
        duration_s=_count(instance.duration) if instance.duration else None,
        price_usd=_price(instance),
    )


def _price(instance: CallInstance) -> float | None:
    """Twilio shows what it takes as a negative number, and in the account's currency."""
    if not instance.price or (instance.price_unit or "USD") != "USD":
        return None
    return abs(float(instance.price))


def _is_state(text: str) -> TypeGuard[CallState]:
    return text in STATES


def _is_transfer_failure(text: str) -> TypeGuard[TransferFailure]:
    return text in TRANSFER_FAILURES


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004 - a century
        raise InvalidInput("The request counts with something that is no number")
    return int(text)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return _utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError) as error:
        raise InvalidInput("The request names a time nobody can read") from error


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
