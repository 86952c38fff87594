"""Regular expressions of test authors, searched for in linear time.

A pattern comes from a repository and runs in a shared worker, so it must not be able to hang it:
pydantic's own engine (Rust's ``regex``) never backtracks. It knows no look-around and no
back-references; whoever writes one is told so when the manifests are read.
"""

from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from trunkline.model.kinds.base import refuse
from trunkline.model.limits import PATTERNS_CACHED


@lru_cache(maxsize=PATTERNS_CACHED)
def compiled(pattern: str) -> TypeAdapter[str]:
    """What finds the pattern. Raises a pydantic error that says what is wrong with it."""
    constraint = StringConstraints(pattern=pattern)
    try:
        return TypeAdapter(Annotated[str, constraint])
    except SchemaError as error:
        raise refuse(f"is no regular expression that can be used here: {_reason(error)}") from None


def found(pattern: str, text: str) -> bool:
    """True if the pattern matches somewhere in the text."""
    try:
        compiled(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _reason(error: SchemaError) -> str:
    """The engine's own last line, which says what is wrong, and a way around what it lacks."""
    said = str(error).strip().splitlines()[-1].strip()
    for begin in ("SchemaError: ", "error: "):
        said = said.removeprefix(begin)
    around = "; say what must not be there with `notMatches`" if "look-around" in said else ""
    return said.rstrip(".") + around
