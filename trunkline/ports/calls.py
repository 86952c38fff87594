"""What live calls ask of the outside: memory, news between processes, carriers and agents' lines.

Apart from the reconciler's ports because neither needs the other: a configuration is read whole, a
call is heard frame by frame.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from trunkline.model.base import Json
from trunkline.model.calls.carrier import CarrierCall, CarrierOrder, CarrierReport
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.context import ContextSlot, SlotEdit
from trunkline.model.calls.events import CallEvent, CallNews, EventName, NewEvent
from trunkline.model.calls.happenings import Happening
from trunkline.model.calls.lines import LineEvent, LineFormat, LineRequest
from trunkline.model.calls.native import NativeCall, NativeCallLine
from trunkline.model.calls.orders import CallOrder, DoNotCall
from trunkline.model.calls.records import CallFilter, CallRecord, TransferFailure
from trunkline.model.calls.redaction import Redact
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.ids import ExternalId
from trunkline.model.kinds.calls import Redaction

MakeRedact: TypeAlias = Callable[[Collection[Redaction], Sequence[str]], Redact]
"""Makes what blots things out of a text: of these kinds, in a call between these numbers."""


class Calls(Protocol):
    """Calls as they are remembered. A record is only ever changed under its row's lock."""

    async def open_call(self, record: CallRecord) -> CallRecord:
        """Insert; of a call that is known already, by the carrier's id or ours, the record that is
        there.
        """

    async def call(self, project: str, call_id: str) -> CallRecord | None:
        """One call."""

    async def call_of_carrier(self, account: str, sid: str) -> CallRecord | None:
        """The call a carrier knows by that id, of whatever project."""

    async def call_of_conversation(self, conversation_id: str) -> CallRecord | None:
        """The call a voice platform knows by that conversation."""

    async def change_call(
        self, project: str, call_id: str, change: Callable[[CallRecord], CallRecord]
    ) -> CallRecord:
        """Apply a pure change to the record as it is now; the answer is what was written.

        Raises NotFound.
        """

    async def calls(
        self,
        project: str,
        where: CallFilter,
        *,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[CallRecord, ...]:
        """Calls, newest first, those older than a start and id."""

    async def hold_call(self, project: str, call_id: str, holder: str) -> None:
        """Say that a process (by a name of its own) carries the call now and is alive."""

    async def release_call(self, project: str, call_id: str, holder: str) -> None:
        """The process carries the call no more."""

    async def holder_of(self, project: str, call_id: str) -> str | None:
        """The process that carries the call, if it was heard of lately."""

    async def abandoned_calls(
        self, *, idle_s: float, limit: int, project: str | None = None
    ) -> tuple[CallRecord, ...]:
        """Calls that are not over and whose process was not heard of for so long."""

    async def unsettled_calls(
        self, project: str, *, behind: datetime | None = None, limit: int
    ) -> tuple[CallRecord, ...]:
        """Calls that are over and about which something may still be found out, the one that
        ended first before the others, those that ended after ``behind``.
        """

    async def count_call_events(self, project: str, call_id: str, name: EventName) -> int:
        """How many events of a name a call has."""

    async def add_call_events(
        self, project: str, call_id: str, events: Sequence[NewEvent]
    ) -> tuple[CallEvent, ...]:
        """Append in order and tell every listener; the answer has their places."""

    async def events_of(
        self, project: str, call_id: str, *, after: int = 0, limit: int
    ) -> tuple[CallEvent, ...]:
        """What happened in a call behind a place, in order."""

    async def slots(self, project: str, call_id: str) -> tuple[ContextSlot, ...]:
        """Every slot the call ever had, by name."""

    async def edit_slots(
        self, project: str, call_id: str, edits: Sequence[SlotEdit], *, by: str, now: datetime
    ) -> tuple[ContextSlot, ...]:
        """All of the edits or none; the answer is every slot. Raises SlotChanged."""

    async def slots_given(
        self, project: str, call_id: str, slots: Mapping[str, int], at: datetime
    ) -> None:
        """The agent was told these revisions of slots."""

    async def put_command(self, command: CallCommand) -> CallCommand:
        """Insert and tell the process that carries the call."""

    async def command(self, project: str, command_id: int) -> CallCommand | None:
        """One command, with what became of it."""

    async def open_commands(self, project: str, call_id: str) -> tuple[CallCommand, ...]:
        """Commands nobody has carried out, oldest first."""

    async def conclude_command(self, command_id: int, at: datetime, failure: str) -> None:
        """Say what became of a command; the first word stays."""

    async def add_recording(
        self, project: str, call_id: str, part: int, caller: bytes, agent: bytes
    ) -> None:
        """One part of a recording: both tracks in G.711 µ-law at 8,000 Hz, of equal length."""

    def recording(
        self, project: str, call_id: str, *, first: int = 0
    ) -> AsyncIterator[tuple[bytes, bytes]]:
        """Parts of a recording in order, caller and agent, from a sample on."""

    async def recorded_samples(self, project: str, call_id: str) -> int:
        """How long a recording is so far, in samples of one track (8,000 a second)."""

    async def native_calls_read_until(self, project: str, environment: str) -> datetime | None:
        """Up to which start the platform's own calls were read; None before the first time."""

    async def put_native_calls_read_until(
        self, project: str, environment: str, until: datetime
    ) -> None:
        """Go on behind that start; never back."""

    async def forget_calls(
        self, project: str, *, transcripts_before: datetime, recordings_before: datetime, limit: int
    ) -> tuple[int, int]:
        """Delete what is older, of calls that are over; how many calls lost transcript and
        recording. The records stay.
        """

    async def was_seen(self, digest: str, *, keep_s: float) -> bool:
        """True if a signed request with this digest came before within that time; it counts as
        seen from now on.
        """


class CallOrders(Protocol):
    """Calls that were asked for, and numbers nobody may call."""

    async def put_order(self, order: CallOrder) -> CallOrder:
        """Insert; for a key the project has had, the order that is there."""

    async def order(self, project: str, order_id: str) -> CallOrder | None:
        """One order."""

    async def order_of_key(self, project: str, key: str) -> CallOrder | None:
        """The order that was asked for under an idempotency key."""

    async def change_order(
        self, project: str, order_id: str, change: Callable[[CallOrder], CallOrder]
    ) -> CallOrder:
        """Apply a pure change to the order as it is now. Raises NotFound."""

    async def orders(
        self,
        project: str,
        *,
        open_only: bool = False,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[CallOrder, ...]:
        """Orders, newest first."""

    async def put_do_not_call(self, entry: DoNotCall) -> None:
        """Add a number; one that is there keeps its first entry."""

    async def remove_do_not_call(self, project: str, number: str) -> bool:
        """Take a number off; False if it was not on."""

    async def do_not_call(self, project: str, number: str) -> DoNotCall | None:
        """The entry of a number."""

    async def do_not_call_page(
        self, project: str, *, after: str = "", limit: int
    ) -> tuple[DoNotCall, ...]:
        """Entries by number."""


class Happenings(Protocol):
    """What happens in a project and in its calls, as one story."""

    async def happenings(
        self,
        project: str,
        *,
        after: int,
        upto: int | None = None,
        call: str | None = None,
        limit: int,
    ) -> tuple[Happening, ...]:
        """What happened behind a number, oldest first; of one call alone if that is asked for.

        Without ``upto`` a follower that goes on behind the last number it saw misses nothing.
        """

    async def newest_happening(self, project: str) -> int:
        """The number of what happened last, 0 if nothing ever did."""


class NewsChannels(Protocol):
    """Short texts between the processes of an installation, in order, by channel."""

    def told(self, channels: Sequence[str]) -> AsyncGenerator[tuple[str, str] | None, None]:
        """Channel and payload, without end; None whenever something may have been missed, and at
        first.
        """

    async def tell(self, channel: str, payloads: Sequence[str]) -> None:
        """Say something to every process, this one too; under 8,000 bytes each.

        Raises StoreUnavailable.
        """


class CallHub(Protocol):
    """News of calls between the processes of an installation, in the order they happened."""

    def changes(self, project: str) -> AbstractContextManager[asyncio.Event]:
        """Set whenever something was added to what happened in a project, or may have been; who
        waits for it clears it.
        """

    def news(self, project: str) -> AbstractAsyncContextManager[AsyncIterator[CallNews | None]]:
        """What happens in calls of a project from now on. None: something was missed, so look at
        rows; that is also what comes first.
        """

    def commands(self, holder: str) -> AbstractAsyncContextManager[AsyncIterator[str | None]]:
        """``project/call`` of calls that have a new command, whoever carries them. None: something
        was missed, so look at rows; that is also what comes first.
        """

    def sound(self, call_id: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """Audio of a call as it is spoken, by track (``caller``, ``agent``), in µ-law at 8,000 Hz;
        what a slow listener misses is left out.
        """

    def is_heard(self, call_id: str) -> bool:
        """True if somebody, in whatever process, listens to the call right now."""

    async def tell_sound(self, call_id: str, track: str, content: bytes) -> None:
        """Pass audio on to whoever listens."""


class AgentLine(Protocol):
    """One agent on the line, in coded audio. Raises ConversationLost from everything once it is
    over without having been ended by the agent.
    """

    @property
    def conversation_id(self) -> str:
        """The platform's id."""

    @property
    def caller_format(self) -> LineFormat:
        """How the platform wants the caller's audio."""

    @property
    def agent_format(self) -> LineFormat:
        """How the agent's audio comes."""

    def events(self) -> AsyncIterator[LineEvent]:
        """What the platform says, in order of arrival; ends with ``Ended``. Consumed once."""

    async def hear(self, content: bytes) -> None:
        """The caller's audio, coded in ``caller_format``."""

    async def inform(self, text: str, *, slot: str | None = None) -> None:
        """A contextual update; with ``slot`` it supersedes what the slot said before."""

    async def answer_tool(self, call_id: str, answer: Json, *, is_error: bool) -> None:
        """The result of a client tool the agent asked for."""

    async def hang_up(self) -> None:
        """End the conversation."""


class AgentLines(Protocol):
    """Agents of one voice platform account, to be connected with callers."""

    def open(self, request: LineRequest) -> AbstractAsyncContextManager[AgentLine]:
        """Connect and leave it behind closed, whatever happens.

        Raises ConversationRefused, RateLimited, Unavailable, CredentialsRejected.
        """

    async def register_call(self, request: LineRequest, *, direction: str, timeout_s: float) -> str:
        """What to answer the carrier with so that the platform takes the call itself."""


class Carrier(Protocol):
    """Calls of one telephony account, and what it is answered with."""

    @property
    def account(self) -> str:
        """The account id (not a secret)."""

    async def place(self, order: CarrierOrder, *, timeout_s: float) -> CarrierCall:
        """Place a call. Raises OutcomeUnknown if in doubt: look for it by ``find``."""

    async def find(
        self, *, to_number: str, from_number: str, since: datetime
    ) -> tuple[CarrierCall, ...]:
        """Calls between two numbers since a time, oldest first."""

    async def call(self, sid: str) -> CarrierCall:
        """One call. Raises RemoteMissing."""

    async def legs(self, sid: str) -> tuple[CarrierCall, ...]:
        """Calls that were dialled within a call: those to whom it was transferred."""

    async def end(self, sid: str, *, timeout_s: float) -> None:
        """Hang up or cancel; a call that is over is no error."""

    async def redirect(self, sid: str, answer: str, *, timeout_s: float) -> None:
        """Let a live call follow another answer. Raises CallOver, RemoteMissing."""

    def is_signed(self, request: SignedRequest, url: str) -> bool:
        """True if the account signed the request for ``url``. Raises InvalidInput for fields that
        cannot be read.
        """

    def ticket(self, call_id: str) -> str:
        """A secret word for the media stream of a call; whoever asks again gets the same."""

    def report(self, parameters: Sequence[tuple[str, str]]) -> CarrierReport:
        """A status callback's fields. Raises InvalidInput."""

    def stream_answer(
        self, url: str, parameters: Mapping[str, str], *, then: str, status_url: str = ""
    ) -> str:
        """Connect the call with a media stream at ``url`` (wss) both ways; when it ends the
        carrier asks ``then``.
        """

    def apology_answer(self, sentence: str, *, language: str, forward_to: str = "") -> str:
        """Say a sentence, then dial a number if there is one, else hang up."""

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
        """Say a sentence and dial a number. Whoever picks up hears what ``whisper_url`` answers
        before both are connected; ``then`` is asked when the dialled call is over, however.
        """

    def whisper_answer(self, words: str, *, language: str) -> str:
        """Say words to whoever picked up, and let them be connected; none are nothing."""

    def transfer_failure(self, parameters: Sequence[tuple[str, str]]) -> TransferFailure | None:
        """Why nobody took over whom a call was passed on to; None if somebody did."""

    def hangup_answer(self) -> str:
        """Hang up."""

    def hosted_fallback(self, forward_to: str, sentence: str) -> str:
        """An address at the carrier itself that dials a number, or says a sentence: it works while
        nothing of ours does.
        """


class Conversion(Protocol):
    """One direction of a call's audio from one coding into another, piece by piece."""

    def convert(self, content: bytes) -> bytes:
        """The next piece; what it gives may belong to an earlier one, and may be nothing yet."""


class Conversions(Protocol):
    """Changes how audio is coded."""

    def between(self, source: LineFormat, target: LineFormat) -> Conversion:
        """A conversion for one direction of one call."""


class CallPlatforms(Protocol):
    """Both ends of a call by project and environment."""

    async def lines(self, project: str, environment: str) -> AgentLines:
        """Raises CredentialsRejected if the account is unset."""

    async def carrier(self, project: str, environment: str) -> Carrier:
        """Raises CredentialsRejected if the account is unset."""


class NativeCalls(Protocol):
    """Calls the voice platform carries by itself, as it remembers them."""

    async def active_calls(self, agent_id: ExternalId) -> int:
        """Phone calls with an agent that are going on."""

    async def listed(
        self, since: datetime, until: datetime, *, limit: int
    ) -> tuple[NativeCallLine, ...] | None:
        """Phone calls that began in that time, newest first; None if the list has more than
        ``limit`` conversations of any kind.
        """

    async def native_call(self, conversation_id: str) -> NativeCall | None:
        """One phone call; None for a conversation that is none. Raises RemoteMissing."""


class NativePlatforms(Protocol):
    """Voice platforms that carry calls by themselves, by project and environment."""

    async def native_calls(self, project: str, environment: str) -> NativeCalls:
        """Raises CredentialsRejected if the account is unset."""
