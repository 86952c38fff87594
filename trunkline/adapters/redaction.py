"""Telephone numbers in what people say, found by the numbering plans of the world's countries.

The rest of redaction is pure and in the model; here is only what needs those plans. How many
digits make a number depends on where one is: the numbers of a call say in which countries.
"""

from collections.abc import Collection, Iterator, Sequence

from trunkline.model.calls.redaction import Redact, redacted
from trunkline.model.kinds.calls import Redaction

_TRIES_MAX = 1_000
"""Candidates looked at in one utterance: far more than anybody says at once."""


def redactor(kinds: Collection[Redaction], near: Sequence[str] = ()) -> Redact:
    """Blots out what is of these kinds; ``near`` are the numbers of the call, in E.164, whose
    countries' ways of writing a number count. ``ports.calls.MakeRedact``.
    """
    wanted = frozenset(kinds)
    regions: tuple[str, ...] | None = None

    def find(text: str) -> Iterator[tuple[int, int]]:
        nonlocal regions
        if regions is None:
            regions = tuple(dict.fromkeys(filter(None, map(_region, near))))
        return _numbers(text, regions)

    def redact(text: str) -> str:
        return redacted(text, wanted, find)

    return redact


def _numbers(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """A number with its country is found whether or not it is assigned to anybody; without one
    only if it can be, for else every order number would be one.
    """
    from phonenumbers import Leniency  # noqa: PLC0415 - numbering plans take memory

    if not any(character.isdigit() for character in text):
        return
    yield from _matches(text, None, Leniency.POSSIBLE)
    for region in regions:
        yield from _matches(text, region, Leniency.VALID)


def _matches(text: str, region: str | None, leniency: int) -> Iterator[tuple[int, int]]:
    from phonenumbers import PhoneNumberMatcher  # noqa: PLC0415 - as above

    for match in PhoneNumberMatcher(text, region, leniency=leniency, max_tries=_TRIES_MAX):
        yield match.start, match.end


def _region(number: str) -> str | None:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
