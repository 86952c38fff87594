"""What can go wrong between us and Git."""

from trunkline.model.errors.root import TrunklineError


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
