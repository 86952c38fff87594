"""An agent as it is spoken to in a test: its rendering, and in what it differs from the real one.

A result is only worth something if what was tested is what will run. So the differences are data:
evidence names them, and whoever reads it can see that none of them is about what the agent says.
"""

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.ids import Digest

TOKEN_VARIABLE = "secret__trunkline_test"  # noqa: S105 - the name of a variable
"""The dynamic variable whose value tools under test are called with; it never reaches the model."""
TOOL_SUFFIX = ".test"
"""What names of tools for tests end in: no manifest can be called so."""
TOOLS_PATH = "/v1/tools/"
"""Where tools under test are answered, below the public address; the function's name follows."""
BRANCH_PREFIX = "trunkline-test-"


class TestRendering(Frozen):
    """``desired`` with the tools that lead to us, its ``body`` without name and tags, and the
    dotted paths in which the body is another than the agent's own.
    """

    __test__ = False

    desired: DesiredAgent
    body: JsonObject
    digest: Digest
    differences: tuple[str, ...] = ()


def is_test_tool(name: str) -> bool:
    """True for the name of a tool that was made for tests."""
    return name.endswith(TOOL_SUFFIX)
