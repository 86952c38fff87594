"""What can go wrong between us and the platforms calls are on."""

from trunkline.model.errors.root import TrunklineError


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
