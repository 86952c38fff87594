"""Tools of agents under test, answered from the script of the conversation that calls them.

Whoever calls shows the token of one conversation. It opens that conversation's desk and nothing
else; a token nobody gave out, or whose conversation is over, opens nothing and leaves no trace.
"""

from datetime import UTC, datetime

from trunkline.model.base import JsonObject
from trunkline.model.errors import Unauthenticated
from trunkline.model.testing.desks import DeskCall
from trunkline.model.tokens import token_digest
from trunkline.ports.testing import Desks

_SCHEME = "bearer "
_UNKNOWN = "No conversation under test has this token, or it is over"


class ToolGatewayService:
    """Answers calls of tools."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks

    async def admit(self, authorization: str) -> str:
        """The digest of the token, before anything else is looked at. Raises Unauthenticated."""
        token = authorization.strip()
        if token.lower().startswith(_SCHEME):
            token = token[len(_SCHEME) :].strip()
        if not token:
            raise Unauthenticated("The call shows no token of a conversation under test")
        shown = token_digest(token)
        if not await self._desks.knows(shown, datetime.now(UTC)):
            raise Unauthenticated(_UNKNOWN)
        return shown

    async def answer(
        self, shown: str, tool: str, arguments: JsonObject, *, from_query: bool
    ) -> DeskCall:
        """The answer that was prepared, written down as given. Raises Unauthenticated.

        ``shown`` is what ``admit`` answered. ``from_query``: the arguments are texts because they
        came in an address or a form.
        """
        call = await self._desks.take_call(
            shown, tool, arguments, datetime.now(UTC), from_query=from_query
        )
        if call is None:
            raise Unauthenticated(_UNKNOWN)
        return call
