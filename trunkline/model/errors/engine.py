"""What can go wrong while wishes are carried out and tested, and with what that stands on."""

from trunkline.model.errors.root import TrunklineError


class TestImpossible(TrunklineError):
    """A test cannot be carried out as things are; this says nothing about the agent."""

    __test__ = False
    reason = "TestImpossible"


class AgentNotDeployed(TestImpossible):
    """The agent is not on the platform yet, so nobody can speak to it."""

    reason = "AgentNotDeployed"


class ToolsNotStubbable(TestImpossible):
    """The agent reaches services or agents whose answers cannot be prepared."""

    reason = "ToolsNotStubbable"


class PhoneNotAvailable(TestImpossible):
    """Something a test over a telephone call needs is missing; the message says what."""

    reason = "PhoneNotAvailable"


class NotOnNumber(TestImpossible):
    """What is tested is not what answers at a number: a call reaches only what is deployed."""

    reason = "NotOnNumber"


class NotOverThePhone(TestImpossible):
    """The test says something that no telephone call can carry to the agent."""

    reason = "NotOverThePhone"


class ConcurrencyExhausted(TestImpossible):
    """The account had no place for a conversation for as long as was waited."""

    reason = "ConcurrencyExhausted"


class SpeechUnavailable(TrunklineError):
    """Words could not be turned into sound on this machine."""

    reason = "SpeechUnavailable"


class JudgeUnavailable(TrunklineError):
    """The judge gave no usable answer; this says nothing about the agent."""

    reason = "JudgeUnavailable"
    retryable = True


class CreateUnresolved(TrunklineError):
    """A create whose answer was lost is not accounted for yet."""

    reason = "CreateUnresolved"
    retryable = True


class AdoptionConflict(TrunklineError):
    """An object Git wants taken over is gone, or is managed by somebody else."""

    reason = "AdoptionConflict"


class NumberOwnedElsewhere(TrunklineError):
    """Another project, environment or manifest has the phone number."""

    reason = "NumberOwnedElsewhere"


class ClaimPending(TrunklineError):
    """Another agent holds the claim on a shared object and is creating it."""

    reason = "ClaimPending"
    retryable = True


class StoreUnavailable(TrunklineError):
    """PostgreSQL did not answer."""

    reason = "StoreUnavailable"
    retryable = True


class TablesUnfit(StoreUnavailable):
    """The database answers, and its tables are of another release."""

    reason = "TablesUnfit"


class EngineUnavailable(TrunklineError):
    """Temporal did not answer."""

    reason = "EngineUnavailable"
    retryable = True


class IdentityProviderUnavailable(TrunklineError):
    """The identity provider did not answer, or with nothing of use."""

    reason = "IdentityProviderUnavailable"
    retryable = True


class ServerUnreachable(TrunklineError):
    """Our own API did not answer the command line."""

    reason = "ServerUnreachable"
    retryable = True


class DeadlineExceeded(TrunklineError):
    """Waited as long as was allowed; what was asked for may still finish."""

    reason = "DeadlineExceeded"
