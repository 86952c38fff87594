"""Calls that conversation tests placed: the caller is a script, and its line is put together here.

What the script says and what comes of it is a service's business; whoever placed the call waits in
another process and judges.
"""

from realtime.far_sides import FarSide
from realtime.frames import StreamWriter
from realtime.phone_talks import PhoneTalks
from realtime.streams import CarrierStream
from trunkline.model.calls.records import CallRecord
from trunkline.ports.calls import CallHub, Calls
from trunkline.ports.talking import MakeTelephone
from trunkline.services.call_scripts import CallScripts


class ScriptedCalls:
    """The scripted callers of this process."""

    def __init__(
        self, scripts: CallScripts, calls: Calls, hub: CallHub, telephone: MakeTelephone
    ) -> None:
        self._scripts = scripts
        self._calls = calls
        self._hub = hub
        self._telephone = telephone

    async def carry(self, record: CallRecord, stream: CarrierStream, writer: StreamWriter) -> None:
        """Hold the conversation over the stream; one of a run that is over is put down at once.

        Raises NotFound, StoreUnavailable.
        """
        plan = await self._scripts.begin(record)
        far = FarSide(self._calls, self._hub, record, plan)
        talks = PhoneTalks(stream, writer, far, self._telephone)
        await self._scripts.hold(record, plan, talks)
