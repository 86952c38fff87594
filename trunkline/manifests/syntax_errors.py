"""Why a text is not YAML, in words of the person who typed it.

The parser says what it expected next; a person wants to know which mark to change. Only the
common slips are put into words here, every other finding keeps the parser's own. Kinds and files
are unknown.
"""

from yaml import MarkedYAMLError

_OPENERS = "{["
_INDICATORS = "*&!@`%|>"
_UNQUOTED = (
    "cannot start any token",
    "undefined alias",
    "did not find expected alphabetic or numeric character",
    "did not find URI escaped octet",
)
_SAID_WHERE_IT_BEGAN = (
    "while scanning a quoted scalar",
    "while scanning an alias",
    "while scanning an anchor",
)
_INDENTED = (
    "the line begins in another column than its neighbours, or a text with special characters "
    "is not in quotes"
)
_TAB = "a tab; indent with spaces"
_WORDS = {
    "mapping values are not allowed": (
        "a colon is not expected here; put a text with a colon in it in quotes, or check the "
        "line above: its key needs a colon and both lines the same column"
    ),
    "found a tab character": _TAB,
    "did not find expected key": _INDENTED,
    "did not find expected '-' indicator": _INDENTED,
    "could not find expected ':'": "a key needs a colon and a space before its value",
    "found unknown escape character": (
        "a backslash in double quotes begins an escape; write two, or use single quotes"
    ),
}


def explain_syntax(error: MarkedYAMLError, text: str) -> tuple[int, int, str]:
    """Line and column, one-based, and what is wrong there."""
    began = error.context in _SAID_WHERE_IT_BEGAN and error.context_mark is not None
    mark = error.context_mark if began else error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return line, column, _words(error, text, _character(text, line, column))


def _words(error: MarkedYAMLError, text: str, character: str) -> str:
    """What is wrong; ``character`` stands where that is said."""
    problem = str(error.problem)
    if error.context in _SAID_WHERE_IT_BEGAN and "end of stream" in problem:
        return "this quote is never closed"
    if "cannot start any token" in problem and character == "\t":
        return _TAB
    if character in _INDICATORS and any(found in problem for found in _UNQUOTED):
        return f"a text that begins with `{character}` must be in quotes"
    if problem.startswith("did not find expected ','"):
        return _unclosed(error, text)
    context = f"{error.context}: " if error.context else ""
    known = (words for found, words in _WORDS.items() if found in problem)
    return next(known, f"{context}{problem}")


def _unclosed(error: MarkedYAMLError, text: str) -> str:
    opening = error.context_mark
    if opening is None:
        return str(error.problem)
    line, column = opening.line + 1, opening.column + 1
    character = _character(text, line, column)
    shown = f"the `{character}`" if character in _OPENERS else "what opens"
    return f"{shown} at {line}:{column} is not closed, or a comma is missing"


def _character(text: str, line: int, column: int) -> str:
    """The character at a place, a space where there is none."""
    lines = text.splitlines()
    found = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
    return found or " "
