"""What one request for tests consists of while it is carried out, and what it holds outside.

A run makes things on a platform that nobody else knows: a branch beside the live agent, tools that
lead to us. Each is held by the runs that use it and put away by the last one, so that runs side by
side share them and none takes them from another.
"""

from typing import Literal

from trunkline.model.base import Frozen, Json
from trunkline.model.ids import ExternalId

TestPartKind = Literal["script", "rendering", "content", "conversation", "baseline", "call"]
"""``script`` is a test ready to be run, ``rendering`` an agent's configuration under test,
``content`` the bytes of a recording or a document by their digest, ``conversation`` and
``baseline`` what came of one, ``call`` what was heard in one that was placed."""


HoldingKind = Literal["agent", "branch", "document", "test", "tool"]
"""``agent``: one of our own, for tests of an agent that is not there yet."""


class TestPart(Frozen):
    """Something one activity of a run leaves for another, by kind and key."""

    __test__ = False

    kind: TestPartKind
    key: str
    body: Json


class TestHolding(Frozen):
    """A branch, a tool or something else that was made for tests.

    ``agent_id`` is set for a branch; ``name`` is the branch's, an agent's mark, or the name of the
    claim, and ``digest`` the claim's.
    """

    __test__ = False

    kind: HoldingKind
    project: str
    environment: str
    account: str
    name: str
    agent_id: ExternalId | None = None
    digest: str = ""

    @property
    def key(self) -> str:
        """What tells it from everything else that is held."""
        place = (self.kind, self.account, self.project, self.environment)
        return "/".join((*place, self.agent_id or "", self.name, self.digest))
