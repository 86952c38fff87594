"""What a proposal takes away from tests: named, because a test that is gone fails nobody.

Two trees are compared by the names of tests; everything that makes a test let more through is a
line of its own. A test that was rewritten is compared by what it expects, as a multiset, so that
moving a line is no weakening and dropping one is.
"""

from collections import Counter
from collections.abc import Iterator

from pydantic import BaseModel

from trunkline.model.base import Frozen
from trunkline.model.canonical import canonical
from trunkline.model.kinds.conversation import ConversationTest, ConversationTestSpec
from trunkline.model.manifests import Manifests

_LIMITS = ("turns", "seconds")
"""Limits beyond which a run fails; the one of money only stops it."""
_GONE = "deleted"


class Weakening(Frozen):
    """One way in which a test lets more through than before; ``position`` is where it stood."""

    test: str
    agent: str
    words: str
    position: str = ""


def weakenings(base: Manifests, merged: Manifests) -> tuple[Weakening, ...]:
    """Everything a proposal takes away from tests of agents that stay, by test."""
    found: list[Weakening] = []
    for name, placed in sorted(base.tests.items()):
        test, after = placed.manifest, merged.tests.get(name)
        if test.spec.agent not in merged.agents:
            continue
        words = [_GONE] if after is None else list(_weaker(test, after.manifest))
        found += [
            Weakening(
                test=name,
                agent=test.spec.agent,
                words=each,
                position=str(placed.positions.value("metadata.name")).rpartition(":")[0],
            )
            for each in words
        ]
    return tuple(found)


def _weaker(before: ConversationTest, after: ConversationTest) -> Iterator[str]:
    old, new = before.spec, after.spec
    if old.agent != new.agent:
        yield f"tests {new.agent} now, and {old.agent} no more"
        return
    if old.required and not new.required:
        yield "advises only now: its failure stops no promotion"
    yield from _repeats(old, new)
    gone = _expectations(old) - _expectations(new)
    if gone:
        count = gone.total()
        yield f"{count} expectation{'s' if count > 1 else ''} fewer or other than before"
    if len(new.turns) < len(old.turns):
        yield f"{len(new.turns)} turns, {len(old.turns)} before"
    for tag in sorted(set(before.metadata.tags) - set(after.metadata.tags)):
        yield f"lost its tag {tag}"
    yield from _limits(old, new)
    if new.tools.live and not old.tools.live:
        yield "reaches real tools now"
    if old.judge.votes > new.judge.votes:
        yield f"{new.judge.votes} votes of the judge, {old.judge.votes} before"
    if set(old.judge.calibrate) - set(new.judge.calibrate):
        yield "its judge is calibrated by fewer samples"
    if old.compare is not None and new.compare is None:
        yield "is compared with no other environment any more"


def _repeats(old: ConversationTestSpec, new: ConversationTestSpec) -> Iterator[str]:
    if new.repeat.runs < old.repeat.runs:
        yield f"runs {new.repeat.runs} times, {old.repeat.runs} before"
    if new.repeat.must_pass * old.repeat.runs < old.repeat.must_pass * new.repeat.runs:
        yield (
            f"{new.repeat.must_pass} of {new.repeat.runs} runs must pass,"
            f" {old.repeat.must_pass} of {old.repeat.runs} before"
        )


def _limits(old: ConversationTestSpec, new: ConversationTestSpec) -> Iterator[str]:
    for name in _LIMITS:
        before, after = getattr(old.limits, name), getattr(new.limits, name)
        if before is not None and (after is None or after > before):
            yield f"its limit of {name} is {'gone' if after is None else after}, {before} before"


def _expectations(spec: ConversationTestSpec) -> Counter[str]:
    """Everything that is expected, each as one spelling."""
    listed: list[tuple[str, BaseModel]] = [
        *(("turn", line) for turn in spec.turns for line in turn.expect),
        *(("always", line) for line in spec.always),
        *(("finally", line) for line in spec.at_end),
    ]
    return Counter(
        f"{where}:{canonical(line.model_dump(mode='json', exclude_unset=True))}"
        for where, line in listed
    )
