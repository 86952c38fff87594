"""What a request can be told: it is wrong, unknown, not allowed, not possible now."""

from collections.abc import Sequence

from trunkline.model.errors.root import TrunklineError
from trunkline.model.problems import Problem


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


class CrossSiteRequest(Forbidden):
    """A browser that is signed in was made to ask by a page of somebody else."""

    reason = "CrossSiteRequest"


class SignInRefused(Forbidden):
    """The identity provider vouches for a person who has no role here, or does not vouch."""

    reason = "SignInRefused"


class SignInBroken(InvalidInput):
    """What came back from the identity provider does not belong to a sign-in of this browser, or
    cannot be believed.
    """

    reason = "SignInBroken"


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


class ChangeConflict(Blocked):
    """Git has moved on since the base of a change, where the change would be made.

    ``diff`` is a unified diff from the base to what is there now, of the files concerned.
    """

    reason = "ChangeConflict"

    def __init__(self, message: str, *, diff: str = "", current: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.diff = diff
        self.current = current


class ChangeRefused(Blocked):
    """A change cannot be made through the API as things are; the message says why."""

    reason = "ChangeRefused"


class BaseRequired(InvalidInput):
    """A change says nothing of the commit that whoever asks looked at."""

    reason = "BaseRequired"


class IdempotencyKeyReused(InvalidInput):
    """The key of a request that is to be carried out once came with another request before."""

    reason = "IdempotencyKeyReused"


class IdempotencyKeyInUse(Blocked):
    """The same request came before and is being carried out right now."""

    reason = "IdempotencyKeyInUse"

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class TooManyRequests(Blocked):
    """A token asked more often than it may."""

    reason = "TooManyRequests"

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
