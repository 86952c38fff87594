"""A problem in a manifest: where, what, and what was probably meant.

Positions are what a person clicks on in an editor, so they are one-based and survive every layer
between the YAML parser and the status page.
"""

from trunkline.model.base import Frozen


class Position(Frozen):
    """A place in a file of the manifests repository; line and column are one-based."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Frozen):
    """One thing that is wrong; prints as ``file:line:col: message (did you mean x?)``."""

    position: Position
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        meant = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        return f"{self.position}: {self.message}{meant}"
