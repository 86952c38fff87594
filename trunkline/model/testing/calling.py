"""Whether calls that were made are the calls that were wanted, and how to say so in one line."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from trunkline.model.kinds.conversation import CallExpected
from trunkline.model.testing.hearing import Call
from trunkline.model.testing.matching import shown_value, value_match, wanted_value

Asks: TypeAlias = tuple[tuple[str, str], ...]
"""Sentences a judge must agree with, each with the text it is about."""
Taken: TypeAlias = tuple[Call, Asks]


def fitting(wanted: CallExpected, call: Call) -> Asks | None:
    """What a judge must still be asked if the call is the wanted one, None if it is not."""
    if call.tool != wanted.name:
        return None
    asks: list[tuple[str, str]] = []
    for name, matcher in wanted.args.items():
        if name not in call.arguments:
            return None
        value = call.arguments[name]
        match = value_match(matcher, value)
        if not match.holds:
            return None
        text = value if isinstance(value, str) else shown_value(value)
        asks += [(sentence, text) for sentence in match.asks]
    return tuple(asks)


def first_call(wanted: CallExpected, calls: Sequence[Call]) -> Taken | None:
    """The first call that is the wanted one."""
    for call in calls:
        asks = fitting(wanted, call)
        if asks is not None:
            return call, asks
    return None


def first_calls(wanted: Sequence[CallExpected], calls: Sequence[Call]) -> tuple[Taken, ...] | None:
    """The shortest beginning of the calls that has a call for each wanted one, in any order."""
    holders: dict[int, int] = {}
    for number in range(len(calls)):
        _assign(wanted, calls, number, holders, set())
        if len(holders) == len(wanted):
            pairs = [
                (calls[at], fitting(wanted[which], calls[at])) for which, at in holders.items()
            ]
            return tuple((call, asks) for call, asks in pairs if asks is not None)
    return None


def _assign(
    wanted: Sequence[CallExpected],
    calls: Sequence[Call],
    number: int,
    holders: dict[int, int],
    tried: set[int],
) -> bool:
    """Give a call to a wanted one, moving others along an augmenting path if need be."""
    for which, each in enumerate(wanted):
        if which in tried or fitting(each, calls[number]) is None:
            continue
        tried.add(which)
        holder = holders.get(which)
        if holder is None or _assign(wanted, calls, holder, holders, tried):
            holders[which] = number
            return True
    return False


def call_wanted(wanted: Sequence[CallExpected], *, listed: bool = False) -> str:
    """One line: ``calls book_slot with slot "…"``."""
    joint = ", then " if listed else " and "
    return f"calls {joint.join(_call_words(each) for each in wanted)}"


def _call_words(wanted: CallExpected) -> str:
    args = ", ".join(f"{name} {wanted_value(matcher)}" for name, matcher in wanted.args.items())
    return f"{wanted.name} with {args}" if args else wanted.name


def call_found(wanted: Sequence[CallExpected], calls: Sequence[Call]) -> str:
    """One line about calls that were made; of arguments those that matter, all if none is named."""
    if not calls:
        return "no call"
    return ", ".join(_made(wanted, call) for call in calls)


def _made(wanted: Sequence[CallExpected], call: Call) -> str:
    named = {name for each in wanted if each.name == call.tool for name in each.args}
    return f"{call.tool}({', '.join(_arguments(named, call))})"


def _arguments(named: set[str], call: Call) -> Iterator[str]:
    for name, value in call.arguments.items():
        if not named or name in named:
            yield f"{name}: {shown_value(value)}"
    for name in sorted(named - call.arguments.keys()):
        yield f"{name}: absent"
