"""What can go wrong between us and a forge, or whoever is told of news."""

from trunkline.model.errors.root import TrunklineError


class ForgeError(TrunklineError):
    """The forge, beyond Git: pull requests, comments, statuses."""

    reason = "ForgeError"


class ForgeUnavailable(ForgeError):
    """It does not answer, or with a failure of its own."""

    reason = "ForgeUnavailable"
    retryable = True


class ForgeLimited(ForgeError):
    """It asks to wait."""

    reason = "ForgeLimited"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class ForgeCredentialsRejected(ForgeError):
    """The token is unknown to it, or may not do this."""

    reason = "ForgeCredentialsRejected"


class ForgeMissing(ForgeError):
    """No such repository, pull request or comment there."""

    reason = "ForgeMissing"


class ForgeRefused(ForgeError):
    """It said no, in its words."""

    reason = "ForgeRefused"


class NotificationError(TrunklineError):
    """Where news goes: Slack, a webhook, a mail server."""

    reason = "NotificationError"


class NotificationUnavailable(NotificationError):
    """Nobody answers, or with a failure of their own; ``retry_after_s`` if they say when to ask."""

    reason = "NotificationUnavailable"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class NotificationRefused(NotificationError):
    """The recipient, or our own rules about addresses, will not have it."""

    reason = "NotificationRefused"
