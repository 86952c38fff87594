"""The one error tree. No vendor exception leaves its adapter; every leaf says what to do next.

::

    TrunklineError
    ├── InvalidInput                  what was given cannot be used; says where and what to do
    │   ├── InvalidManifests          every problem of a tree at once
    │   ├── InvalidSettings           a setting is missing or contradicts another
    │   ├── BaseRequired              a change must name the commit it was decided on
    │   ├── IdempotencyKeyReused      the key belongs to another request
    │   ├── StreamMalformed           a carrier's media stream says what nobody can read
    │   └── SignInBroken              a sign-in that is not this browser's: begin it anew
    ├── NotFound                      no such project, agent, plan, operation
    ├── Unauthenticated               no token, or none that we know
    ├── Forbidden                     known, but not allowed
    │   ├── CrossSiteRequest            a page of somebody else made a signed-in browser ask
    │   └── SignInRefused               the identity provider knows the person; nobody gave a role
    ├── NotConfigured                 a setting this needs was never given
    │   ├── PublicUrlMissing            tools under test have no address to lead to
    │   └── SigningKeyMissing           nothing can be released: no key to sign evidence with
    ├── Blocked                       a mode, hold, window or budget stands in the way
    │   ├── PromotionRefused            an agent cannot be promoted as things are, and why
    │   ├── ChangeConflict              Git has moved on where the change would be made: the diff
    │   ├── ChangeRefused               a change that is not made through the API, and why
    │   ├── NotAvailableInNative        the call's audio does not pass through us
    │   ├── CallOver                    the call has ended
    │   ├── CallNotHeld                 no process of ours carries the call at the moment
    │   ├── SlotChanged                 somebody else changed the context slot first
    │   ├── CallRefused                 a call cannot be placed as things are, and why
    │   │   ├── NumberNotToBeCalled       the number is on the do-not-call list
    │   │   └── CallingWindowClosed       the agent may not call now
    │   ├── IdempotencyKeyInUse         the same request is being carried out: retry_after_s
    │   └── TooManyRequests             this token asked too often: retry after retry_after_s
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
    ├── ForgeError                    GitHub, Gitea: pull requests, comments, statuses
    │   ├── ForgeUnavailable            retry
    │   ├── ForgeLimited                retry after retry_after_s
    │   ├── ForgeCredentialsRejected    stop until the credential or its rights change
    │   ├── ForgeMissing                no such pull request, comment, repository
    │   └── ForgeRefused                stop: the forge said no, with its words
    ├── NotificationError             Slack, a webhook, a mail server
    │   ├── NotificationUnavailable     retry
    │   └── NotificationRefused         stop: the recipient will not have it
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
    │   ├── CarrierLost                 a call's carrier leg broke off, or hangs
    │   ├── ConversationRefused         stop: the platform will not have this conversation
    │   └── ConversationLost            it broke off: begin it anew, its result is worth nothing
    ├── TestImpossible                a test that cannot be carried out as things are
    │   ├── AgentNotDeployed            the agent is not on the platform yet: sync first
    │   ├── ToolsNotStubbable           it reaches services nobody can stand in for
    │   ├── PhoneNotAvailable           something a placed call needs is missing
    │   ├── NotOnNumber                 a call reaches only what is deployed: deploy it first
    │   ├── NotOverThePhone             the test says what no telephone call can carry
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
    ├── IdentityProviderUnavailable   nobody can sign in now; tokens work; retry
    ├── ServerUnreachable             our own API does not answer the command line; retry
    └── DeadlineExceeded              waited as long as was allowed; it may still finish
"""

from trunkline.model.errors.answers import (
    BaseRequired,
    Blocked,
    ChangeConflict,
    ChangeRefused,
    CrossSiteRequest,
    Forbidden,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidInput,
    InvalidManifests,
    InvalidSettings,
    NotConfigured,
    NotFound,
    PromotionRefused,
    PublicUrlMissing,
    SignInBroken,
    SigningKeyMissing,
    SignInRefused,
    TooManyRequests,
    Unauthenticated,
)
from trunkline.model.errors.calls import (
    CallingWindowClosed,
    CallNotHeld,
    CallOver,
    CallRefused,
    CarrierLost,
    NotAvailableInNative,
    NumberNotToBeCalled,
    SlotChanged,
    StreamMalformed,
)
from trunkline.model.errors.engine import (
    AdoptionConflict,
    AgentNotDeployed,
    ClaimPending,
    ConcurrencyExhausted,
    CreateUnresolved,
    DeadlineExceeded,
    EngineUnavailable,
    IdentityProviderUnavailable,
    JudgeUnavailable,
    NotOnNumber,
    NotOverThePhone,
    NumberOwnedElsewhere,
    PhoneNotAvailable,
    ServerUnreachable,
    SpeechUnavailable,
    StoreUnavailable,
    TablesUnfit,
    TestImpossible,
    ToolsNotStubbable,
)
from trunkline.model.errors.forges import (
    ForgeCredentialsRejected,
    ForgeError,
    ForgeLimited,
    ForgeMissing,
    ForgeRefused,
    ForgeUnavailable,
    NotificationError,
    NotificationRefused,
    NotificationUnavailable,
)
from trunkline.model.errors.git import (
    BranchMissing,
    CommitUnreadable,
    CommitUntrusted,
    HeadSignatureInvalid,
    HeadUnsigned,
    PushRefused,
    PushRejected,
    PushUnanswered,
    SignatureUncheckable,
    SignerUnknown,
    SourceCredentialsRejected,
    SourceError,
    SourceUnreachable,
    TreeEmpty,
)
from trunkline.model.errors.platforms import (
    AccountUnavailable,
    Conflict,
    ConversationLost,
    ConversationRefused,
    CredentialsRejected,
    NotPersisted,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.errors.root import (
    TrunklineError,
)

__all__ = [
    "AccountUnavailable",
    "AdoptionConflict",
    "AgentNotDeployed",
    "BaseRequired",
    "Blocked",
    "BranchMissing",
    "CallNotHeld",
    "CallOver",
    "CallRefused",
    "CallingWindowClosed",
    "CarrierLost",
    "ChangeConflict",
    "ChangeRefused",
    "ClaimPending",
    "CommitUnreadable",
    "CommitUntrusted",
    "ConcurrencyExhausted",
    "Conflict",
    "ConversationLost",
    "ConversationRefused",
    "CreateUnresolved",
    "CredentialsRejected",
    "CrossSiteRequest",
    "DeadlineExceeded",
    "EngineUnavailable",
    "Forbidden",
    "ForgeCredentialsRejected",
    "ForgeError",
    "ForgeLimited",
    "ForgeMissing",
    "ForgeRefused",
    "ForgeUnavailable",
    "HeadSignatureInvalid",
    "HeadUnsigned",
    "IdempotencyKeyInUse",
    "IdempotencyKeyReused",
    "IdentityProviderUnavailable",
    "InvalidInput",
    "InvalidManifests",
    "InvalidSettings",
    "JudgeUnavailable",
    "NotAvailableInNative",
    "NotConfigured",
    "NotFound",
    "NotOnNumber",
    "NotOverThePhone",
    "NotPersisted",
    "NotificationError",
    "NotificationRefused",
    "NotificationUnavailable",
    "NumberNotToBeCalled",
    "NumberOwnedElsewhere",
    "OutcomeUnknown",
    "PhoneNotAvailable",
    "PlatformError",
    "PromotionRefused",
    "PublicUrlMissing",
    "PushRefused",
    "PushRejected",
    "PushUnanswered",
    "RateLimited",
    "Rejected",
    "RemoteMissing",
    "ServerUnreachable",
    "SignInBroken",
    "SignInRefused",
    "SignatureUncheckable",
    "SignerUnknown",
    "SigningKeyMissing",
    "SlotChanged",
    "SourceCredentialsRejected",
    "SourceError",
    "SourceUnreachable",
    "SpeechUnavailable",
    "StoreUnavailable",
    "StreamMalformed",
    "TablesUnfit",
    "TestImpossible",
    "TooManyRequests",
    "ToolsNotStubbable",
    "TreeEmpty",
    "TrunklineError",
    "Unauthenticated",
    "Unavailable",
]
