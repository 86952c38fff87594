"""Who asks, and whether they may: credentials of both REST dialects and of Git over HTTP.

A token may lack rights its owner has, as GitHub's fine-grained tokens and Gitea's scopes do. What
somebody may not see answers as if it were not there.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from simulators.forges.refusals import Refused, missing
from simulators.forges.space import LEVELS, Space
from simulators.store import Json
from simulators.wire import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody known, with the rights their token lacks; ``login`` None: nobody known."""

    login: str | None = None
    denied: frozenset[str] = field(default_factory=frozenset)


class Access:
    """Tokens and permissions of a forge."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def caller(self, request: Request) -> Caller:
        """Who sent the request. Raises Refused 401 for credentials nobody has."""
        shown = request.headers.get("authorization", "")
        if not shown:
            return Caller()
        for token in _tokens(shown):
            known = self._space.tokens.get(token)
            if known is not None:
                return Caller(known["login"], frozenset(known["denied"]))
        raise Refused(401, self._words("Bad credentials", "invalid username, password or token"))

    def repository(self, caller: Caller, request: Request) -> Json:
        """The repository of a request's path, if the caller may see it. Raises Refused."""
        values = request.path_values
        found = self._space.repository(f"{values['owner']}/{values['repo']}")
        if self._space.permission(found, caller.login) == "none":
            raise missing()
        return found

    def require(self, caller: Caller, repository: Json, level: str, right: str) -> None:
        """Raises Refused if the caller, or their token, may not do this."""
        if caller.login is None:
            raise Refused(401, self._words("Requires authentication", "token is required"))
        if right in caller.denied:
            scope = f"token does not have at least one of required scope(s), required={right}"
            words = "Resource not accessible by personal access token"
            raise Refused(403, self._words(words, scope))
        held = self._space.permission(repository, caller.login)
        if LEVELS.index(held) >= LEVELS.index(level):
            return
        if self._space.kind == "github":
            raise (
                Refused(403, "Must have push access to repository") if held != "none" else missing()
            )
        raise Refused(403, "user should have a permission to write to the repository")

    def _words(self, github: str, gitea: str) -> str:
        return github if self._space.kind == "github" else gitea


def _tokens(authorization: str) -> list[str]:
    """What could be the token: a bearer's, or either half of a pair of Git's."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return [rest.strip()]
    if scheme.lower() != "basic":
        return []
    try:
        pair = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return []
    name, _, password = pair.partition(":")
    return [half for half in (password, name) if half]
