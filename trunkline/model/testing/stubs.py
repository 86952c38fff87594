"""Which prepared answer a tool gives: a pure choice, the same at the gateway and in the runner.

The first stub whose ``when`` fits answers, any number of times. A stub without ``when`` fits every
call; of several such the first answers the first call that gets so far, then the next one, and the
last one stays. A ``when`` that needs a judge never fits, since nobody can be asked during a call.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.kinds.conversation import Stub, When
from trunkline.model.testing.desks import Desk, DeskCall
from trunkline.model.testing.matching import value_match


class Answer(Frozen):
    """What a call is answered: ``answer``, or the fault ``fail`` names, after a pause of
    ``after_ms``. ``stubbed`` False: nothing was prepared for it, and the run has failed.
    """

    stubbed: bool
    answer: Json = None
    fail: str | None = None
    after_ms: int = 0


def choose(
    stubs: Mapping[str, Sequence[Stub]],
    calls_before: Sequence[JsonObject],
    tool: str,
    arguments: JsonObject,
) -> Answer:
    """The answer to a call. ``calls_before`` are the arguments of the earlier calls of the same
    tool in this conversation, in order of arrival.
    """
    prepared = stubs.get(tool, ())
    spent: set[int] = set()
    for earlier in calls_before:
        used = _fitting(prepared, spent, earlier)
        if used is not None and prepared[used].when is None:
            spent.add(used)
    chosen = _fitting(prepared, spent, arguments)
    if chosen is None:
        return Answer(stubbed=False)
    stub = prepared[chosen]
    after_ms = 0 if stub.after is None else round(stub.after.total_seconds() * 1000)
    return Answer(stubbed=True, answer=stub.reply, fail=stub.fail, after_ms=after_ms)


def desk_call(
    desk: Desk, calls_before: Sequence[DeskCall], tool: str, arguments: JsonObject, at: datetime
) -> DeskCall:
    """The call as the desk writes it down; ``calls_before`` are all earlier ones of the desk."""
    earlier = [call.arguments for call in calls_before if call.tool == tool]
    answer = choose(desk.stubs, earlier, tool, arguments)
    ordinal = max((call.ordinal for call in calls_before), default=0) + 1
    return DeskCall(
        ordinal=ordinal,
        tool=tool,
        arguments=arguments,
        stubbed=answer.stubbed,
        answer=answer.answer,
        fail=answer.fail,
        after_ms=answer.after_ms,
        at=at,
    )


def _fitting(prepared: Sequence[Stub], spent: set[int], arguments: JsonObject) -> int | None:
    open_ended = [at for at, stub in enumerate(prepared) if stub.when is None]
    for at, stub in enumerate(prepared):
        if stub.when is None:
            if at not in spent or at == open_ended[-1]:
                return at
        elif _fits(stub.when, arguments):
            return at
    return None


def _fits(when: When, arguments: JsonObject) -> bool:
    for name, wanted in when.args.items():
        if name not in arguments:
            return False
        match = value_match(wanted, arguments[name])
        if not match.holds or match.asks:
            return False
    return True
