"""The first line that holds and whose agent can takes a call, and every line says why or why not.

Opening hours go by the clock on the wall, over both changes of the clocks; shares are drawn from
the carrier's id of a call.
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import comb
from zoneinfo import ZoneInfo

import pytest

from trunkline.model.calls.routing import CallFacts, Decision, decide, is_drawn, speaks
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredLine, DesiredNumber
from trunkline.model.ids import AgentName, EnvironmentName, ProjectName

NUMBER, FALLBACK = "+15005550006", "+15005550001"
DAY, NIGHT = AgentName("day-desk"), AgentName("night-desk")
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def line(agent: str, **said: object) -> DesiredLine:
    return DesiredLine.model_validate({"agent": agent, **said})


def number(*lines: DesiredLine, fallback: str | None = FALLBACK) -> DesiredNumber:
    return DesiredNumber(
        project=ProjectName("acme"),
        environment=EnvironmentName("testing"),
        name="main-line",
        digest=digest({}),
        number=NUMBER,
        routing="bridge",
        agent=lines[-1].agent if lines else None,
        fallback_number=fallback,
        lines=lines,
    )


def routed(
    *lines: DesiredLine,
    facts: CallFacts | None = None,
    now: datetime = NOON,
    unfit: Mapping[str, str] | None = None,
    fallback: str | None = FALLBACK,
) -> Decision:
    asked = facts or CallFacts(caller="+447700900123", call_id="CA1")
    return decide(number(*lines, fallback=fallback), asked, now, unfit or {})


def test_a_number_with_one_agent_has_no_line_to_name() -> None:
    made = routed(line(DAY))
    assert (made.line, made.agent, made.words) == (None, DAY, "its only agent")


def test_the_first_line_that_holds_is_taken() -> None:
    made = routed(line(DAY, callers=["+44"]), line(NIGHT, callers=["+447"]), line("rest"))
    assert (made.line, made.agent) == (0, DAY)
    assert [report.state for report in made.lines] == ["taken", "unasked", "unasked"]


@pytest.mark.parametrize(
    ("condition", "facts", "taken", "words"),
    [
        ({"callers": ["+49", "+44"]}, CallFacts(caller="+4477"), True, "answers"),
        ({"callers": ["+49"]}, CallFacts(caller="+4477"), False, "shows +4477, not one"),
        ({"callers": ["+49"]}, CallFacts(), False, "shows no number"),
        ({"language": "de"}, CallFacts(languages=("de",)), True, "answers"),
        (
            {"language": "de"},
            CallFacts(languages=("fr", "it"), of_country="CH"),
            False,
            "not de but fr or it, as people in CH speak",
        ),
        ({"language": "de"}, CallFacts(), False, "not de but unknown"),
        ({"language": "pt"}, CallFacts(languages=("pt-BR",)), True, "answers"),
        ({"language": "pt-BR"}, CallFacts(languages=("pt",)), False, "not pt-BR but pt"),
        ({"skill": "sales"}, CallFacts(skill="sales"), True, "answers"),
        ({"skill": "sales"}, CallFacts(skill="repair"), False, "not about sales but about repair"),
        ({"callers": ["+44"], "skill": "sales"}, CallFacts(caller="+4477"), False, "about sales"),
    ],
)
def test_every_condition_must_hold(
    condition: dict[str, object], facts: CallFacts, taken: bool, words: str
) -> None:
    made = routed(line(DAY, **condition), line("rest"), facts=facts)
    assert made.agent == (DAY if taken else "rest")
    assert words in made.lines[0].words


@pytest.mark.parametrize(
    ("zone", "hours", "local", "is_open"),
    [
        # London, clocks go forward on 29 March 2026: 01:00 is followed by 02:00
        ("Europe/London", "Sun 01:30-05:00", "2026-03-29T00:59", False),
        ("Europe/London", "Sun 01:30-05:00", "2026-03-29T02:00", True),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-03-28T09:00", True),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-03-29T08:59", False),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-03-29T09:00", True),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-03-29T16:59", True),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-03-29T17:00", False),
        # and back on 25 October 2026
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-10-25T08:59", False),
        ("Europe/London", "Mon-Sun 09:00-17:00", "2026-10-25T09:00", True),
        # overnight, across both
        ("Europe/London", "Sat 22:00-06:00", "2026-03-28T21:59", False),
        ("Europe/London", "Sat 22:00-06:00", "2026-03-29T05:59", True),
        ("Europe/London", "Sat 22:00-06:00", "2026-03-29T06:00", False),
        ("Europe/London", "Sat 22:00-06:00", "2026-10-25T05:59", True),
        ("Europe/London", "Sat 22:00-06:00", "2026-10-25T06:00", False),
        ("America/New_York", "Sun 01:30-03:30", "2026-03-08T03:00", True),
        ("America/New_York", "Sun 01:30-03:30", "2026-03-08T03:30", False),
        ("Australia/Lord_Howe", "Sun 01:40-02:20", "2026-04-05T01:45", True),
        ("Asia/Kolkata", "Mon-Fri 09:00-24:00", "2026-06-15T23:59", True),
        ("Asia/Kolkata", "Mon-Fri 09:00-24:00", "2026-06-16T00:00", False),
    ],
)
def test_opening_hours_go_by_the_clock_on_the_wall(
    zone: str, hours: str, local: str, is_open: bool
) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    made = routed(line(DAY, hours=hours, timezone=zone), line(NIGHT), now=now)
    assert made.agent == (DAY if is_open else NIGHT)
    if not is_open:
        shown = now.astimezone(ZoneInfo(zone))
        assert made.lines[0].words == f"closed: it is {shown:%a %H:%M} in {zone}"


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    table = (line(DAY, hours="Sun 01:00-02:00", timezone="Europe/London"), line(NIGHT))
    midnight = datetime(2026, 10, 25, tzinfo=UTC)
    minutes = [
        minute
        for minute in range(4 * 60)
        if routed(*table, now=midnight + timedelta(minutes=minute)).agent == DAY
    ]
    assert minutes == list(range(120))


def test_the_hour_that_is_skipped_is_never_open() -> None:
    table = (line(DAY, hours="Sun 01:00-02:00", timezone="Europe/London"), line(NIGHT))
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    opened = [
        minute
        for minute in range(4 * 60)
        if routed(*table, now=midnight + timedelta(minutes=minute)).agent == DAY
    ]
    assert opened == []


def call_ids(seed: int, count: int) -> list[str]:
    drawn = random.Random(seed)  # noqa: S311 - a seed of its own, no secret
    return [f"CA{drawn.getrandbits(128):032x}" for _ in range(count)]


def exact_bounds(count: int, share: float, error: float) -> tuple[int, int]:
    """The smallest and largest number of hits whose tails are each at most ``error`` likely."""
    chances = [comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
    below, above, low, high = 0.0, 0.0, 0, count
    while below + chances[low] <= error:
        below += chances[low]
        low += 1
    while above + chances[high] <= error:
        above += chances[high]
        high -= 1
    return low, high


@pytest.mark.parametrize("weight", [1, 10, 33, 50, 90, 99])
@pytest.mark.parametrize("seed", [7, 2026])
def test_shares_lie_within_exact_binomial_bounds(weight: int, seed: int) -> None:
    table = (line(DAY, weight=weight), line(NIGHT))
    asked = [CallFacts(call_id=call_id) for call_id in call_ids(seed, 1_000)]
    hits = sum(routed(*table, facts=facts).agent == DAY for facts in asked)
    low, high = exact_bounds(1_000, weight / 100, 1e-4)
    assert low <= hits <= high


def test_a_share_is_of_the_calls_that_come_to_its_line() -> None:
    table = (line(DAY, weight=50), line(NIGHT, weight=50), line("rest"))
    agents = [routed(*table, facts=CallFacts(call_id=one)).agent for one in call_ids(11, 1_000)]
    left = [agent for agent in agents if agent != DAY]
    low, high = exact_bounds(len(left), 0.5, 1e-4)
    assert low <= left.count(NIGHT) <= high


def test_the_same_call_draws_the_same_share_again() -> None:
    table = (line(DAY, weight=30), line(NIGHT))
    for call_id in call_ids(3, 50):
        facts = CallFacts(call_id=call_id)
        assert routed(*table, facts=facts) == routed(*table, facts=facts)
    both = [[is_drawn(NUMBER, at, 50, one) for at in (0, 1)] for one in call_ids(5, 99)]
    assert {first == second for first, second in both} == {True, False}


def test_which_calls_a_share_takes_is_left_open_for_no_call_in_particular() -> None:
    made = routed(line(DAY, weight=30), line(NIGHT), facts=CallFacts())
    assert (made.lines[0].state, made.agent) == ("share", NIGHT)
    assert made.lines[0].words.startswith("takes 30 % of such calls")


def test_an_agent_that_takes_no_calls_is_passed_over_and_it_is_said() -> None:
    unfit: dict[str, str] = {DAY: "is at its limit of 5 calls"}
    made = routed(line(DAY, callers=["+44"]), line(NIGHT), unfit=unfit)
    assert (made.line, made.agent) == (1, NIGHT)
    assert made.lines[0].state == "unfit"
    assert made.words == (
        "line 2: every call; line 1 is passed over: agent day-desk is at its limit of 5 calls"
    )


def test_at_last_calls_go_to_the_fallback() -> None:
    made = routed(line(DAY), unfit={DAY: "is disabled"})
    assert (made.agent, made.forward_to) == (None, FALLBACK)
    assert made.words == f"agent day-desk is disabled: calls go to {FALLBACK}"
    nobody = routed(line(DAY), unfit={DAY: "is disabled"}, fallback=None)
    assert (nobody.agent, nobody.forward_to) == (None, "")
    assert nobody.words == "agent day-desk is disabled, and there is no fallback"
    assert routed().words == f"the number belongs to no agent: calls go to {FALLBACK}"


def test_a_wide_language_covers_a_narrow_one() -> None:
    assert speaks("pt", ("pt_BR",))
    assert speaks("pt-br", ("pt-BR", "pt"))
    assert not speaks("pt-br", ("pt",))
    assert not speaks("de", ("den",))
