"""What stands in the way of watching, steering and placing calls."""

from trunkline.model.errors.answers import Blocked, InvalidInput
from trunkline.model.errors.platforms import PlatformError


class NotAvailableInNative(Blocked):
    """The call's audio does not pass through us, so it can be neither heard nor steered."""

    reason = "NotAvailableInNative"


class CallOver(Blocked):
    """The call has ended."""

    reason = "CallOver"


class CallRefused(Blocked):
    """A call cannot be placed as things are; the message says why."""

    reason = "CallRefused"


class NumberNotToBeCalled(CallRefused):
    """The number is on the project's do-not-call list."""

    reason = "NumberNotToBeCalled"


class CallingWindowClosed(CallRefused):
    """The agent may not call now."""

    reason = "CallingWindowClosed"


class SlotChanged(Blocked):
    """Somebody else changed the context slot first."""

    reason = "SlotChanged"


class CallNotHeld(Blocked):
    """No process of ours carries the call at the moment."""

    reason = "CallNotHeld"


class StreamMalformed(InvalidInput):
    """A carrier's media stream says what nobody can read."""

    reason = "StreamMalformed"


class CarrierLost(PlatformError):
    """The carrier's leg of a call broke off, or takes and gives nothing any more."""

    reason = "CarrierLost"
