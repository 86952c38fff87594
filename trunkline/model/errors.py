"""The one error tree. No vendor exception leaves its adapter; every leaf says what to do next.

::

    TrunklineError
    ├── InvalidInput                  what was given cannot be used; says where and what to do
    │   ├── InvalidManifests          every problem of a tree at once
    │   └── InvalidSettings           a setting is missing or contradicts another
    ├── NotFound                      no such project, agent, plan, operation
    ├── Unauthenticated               no token, or none that we know
    ├── Forbidden                     known, but not allowed
    ├── NotConfigured                 a setting this needs was never given
    │   ├── PublicUrlMissing            tools under test have no address to lead to
    │   └── SigningKeyMissing           nothing can be released: no key to sign evidence with
    ├── Blocked                       a mode, hold, window or budget stands in the way
    │   └── PromotionRefused            an agent cannot be promoted as things are, and why
    ├── SourceError                   Git
    │   ├── SourceUnreachable           retry
    │   ├── SourceCredentialsRejected   stop until the credential changes
    │   ├── BranchMissing               stop until the branch is back
    │   ├── TreeEmpty                   stop until there are manifests
    │   ├── CommitUnreadable            retry
    │   ├── PushRejected                fetch and decide again: somebody else pushed first
    │   ├── PushRefused                 stop: the server lets nobody of ours write there
    │   ├── PushUnanswered              look for the commit before any retry
    │   ├── SignatureUncheckable        retry: nothing is known about the signature
    │   └── CommitUntrusted             stop until the policy's signers say otherwise
    │       ├── HeadUnsigned              a commit without a signature
    │       ├── HeadSignatureInvalid      the signature does not hold, or its key does not any more
    │       └── SignerUnknown             a good signature of a key that is no signer's
    ├── PlatformError                 ElevenLabs, Twilio
    │   ├── RateLimited                 retry after retry_after_s
    │   ├── Rejected                    stop: the manifest must change
    │   ├── CredentialsRejected         stop until the credential changes
    │   ├── RemoteMissing               observe again, then plan again
    │   ├── Conflict                    observe again, then plan again
    │   ├── Unavailable                 retry
    │   │   └── AccountUnavailable        not even asked: retry after retry_after_s
    │   ├── OutcomeUnknown              look up before any retry: it may have taken effect
    │   ├── NotPersisted                stop: a written path did not read back
    │   ├── ConversationRefused         stop: the platform will not have this conversation
    │   └── ConversationLost            it broke off: begin it anew, its result is worth nothing
    ├── TestImpossible                a test that cannot be carried out as things are
    │   ├── AgentNotDeployed            the agent is not on the platform yet: sync first
    │   ├── ToolsNotStubbable           it reaches services nobody can stand in for
    │   └── ConcurrencyExhausted        no place for a conversation in the account
    ├── SpeechUnavailable             nothing on this machine speaks: stop, or talk in text
    ├── JudgeUnavailable              the judge did not answer; retry
    ├── CreateUnresolved              a create whose answer was lost is still not accounted for
    ├── AdoptionConflict              what Git wants taken over is gone, or somebody else's
    ├── NumberOwnedElsewhere          another wish has the phone number; stop until it lets go
    ├── ClaimPending                  another agent is creating the shared object right now
    ├── StoreUnavailable              PostgreSQL does not answer; retry
    │   └── TablesUnfit                 its tables are of another release: migrate, or run that one
    ├── EngineUnavailable             Temporal does not answer; retry
    ├── ServerUnreachable             our own API does not answer the command line; retry
    └── DeadlineExceeded              waited as long as was allowed; it may still finish
"""

from collections.abc import Sequence
from typing import ClassVar

from trunkline.model.problems import Problem


class TrunklineError(Exception):
    """Root of the tree. ``hint`` is one sentence that says what to do."""

    reason: ClassVar[str] = "Error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(TrunklineError):
    """What was given cannot be used."""

    reason = "InvalidInput"


class InvalidManifests(InvalidInput):
    """A tree with problems; all of them, in file order."""

    reason = "InvalidManifests"

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(f"{count} {noun} in the manifests; first: {problems[0]}")
        self.problems = tuple(problems)


class InvalidSettings(InvalidInput):
    """A setting is missing or contradicts another."""

    reason = "InvalidSettings"


class NotFound(TrunklineError):
    """No such thing."""

    reason = "NotFound"


class Unauthenticated(TrunklineError):
    """No token was shown, or none that we know."""

    reason = "Unauthenticated"


class Forbidden(TrunklineError):
    """The thing exists and this person may not do that with it."""

    reason = "Forbidden"


class NotConfigured(TrunklineError):
    """A setting this needs was never given to the server."""

    reason = "NotConfigured"


class PublicUrlMissing(NotConfigured):
    """Nobody said where the platform reaches this server."""

    reason = "PublicUrlMissing"


class SigningKeyMissing(NotConfigured):
    """Evidence cannot be signed, so nothing can be released."""

    reason = "SigningKeyMissing"


class Blocked(TrunklineError):
    """A mode, hold, window or budget stands in the way."""

    reason = "Blocked"


class PromotionRefused(Blocked):
    """An agent cannot be promoted or rolled back as things are; the message says why."""

    reason = "PromotionRefused"


class SourceError(TrunklineError):
    """Git did not give us a tree to work with."""

    reason = "SourceError"


class SourceUnreachable(SourceError):
    """The repository did not answer."""

    reason = "SourceUnreachable"
    retryable = True


class SourceCredentialsRejected(SourceError):
    """The repository refused our credential."""

    reason = "SourceCredentialsRejected"


class BranchMissing(SourceError):
    """The branch is not there (any more)."""

    reason = "BranchMissing"


class TreeEmpty(SourceError):
    """The commit holds no manifest at all."""

    reason = "TreeEmpty"


class CommitUnreadable(SourceError):
    """The commit is announced but its objects cannot be read."""

    reason = "CommitUnreadable"
    retryable = True


class PushRejected(SourceError):
    """Somebody else pushed first, or the tag is taken: fetch and decide again."""

    reason = "PushRejected"
    retryable = True


class PushRefused(SourceError):
    """The server lets us not write there, such as on a protected branch; with its words."""

    reason = "PushRefused"


class PushUnanswered(SourceError):
    """The answer to a push was lost: it may have arrived."""

    reason = "PushUnanswered"
    retryable = True


class SignatureUncheckable(SourceError):
    """The programs that check signatures could not do it."""

    reason = "SignatureUncheckable"
    retryable = True


class CommitUntrusted(SourceError):
    """The project asks for signed commits, and this one does not do."""

    reason = "CommitUntrusted"


class HeadUnsigned(CommitUntrusted):
    """A commit that must be signed is not."""

    reason = "HeadUnsigned"


class HeadSignatureInvalid(CommitUntrusted):
    """The signature does not hold, or its key is expired or revoked."""

    reason = "HeadSignatureInvalid"


class SignerUnknown(CommitUntrusted):
    """The signature is of a key that no signer of the project has."""

    reason = "SignerUnknown"


class PlatformError(TrunklineError):
    """A vendor's answer, or the lack of one."""

    reason = "PlatformError"

    def __init__(
        self, message: str, *, hint: str = "", status: int | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.request_id = request_id


class RateLimited(PlatformError):
    """Too many requests, or a quota is used up."""

    reason = "RateLimited"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float,
        hint: str = "",
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint=hint, status=status, request_id=request_id)
        self.retry_after_s = retry_after_s


class Rejected(PlatformError):
    """The vendor refuses this content. ``path`` is the refused leaf in the vendor's body."""

    reason = "Rejected"

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        hint: str = "",
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint=hint, status=status, request_id=request_id)
        self.path = path


class CredentialsRejected(PlatformError):
    """The vendor refuses our key."""

    reason = "CredentialsRejected"


class RemoteMissing(PlatformError):
    """The vendor does not know the id."""

    reason = "RemoteMissing"


class Conflict(PlatformError):
    """Someone else committed since we looked."""

    reason = "Conflict"


class Unavailable(PlatformError):
    """The vendor did not serve the request, and it did not take effect."""

    reason = "Unavailable"
    retryable = True


class AccountUnavailable(Unavailable):
    """The account was not asked, because it has not been answering for a while."""

    reason = "AccountUnavailable"

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(PlatformError):
    """The answer was lost: the request may have taken effect."""

    reason = "OutcomeUnknown"
    retryable = True


class NotPersisted(PlatformError):
    """A written path did not read back as written."""

    reason = "NotPersisted"


class ConversationRefused(PlatformError):
    """The platform will not have this conversation; the message has its words."""

    reason = "ConversationRefused"


class ConversationLost(PlatformError):
    """A conversation ended by nobody's wish. ``why`` is one PascalCase word for it."""

    reason = "ConversationLost"
    retryable = True

    def __init__(
        self, message: str, *, why: str, hint: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.why = why


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


class ServerUnreachable(TrunklineError):
    """Our own API did not answer the command line."""

    reason = "ServerUnreachable"
    retryable = True


class DeadlineExceeded(TrunklineError):
    """Waited as long as was allowed; what was asked for may still finish."""

    reason = "DeadlineExceeded"
