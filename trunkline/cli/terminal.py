"""Questions to whoever sits at the terminal; a script that cannot be asked is told what to say."""

import sys

from trunkline.cli.exits import WrongUsage


def typed_at(question: str, scripted: str) -> str:
    """What somebody types. Raises WrongUsage without a terminal, with ``scripted`` as its hint."""
    if not sys.stdin.isatty():
        raise WrongUsage("There is no terminal to ask at", hint=scripted)
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
