"""What live calls ask of the outside: memory, news between processes, carriers and agents' lines.

Apart from the reconciler's ports because neither needs the other: a configuration is read whole, a
call is heard frame by frame.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from trunkline.model.base import Json
from trunkline.model.calls.carrier import CarrierCall, CarrierOrder, CarrierReport
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.context import ContextSlot, SlotEdit
from trunkline.model.calls.events import CallEvent, CallNews, NewEvent
from trunkline.model.calls.lines import LineEvent, LineFormat, LineRequest
from trunkline.model.calls.orders import CallOrder, DoNotCall
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.ids import ExternalId


class Calls(Protocol):
    """Calls as they are remembered. A record is only ever changed under its row's lock."""

    async def open_call(self, record: CallRecord) -> CallRecord:
        """Insert; of a carrier's call that is known already, the record that is there."""

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

    async def abandoned_calls(self, *, idle_s: float, limit: int) -> tuple[CallRecord, ...]:
        """Calls that are not over and whose process was not heard of for so long."""

    async def add_events(
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

    def recording(self, project: str, call_id: str) -> AsyncIterator[tuple[bytes, bytes]]:
        """Parts of a recording in order, caller and agent."""

    async def forget(
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


class CallHub(Protocol):
    """News of calls between the processes of an installation, in the order they happened."""

    def news(self, project: str) -> AbstractAsyncContextManager[AsyncIterator[CallNews | None]]:
        """What happens in calls of a project from now on. None: something was missed, so look."""

    def commands(self, holder: str) -> AbstractAsyncContextManager[AsyncIterator[str | None]]:
        """``project/call`` of calls this process carries that have a new command; None: look."""

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

    async def end(self, sid: str, *, timeout_s: float) -> None:
        """Hang up or cancel; a call that is over is no error."""

    async def redirect(self, sid: str, answer: str, *, timeout_s: float) -> None:
        """Let a live call follow another answer. Raises CallOver, RemoteMissing."""

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

    def transfer_answer(self, to_number: str, *, sentence: str = "", caller_id: str = "") -> str:
        """Say a sentence and dial a number."""

    def hangup_answer(self) -> str:
        """Hang up."""

    def hosted_fallback(self, forward_to: str, sentence: str) -> str:
        """An address at the carrier itself that dials a number, or says a sentence: it works while
        nothing of ours does.
        """


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
